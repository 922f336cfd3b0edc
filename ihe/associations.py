"""Association types, what they join and what they do (ITI TF-3: 4.2.2)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One row: the flags decide what registration does to the target and its derivatives."""

    name: str
    urn: str
    relationship: bool = False
    deprecates_target: bool = False
    derives_from_target: bool = False


HAS_MEMBER = AssociationType("HasMember", "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember")
RPLC = AssociationType(
    "RPLC", "urn:ihe:iti:2007:AssociationType:RPLC", relationship=True, deprecates_target=True
)
XFRM = AssociationType(
    "XFRM", "urn:ihe:iti:2007:AssociationType:XFRM", relationship=True, derives_from_target=True
)
APND = AssociationType(
    "APND", "urn:ihe:iti:2007:AssociationType:APND", relationship=True, derives_from_target=True
)
XFRM_RPLC = AssociationType(
    "XFRM_RPLC", "urn:ihe:iti:2007:AssociationType:XFRM_RPLC", relationship=True, deprecates_target=True
)
SIGNS = AssociationType("signs", "urn:ihe:iti:2007:AssociationType:signs", relationship=True)
IS_SNAPSHOT_OF = AssociationType(
    "IsSnapshotOf", "urn:ihe:iti:2010:AssociationType:IsSnapshotOf", relationship=True
)
UPDATE_AVAILABILITY_STATUS = AssociationType(
    "UpdateAvailabilityStatus", "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
)
SUBMIT_ASSOCIATION = AssociationType(
    "SubmitAssociation", "urn:ihe:iti:2010:AssociationType:SubmitAssociation"
)

ASSOCIATION_TYPES = {
    row.urn: row
    for row in (
        HAS_MEMBER, RPLC, XFRM, APND, XFRM_RPLC, SIGNS, IS_SNAPSHOT_OF, UPDATE_AVAILABILITY_STATUS, SUBMIT_ASSOCIATION
    )
}  # fmt: skip

# ITI TF-3: 4.2.2.2.1; the two values of the Slot SubmissionSetStatus.
ORIGINAL = "Original"
REFERENCE = "Reference"
