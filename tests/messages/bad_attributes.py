"""Attributes that are missing or malformed, each with what a registry says of it (ITI TF-3: 4.2.3)."""

from tests.messages.changes import (
    METADATA_ERROR,
    Cases,
    all_of,
    identified,
    instead,
    more,
    more_of_author,
    more_of_set,
    no_code,
    no_identifier,
    no_slot,
    values,
    without,
)
from tests.messages.requests import STABLE

UNKNOWN = "urn:uuid:00000000-0000-4000-8000-000000000404"

MISSING: Cases = {
    "DocumentEntry without creationTime": (
        no_slot("creationTime"),
        "DocumentEntry Document1: creationTime is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.6)",
    ),
    "DocumentEntry without languageCode": (
        no_slot("languageCode"),
        "DocumentEntry Document1: languageCode is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.13)",
    ),
    "DocumentEntry without sourcePatientId": (
        no_slot("sourcePatientId"),
        "DocumentEntry Document1: sourcePatientId is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.22)",
    ),
    "DocumentEntry without classCode": (
        no_code("REPORT-Document1"),
        "DocumentEntry Document1: classCode is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.3)",
    ),
    "DocumentEntry without confidentialityCode": (
        no_code("N-Document1"),
        "DocumentEntry Document1: confidentialityCode is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.5)",
    ),
    "DocumentEntry without formatCode": (
        no_code("TEXT-Document1"),
        "DocumentEntry Document1: formatCode is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.9)",
    ),
    "DocumentEntry without healthcareFacilityTypeCode": (
        no_code("CLINIC-Document1"),
        "DocumentEntry Document1: healthcareFacilityTypeCode is missing, ITI-42 requires it (ITI TF-3: "
        "4.2.3.2.11)",
    ),
    "DocumentEntry without practiceSettingCode": (
        no_code("GENERAL-Document1"),
        "DocumentEntry Document1: practiceSettingCode is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.17)",
    ),
    "DocumentEntry without typeCode": (
        no_code("NOTE-Document1"),
        "DocumentEntry Document1: typeCode is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.25)",
    ),
    "DocumentEntry without patientId": (
        no_identifier("XDSDocumentEntry.patientId-Document1"),
        "DocumentEntry Document1: patientId is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.16)",
    ),
    "DocumentEntry without uniqueId": (
        no_identifier("XDSDocumentEntry.uniqueId-Document1"),
        "DocumentEntry Document1: uniqueId is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.26)",
    ),
    "DocumentEntry without mimeType": (
        instead(' mimeType="text/plain"', ""),
        "DocumentEntry Document1: mimeType is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.15)",
    ),
    "DocumentEntry without objectType": (
        instead(f' objectType="{STABLE}"', ""),
        "DocumentEntry Document1: objectType '' is unknown, expected "
        "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1 (stable) or "
        "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248 (on-demand) (ITI TF-3: 4.2.3.2.29)",
    ),
    "Slot without a value": (
        values("creationTime"),
        "DocumentEntry Document1: creationTime is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.6)",
    ),
    "SubmissionSet without submissionTime": (
        no_slot("submissionTime"),
        "SubmissionSet SubmissionSet1: submissionTime is missing, ITI-42 requires it (ITI TF-3: 4.2.3.3.10)",
    ),
    "SubmissionSet without contentTypeCode": (
        no_code("VISIT-SubmissionSet1"),
        "SubmissionSet SubmissionSet1: contentTypeCode is missing, ITI-42 requires it (ITI TF-3: 4.2.3.3.4)",
    ),
    "SubmissionSet without patientId": (
        no_identifier("XDSSubmissionSet.patientId-SubmissionSet1"),
        "SubmissionSet SubmissionSet1: patientId is missing, ITI-42 requires it (ITI TF-3: 4.2.3.3.8)",
    ),
    "SubmissionSet without sourceId": (
        no_identifier("XDSSubmissionSet.sourceId-SubmissionSet1"),
        "SubmissionSet SubmissionSet1: sourceId is missing, ITI-42 requires it (ITI TF-3: 4.2.3.3.9)",
    ),
    "SubmissionSet without uniqueId": (
        no_identifier("XDSSubmissionSet.uniqueId-SubmissionSet1"),
        "SubmissionSet SubmissionSet1: uniqueId is missing, ITI-42 requires it (ITI TF-3: 4.2.3.3.12)",
    ),
    "Folder without codeList": (
        no_code("PREGNANCY-Folder1"),
        "Folder Folder1: codeList is missing, ITI-42 requires it (ITI TF-3: 4.2.3.4.2)",
    ),
    "Folder without title": (
        without('<rim:Name><rim:LocalizedString value="Pregnancy"/>', "</rim:Name>"),
        "Folder Folder1: title is missing, ITI-42 requires it (ITI TF-3: 4.2.3.4.8)",
    ),
    "Folder without patientId": (
        no_identifier("XDSFolder.patientId-Folder1"),
        "Folder Folder1: patientId is missing, ITI-42 requires it (ITI TF-3: 4.2.3.4.7)",
    ),
    "Folder without uniqueId": (
        no_identifier("XDSFolder.uniqueId-Folder1"),
        "Folder Folder1: uniqueId is missing, ITI-42 requires it (ITI TF-3: 4.2.3.4.9)",
    ),
}

DATATYPES: Cases = {
    "unknown objectType": (
        instead(STABLE, UNKNOWN),
        "DocumentEntry Document1: objectType 'urn:uuid:00000000-0000-4000-8000-000000000404' is unknown, "
        "expected urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1 (stable) or "
        "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248 (on-demand) (ITI TF-3: 4.2.3.2.29)",
    ),
    "creationTime month 13": (
        values("creationTime", "20241301"),
        "DocumentEntry Document1: creationTime '20241301' is not a time, expected "
        "YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only (ITI TF-3: 4.2.3.2.6)",
    ),
    "creationTime 30 February": (
        values("creationTime", "20240230"),
        "DocumentEntry Document1: creationTime '20240230' is not a day of the calendar, expected a day "
        "that 2024-02 has (ITI TF-3: 4.2.3.2.6)",
    ),
    "creationTime with a zone": (
        values("creationTime", "20240102030405+0100"),
        "DocumentEntry Document1: creationTime '20240102030405+0100' is not a time, expected "
        "YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only (ITI TF-3: 4.2.3.2.6)",
    ),
    "creationTime with a fraction": (
        values("creationTime", "20240102030405.123"),
        "DocumentEntry Document1: creationTime '20240102030405.123' is not a time, expected "
        "YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only (ITI TF-3: 4.2.3.2.6)",
    ),
    "creationTime half a second": (
        values("creationTime", "2024010203040"),
        "DocumentEntry Document1: creationTime '2024010203040' is not a time, expected "
        "YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only (ITI TF-3: 4.2.3.2.6)",
    ),
    "creationTime no time": (
        values("creationTime", "yesterday"),
        "DocumentEntry Document1: creationTime 'yesterday' is not a time, expected "
        "YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only (ITI TF-3: 4.2.3.2.6)",
    ),
    "service ends before it starts": (
        values("serviceStartTime", "20240103"),
        "DocumentEntry Document1: serviceStartTime '20240103' is after serviceStopTime '202401020330', "
        "expected before (ITI TF-3: 4.2.3.2.20)",
    ),
    "languageCode": (
        values("languageCode", "fr_LU"),
        "DocumentEntry Document1: languageCode 'fr_LU' is not a language tag, expected letters and digits "
        "joined by hyphens, such as fr-LU (ITI TF-3: 4.2.3.2.13)",
    ),
    "mimeType": (
        instead('mimeType="text/plain"', 'mimeType="plain text"'),
        "DocumentEntry Document1: mimeType 'plain text' is not a MIME type, expected type/subtype without "
        "parameters (ITI TF-3: 4.2.3.2.15)",
    ),
    "hash": (
        values("hash", "not a hash"),
        "DocumentEntry Document1: hash 'not a hash' is not a SHA-1, expected 40 hexadecimal digits (ITI "
        "TF-3: 4.2.3.2.10)",
    ),
    "hash of 38 digits": (
        values("hash", "ab" * 19),
        "DocumentEntry Document1: hash 'ababababababababababababababababababab' is not a SHA-1, expected "
        "40 hexadecimal digits (ITI TF-3: 4.2.3.2.10)",
    ),
    "negative size": (
        values("size", "-1"),
        "DocumentEntry Document1: size '-1' is not a number, expected decimal digits only (ITI TF-3: "
        "4.2.3.2.21)",
    ),
    "size with a unit": (
        values("size", "13 bytes"),
        "DocumentEntry Document1: size '13 bytes' is not a number, expected decimal digits only (ITI "
        "TF-3: 4.2.3.2.21)",
    ),
    "repositoryUniqueId with a leading zero": (
        values("repositoryUniqueId", "2.999.02"),
        "DocumentEntry Document1: repositoryUniqueId '2.999.02' is not an OID, expected numbers joined by "
        "dots, without leading zeros, such as 2.999.1 (ITI TF-3: 4.2.3.2.18)",
    ),
    "homeCommunityId without urn:oid": (
        instead("<rim:ExtrinsicObject ", '<rim:ExtrinsicObject home="2.999.9" '),
        "DocumentEntry Document1: homeCommunityId '2.999.9' does not begin with urn:oid:, expected an OID "
        "as a URN, such as urn:oid:2.999.1 (ITI TF-3: 4.2.3.2.12)",
    ),
    "CX without authority": (
        values("sourcePatientId", "MRN7"),
        "DocumentEntry Document1: sourcePatientId 'MRN7' names no assigning authority in component 4, "
        "expected id^^^&OID&ISO (ITI TF-3: 4.2.3.2.22)",
    ),
    "CX without id": (
        values("sourcePatientId", "^^^&2.999.7&ISO"),
        "DocumentEntry Document1: sourcePatientId '^^^&2.999.7&ISO' has no id in component 1, expected "
        "id^^^&OID&ISO (ITI TF-3: 4.2.3.2.22)",
    ),
    "CX with a namespace": (
        values("sourcePatientId", "MRN7^^^HOSPITAL&2.999.7&ISO"),
        "DocumentEntry Document1: sourcePatientId 'MRN7^^^HOSPITAL&2.999.7&ISO' has the namespace "
        "'HOSPITAL' in component 4, expected id^^^&OID&ISO (ITI TF-3: 4.2.3.2.22)",
    ),
    "CX of another kind than ISO": (
        values("sourcePatientId", "MRN7^^^&2.999.7&DNS"),
        "DocumentEntry Document1: sourcePatientId 'MRN7^^^&2.999.7&DNS' has 'DNS' for ISO in component 4, "
        "expected id^^^&OID&ISO (ITI TF-3: 4.2.3.2.22)",
    ),
    "CX with a type": (
        values("sourcePatientId", "MRN7^^^&2.999.7&ISO^PI"),
        "DocumentEntry Document1: sourcePatientId 'MRN7^^^&2.999.7&ISO^PI' goes on after component 4, "
        "expected id^^^&OID&ISO (ITI TF-3: 4.2.3.2.22)",
    ),
    "patientId without authority": (
        identified("XDSDocumentEntry.patientId-Document1", "P2"),
        "DocumentEntry Document1: patientId 'P2' names no assigning authority in component 4, expected "
        "id^^^&OID&ISO (ITI TF-3: 4.2.3.2.16)",
    ),
    "PID-40": (
        values("sourcePatientInfo", "PID-40|x"),
        "DocumentEntry Document1: sourcePatientInfo 'PID-40|x' is not a patient field, expected PID-1 to "
        "PID-39, a bar and the value (ITI TF-3: 4.2.3.2.23)",
    ),
    "no PID field": (
        values("sourcePatientInfo", "Muller^Jeanne"),
        "DocumentEntry Document1: sourcePatientInfo 'Muller^Jeanne' is not a patient field, expected "
        "PID-1 to PID-39, a bar and the value (ITI TF-3: 4.2.3.2.23)",
    ),
    "PID-8 twice": (
        values("sourcePatientInfo", "PID-8|F", "PID-8|M"),
        "DocumentEntry Document1: sourcePatientInfo PID-8 is given 2 times, expected once (ITI TF-3: "
        "4.2.3.2.23)",
    ),
    "PID-19": (
        values("sourcePatientInfo", "PID-19|123"),
        "DocumentEntry Document1: sourcePatientInfo 'PID-19|123' gives PID-19, expected any field but "
        "PID-2, PID-4, PID-12, PID-19 (ITI TF-3: 4.2.3.2.23)",
    ),
    "XCN without family name and id": (
        more("legalAuthenticator", "^^Anne"),
        "DocumentEntry Document1: legalAuthenticator '^^Anne' has neither an id in component 1 nor a "
        "family name in component 2, expected one (ITI TF-3: 4.2.3.2.14)",
    ),
    "URI with blanks": (
        more("URI", "not a uri"),
        "DocumentEntry Document1: URI 'not a uri' is not a URI, expected RFC 2396 characters without "
        "spaces (ITI TF-3: 4.2.3.2.27)",
    ),
    "CXi without type": (
        more("urn:ihe:iti:xds:2013:referenceIdList", "ACC1^^^&2.999.7&ISO"),
        "DocumentEntry Document1: referenceIdList 'ACC1^^^&2.999.7&ISO' names no type in component 5, "
        "expected id^^^&OID&ISO^type (ITI TF-3: 4.2.3.2.28)",
    ),
    "documentAvailability": (
        more("documentAvailability", "online"),
        "DocumentEntry Document1: documentAvailability 'online' is not a URN, expected urn:, a namespace, "
        "a colon and a name (ITI TF-3: 4.2.3.2.30)",
    ),
    "authorPerson without name": (
        values("authorPerson", "^^Anne"),
        "SubmissionSet SubmissionSet1: author has an authorPerson: '^^Anne' has neither an id in "
        "component 1 nor a family name in component 2, expected one (ITI TF-3: 4.2.3.3.1)",
    ),
    "authorInstitution without name": (
        values("authorInstitution", "^^^^^^^^^2.999.61"),
        "SubmissionSet SubmissionSet1: author has an authorInstitution: '^^^^^^^^^2.999.61' has no name "
        "in component 1, expected name^^^^^&OID&ISO^^^^id (ITI TF-3: 4.2.3.3.1)",
    ),
    "authorInstitution with a local id": (
        values("authorInstitution", "Clinic^^^^^^^^^61"),
        "SubmissionSet SubmissionSet1: author has an authorInstitution: 'Clinic^^^^^^^^^61' has the id "
        "'61' and no assigning authority in component 6, expected &OID&ISO there or an OID as id (ITI "
        "TF-3: 4.2.3.3.1)",
    ),
    "authorTelecommunication with a bare address": (
        more_of_author("authorTelecommunication", "anne@clinic.example"),
        [
            (
                METADATA_ERROR,
                "SubmissionSet SubmissionSet1: author has an authorTelecommunication: "
                "'anne@clinic.example' has 'anne@clinic.example' in component 1, expected "
                "^NET^Internet^address or ^use^type^... (ITI TF-3: 4.2.3.3.1)",
            ),
            (
                METADATA_ERROR,
                "SubmissionSet SubmissionSet1: author has an authorTelecommunication: "
                "'anne@clinic.example' has the type '' in component 3, expected Internet or one of PH CP "
                "FX BP MD SAT TDD TTY (ITI TF-3: 4.2.3.3.1)",
            ),
            (
                METADATA_ERROR,
                "SubmissionSet SubmissionSet1: author has an authorTelecommunication: "
                "'anne@clinic.example' has no number in component 7, expected "
                "^use^type^^country^area^number^extension (ITI TF-3: 4.2.3.3.1)",
            ),
        ],
    ),
    "authorTelecommunication with an address as number": (
        more_of_author("authorTelecommunication", "^PRN^PH^anne"),
        [
            (
                METADATA_ERROR,
                "SubmissionSet SubmissionSet1: author has an authorTelecommunication: '^PRN^PH^anne' has "
                "'anne' in component 4, expected ^use^type^^country^area^number^extension (ITI TF-3: "
                "4.2.3.3.1)",
            ),
            (
                METADATA_ERROR,
                "SubmissionSet SubmissionSet1: author has an authorTelecommunication: '^PRN^PH^anne' has "
                "no number in component 7, expected ^use^type^^country^area^number^extension (ITI TF-3: "
                "4.2.3.3.1)",
            ),
        ],
    ),
    "authorRole without code": (
        more_of_author("authorRole", "^^^&2.999.7&ISO"),
        "SubmissionSet SubmissionSet1: author has an authorRole: '^^^&2.999.7&ISO' has no code in "
        "component 1, expected plain text or code^^^&OID&ISO (ITI TF-3: 4.2.3.3.1)",
    ),
    "author who is nobody": (
        all_of(no_slot("authorPerson"), values("authorInstitution")),
        "SubmissionSet SubmissionSet1: author names nobody, expected an authorPerson, authorInstitution "
        "or authorTelecommunication (ITI TF-3: 4.2.3.3.1)",
    ),
    "escape that is not allowed": (
        values("authorPerson", r"^Web\X0D\er^Anne"),
        "SubmissionSet SubmissionSet1: author has an authorPerson: '^Web\\X0D\\er^Anne' has a backslash "
        "outside the escapes \\F\\ \\S\\ \\R\\ \\T\\ \\E\\, expected \\E\\ for a literal one "
        "(ITI TF-3: 4.2.3.3.1)",
    ),
    "intendedRecipient who is nobody": (
        more_of_set("intendedRecipient", "||"),
        "SubmissionSet SubmissionSet1: intendedRecipient '||' names nobody, expected "
        "organization|person|telecommunication (ITI TF-3: 4.2.3.3.7)",
    ),
    "intendedRecipient without family name": (
        more_of_set("intendedRecipient", "|^^Anne"),
        "SubmissionSet SubmissionSet1: intendedRecipient '^^Anne' has neither an id in component 1 nor a "
        "family name in component 2, expected one (ITI TF-3: 4.2.3.3.7)",
    ),
    "submissionTime with hyphens": (
        values("submissionTime", "2024-01-02"),
        "SubmissionSet SubmissionSet1: submissionTime '2024-01-02' is not a time, expected "
        "YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only (ITI TF-3: 4.2.3.3.10)",
    ),
    "sourceId that is no OID": (
        instead('value="2.999.6"', 'value="source"'),
        "SubmissionSet SubmissionSet1: sourceId 'source' is not an OID, expected numbers joined by dots, "
        "without leading zeros, such as 2.999.1 (ITI TF-3: 4.2.3.3.9)",
    ),
    "SubmissionSet.uniqueId that is no OID": (
        identified("XDSSubmissionSet.uniqueId-SubmissionSet1", "urn:uuid:1"),
        "SubmissionSet SubmissionSet1: uniqueId 'urn:uuid:1' is not an OID, expected numbers joined by "
        "dots, without leading zeros, such as 2.999.1 (ITI TF-3: 4.2.3.3.12)",
    ),
    "Folder.uniqueId that is no OID": (
        identified("XDSFolder.uniqueId-Folder1", "folder"),
        "Folder Folder1: uniqueId 'folder' is not an OID, expected numbers joined by dots, without "
        "leading zeros, such as 2.999.1 (ITI TF-3: 4.2.3.4.9)",
    ),
    "DocumentEntry.uniqueId with a blank": (
        identified("XDSDocumentEntry.uniqueId-Document1", "a document"),
        "DocumentEntry Document1: uniqueId 'a document' is not an identifier, expected printable ASCII "
        "without spaces (ITI TF-3: 4.2.3.2.26)",
    ),
    "DocumentEntry.uniqueId of 129 characters": (
        identified("XDSDocumentEntry.uniqueId-Document1", "9" * 129),
        "DocumentEntry Document1: uniqueId "
        f"'{'9' * 100}...' "
        "has 129 characters, expected an identifier of at most 128 (ITI TF-3: 4.2.3.2.26)",
    ),
    "title of 129 characters": (
        instead(
            '="Report"/></rim:Name><rim:Classification id="author',
            f'="{"x" * 129}"/></rim:Name><rim:Classification id="author',
        ),
        "DocumentEntry Document1: title "
        f"'{'x' * 100}...' "
        "has 129 characters, expected at most 128 (ITI TF-3: 4.2.3.2.24)",
    ),
}
