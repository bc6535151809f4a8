"""Assets as TeamDynamix knows them (domain/hub.md 4.5).

What campus added to the asset form is in `Attributes`, a list that only the detail has; it is
looked up there by exact name: the choice's id or the text in `Value`, its label in `ValueText`.
"""

from __future__ import annotations

from typing import LiteralString

from lsats_pipeline.hub.silver.parsers import (
    COST,
    ID,
    INTEGERS,
    JSON,
    TEXT_NONE,
    TIME,
    UUID,
    Parser,
)
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.sources.tdx.streams import ASSET, ASSET_DETAIL

_BY_NAME: LiteralString = """(
    select jsonb_object_agg(item ->> 'Name', item -> '{0}')
    from jsonb_array_elements(
        case jsonb_typeof(detail_data -> 'Attributes')
            when 'array' then detail_data -> 'Attributes'
        end) as item
    where item ->> 'Name' is not null
)"""


def _text(name: LiteralString, path: str, personal: bool = False) -> Column:
    return Column(name, TEXT_NONE, path, personal=personal)


def _value(name: LiteralString, parser: Parser, attribute: str, personal: bool = False) -> Column:
    return Column(name, parser, attribute, detail=True, personal=personal, document="value")


def _label(name: LiteralString, attribute: str, personal: bool = False) -> Column:
    return Column(name, TEXT_NONE, attribute, detail=True, personal=personal, document="value_text")


TDX_ASSETS = StagingTable(
    "tdx_assets",
    stream=ASSET,
    detail=ASSET_DETAIL,
    key=("tdx_asset_id",),
    about="Configuration items of the asset application: computers, displays, printers, ...",
    documents={
        "value": _BY_NAME.replace("{0}", "Value"),
        "value_text": _BY_NAME.replace("{0}", "ValueText"),
    },
    columns=(
        Column("tdx_asset_id", ID, "ID"),
        _text("tag", "Tag"),
        _text("name", "Name"),
        _text("uri", "Uri"),
        Column(
            "tdx_external_id",
            TEXT_NONE,
            "ExternalID",
            about="ExternalID; `external_id` is the identity in bronze, the ID",
        ),
        _text("serial_number", "SerialNumber"),
        Column("app_id", ID, "AppID"),
        _text("app_name", "AppName"),
        Column("form_id", ID, "FormID"),
        Column(
            "form_name", TEXT_NONE, "FormName", about="computers are on the form `Computer Form`"
        ),
        Column("status_id", ID, "StatusID", about="38 is active"),
        _text("status_name", "StatusName"),
        Column("parent_id", ID, "ParentID"),
        _text("parent_tag", "ParentTag"),
        _text("parent_name", "ParentName"),
        _text("parent_serial_number", "ParentSerialNumber"),
        Column("configuration_item_id", ID, "ConfigurationItemID"),
        Column("location_id", ID, "LocationID"),
        _text("location_name", "LocationName"),
        Column("location_room_id", ID, "LocationRoomID"),
        _text("location_room_name", "LocationRoomName"),
        Column("owning_customer_id", UUID, "OwningCustomerID", personal=True),
        _text("owning_customer_name", "OwningCustomerName", personal=True),
        Column(
            "owning_department_id",
            ID,
            "OwningDepartmentID",
            about="tdx_id of the department, never its code",
        ),
        _text("owning_department_name", "OwningDepartmentName"),
        Column("requesting_customer_id", UUID, "RequestingCustomerID", personal=True),
        _text("requesting_customer_name", "RequestingCustomerName", personal=True),
        Column("requesting_department_id", ID, "RequestingDepartmentID"),
        _text("requesting_department_name", "RequestingDepartmentName"),
        Column("purchase_cost", COST, "PurchaseCost", about="dollars"),
        Column("acquisition_date", TIME, "AcquisitionDate"),
        Column("expected_replacement_date", TIME, "ExpectedReplacementDate"),
        Column("manufacturer_id", ID, "ManufacturerID"),
        _text("manufacturer_name", "ManufacturerName"),
        Column("product_model_id", ID, "ProductModelID"),
        _text("product_model_name", "ProductModelName"),
        Column("supplier_id", ID, "SupplierID"),
        _text("supplier_name", "SupplierName"),
        Column("maintenance_schedule_id", ID, "MaintenanceScheduleID"),
        _text("maintenance_schedule_name", "MaintenanceScheduleName"),
        Column("external_source_id", ID, "ExternalSourceID"),
        _text("external_source_name", "ExternalSourceName"),
        Column("created_uid", UUID, "CreatedUid", personal=True),
        _text("created_full_name", "CreatedFullName", personal=True),
        Column("created_date", TIME, "CreatedDate"),
        Column("modified_uid", UUID, "ModifiedUid", personal=True),
        _text("modified_full_name", "ModifiedFullName", personal=True),
        Column("modified_date", TIME, "ModifiedDate"),
        _value("attr_mac_address", TEXT_NONE, "MAC Address(es)"),
        _value("attr_ip_address", TEXT_NONE, "Reserved IP Address(es)"),
        _value("attr_operating_system_id", ID, "Operating System"),
        _label("attr_operating_system_name", "Operating System"),
        _value("attr_last_inventoried_date", TIME, "Last Inventoried Date"),
        _value("attr_purchase_shortcode", TEXT_NONE, "Purchase Shortcode"),
        _value("attr_function_id", ID, "Function"),
        _label("attr_function_name", "Function"),
        _value("attr_financial_owner_uid", UUID, "Financial Owner/Responsible", personal=True),
        _label("attr_financial_owner_name", "Financial Owner/Responsible", personal=True),
        _value("attr_support_groups_ids", INTEGERS, "Support Group(s)"),
        _label("attr_support_groups_text", "Support Group(s)"),
        _value("attr_memory", TEXT_NONE, "Memory"),
        _value("attr_storage", TEXT_NONE, "Storage"),
        _value("attr_processor_count", TEXT_NONE, "Processor(s)"),
        Column(
            "attributes",
            JSON,
            "Attributes",
            detail=True,
            personal=True,
            about="all custom attributes; NULL until the detail was fetched",
        ),
        Column("attachments", JSON, "Attachments", detail=True),
    ),
    computed=(
        Computed(
            "mac_addresses",
            "jsonb",
            "to_jsonb(coalesce(silver.macs(attr_mac_address), '{}'))",
            origin="Attributes[MAC Address(es)].Value",
            about="the valid addresses in attr_mac_address: 12 digits in capitals, each once",
        ),
    ),
    rules=(
        QualityRule("missing_name", 0.05, "name is null"),
        QualityRule("missing_serial_number", 0.05, "serial_number is null"),
        QualityRule(
            "placeholder_serial_number",
            0.05,
            "silver.real_serial(serial_number) is null"
            " and not silver.is_damaged_serial(serial_number)",
            about="too short, or what a manufacturer leaves in (None, 0000, To be filled ...)",
        ),
        QualityRule(
            "damaged_serial_number",
            0.05,
            "silver.is_damaged_serial(serial_number)",
            about="a spreadsheet took it for a quantity (1.23E+11): it is never matched",
        ),
        QualityRule("missing_owner", 0.05, "owning_customer_id is null"),
        QualityRule("missing_department", 0.05, "owning_department_id is null"),
        QualityRule("not_enriched", 0.10, "detail_raw_id is null", about="no detail was fetched"),
        QualityRule(
            "missing_mac_address",
            0.05,
            "detail_raw_id is not null and attr_mac_address is null",
        ),
        QualityRule(
            "malformed_mac_address",
            0.05,
            "attr_mac_address is not null and mac_addresses = '[]'",
            about="an address is given, but none with 12 hexadecimal digits",
        ),
    ),
    expected=Expected(mean=0.85, low_share=0.05),
)
