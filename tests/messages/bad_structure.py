"""Objects that are no message together, each with what a registry says of it (ITI TF-3: 4.2.1)."""

from tests.messages.changes import (
    LAST_ASSOCIATION,
    METADATA_ERROR,
    UNRESOLVED,
    Cases,
    all_of,
    before,
    instead,
    more,
    objects,
    scheme_of_class_code,
    values,
    without,
)
from tests.messages.requests import (
    ON_DEMAND,
    STABLE,
    code,
    fresh_oid,
    identifier,
    label,
    slot,
    submission_set,
)

CLASS_CODE = "41a5887f-8865-4c09-adf7-e362475b143a"
PATIENT_ID = "58a6f841-87b3-4a3e-92fd-a8ffeff98427"
FOLDER_NODE = "d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
SUBMISSION_SET_NODE = "a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
UNKNOWN = "urn:uuid:00000000-0000-4000-8000-000000000404"
APND = "urn:ihe:iti:2007:AssociationType:APND"

STRUCTURE: Cases = {
    "two classCodes": (
        before('<rim:Classification id="N-Document1"', code("Document1", CLASS_CODE, "LETTER")),
        "DocumentEntry Document1: classCode has a second value 'LETTER', expected one (ITI TF-3: 4.2.3.2.3)",
    ),
    "two patientIds": (
        before(
            '<rim:ExternalIdentifier id="XDSDocumentEntry.uniqueId',
            identifier("Document1", PATIENT_ID, "XDSDocumentEntry.patientId", "P2^^^&2.999.5&ISO").replace(
                ' id="', ' id="second-'
            ),
        ),
        "DocumentEntry Document1: patientId has a second value 'P2^^^&2.999.5&ISO', expected one (ITI "
        "TF-3: 4.2.3.2.16)",
    ),
    "two creationTimes": (
        values("creationTime", "2024", "2025"),
        "DocumentEntry Document1: creationTime has a second value '2025', expected one (ITI TF-3: 4.2.3.2.6)",
    ),
    "one Slot twice": (
        more("creationTime", "2024"),
        "DocumentEntry Document1: a second Slot has the name 'creationTime', expected one with all values "
        "(ITI TF-3: 4.2.3.2.6)",
    ),
    "two authorPersons": (
        values("authorPerson", "^Weber^Anne", "^Klein^Paul"),
        "SubmissionSet SubmissionSet1: author: authorPerson has a second value '^Klein^Paul', expected "
        "one (ITI TF-3: 4.2.3.1.4.2)",
    ),
    "two legalAuthenticators": (
        more("legalAuthenticator", "^Weber^Anne", "^Klein^Paul"),
        "DocumentEntry Document1: legalAuthenticator has a second value '^Klein^Paul', expected one (ITI "
        "TF-3: 4.2.3.2.14)",
    ),
    "author with a code": (
        instead(
            '"author-SubmissionSet1" classifiedObject="SubmissionSet1" nodeRepresentation=""',
            '"author-SubmissionSet1" classifiedObject="SubmissionSet1" nodeRepresentation="A"',
        ),
        "SubmissionSet SubmissionSet1: author has the nodeRepresentation 'A', expected it empty (ITI "
        "TF-3: 4.2.3.3.1)",
    ),
    "code that is empty": (
        instead('nodeRepresentation="REPORT"', 'nodeRepresentation=""'),
        "DocumentEntry Document1: classCode has no code, expected one as nodeRepresentation (ITI TF-3: "
        "4.2.3.2.3)",
    ),
    "code without scheme": (
        scheme_of_class_code(""),
        "DocumentEntry Document1: classCode 'REPORT' has no codingScheme, expected one (ITI TF-3: 4.2.3.2.3)",
    ),
    "code with two schemes": (
        scheme_of_class_code(slot("codingScheme", "2.999.1", "2.999.2")),
        "DocumentEntry Document1: classCode 'REPORT' has a second codingScheme '2.999.2', expected one "
        "(ITI TF-3: 4.2.3.2.3)",
    ),
    "code without display name": (
        instead(
            '<rim:Name><rim:LocalizedString value="Report"/></rim:Name></rim:Classification>',
            "</rim:Classification>",
        ),
        "DocumentEntry Document1: classCode 'REPORT' has no display name, expected one as Name (ITI TF-3: "
        "4.2.3.2.3)",
    ),
    "Classification of another object": (
        instead(
            '"REPORT-Document1" classifiedObject="Document1"', '"REPORT-Document1" classifiedObject="Folder1"'
        ),
        "DocumentEntry Document1: classCode has the classifiedObject 'Folder1', expected the id of the "
        "object around it (ITI TF-3: 4.2.3.2.3)",
    ),
    "ExternalIdentifier of another object": (
        instead('registryObject="Document1" value="P', 'registryObject="Folder1" value="P'),
        "DocumentEntry Document1: patientId has the registryObject 'Folder1', expected the id of the "
        "object around it (ITI TF-3: 4.2.3.2.16)",
    ),
    "unknown classificationScheme": (
        instead(f"urn:uuid:{CLASS_CODE}", UNKNOWN),
        [
            (
                METADATA_ERROR,
                "DocumentEntry Document1: a Classification has the classificationScheme "
                "'urn:uuid:00000000-0000-4000-8000-000000000404', expected one that a DocumentEntry knows "
                "(ITI TF-3: 4.2.5.2)",
            ),
            (
                METADATA_ERROR,
                "DocumentEntry Document1: classCode is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.3)",
            ),
        ],
    ),
    "unknown identificationScheme": (
        before(
            '<rim:ExternalIdentifier id="XDSDocumentEntry.uniqueId',
            identifier("Document1", UNKNOWN.removeprefix("urn:uuid:"), "XDSDocumentEntry.other", "x"),
        ),
        "DocumentEntry Document1: an ExternalIdentifier has the identificationScheme "
        "'urn:uuid:00000000-0000-4000-8000-000000000404', expected one that a DocumentEntry knows (ITI "
        "TF-3: 4.2.5.2)",
    ),
    "ExternalIdentifier of another name": (
        instead('value="XDSDocumentEntry.patientId"/>', 'value="patientId"/>'),
        "DocumentEntry Document1: patientId has the Name 'patientId', expected "
        "'XDSDocumentEntry.patientId' (ITI TF-3: 4.2.3.2.16)",
    ),
    "limited metadata of the DocumentEntry": (
        before(
            '<rim:ExternalIdentifier id="XDSDocumentEntry.patientId',
            label("Document1", "ab9b591b-83ab-4d03-8f5d-f93b1fb92e85"),
        ),
        "DocumentEntry Document1: limitedMetadata is given, XDS.b does not allow it (ITI TF-3: 4.3.1)",
    ),
    "limited metadata of the SubmissionSet": (
        before(
            '<rim:Classification id="label-SubmissionSet1"',
            label("SubmissionSet1", "5003a9db-8d8d-49e6-bf0c-990e34ac7707").replace("label-", "limited-"),
        ),
        "SubmissionSet SubmissionSet1: limitedMetadata is given, XDS.b does not allow it (ITI TF-3: 4.3.1)",
    ),
    "limited metadata of the Folder": (
        before(
            '<rim:Classification id="label-Folder1"',
            label("Folder1", "2c144a76-29a9-4b7c-af54-b25409fe7d03").replace("label-", "limited-"),
        ),
        "Folder Folder1: limitedMetadata is given, XDS.b does not allow it (ITI TF-3: 4.3.1)",
    ),
    "RegistryPackage without label": (
        without('<rim:Classification id="label-Folder1"', "/>"),
        "RegistryPackage 'Folder1': no Classification says what it is, expected the classificationNode "
        "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd for a SubmissionSet or "
        "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2 for a Folder (ITI TF-3: 4.2.1)",
    ),
    "RegistryPackage with both labels": (
        before(
            '<rim:Classification id="label-Folder1"',
            label("Folder1", SUBMISSION_SET_NODE).replace("label-", "second-"),
        ),
        "RegistryPackage 'Folder1': its Classifications disagree what it is, expected the "
        "classificationNode urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd for a SubmissionSet or "
        "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2 for a Folder (ITI TF-3: 4.2.1)",
    ),
    "no SubmissionSet": (
        without('<rim:RegistryPackage id="SubmissionSet1"', "</rim:RegistryPackage>"),
        [
            (METADATA_ERROR, "the submission has 0 SubmissionSets, expected exactly one (ITI TF-3: 4.2.1)"),
            (
                UNRESOLVED,
                "Association SubmissionSet1-Document1: sourceObject 'SubmissionSet1' is no object of the "
                "submission, expected the id of one or a UUID (ITI TF-3: 4.2.2)",
            ),
            (
                UNRESOLVED,
                "Association SubmissionSet1-Folder1-Document1: sourceObject 'SubmissionSet1' is no object "
                "of the submission, expected the id of one or a UUID (ITI TF-3: 4.2.2)",
            ),
            (
                UNRESOLVED,
                "Association SubmissionSet1-Folder1: sourceObject 'SubmissionSet1' is no object of the "
                "submission, expected the id of one or a UUID (ITI TF-3: 4.2.2)",
            ),
        ],
    ),
    "two SubmissionSets": (
        before("<rim:ExtrinsicObject", submission_set("PATIENT", fresh_oid(), "SubmissionSet2")),
        "the submission has 2 SubmissionSets, expected exactly one (ITI TF-3: 4.2.1)",
    ),
    "Classification beside its object": (
        before("<rim:ExtrinsicObject", code("Document1", CLASS_CODE, "LETTER")),
        "RegistryObjectList: the Classification by 'urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a' of "
        "'Document1' stands beside its object, expected it inside (ITI TF-3: 4.2.3.1.2)",
    ),
    "label of nothing": (
        before("<rim:ExtrinsicObject", label("Nothing1", FOLDER_NODE)),
        "RegistryObjectList: the Classification as 'urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2' has "
        "the classifiedObject 'Nothing1', expected the id of an object beside it (ITI TF-3: 4.2.1)",
    ),
    "another kind of object": (
        before("<rim:ExtrinsicObject", '<rim:Service id="Service1"/>'),
        "RegistryObjectList: a rim:Service stands in it, expected rim:ExtrinsicObject, "
        "rim:RegistryPackage and rim:Association (ITI TF-3: 4.2.1)",
    ),
    "objects within a Folder": (
        instead(
            f"</rim:RegistryPackage>{LAST_ASSOCIATION}",
            f"<rim:RegistryObjectList/></rim:RegistryPackage>{LAST_ASSOCIATION}",
        ),
        "Folder Folder1: it has a RegistryObjectList, expected HasMember Associations to its members (ITI "
        "TF-3: 4.2.2.1)",
    ),
    "Slot in the name of IHE": (
        more("urn:ihe:iti:2099:unknown", "x"),
        "DocumentEntry Document1: it has a Slot with the name 'urn:ihe:iti:2099:unknown', expected one "
        "that the framework knows (ITI TF-3: 4.2.3.1.6)",
    ),
    "Slot whose name is no URN": (
        more("room", "12"),
        "DocumentEntry Document1: it has a Slot with the name 'room', expected a URN for extra metadata "
        "(ITI TF-3: 4.2.3.1.6)",
    ),
    "on-demand DocumentEntry": (
        instead(STABLE, ON_DEMAND),
        [
            (
                METADATA_ERROR,
                "DocumentEntry Document1: it is on-demand, expected stable ones only in ITI-42 (ITI TF-3: "
                "4.2.3.2.29)",
            ),
            (
                METADATA_ERROR,
                "DocumentEntry Document1: creationTime is given, ITI-61 does not allow it (ITI TF-3: "
                "4.2.3.2.6)",
            ),
            (
                METADATA_ERROR,
                "DocumentEntry Document1: hash is given, ITI-61 does not allow it (ITI TF-3: 4.2.3.2.10)",
            ),
            (
                METADATA_ERROR,
                "DocumentEntry Document1: size is given, ITI-61 does not allow it (ITI TF-3: 4.2.3.2.21)",
            ),
        ],
    ),
    "id of another object": (
        all_of(
            instead('"Folder1"', '"Document2"', times=7),
            instead('<rim:RegistryPackage id="Document2"', '<rim:RegistryPackage id="Document1"'),
        ),
        [
            (
                METADATA_ERROR,
                "Folder Document1: codeList has the classifiedObject 'Document2', expected the id of the "
                "object around it (ITI TF-3: 4.2.3.4.2)",
            ),
            (
                METADATA_ERROR,
                "Folder Document1: a Classification has the classifiedObject 'Document2', expected the id "
                "of the object around it (ITI TF-3: 4.2.3.1.2)",
            ),
            (
                METADATA_ERROR,
                "Folder Document1: patientId has the registryObject 'Document2', expected the id of the "
                "object around it (ITI TF-3: 4.2.3.4.7)",
            ),
            (
                METADATA_ERROR,
                "Folder Document1: uniqueId has the registryObject 'Document2', expected the id of the "
                "object around it (ITI TF-3: 4.2.3.4.9)",
            ),
            (
                METADATA_ERROR,
                "Folder Document1: the DocumentEntry before it has the same id, expected each id once "
                "(ITI TF-3: 4.2.3.1.5)",
            ),
            (
                UNRESOLVED,
                "Association Folder1-Document1: sourceObject 'Document2' is no object of the submission, "
                "expected the id of one or a UUID (ITI TF-3: 4.2.2)",
            ),
            (
                UNRESOLVED,
                "Association SubmissionSet1-Folder1: targetObject 'Document2' is no object of the "
                "submission, expected the id of one or a UUID (ITI TF-3: 4.2.2)",
            ),
        ],
    ),
    "UUID in upper case": (
        instead('"SubmissionSet1"', '"urn:uuid:AAAAAAAA-0000-4000-8000-000000000001"', times=10),
        [
            (
                METADATA_ERROR,
                "SubmissionSet urn:uuid:AAAAAAAA-0000-4000-8000-000000000001: entryUUID "
                "'urn:uuid:AAAAAAAA-0000-4000-8000-000000000001' has upper case letters, expected "
                "'urn:uuid:aaaaaaaa-0000-4000-8000-000000000001' (ITI TF-3: 4.2.3.3.5)",
            ),
            (
                METADATA_ERROR,
                "Association SubmissionSet1-Document1: sourceObject "
                "'urn:uuid:AAAAAAAA-0000-4000-8000-000000000001' has upper case letters, expected "
                "'urn:uuid:aaaaaaaa-0000-4000-8000-000000000001' (ITI TF-3: 4.2.2)",
            ),
            (
                METADATA_ERROR,
                "Association SubmissionSet1-Folder1-Document1: sourceObject "
                "'urn:uuid:AAAAAAAA-0000-4000-8000-000000000001' has upper case letters, expected "
                "'urn:uuid:aaaaaaaa-0000-4000-8000-000000000001' (ITI TF-3: 4.2.2)",
            ),
            (
                METADATA_ERROR,
                "Association SubmissionSet1-Folder1: sourceObject "
                "'urn:uuid:AAAAAAAA-0000-4000-8000-000000000001' has upper case letters, expected "
                "'urn:uuid:aaaaaaaa-0000-4000-8000-000000000001' (ITI TF-3: 4.2.2)",
            ),
        ],
    ),
    "UUID that is too short": (
        instead('"SubmissionSet1"', '"urn:uuid:1234"', times=10),
        [
            (
                METADATA_ERROR,
                "SubmissionSet urn:uuid:1234: entryUUID 'urn:uuid:1234' is not a UUID, expected urn:uuid: "
                "and 8-4-4-4-12 hexadecimal digits in lower case (ITI TF-3: 4.2.3.3.5)",
            ),
            (
                METADATA_ERROR,
                "Association SubmissionSet1-Document1: sourceObject 'urn:uuid:1234' is not a UUID, "
                "expected urn:uuid: and 8-4-4-4-12 hexadecimal digits in lower case (ITI TF-3: 4.2.2)",
            ),
            (
                METADATA_ERROR,
                "Association SubmissionSet1-Folder1-Document1: sourceObject 'urn:uuid:1234' is not a "
                "UUID, expected urn:uuid: and 8-4-4-4-12 hexadecimal digits in lower case (ITI TF-3: "
                "4.2.2)",
            ),
            (
                METADATA_ERROR,
                "Association SubmissionSet1-Folder1: sourceObject 'urn:uuid:1234' is not a UUID, expected "
                "urn:uuid: and 8-4-4-4-12 hexadecimal digits in lower case (ITI TF-3: 4.2.2)",
            ),
        ],
    ),
}

SCHEMA: Cases = {
    "unknown element": (
        before("<rim:ExtrinsicObject", "<rim:Nonsense/>"),
        "rim:Nonsense does not belong here",
    ),
    "element of another namespace": (
        before("<rim:ExtrinsicObject", '<x xmlns="urn:example:x"/>'),
        "x (of urn:example:x) does not belong here",
    ),
    "unknown attribute": (
        instead("<rim:ExtrinsicObject ", '<rim:ExtrinsicObject colour="red" '),
        "rim:ExtrinsicObject/@colour is not allowed here",
    ),
    "wrong order": (
        instead(
            '</rim:Name><rim:Classification id="author-Document1"',
            f'</rim:Name>{slot("URI", "a")}<rim:Classification id="author-Document1"',
        ),
        "rim:Slot does not belong here, expected is rim:Description, rim:VersionInfo, rim:Classification, "
        "rim:ExternalIdentifier, rim:ContentVersionInfo",
    ),
    "two Names": (
        instead(
            '</rim:Name><rim:Classification id="author-Document1"',
            '</rim:Name><rim:Name/><rim:Classification id="author-Document1"',
        ),
        "rim:Name does not belong here, expected is rim:Description, rim:VersionInfo, rim:Classification, "
        "rim:ExternalIdentifier, rim:ContentVersionInfo",
    ),
    "Classification without id": (
        instead('<rim:Classification id="REPORT-Document1"', "<rim:Classification"),
        "rim:Classification needs the attribute id",
    ),
    "Association without id": (
        instead(LAST_ASSOCIATION, "<rim:Association"),
        "rim:Association needs the attribute id",
    ),
    "ExtrinsicObject without id": (
        instead('<rim:ExtrinsicObject id="Document1"', "<rim:ExtrinsicObject"),
        "rim:ExtrinsicObject needs the attribute id",
    ),
    "value of 257 characters": (
        values("sourcePatientInfo", f"PID-5|{'x' * 251}"),
        "rim:Value is 257 characters long, at most 256 are allowed",
    ),
    "text between elements": (
        before("<rim:ExtrinsicObject", "text"),
        "rim:RegistryObjectList must not contain text",
    ),
    "no RegistryObjectList": (
        objects(""),
        "lcm:SubmitObjectsRequest is not complete, next is expected rs:RequestSlotList, "
        "rim:RegistryObjectList",
    ),
    "two RegistryObjectLists": (
        instead("</lcm:SubmitObjectsRequest>", "<rim:RegistryObjectList/></lcm:SubmitObjectsRequest>"),
        "rim:RegistryObjectList does not belong here",
    ),
}
