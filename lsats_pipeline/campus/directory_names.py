"""Distinguished names of everything that has one, spelled in one place.

person's account, group, folder (organizational unit), machine --> DN
"""

from __future__ import annotations

from lsats_pipeline.campus.defects import defects_of
from lsats_pipeline.campus.departments import skeleton
from lsats_pipeline.campus.people import Ids, Person, is_manager
from lsats_pipeline.campus.world import Campus

AD_ROOT = "OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu"
LSA = f"OU=LSA,OU=Organizations,{AD_ROOT}"
USERS_AND_GROUPS = f"OU=Users and Groups,{LSA}"
PEOPLE_BASE = "ou=People,dc=umich,dc=edu"
GROUPS_BASE = "ou=User Groups,ou=Groups,dc=umich,dc=edu"
SCHEMA = "CN=Schema,CN=Configuration,DC=adsroot,DC=itcs,DC=umich,DC=edu"
_SPECIAL = str.maketrans({c: f"\\{c}" for c in ',+"\\<>;='} | {"\n": "\\0A"})


def escaped(value: str) -> str:
    """A value as it stands in a DN (RFC 4514)."""
    return value.translate(_SPECIAL)


def account_dn(campus: Campus, person: Person, name: str, escaped_ou: bool) -> str:
    """A person's account in Active Directory; some live in their department's folder."""
    cn = escaped(name)
    if escaped_ou:
        return f"CN={cn},OU=Arts\\, Letters,{USERS_AND_GROUPS}"
    if person.kind in ("staff", "faculty") and person.number % 4 == 0:
        return f"CN={cn},OU={skeleton(campus)[person.department].code},{USERS_AND_GROUPS}"
    return f"CN={cn},OU=People,OU=Accounts,{AD_ROOT}"


def steady_dn(campus: Campus, person: Person, ids: Ids) -> str:
    """The account of somebody for good, "" when it moves along with the person's department."""
    if person.number % 4 == 0 or "active_directory" not in person.accounts:
        return ""
    odd = not is_manager(person.number) and "ad_escaped_ou" in defects_of(campus, person.number)
    return account_dn(campus, person, ids.uniqname, odd)


def contact_dn(uniqname: str) -> str:
    """Stands in Active Directory for somebody without an account there."""
    return f"CN={uniqname},OU=Contacts,OU=Accounts,{AD_ROOT}"


def person_dn(uniqname: str) -> str:
    """A person in MCommunity."""
    return f"uid={uniqname},{PEOPLE_BASE}"


def mcommunity_group_dn(name: str) -> str:
    """A group in MCommunity."""
    return f"cn={escaped(name)},{GROUPS_BASE}"


def ad_group_dn(name: str, folder: str) -> str:
    """A group in Active Directory, in a folder below "Users and Groups" or directly there."""
    inside = f"OU={escaped(folder)}," if folder else ""
    return f"CN={escaped(name)},{inside}{USERS_AND_GROUPS}"
