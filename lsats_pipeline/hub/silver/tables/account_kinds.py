"""Which kind of account an object of Active Directory is, whatever search it was found by.

The class says it, else the category, else the account type; each may be hidden from whoever asks.
By the hierarchy of classes a computer is a person, and the account of a service (gMSA, sMSA, dMSA)
is a computer, of the same account type: so the class alone, or the type alone, is not enough.
"""

from __future__ import annotations

from typing import LiteralString

from lsats_pipeline.hub.silver.spec import QualityRule

# MS-ADTS 2.2.13, SAM_ACCOUNT_TYPE
_USER, _MACHINE, _TRUST = "805306368", "805306369", "805306370"

# A table that has these columns takes this step. NULL: nothing says.
ACCOUNT_KIND: dict[LiteralString, LiteralString] = {
    "account_kind": f"""
    case
        when object_class::text ~* '"msDS-(Group|Delegated)?ManagedServiceAccount"'
            or object_category ~* '^CN=ms-DS-(Group-|Delegated-)?Managed-Service-Account,'
            then 'service'
        when sam_account_type = {_TRUST} then 'trust'
        when object_class::text ~* '"(contact|foreignSecurityPrincipal)"' then 'stand-in'
        when object_class::text ~* '"computer"' then 'computer'
        when object_class::text ~* '"(person|user|inetOrgPerson)"' then 'person'
        when object_class <> '[]' then 'other'
        when sam_account_type = {_MACHINE} or object_category ~* '^CN=Computer,' then 'computer'
        when sam_account_type = {_USER} then 'person'
    end
    """
}
IS_PERSON: LiteralString = "coalesce(account_kind, 'person') = 'person'"
IS_COMPUTER: LiteralString = "coalesce(account_kind, 'computer') = 'computer'"

CLASS_UNREADABLE = QualityRule(
    "class_unreadable",
    0,
    "object_class = '[]'",
    about="the directory shows no object class, so the account type says what it is",
)
