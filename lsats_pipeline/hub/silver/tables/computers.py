"""Machines, merged from TeamDynamix, KeyConfigure and Active Directory (domain/hub.md 5.5).

computer_records ──▶ which records are one machine
tdx_assets, keyconfigure_computers, ad_computers ──▶ what they say        ──▶ computers
users, former_uniqnames, tdx_users, departments, tdx_departments ──▶ owners and departments
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.hub.silver.tables.changes import different, written
from lsats_pipeline.hub.silver.tables.computer_records import COMPUTER_RECORDS
from lsats_pipeline.hub.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.keyconfigure_computers import KEYCONFIGURE_COMPUTERS
from lsats_pipeline.hub.silver.tables.tdx_assets import TDX_ASSETS
from lsats_pipeline.hub.silver.tables.tdx_departments import TDX_DEPARTMENTS
from lsats_pipeline.hub.silver.tables.tdx_users import TDX_USERS
from lsats_pipeline.hub.silver.tables.user_quality import SYSTEMS_OF_PEOPLE
from lsats_pipeline.hub.silver.tables.users import USERS

_CHANGED_KEYS: LiteralString = f"""
with person as ({different("users", "uniqname")}),
department as ({different("departments", "dept_id, department_name")}),
changed (record_id) as (
    select 'tdx:' || tdx_asset_id from ({written("tdx_assets", "tdx_asset_id")}) as asset
    union all
    select 'keyconfigure:' || computer_id
    from ({written("keyconfigure_computers", "computer_id")}) as known
    union all
    select 'ad:' || object_guid from ({written("ad_computers", "object_guid")}) as account
    -- Whose owner, or whose department, the hub has come to know or knows no more.
    union all
    select 'tdx:' || asset.tdx_asset_id
    from silver.tdx_assets as asset
    join (
        select tdx_user_uid from ({different("tdx_users", "tdx_user_uid, uniqname")}) as account
        union
        select account.tdx_user_uid from silver.tdx_users as account join person using (uniqname)
    ) as account
        on account.tdx_user_uid in (asset.owning_customer_id, asset.attr_financial_owner_uid)
    union all
    select 'tdx:' || asset.tdx_asset_id
    from silver.tdx_assets as asset
    where asset.owning_department_id in (
        select tdx_id from ({different("tdx_departments", "tdx_id, dept_id")}) as account
        union
        select account.tdx_id from silver.tdx_departments as account
        join department using (dept_id))
    union all
    select 'keyconfigure:' || known.computer_id
    from silver.keyconfigure_computers as known
    where lower(known.owner) in (select uniqname from person)
        or known.owner in (select dept_id from department)
    union all
    select 'ad:' || account.object_guid
    from silver.ad_computers as account
    where lower(silver.dn_name(account.managed_by)) in (select uniqname from person)
    union all
    -- A folder is called like a department, or like a part of its name.
    select 'ad:' || account.object_guid
    from silver.ad_computers as account
    join department on strpos(lower(department.department_name), lower(account.ou_department)) > 0
)
select computer_id from ({written("computer_records", "computer_id")}) as record
union
select record.computer_id from changed join silver.computer_records as record using (record_id)
"""


def _tdx(
    name: LiteralString, sql_type: LiteralString, of: str, personal: bool = False, about: str = ""
) -> SqlColumn:
    return SqlColumn(name, sql_type, f"tdx_assets.{of}", personal, about=about)


def _kc(
    name: LiteralString, sql_type: LiteralString, of: str = "", personal: bool = False
) -> SqlColumn:
    return SqlColumn(name, sql_type, f"keyconfigure_computers.{of or name}", personal)


def _ad(name: LiteralString, sql_type: LiteralString, of: str, about: str = "") -> SqlColumn:
    return SqlColumn(name, sql_type, f"ad_computers.{of}", about=about)


_NAMES = "tdx_assets.name, keyconfigure_computers.computer_name, ad_computers.computer_name"
_SERIALS = "tdx_assets.serial_number, keyconfigure_computers.oem_serial_number"
_MACS = "tdx_assets.mac_addresses, keyconfigure_computers.mac_addresses"
_SEEN = (
    "tdx_assets.modified_date, keyconfigure_computers.last_audit,"
    " keyconfigure_computers.last_session, ad_computers.last_logon_timestamp"
)
_OS = (
    "keyconfigure_computers.os, ad_computers.operating_system,"
    " tdx_assets.attr_operating_system_name"
)

COMPUTERS = SqlModel(
    "computers",
    identity="computer_id",
    key=("computer_id",),
    lookup_columns=(
        "computer_name",
        "computer_name_aliases",
        "former_names",
        "serial_numbers",
        "mac_addresses",
        "tdx_tag",
        "tdx_asset_id",
        "ad_object_guid",
        "kc_computer_id",
    ),
    upstream=(
        COMPUTER_RECORDS,
        TDX_ASSETS,
        KEYCONFIGURE_COMPUTERS,
        AD_COMPUTERS,
        FORMER_UNIQNAMES,
        USERS,
        TDX_USERS,
        DEPARTMENTS,
        TDX_DEPARTMENTS,
    ),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select computer_id from silver.computer_records",
    changed_keys=_CHANGED_KEYS,
    expired_keys="select computer_id from silver.computers where has_recent_activity"
    " is distinct from coalesce(last_seen >= silver.today() - 90, false)",
    indexes=("tdx_asset_id", "ad_object_guid", "owner_uniqname", "financial_owner_uniqname"),
    about="One row per machine that TDX, KeyConfigure or Active Directory knows.",
    columns=(
        SqlColumn(
            "computer_id",
            "text",
            "computer_records.computer_id",
            about="by what changes least: TDX-<asset>, SN-<serial>, AD-<object>, KC-<name-serial>",
        ),
        SqlColumn("computer_name", "text", _NAMES, about="may change, and two may have the same"),
        SqlColumn(
            "computer_name_aliases",
            "jsonb",
            f"{_NAMES}, ad_computers.dns_hostname",
            about="all names that the systems have for it, in capitals, without the domain",
        ),
        SqlColumn(
            "former_names",
            "jsonb",
            f"{_NAMES}, computer_records.is_former",
            about="of its records from before it was set up anew",
        ),
        SqlColumn("serial_number", "text", _SERIALS, about="as compared; placeholders are none"),
        SqlColumn("serial_numbers", "jsonb", _SERIALS, about="as compared, then as written"),
        SqlColumn("mac_address", "text", _MACS, about="12 digits in capitals"),
        SqlColumn("mac_addresses", "jsonb", _MACS),
        _tdx("tdx_asset_id", "integer", "tdx_asset_id"),
        _tdx("tdx_tag", "text", "tag"),
        _tdx("tdx_status_id", "integer", "status_id"),
        _tdx("tdx_status_name", "text", "status_name"),
        _tdx("tdx_form_id", "integer", "form_id"),
        _tdx("tdx_form_name", "text", "form_name"),
        _tdx("tdx_configuration_item_id", "integer", "configuration_item_id"),
        _tdx("tdx_uri", "text", "uri"),
        _tdx("tdx_external_id", "text", "tdx_external_id"),
        _ad("ad_object_guid", "uuid", "object_guid"),
        _ad("ad_object_sid", "text", "object_sid"),
        _ad("ad_sam_account_name", "text", "sam_account_name"),
        _ad("ad_dns_hostname", "text", "dns_hostname"),
        # Folders of labs are called after people.
        SqlColumn(
            "ad_distinguished_name", "text", "ad_computers.distinguished_name", personal=True
        ),
        _ad("is_ad_enabled", "boolean", "is_enabled", about="NULL without an account"),
        _kc("kc_computer_id", "text", "computer_id"),
        _kc("kc_primary_mac", "text", "primary_mac_address"),
        _kc("kc_nic_count", "integer", "nic_count"),
        _tdx("manufacturer", "text", "manufacturer_name"),
        _tdx("product_model", "text", "product_model_name"),
        SqlColumn("os_name", "text", _OS),
        SqlColumn(
            "os_version",
            "text",
            "keyconfigure_computers.os_version, ad_computers.operating_system_version",
        ),
        SqlColumn(
            "os_family",
            "text",
            f"{_OS}, keyconfigure_computers.os_family",
            about="Windows, macOS, Linux, Unix, iOS, Android, Other or Unknown",
        ),
        _kc("cpu", "text"),
        _kc("cpu_cores", "integer"),
        _kc("cpu_sockets", "integer"),
        _kc("cpu_speed_mhz", "integer", "clock_speed_mhz"),
        _kc("ram_mb", "integer"),
        _kc("disk_gb", "numeric(10,2)"),
        _kc("disk_free_gb", "numeric(10,2)"),
        _kc("os_install_date", "timestamptz"),
        _kc("last_user", "text", personal=True),
        SqlColumn(
            "owner_uniqname",
            "text",
            "tdx_assets.owning_customer_id, tdx_users.uniqname, keyconfigure_computers.owner,"
            " ad_computers.managed_by, users.uniqname",
            personal=True,
            about="whoever of them the hub knows: owner in TDX, in KeyConfigure, manager in AD",
        ),
        SqlColumn(
            "financial_owner_uniqname",
            "text",
            "tdx_assets.attr_financial_owner_uid, tdx_users.uniqname",
            personal=True,
        ),
        SqlColumn(
            "owner_department_id",
            "text",
            "tdx_assets.owning_department_id, tdx_departments.dept_id, ad_computers.ou_department,"
            " departments.department_name, keyconfigure_computers.owner, departments.dept_id",
            about="departments.dept_id: of the asset, of the folder in AD, of KeyConfigure's owner",
        ),
        SqlColumn(
            "is_active",
            "boolean",
            "tdx_assets.status_id, tdx_assets.status_name",
            about="status Active in TDX; machines that TDX does not know are taken to be",
        ),
        SqlColumn("last_seen", "timestamptz", _SEEN, about="the latest sign of it in any system"),
        SqlColumn(
            "has_recent_activity", "boolean", _SEEN, about="last seen within 90 days of today"
        ),
        SqlColumn("location_info", "jsonb", "tdx_assets.location_id, tdx_assets.location_room_id"),
        SqlColumn(
            "ownership_info",
            "jsonb",
            "tdx_assets.owning_customer_name, keyconfigure_computers.owner,"
            " ad_computers.managed_by",
            personal=True,
            about="what each system says of owners and departments",
        ),
        SqlColumn("hardware_specs", "jsonb", "tdx_assets.attr_memory, keyconfigure_computers.cpu"),
        SqlColumn("os_details", "jsonb", _OS),
        SqlColumn(
            "network_info",
            "jsonb",
            f"{_MACS}, keyconfigure_computers.ip_addresses, tdx_assets.attr_ip_address,"
            " ad_computers.dns_hostname, ad_computers.network_addresses",
        ),
        _ad("ad_security_info", "jsonb", "user_account_control"),
        _ad("ad_ou_info", "jsonb", "ou_full_path"),
        _tdx("financial_info", "jsonb", "purchase_cost"),
        SqlColumn("activity_timestamps", "jsonb", _SEEN, about="every time that a system gives"),
        _tdx("tdx_attributes", "jsonb", "attributes", personal=True),
        _tdx("tdx_attachments", "jsonb", "attachments"),
        SqlColumn("sources", "jsonb", about="the systems that know it"),
        SqlColumn("source_system", "text", about="the same, sorted and joined by +"),
        SqlColumn("field_sources", "jsonb", about="which system each value was taken from"),
        SqlColumn("source_raw_ids", "jsonb", about="the bronze row of each system"),
    ),
    # No system more can make a row worse: what it adds costs at most what its absence did.
    rules=(
        QualityRule("no_tdx_record", 0.10, "tdx_asset_id is null", sources=("tdx",)),
        QualityRule(
            "no_keyconfigure_record", 0.10, "kc_computer_id is null", sources=("key_client",)
        ),
        QualityRule("no_ad_record", 0.10, "ad_object_guid is null", sources=("active_directory",)),
        QualityRule(
            "missing_serial_number",
            0.05,
            "serial_number is null",
            about="or a placeholder",
            sources=("tdx", "key_client"),
        ),
        QualityRule(
            "missing_mac_address", 0.05, "mac_address is null", sources=("tdx", "key_client")
        ),
        QualityRule(
            "no_valid_owner",
            0.05,
            "owner_uniqname is null",
            about="nobody the hub knows",
            sources=SYSTEMS_OF_PEOPLE,
        ),
        QualityRule(
            "no_valid_department", 0.05, "owner_department_id is null", sources=("tdx", "umich_api")
        ),
        QualityRule("no_recent_activity", 0.05, "not has_recent_activity"),
        QualityRule("serial_disagreement", 0.05, "coalesce(serials_differ, false)"),
        QualityRule(
            "name_disagreement",
            0.05,
            "silver.names_differ(computer_name_aliases)",
            about="renamed, and not everywhere; cut at 15 characters it is the same",
        ),
        QualityRule(
            "former_record", 0, "former_names <> '[]'", about="set up anew, under another name"
        ),
        QualityRule(
            "duplicate_serial",
            0,
            "is_serial_shared",
            about="another machine has this serial number: one machine twice, or a copy",
        ),
        QualityRule(
            "conflict_object",
            0,
            "coalesce(ad_distinguished_name ~ '^[^,]*CNF:', false)",
            about="of an account that a replication conflict left behind",
        ),
        QualityRule("duplicate_name", 0, "is_name_shared", about="another machine has this name"),
        QualityRule(
            "invalid_owner_tdx_uid",
            0,
            "is_owner_unknown",
            about="TDX names an owner the hub has not",
        ),
        QualityRule("invalid_financial_owner_tdx_uid", 0, "is_payer_unknown"),
        QualityRule("invalid_department_tdx_id", 0, "is_department_unknown"),
        QualityRule("ad_disabled", 0, "is_ad_enabled is false"),
        QualityRule("inactive", 0, "not is_active"),
    ),
    expected=Expected(mean=0.75, low_share=0.20),
)
