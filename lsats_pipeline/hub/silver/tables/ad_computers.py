"""Computers of the college as Active Directory knows them (domain/hub.md 4.10).

Passwords of local administrators are kept in attributes of these objects. The hub asks for none of
them; when they expire is no secret.
"""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import (
    BIGINT,
    BOOLEAN,
    FIRST,
    INTEGER,
    JSON,
    LIST,
    TIME,
    UUID,
)
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.silver.tables.account_kinds import (
    ACCOUNT_KIND,
    CLASS_UNREADABLE,
    IS_COMPUTER,
)
from lsats_pipeline.hub.silver.tables.ou_columns import (
    DN_KEY,
    OU_STEPS,
    PARENT_DN_KEY,
    ou_columns,
)
from lsats_pipeline.hub.sources.active_directory.streams import COMPUTER

_VOLATILE = "as of the computer's last real change"

# None of them is a password.
_RARE = (
    "pager", "localPolicyFlags", "countryCode", "codePage", "netbootSCPBL", "mSMQDigests",
    "mSMQSignCertificates", "msDFSR-ComputerReferenceBL", "msDS-GroupMSAMembership",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
)  # fmt: skip
_RARE_MEMBERS = ", ".join(f"'{name}', list_data -> '{name}'" for name in _RARE)

AD_COMPUTERS = StagingTable(
    "ad_computers",
    stream=COMPUTER,
    key=("object_guid",),
    indexes=("dn_key", "parent_dn_key"),
    about="Computers that joined the domain; replication conflicts among them carry a flag."
    " The accounts of services (gMSA, sMSA, dMSA) are not here, though of the same class.",
    columns=(
        Column("object_guid", UUID, "objectGUID"),
        Column("sam_account_name", FIRST, "sAMAccountName", about="ends in $"),
        Column("computer_name", FIRST, "cn", otherwise="name"),
        Column("dns_hostname", FIRST, "dNSHostName"),
        Column("distinguished_name", FIRST, "distinguishedName", personal=True, otherwise="dn"),
        Column("object_sid", FIRST, "objectSid"),
        Column("operating_system", FIRST, "operatingSystem"),
        Column("operating_system_version", FIRST, "operatingSystemVersion"),
        Column("operating_system_service_pack", FIRST, "operatingSystemServicePack"),
        Column("object_class", LIST, "objectClass"),
        Column("object_category", FIRST, "objectCategory"),
        Column("sam_account_type", INTEGER, "sAMAccountType"),
        Column("user_account_control", INTEGER, "userAccountControl", about="bit 2: disabled"),
        Column("is_critical_system_object", BOOLEAN, "isCriticalSystemObject"),
        Column("service_principal_names", LIST, "servicePrincipalName"),
        Column("network_addresses", LIST, "networkAddress"),
        Column("member_of_groups", LIST, "memberOf", personal=True, about="distinguished names"),
        Column("managed_by", FIRST, "managedBy", personal=True, about="distinguished name"),
        Column("description", FIRST, "description", personal=True),
        Column("display_name", FIRST, "displayName"),
        Column("pwd_last_set", TIME, "pwdLastSet"),
        Column("account_expires", TIME, "accountExpires", about="NULL: never"),
        Column("bad_password_time", TIME, "badPasswordTime", about=_VOLATILE),
        Column("bad_pwd_count", INTEGER, "badPwdCount", about=_VOLATILE),
        Column("ms_laps_password_expiration_time", TIME, "msLAPS-PasswordExpirationTime"),
        Column("ms_mcs_adm_pwd_expiration_time", TIME, "ms-Mcs-AdmPwdExpirationTime"),
        Column("msds_supported_encryption_types", INTEGER, "msDS-SupportedEncryptionTypes"),
        Column("msds_key_credential_link", LIST, "msDS-KeyCredentialLink", about="public keys"),
        Column("user_certificate", LIST, "userCertificate", about="public certificates, Base64"),
        Column("last_logon", TIME, "lastLogon", about=_VOLATILE),
        Column(
            "last_logon_timestamp",
            TIME,
            "lastLogonTimestamp",
            about="exact to two weeks, the same on every domain controller",
        ),
        Column("last_logoff", TIME, "lastLogoff", about=_VOLATILE),
        Column("logon_count", INTEGER, "logonCount", about=_VOLATILE),
        Column("when_created", TIME, "whenCreated"),
        Column("when_changed", TIME, "whenChanged", about=_VOLATILE),
        Column("usn_created", BIGINT, "uSNCreated"),
        Column("usn_changed", BIGINT, "uSNChanged", about=_VOLATILE),
        Column("ds_core_propagation_data", LIST, "dSCorePropagationData", about=_VOLATILE),
        Column(
            "additional_attributes",
            JSON,
            "additional_attributes",
            document="rare",
            about="attributes that few computers have, by their names in the directory",
        ),
    ),
    documents={
        "rare": "jsonb_build_object('additional_attributes',"
        f" nullif(jsonb_strip_nulls(jsonb_build_object({_RARE_MEMBERS})), '{{}}'))"
    },
    steps=OU_STEPS | ACCOUNT_KIND,
    only=IS_COMPUTER,
    computed=(
        Computed(
            "is_enabled",
            "boolean",
            "coalesce(user_account_control & 2 = 0, false)",
            origin="userAccountControl",
            about="false where the directory does not say",
        ),
        *ou_columns(),
        DN_KEY,
        PARENT_DN_KEY,
    ),
    rules=(
        QualityRule(
            "conflict_object",
            0.10,
            "strpos(computer_name, 'CNF:') > 0",
            about="left over when two domain controllers created the same name",
        ),
        QualityRule("missing_operating_system", 0.05, "operating_system is null"),
        QualityRule("missing_dns_hostname", 0.05, "dns_hostname is null"),
        QualityRule("account_disabled", 0, "user_account_control & 2 = 2"),
        CLASS_UNREADABLE,
    ),
    expected=Expected(mean=0.95, low_share=0.01),
)
