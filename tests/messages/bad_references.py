"""Associations, uniqueIds and patients that do not go together, and what is said (ITI TF-3: 4.2.2)."""

from tests.messages.changes import (
    LAST_ASSOCIATION,
    UNRESOLVED,
    Cases,
    all_of,
    identified,
    instead,
    more_associations,
    no_slot,
    values,
    without,
)
from tests.messages.requests import (
    APPROVED,
    HAS_MEMBER,
    RPLC,
)

UNKNOWN = "urn:uuid:00000000-0000-4000-8000-000000000404"
APND = "urn:ihe:iti:2007:AssociationType:APND"
UPDATE_STATUS = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
LINK = f'targetObject="Document1" associationType="{HAS_MEMBER}"><rim:Slot'

ASSOCIATIONS: Cases = {
    "associationType of ebRIM 2.1": (
        instead(LINK, LINK.replace(HAS_MEMBER, "HasMember")),
        "Association SubmissionSet1-Document1: associationType 'HasMember' is not allowed here, expected "
        "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember, "
        "urn:ihe:iti:2007:AssociationType:RPLC, urn:ihe:iti:2007:AssociationType:XFRM, "
        "urn:ihe:iti:2007:AssociationType:APND, urn:ihe:iti:2007:AssociationType:XFRM_RPLC, "
        "urn:ihe:iti:2007:AssociationType:signs, urn:ihe:iti:2010:AssociationType:IsSnapshotOf (ITI TF-3: "
        "4.2.2)",
    ),
    "unknown associationType": (
        instead(LINK, LINK.replace(HAS_MEMBER, "urn:example:Likes")),
        "Association SubmissionSet1-Document1: associationType 'urn:example:Likes' is not allowed here, "
        "expected urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember, "
        "urn:ihe:iti:2007:AssociationType:RPLC, urn:ihe:iti:2007:AssociationType:XFRM, "
        "urn:ihe:iti:2007:AssociationType:APND, urn:ihe:iti:2007:AssociationType:XFRM_RPLC, "
        "urn:ihe:iti:2007:AssociationType:signs, urn:ihe:iti:2010:AssociationType:IsSnapshotOf (ITI TF-3: "
        "4.2.2)",
    ),
    "associationType of ITI-57": (
        more_associations("SubmissionSet1", "Document1", UPDATE_STATUS),
        "Association A9: associationType 'urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus' is "
        "not allowed here, expected urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember, "
        "urn:ihe:iti:2007:AssociationType:RPLC, urn:ihe:iti:2007:AssociationType:XFRM, "
        "urn:ihe:iti:2007:AssociationType:APND, urn:ihe:iti:2007:AssociationType:XFRM_RPLC, "
        "urn:ihe:iti:2007:AssociationType:signs, urn:ihe:iti:2010:AssociationType:IsSnapshotOf (ITI TF-3: "
        "4.2.2)",
    ),
    "no SubmissionSetStatus": (
        no_slot("SubmissionSetStatus"),
        "Association SubmissionSet1-Document1: SubmissionSetStatus is missing, expected Original: its "
        "target is in the submission (ITI TF-3: 4.2.2)",
    ),
    "unknown SubmissionSetStatus": (
        values("SubmissionSetStatus", "New"),
        "Association SubmissionSet1-Document1: SubmissionSetStatus is 'New', expected Original: its "
        "target is in the submission (ITI TF-3: 4.2.2)",
    ),
    "new document by Reference": (
        values("SubmissionSetStatus", "Reference"),
        "Association SubmissionSet1-Document1: SubmissionSetStatus is 'Reference', expected Original: its "
        "target is in the submission (ITI TF-3: 4.2.2)",
    ),
    "Association with a status": (
        instead(LAST_ASSOCIATION, f'{LAST_ASSOCIATION} status="{APPROVED}"'),
        "Association SubmissionSet1-Folder1: availabilityStatus is given, ITI-42 does not allow it (ITI "
        "TF-3: 4.2.3.1)",
    ),
    "DocumentEntry outside the SubmissionSet": (
        without('<rim:Association id="SubmissionSet1-Document1"', "</rim:Association>"),
        "DocumentEntry Document1: no HasMember comes from the SubmissionSet 'SubmissionSet1', expected "
        "one (ITI TF-3: 4.2.2.1)",
    ),
    "Folder outside the SubmissionSet": (
        without(LAST_ASSOCIATION, "</rim:Association>"),
        "Folder Folder1: no HasMember comes from the SubmissionSet 'SubmissionSet1', expected one (ITI "
        "TF-3: 4.2.2.1)",
    ),
    "place in the Folder outside the SubmissionSet": (
        without('<rim:Association id="SubmissionSet1-Folder1-Document1"', "</rim:Association>"),
        "Association Folder1-Document1: no HasMember comes to it from the SubmissionSet, expected one "
        "beside the Folder's own (ITI TF-3: 4.2.2)",
    ),
    "symbolic id of nothing": (
        instead(
            'sourceObject="SubmissionSet1" targetObject="Document1"',
            'sourceObject="SubmissionSet1" targetObject="Document9"',
        ),
        [
            (
                UNRESOLVED,
                "Association SubmissionSet1-Document1: targetObject 'Document9' is no object of the "
                "submission, expected the id of one or a UUID (ITI TF-3: 4.2.2)",
            ),
        ],
    ),
    "UUID of nothing": (
        more_associations("SubmissionSet1", UNKNOWN, HAS_MEMBER, "Reference"),
        [
            (
                UNRESOLVED,
                "Association A9: targetObject urn:uuid:00000000-0000-4000-8000-000000000404 is neither in "
                "the submission nor registered, expected the id of one",
            ),
        ],
    ),
    "replacement of nothing": (
        more_associations("Document1", UNKNOWN, RPLC),
        [
            (
                UNRESOLVED,
                "Association A9: targetObject urn:uuid:00000000-0000-4000-8000-000000000404 is neither in "
                "the submission nor registered, expected the id of one",
            ),
        ],
    ),
    "replacement of a new document": (
        more_associations("Document1", "Document1", RPLC),
        [
            (
                UNRESOLVED,
                "Association A9: RPLC has the targetObject 'Document1' of the same submission, expected a "
                "registered one (ITI TF-3: 4.2.2)",
            ),
        ],
    ),
    "replacement by a Folder": (
        more_associations("Folder1", UNKNOWN, RPLC),
        [
            (
                UNRESOLVED,
                "Association A9: RPLC has the sourceObject 'Folder1', expected a DocumentEntry of the "
                "submission (ITI TF-3: 4.2.2)",
            ),
        ],
    ),
    "appendix to a Folder": (
        more_associations("Document1", "Folder1", APND),
        "Association A9: APND has the targetObject 'Folder1' of the same submission, a Folder, expected a "
        "DocumentEntry (ITI TF-3: 4.2.2)",
    ),
    "Folder in a document": (
        more_associations("Document1", "Folder1", HAS_MEMBER),
        "Association A9: Folder 'Folder1' is made a member of DocumentEntry 'Document1', expected "
        "DocumentEntries, Folders and Associations in a SubmissionSet, or DocumentEntries in a Folder "
        "(ITI TF-3: 4.2.2)",
    ),
}

IDENTITIES: Cases = {
    "one uniqueId on two objects": (
        all_of(
            identified("XDSFolder.uniqueId-Folder1", "2.999.77"),
            identified("XDSDocumentEntry.uniqueId-Document1", "2.999.77"),
        ),
        [
            (
                "XDSRegistryDuplicateUniqueIdInMessage",
                "the uniqueId '2.999.77' stands on 2 objects, expected it on one",
            ),
        ],
    ),
    "DocumentEntry of another patient": (
        identified("XDSDocumentEntry.patientId-Document1", "P2^^^&amp;2.999.5&amp;ISO"),
        [
            (
                "XDSPatientIdDoesNotMatch",
                "DocumentEntry Document1: patientId 'P2^^^&2.999.5&ISO' differs from 'PATIENT' of the "
                "SubmissionSet, expected the same (ITI TF-2: 3.42.4.1.3)",
            ),
        ],
    ),
    "Folder of another patient": (
        identified("XDSFolder.patientId-Folder1", "P2^^^&amp;2.999.5&amp;ISO"),
        [
            (
                "XDSPatientIdDoesNotMatch",
                "Folder Folder1: patientId 'P2^^^&2.999.5&ISO' differs from 'PATIENT' of the "
                "SubmissionSet, expected the same (ITI TF-2: 3.42.4.1.3)",
            ),
        ],
    ),
    "unknown patient": (
        lambda xml: xml.replace("PATIENT", "P404^^^&amp;2.999.5&amp;ISO"),
        [
            ("XDSUnknownPatientId", "P404^^^&2.999.5&ISO"),
        ],
    ),
}
