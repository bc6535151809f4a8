"""OpenLDAP's slapd with a schema like Active Directory's: a server that nobody here wrote.

It knows pages and StartTLS, gives out long lists at once, and keeps no links back: `memberOf` is as
it was filled.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3

from lsats_pipeline_tests.certificates import certificate
from lsats_pipeline_tests.hub.directories.entries import DOMAIN, ROOT, Entry, member_of
from lsats_pipeline_tests.hub.directories.server import (
    NAMES,
    DirectoryServer,
    expect_success,
    free_port,
    renamed,
    sid_bytes,
    wait_until_listening,
)

SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/local/libexec")
SCHEMA = Path("/etc/ldap/schema")
INSTALLED = SLAPD is not None and SCHEMA.exists()
# Not inetOrgPerson, which is a kind of `user` in Active Directory.
STANDARD = ("core", "cosine", "nis")
ADMINISTRATOR, READER = f"cn=root,{DOMAIN}", f"cn=hub,{DOMAIN}"
BLIND = f"cn=blind,{DOMAIN}"  # may not read object classes
PASSWORD = "slapd-password"
# Defined by slapd itself.
_BUILT_IN = {
    *(
        "cn",
        "name",
        "description",
        "distinguishedname",
        "gidnumber",
        "uidnumber",
        "uid",
        "labeleduri",
    ),
}
_BINARY = {"objectGUID", "objectSid"}
_CLASSES = (
    ("user", "organizationalPerson"), ("inetOrgPerson", "user"),
    ("contact", "organizationalPerson"), ("computer", "user"),
    ("msDS-GroupManagedServiceAccount", "computer"), ("msDS-ManagedServiceAccount", "computer"),
    ("group", "top"),
)  # fmt: skip
_OID = "1.3.6.1.4.1.99999"  # nobody's

CONFIGURATION = """
{schemas}
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {issuer}
TLSCertificateFile {issuer}
TLSCertificateKeyFile {issuer.parent}/key.pem
database mdb
maxsize 268435456
sizelimit unlimited
suffix "{domain}"
rootdn "{administrator}"
rootpw {password}
directory {home}/data
index objectClass,cn,objectGUID eq
access to attrs=objectClass by dn.exact="{blind}" none by * read
access to * by * read
"""
TOP = f"""
dn: {DOMAIN}
objectClass: dcObject
objectClass: organization
o: Test
dc: adsroot

dn: {READER}
objectClass: person
cn: hub
sn: hub
userPassword: {PASSWORD}

dn: {BLIND}
objectClass: person
cn: blind
sn: blind
userPassword: {PASSWORD}
"""


class Slapd(DirectoryServer):
    """A running slapd; `port` speaks plainly or with StartTLS, `secure_port` LDAPS."""

    name = "slapd"

    def __init__(self, port: int, secure_port: int, issuer: Path) -> None:
        self.port, self.secure_port = port, secure_port
        self.variables = {
            "AD_LDAP_URL": f"ldap://127.0.0.1:{port}",
            "AD_USER": READER,
            "AD_PASSWORD": PASSWORD,
            "AD_SEARCH_BASE": ROOT,
            "AD_CA_FILE": str(issuer),
        }

    @contextmanager
    def administrator(self) -> Iterator[Any]:
        server = ldap3.Server(self.variables["AD_LDAP_URL"], get_info=ldap3.NONE)
        connection = ldap3.Connection(
            server, ADMINISTRATOR, PASSWORD, auto_bind=True, check_names=False
        )
        try:
            yield connection
        finally:
            connection.unbind()

    def fill(self, entries: list[Entry]) -> None:
        with self.administrator() as connection:
            for entry in entries:
                connection.add(entry.dn, attributes=_attributes(entry, []))
                expect_success(connection)

    def delete(self, entry: Entry) -> None:
        with self.administrator() as connection:
            connection.delete(entry.dn)
            expect_success(connection)

    def rename(self, entry: Entry, name: str) -> None:
        """What is not part of the distinguished name follows by hand."""
        values = renamed(name) | {"distinguishedName": [f"CN={name},{entry.parent}"]}
        del values["cn"]
        with self.administrator() as connection:
            connection.modify_dn(entry.dn, f"CN={name}")
            expect_success(connection)
            changes = {key: [(ldap3.MODIFY_REPLACE, new)] for key, new in values.items()}
            connection.modify(f"CN={name},{entry.parent}", changes)
            expect_success(connection)


@contextmanager
def start(home: Path, entries: list[Entry]) -> Iterator[Slapd]:
    """A slapd on free loopback ports, filled before it starts."""
    assert INSTALLED, "slapd is needed: apt-get install slapd"
    (home / "data").mkdir(parents=True)
    issuer, _ = certificate(home, "localhost", addresses=["127.0.0.1"])
    names = [*NAMES, "msDS-ManagedPasswordInterval"]
    classes = [(*pair, "STRUCTURAL") for pair in _CLASSES]
    (home / "directory.schema").write_text(schema(STANDARD, names, classes))
    configuration, content = home / "slapd.conf", home / "content.ldif"
    configuration.write_text(
        CONFIGURATION.format(
            schemas=includes(home, STANDARD),
            home=home,
            issuer=issuer,
            domain=DOMAIN,
            administrator=ADMINISTRATOR,
            blind=BLIND,
            password=PASSWORD,
        )
    )
    content.write_text(TOP + "".join(_ldif(entries)))
    with serve(configuration, content, "ldaps") as (port, secure_port):
        yield Slapd(port, secure_port, issuer)


@contextmanager
def serve(configuration: Path, content: Path, *more: str) -> Iterator[list[int]]:
    """Fill a slapd and let it listen for `ldap` and `more` schemes; their ports."""
    assert SLAPD is not None
    slapadd = [SLAPD, "-Tadd", "-q", "-f", str(configuration), "-l", str(content)]
    filled = subprocess.run(slapadd, check=False, capture_output=True, text=True)
    assert filled.returncode == 0, filled.stderr
    ports = [free_port() for _ in ("ldap", *more)]
    pairs = zip(("ldap", *more), ports, strict=True)
    listen = " ".join(f"{scheme}://127.0.0.1:{port}" for scheme, port in pairs)
    with subprocess.Popen(
        [SLAPD, "-f", str(configuration), "-h", listen, "-d", "0"], stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until_listening("127.0.0.1", ports[0], process)
            yield ports
        finally:
            process.terminate()


def schema(
    standard: Sequence[str], names: Iterable[str], classes: Iterable[tuple[str, str, str]]
) -> str:
    """The attributes that the standard schemas lack, and classes: name, above, kind of class."""
    text = "".join((SCHEMA / f"{name}.schema").read_text() for name in standard)
    text = re.sub(r"^#.*", "", text, flags=re.MULTILINE)
    named = re.findall(r"NAME\s+(\([^)]*\)|'[^']+')", text)
    known = _BUILT_IN | {name.lower() for item in named for name in re.findall("'([^']+)'", item)}
    wanted = sorted({*names} - {"objectClass"})
    missing = [name for name in wanted if name.lower() not in known]
    lines = [
        f"attributetype ( {_OID}.1.{n} NAME '{name}' "
        + (
            "EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )"
            if name in _BINARY
            else "EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
        )
        for n, name in enumerate(missing)
    ]
    everything = " $ ".join(wanted)
    lines += [
        f"objectclass ( {_OID}.2.{n} NAME '{name}' SUP {above} {kind} MAY ( {everything} ) )"
        for n, (name, above, kind) in enumerate(classes)
    ]
    return "\n".join(lines) + "\n"


def includes(home: Path, standard: Sequence[str]) -> str:
    """The lines that read the standard schemas and the directory's own."""
    paths = [*(SCHEMA / f"{name}.schema" for name in standard), home / "directory.schema"]
    return "\n".join(f"include {path}" for path in paths)


def _ldif(entries: list[Entry]) -> Iterator[str]:
    groups = member_of(entries)
    for entry in entries:
        yield ldif(entry.dn, _attributes(entry, groups.get(entry.dn, [])))


def _attributes(entry: Entry, groups: list[str]) -> dict[str, list[bytes]]:
    values = {**entry.made, **entry.given, "memberOf": groups}
    # What OpenLDAP's own classes do not allow: a unit with a GUID, a person without surname.
    values["objectClass"] = [*values["objectClass"], "extensibleObject"]
    if "person" in entry.of.chain:
        values.setdefault("sn", ["-"])
    return {name: [_bytes(name, text) for text in texts] for name, texts in values.items() if texts}


def _bytes(name: str, text: str) -> bytes:
    if name == "objectGUID":
        return uuid.UUID(text).bytes_le
    return sid_bytes(text) if name == "objectSid" else text.encode()


def ldif(dn: str, attributes: Mapping[str, Sequence[bytes]]) -> str:
    """One entry, whatever is in it."""
    lines = [f"dn:: {_base64(dn.encode())}"]
    lines += [f"{name}:: {_base64(value)}" for name, item in attributes.items() for value in item]
    return "\n" + "\n".join(lines) + "\n"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
