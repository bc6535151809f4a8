"""The silver tables. `SILVER_TABLES` is the table of contents, in the order of building.

tdx_users, tdx_departments, umapi_employees, umapi_departments, mcommunity_users, ad_users
    ──▶ departments, uniqname_evidence ──▶ former_uniqnames ──▶ users
ad_units, ad_computers ──▶ ad_organizational_units
keyconfigure_cards ──▶ keyconfigure_computers
ad_groups, mcommunity_groups, ad_users, ad_computers, users
    ──▶ group_members, group_owners ──▶ groups
tdx_assets, keyconfigure_computers, ad_computers
    ──▶ computer_matches ──▶ computer_records ──▶ computers ──▶ computer_groups
users, former_uniqnames ──▶ lab_names
lab_names, users, groups, lab_awards ──▶ lab_members
lab_members, computers, ad_organizational_units ──▶ labs
labs, lab_members, computers ──▶ lab_managers, lab_computers
"""

from __future__ import annotations

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.hub.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.hub.silver.tables.ad_groups import AD_GROUPS
from lsats_pipeline.hub.silver.tables.ad_organizational_units import AD_ORGANIZATIONAL_UNITS
from lsats_pipeline.hub.silver.tables.ad_units import AD_UNITS
from lsats_pipeline.hub.silver.tables.ad_users import AD_USERS
from lsats_pipeline.hub.silver.tables.computer_groups import COMPUTER_GROUPS
from lsats_pipeline.hub.silver.tables.computer_matches import COMPUTER_MATCHES
from lsats_pipeline.hub.silver.tables.computer_records import COMPUTER_RECORDS
from lsats_pipeline.hub.silver.tables.computers import COMPUTERS
from lsats_pipeline.hub.silver.tables.department_name_matches import DEPARTMENT_NAME_MATCHES
from lsats_pipeline.hub.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.group_members import GROUP_MEMBERS
from lsats_pipeline.hub.silver.tables.group_owners import GROUP_OWNERS
from lsats_pipeline.hub.silver.tables.groups import GROUPS
from lsats_pipeline.hub.silver.tables.keyconfigure_cards import KEYCONFIGURE_CARDS
from lsats_pipeline.hub.silver.tables.keyconfigure_computers import KEYCONFIGURE_COMPUTERS
from lsats_pipeline.hub.silver.tables.lab_awards import LAB_AWARDS
from lsats_pipeline.hub.silver.tables.lab_computers import LAB_COMPUTERS
from lsats_pipeline.hub.silver.tables.lab_managers import LAB_MANAGERS
from lsats_pipeline.hub.silver.tables.lab_members import LAB_MEMBERS
from lsats_pipeline.hub.silver.tables.lab_names import LAB_NAMES
from lsats_pipeline.hub.silver.tables.labs import LABS
from lsats_pipeline.hub.silver.tables.mcommunity_groups import MCOMMUNITY_GROUPS
from lsats_pipeline.hub.silver.tables.mcommunity_users import MCOMMUNITY_USERS
from lsats_pipeline.hub.silver.tables.tdx_assets import TDX_ASSETS
from lsats_pipeline.hub.silver.tables.tdx_departments import TDX_DEPARTMENTS
from lsats_pipeline.hub.silver.tables.tdx_users import TDX_USERS
from lsats_pipeline.hub.silver.tables.umapi_departments import UMAPI_DEPARTMENTS
from lsats_pipeline.hub.silver.tables.umapi_employees import UMAPI_EMPLOYEES
from lsats_pipeline.hub.silver.tables.uniqname_evidence import UNIQNAME_EVIDENCE
from lsats_pipeline.hub.silver.tables.users import USERS

SILVER_TABLES: tuple[Table, ...] = (
    TDX_DEPARTMENTS,
    UMAPI_DEPARTMENTS,
    TDX_USERS,
    UMAPI_EMPLOYEES,
    MCOMMUNITY_USERS,
    AD_USERS,
    TDX_ASSETS,
    MCOMMUNITY_GROUPS,
    AD_GROUPS,
    AD_COMPUTERS,
    AD_UNITS,
    KEYCONFIGURE_CARDS,
    LAB_AWARDS,
    AD_ORGANIZATIONAL_UNITS,
    KEYCONFIGURE_COMPUTERS,
    DEPARTMENTS,
    UNIQNAME_EVIDENCE,
    FORMER_UNIQNAMES,
    USERS,
    GROUP_MEMBERS,
    GROUP_OWNERS,
    GROUPS,
    COMPUTER_MATCHES,
    COMPUTER_RECORDS,
    COMPUTERS,
    COMPUTER_GROUPS,
    DEPARTMENT_NAME_MATCHES,
    LAB_NAMES,
    LAB_MEMBERS,
    LABS,
    LAB_MANAGERS,
    LAB_COMPUTERS,
)


def table(name: str) -> Table:
    """The silver table of a name such as `users`; ConfigurationError lists the known ones."""
    members = {t.name: t for t in SILVER_TABLES}
    if name not in members:
        raise ConfigurationError(f"no silver table {name!r}; known: {', '.join(sorted(members))}")
    return members[name]
