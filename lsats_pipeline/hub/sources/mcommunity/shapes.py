"""Which attributes of MCommunity become part of which record."""

from __future__ import annotations

from lsats_pipeline.hub.sources.ldap_records import RecordShape, text

# domain/hub.md 1.3; the distinguished name comes with every entry.
PERSON = RecordShape(
    dict.fromkeys(
        (
            "uid", "uidNumber", "cn", "displayName", "givenName", "sn", "mail", "ou", "umichTitle",
            "telephoneNumber", "homeDirectory", "loginShell", "gidNumber", "umichPostalAddress",
            "umichPostalAddressData", "objectClass",
        ),
        text,
    )
)  # fmt: skip

# domain/hub.md 1.3 and 4.7: what was hashed there, and what silver read besides. A directory
# ignores the case of names, which are spelled here as silver reads them.
GROUP = RecordShape(
    dict.fromkeys(
        (
            "cn", "gidNumber", "member", "groupMember", "umichDirectMember",
            "umichDirectGroupMember", "owner", "description", "umichDescription", "rfc822mail",
            "umichGroupEmail", "errorsTo", "requestsTo", "rfc822ErrorsTo", "rfc822RequestsTo",
            "postalAddress", "umichPostalAddress", "telephoneNumber", "facsimileTelephoneNumber",
            "labeledUri", "Membersonly", "joinable", "RealtimeBlockList", "supressNoEmailError",
            "permittedGroup", "umichPermittedSenders", "umichPermittedSendersDomains",
            "umichPrivate", "umichAutoReply", "umichAutoReplyStart", "umichAutoReplyEnd",
            "umichServiceEntitlement", "umichExpiryTimestamp", "umichEntryDisabled",
            "umichDisabledTimestamp", "objectClass",
        ),
        text,
    )
)  # fmt: skip
