"""What practices, hospitals and laboratories submit, with all that real metadata carry (ITI TF-3: 4.2.3)."""

import random
import uuid

from tests.messages import requests as r

# The patient and the uniqueIds that a template stands for.
PATIENT = "PATIENT^^^&2.999.5&ISO"
UNIQUE_ID = "2.25.{:038d}"

_FAMILIES = (
    "Weber",
    "Muller",
    "Schmit",
    "Hoffmann",
    "Da Silva",
    "Wagner",
    "Kieffer",
    "Thill",
    "Ferreira",
    "Klein",
)
_GIVEN = ("Anne", "Jean", "Marie", "Luc", "Sofia", "Paul", "Claire", "Tom", "Nathalie", "Marc")
_PLACES = (
    ("Cabinet médical de la Gare", "2.999.61.1"), ("Hôpital du Centre", "2.999.61.2"),
    ("Laboratoire Réunis", "2.999.61.3"), ("Clinique du Nord", "2.999.61.4"),
    ("Soins à domicile", "2.999.61.5"),
)  # fmt: skip
# typeCode, classCode, formatCode, MIME type, and how often.
KINDS = (
    ("NOTE", "REPORT", "urn:ihe:iti:xds-sd:pdf:2008", "application/pdf", 40),
    ("LAB", "RESULT", "urn:ihe:lab:xd-lab:2008", "text/xml", 30),
    ("IMAGING", "RESULT", "urn:ihe:rad:PDF", "application/pdf", 12),
    ("PRESCRIPTION", "ORDER", "urn:ihe:pharm:pre:2010", "text/xml", 12),
    ("DISCHARGE", "REPORT", "urn:ihe:pcc:xds-ms:2007", "text/xml", 6),
)
_SPECIALTIES = ("GENERAL", "CARDIOLOGY", "RADIOLOGY", "ONCOLOGY", "PAEDIATRICS")
_FACILITIES = ("PRACTICE", "HOSPITAL", "LABORATORY", "HOMECARE")
# Of how many documents one submission is, how often it has a Folder, and how often it is replaced later.
_DOCUMENTS, _WITH_FOLDER, _REPLACED = (1, 1, 1, 1, 2, 3), 0.08, 0.1
_WITH_REFERENCE = 0.3


def letters(dice: random.Random) -> list[str]:
    """A submission, and often enough a second one that replaces its first document."""
    uuids = iter(lambda: f"urn:uuid:{uuid.UUID(int=dice.getrandbits(128), version=4)}", "")
    numbers = iter(lambda: UNIQUE_ID.format(dice.getrandbits(100)), "")
    documents = [next(uuids) for _ in range(dice.choice(_DOCUMENTS))]
    objects = [_submission_set(dice, next(numbers))]
    for document in documents:
        objects.append(_document_entry(dice, document, next(numbers)))
        objects.append(r.association("SubmissionSet1", document, status="Original"))
    if dice.random() < _WITH_FOLDER:
        objects.append(r.folder(PATIENT, next(numbers)))
        objects.append(r.association("SubmissionSet1", "Folder1"))
        for document in documents:
            objects.append(r.association("Folder1", document, id=f"in-{document}"))
            objects.append(r.association("SubmissionSet1", f"in-{document}"))
    submissions = [r.submit(*objects)]
    if dice.random() < _REPLACED:
        newer = next(uuids)
        submissions.append(
            r.submit(
                _submission_set(dice, next(numbers)),
                _document_entry(dice, newer, next(numbers)),
                r.association("SubmissionSet1", newer, status="Original"),
                r.association(newer, documents[0], r.RPLC),
            )
        )
    return submissions


def _submission_set(dice: random.Random, unique_id: str) -> str:
    author = r.author("SubmissionSet1", r.AUTHOR_OF_SUBMISSION_SET, *_author(dice))
    return r.submission_set(PATIENT, unique_id, author=author)


def _document_entry(dice: random.Random, id: str, unique_id: str) -> str:
    (kind,) = dice.choices(KINDS, [one[-1] for one in KINDS])
    type_code, class_code, format_code, mime_type, _ = kind
    day = f"20{dice.randrange(18, 26)}{dice.randrange(1, 13):02d}{dice.randrange(1, 29):02d}"
    authors = [
        r.author(id, r.AUTHOR_OF_DOCUMENT, *_author(dice), id=f"author{number}")
        for number in range(dice.choice((1, 1, 1, 2)))
    ]
    confidentiality = dice.choices(("N", "R"), (95, 5))[0]
    slots = r.registered(f"{dice.getrandbits(160):040x}", dice.randrange(2_000, 400_000))
    return r.document_entry(
        PATIENT,
        unique_id,
        id,
        mime_type,
        slots,
        creationTime=r.slot("creationTime", f"{day}{dice.randrange(8, 19):02d}1500"),
        serviceStartTime=r.slot("serviceStartTime", f"{day}0800"),
        serviceStopTime=r.slot("serviceStopTime", f"{day}1900"),
        legalAuthenticator=r.slot("legalAuthenticator", _person(dice)),
        referenceIdList=r.slot("urn:ihe:iti:xds:2013:referenceIdList", *_references(dice))
        * (dice.random() < 0.3),
        sourcePatientInfo=r.slot("sourcePatientInfo", *_patient(dice)),
        title=r.text(f"{type_code.title()} du {day}"),
        comments=r.text("Transmis au médecin référent").replace("rim:Name>", "rim:Description>"),
        author="".join(authors),
        classCode=r.codes(id, "classCode", f"{class_code}^^2.999.1"),
        confidentialityCode=r.codes(id, "confidentialityCode", f"{confidentiality}^^2.999.1"),
        eventCodeList=r.codes(
            id,
            "eventCodeList",
            *(f"E{dice.randrange(200)}^^2.999.9" for _ in range(dice.choice((0, 0, 1, 2)))),
        ),
        formatCode=r.codes(id, "formatCode", f"{format_code}^^1.3.6.1.4.1.19376.1.2.3"),
        healthcareFacilityTypeCode=r.codes(
            id, "healthcareFacilityTypeCode", f"{dice.choice(_FACILITIES)}^^2.999.1"
        ),
        practiceSettingCode=r.codes(id, "practiceSettingCode", f"{dice.choice(_SPECIALTIES)}^^2.999.1"),
        typeCode=r.codes(id, "typeCode", f"{type_code}^^2.999.1"),
    )


def _author(dice: random.Random) -> tuple[str, ...]:
    place, oid = dice.choice(_PLACES)
    return (
        r.slot("authorPerson", _person(dice)),
        r.slot("authorInstitution", f"{place}^^^^^^^^^{oid}"),
        r.slot("authorRole", "DOCTOR^^^&2.999.7&ISO"),
        r.slot("authorSpecialty", f"{dice.choice(_SPECIALTIES)}^^^&2.999.8&ISO"),
        r.slot("authorTelecommunication", f"^^Internet^{dice.getrandbits(32):08x}@praxis.example"),
    )


def _person(dice: random.Random) -> str:
    number = dice.randrange(10_000)
    return f"{number:05d}^{dice.choice(_FAMILIES)}^{dice.choice(_GIVEN)}^^^Dr^^^&2.999.4&ISO"


def _patient(dice: random.Random) -> tuple[str, ...]:
    born = f"19{dice.randrange(30, 99)}{dice.randrange(1, 13):02d}{dice.randrange(1, 29):02d}"
    return (
        f"PID-3|{dice.randrange(10**9)}^^^&2.999.7&ISO",
        f"PID-5|{dice.choice(_FAMILIES)}^{dice.choice(_GIVEN)}^^",
        f"PID-7|{born}",
        f"PID-8|{dice.choice('FM')}",
        f"PID-11|{dice.randrange(1, 200)}, route de Thionville^^Luxembourg^^L-2610^LUX",
    )


def _references(dice: random.Random) -> str:
    value = f"A{dice.randrange(10**8)}^^^&2.999.10&ISO^urn:ihe:iti:xds:2013:accession"
    return r.slot("urn:ihe:iti:xds:2013:referenceIdList", value)


def _events(dice: random.Random) -> tuple[str, ...]:
    return tuple({f"E{dice.randrange(200)}^^2.999.9" for _ in range(dice.choice((0, 0, 1, 2)))})
