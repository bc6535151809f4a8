"""Serve all simulators until standard input ends or SIGTERM comes.

Prints one line, a JSON object with the environment variables that point the hub here. Keys and
passwords are new at every start.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
from types import FrameType

from lsats_pipeline.campus.simulators import SYSTEMS, directory
from lsats_pipeline.campus.simulators.ldap_server import LdapServer
from lsats_pipeline.campus.simulators.record_store import RecordStore
from lsats_pipeline.campus.simulators.tdx import ROOT, Tdx
from lsats_pipeline.campus.simulators.umich_api import CATEGORY, TOKEN_PATH, UmichApi
from lsats_pipeline.campus.simulators.web import WebServer
from lsats_pipeline.core.errors import ConfigurationError, LsatsError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.recorded import RecordedServer, recording


def main() -> int:
    """Serve; the exit code is that of the error that kept it from starting."""
    signal.signal(signal.SIGTERM, _leave)
    options = _options()
    try:
        with RecordStore(options.database_url or _configured_database()) as campus:
            sys.stdout.write(json.dumps(_start(campus, options)) + "\n")
            sys.stdout.flush()
            _wait_for_end_of_input()
    except LsatsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m lsats_pipeline.campus.simulators", description=__doc__
    )
    parser.add_argument("--database-url", help="default: DATABASE_URL")
    parser.add_argument("--tdx-calls-per-minute", type=int, default=60_000)
    parser.add_argument("--tdx-token-life", type=float, default=86_400, help="seconds")
    return parser.parse_args()


def _configured_database() -> str:
    url = load(HubSettings).database_url
    if url is None:
        raise ConfigurationError(
            "which database holds the campus? Set --database-url or DATABASE_URL"
        )
    return url.get_secret_value()


def _start(campus: RecordStore, options: argparse.Namespace) -> dict[str, str]:
    recorded = {each.system: recording(each) for each in SOURCES}
    tdx = Tdx(campus, options.tdx_calls_per_minute, options.tdx_token_life, recorded["tdx"])
    umich_api = UmichApi(campus, recorded=recorded["umich_api"])
    tdx_server, umich_api_server = WebServer(tdx, campus), WebServer(umich_api, campus)
    mcommunity = LdapServer(directory.mcommunity(secrets.token_urlsafe(24)), campus)
    active_directory = LdapServer(directory.active_directory(secrets.token_urlsafe(24)), campus)
    servers: list[WebServer | LdapServer]
    servers = [tdx_server, umich_api_server, mcommunity, active_directory]
    for server in servers:
        server.start()
    others = [
        RecordedServer(known)
        for system, known in recorded.items()
        if known is not None and system not in SYSTEMS
    ]
    for other in others:
        other.start()
    return {
        **{name: value for other in others for name, value in other.variables.items()},
        "TDX_BASE_URL": tdx_server.address + ROOT,
        "TDX_BEID": tdx.beid,
        "TDX_WEB_SERVICES_KEY": tdx.key,
        "TDX_CALLS_PER_MINUTE": str(options.tdx_calls_per_minute),
        "UM_BASE_URL": umich_api_server.address + "/um",
        "UM_TOKEN_URL": umich_api_server.address + TOKEN_PATH,
        "UM_CATEGORY_ID": CATEGORY,
        "UM_CLIENT_KEY": umich_api.client_key,
        "UM_CLIENT_SECRET": umich_api.client_secret,
        **_ldap_variables("MCOMMUNITY_LDAP_URL", "MCOMMUNITY_LDAP_", "BASE", mcommunity),
        **_ldap_variables("AD_LDAP_URL", "AD_", "SEARCH_BASE", active_directory),
    }


def _ldap_variables(url: str, prefix: str, base: str, server: LdapServer) -> dict[str, str]:
    return {
        url: server.address,
        f"{prefix}USER": server.directory.user,
        f"{prefix}PASSWORD": server.directory.password,
        f"{prefix}{base}": server.directory.base,
    }


def _wait_for_end_of_input() -> None:
    try:
        while os.read(sys.stdin.fileno(), 4096):
            pass
    except KeyboardInterrupt:
        pass


def _leave(signal_number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
