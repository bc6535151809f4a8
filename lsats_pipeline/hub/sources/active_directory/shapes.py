"""Which attributes of Active Directory become part of which record, and how each is written.

Always a list, never "*": that would bring password material along (domain/hub.md 7.6). Of the
passwords that LAPS manages only the time at which they end is asked for.
"""

from __future__ import annotations

from lsats_pipeline.hub.sources.ldap_records import (
    RecordShape,
    base64_text,
    filetime,
    generalized_time,
    guid,
    sid,
    text,
)

# What every object has, and what the domain keeps touching by itself.
_OBJECT = {
    **dict.fromkeys(
        (
            "name", "distinguishedName", "description", "objectCategory", "objectClass",
            "instanceType", "uSNCreated", "uSNChanged",
        ),
        text,
    ),
    **dict.fromkeys(("whenCreated", "whenChanged", "dSCorePropagationData"), generalized_time),
    "objectGUID": guid,
}  # fmt: skip
REPLICATED = frozenset({"whenChanged", "uSNChanged", "dSCorePropagationData"})

# Users, computers and groups are security principals.
_PRINCIPAL = _OBJECT | {
    **dict.fromkeys(("cn", "sAMAccountName", "sAMAccountType", "memberOf", "displayName"), text),
    "objectSid": sid,
    "sIDHistory": sid,
}

# Users and computers log on.
_ACCOUNT = _PRINCIPAL | {
    **dict.fromkeys(
        ("userAccountControl", "primaryGroupID", "badPwdCount", "logonCount"), text
    ),
    **dict.fromkeys(
        (
            "accountExpires", "pwdLastSet", "lastLogon", "lastLogonTimestamp", "lastLogoff",
            "badPasswordTime",
        ),
        filetime,
    ),
}  # fmt: skip
LOGGED_ON = REPLICATED | {
    "lastLogon", "badPasswordTime", "badPwdCount", "logonCount", "lastLogoff",
}  # fmt: skip

# domain/hub.md 1.4 and 4.8
PERSON = RecordShape(
    _ACCOUNT
    | dict.fromkeys(
        (
            "uid", "userPrincipalName", "givenName", "sn", "middleName", "initials", "title",
            "department", "mail", "mailNickname", "telephoneNumber", "mobile", "otherMobile",
            "facsimileTelephoneNumber", "streetAddress", "proxyAddresses", "targetAddress",
            "legacyExchangeDN", "msExchRecipientTypeDetails", "umichadOU", "umichadRole",
            "umichDirectoryID", "umichadNoBatchUpdates", "umichadHidePersonalInfo",
            "umichadUMDirToADSyncFlag", "uidNumber", "gidNumber", "homeDirectory", "homeDrive",
            "loginShell", "employeeType", "managedObjects", "extensionAttribute5",
            "extensionAttribute6", "extensionAttribute9",
        ),
        text,
    )
    | {"lockoutTime": filetime}
)  # fmt: skip

# domain/hub.md 1.4 and 4.9
GROUP = RecordShape(
    _PRINCIPAL
    | dict.fromkeys(
        ("member", "groupType", "info", "managedBy", "mail", "proxyAddresses", "proxiedObjectName"),
        text,
    )
)

# domain/hub.md 1.4 and 4.10
COMPUTER = RecordShape(
    _ACCOUNT
    | dict.fromkeys(
        (
            "dNSHostName", "operatingSystem", "operatingSystemVersion",
            "operatingSystemServicePack", "servicePrincipalName", "networkAddress", "managedBy",
            "msDS-KeyCredentialLink", "msDS-SupportedEncryptionTypes", "isCriticalSystemObject",
            "localPolicyFlags", "countryCode", "codePage", "pager", "msDFSR-ComputerReferenceBL",
            "netbootSCPBL",
        ),
        text,
    )
    | dict.fromkeys(
        (
            "userCertificate", "msDS-AllowedToActOnBehalfOfOtherIdentity",
            "msDS-GroupMSAMembership", "mSMQDigests", "mSMQSignCertificates",
        ),
        base64_text,
    )
    | dict.fromkeys(("ms-Mcs-AdmPwdExpirationTime", "msLAPS-PasswordExpirationTime"), filetime)
)  # fmt: skip

# domain/hub.md 1.4 and 4.11
ORGANIZATIONAL_UNIT = RecordShape(
    _OBJECT
    | dict.fromkeys(
        ("ou", "managedBy", "street", "l", "postalCode", "gPLink", "gPOptions", "systemFlags"),
        text,
    )
)
