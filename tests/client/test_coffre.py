"""The client against a real server, in the shipped domain (ITI TF-1: 10.1)."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest

from client import (
    BadMetadata,
    CodeBook,
    Coffre,
    Document,
    DocumentDamaged,
    FileIsThere,
    Metadata,
    NoSuchDocument,
    PartlyRefused,
    RequestRefused,
    Search,
    Speaker,
    read_metadata,
)
from hl7v2.datatypes import CX
from ihe.object_types import Status
from server.codes import read_code_set
from tests.client.answers import answering
from tests.services.platform import Platform, running
from tests.wire import MTOM_TYPE, envelope, include, mtom

AUTHORITY = "2.999.352.1"
CODES = CodeBook(read_code_set("luxembourg").codes)
SPEAKER = Speaker(CODES, AUTHORITY, datetime(2024, 7, 10))
BOTH = Search(status=(Status.APPROVED, Status.DEPRECATED))

CDA = """<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3">
<id root="2.25.{number}"/><code code="11502-2" codeSystem="2.16.840.1.113883.6.1"/>
<title>Blood &amp; more</title>
<effectiveTime value="20240305103000+0100"/><languageCode code="de-LU"/>
<recordTarget><patientRole><id root="2.999.352.1" extension="{patient}"/></patientRole></recordTarget>
<author><assignedAuthor><assignedPerson><name><given>Anne</given><family>Muller</family></name></assignedPerson>
</assignedAuthor></author></ClinicalDocument>\r\n"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> Iterator[Platform]:
    """A server with the configuration that the product comes with."""
    with running(tmp_path_factory.mktemp("shipped"), toml="") as one:
        yield one


@pytest.fixture
def coffre(shipped) -> Iterator[Coffre]:
    urls = shipped.registry_url, shipped.repository_url
    with Coffre(*urls, codes=CODES, assigning_authority=AUTHORITY) as one:
        yield one


@pytest.fixture
def patient(coffre) -> CX:
    """A patient that the registry knows and no other test uses."""
    patient_id = CX.of(uuid4().hex, AUTHORITY)
    coffre.add_patient(patient_id, "Schmit", "Anne")
    return patient_id


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "blood count.pdf"
    path.write_bytes(b"%PDF-1.4 first\r\n")
    return path


def laboratory(patient_id: CX, **said) -> Metadata:
    texts = {"type": ["laboratory"], "patient": [str(patient_id)], "author": ["Dr Anne Muller"]}
    return read_metadata(texts | said, SPEAKER)


def titles(entries) -> list[str]:
    return [entry.title[0].value for entry in entries]


def test_what_goes_in_is_found_and_comes_out_byte_for_byte(coffre, patient, pdf, tmp_path):
    """ITI TF-2: 3.41, 3.18, 3.43."""
    text = tmp_path / "note.txt"
    text.write_bytes(b"ends in CR LF\r\n")
    empty = tmp_path / "empty.txt"
    empty.touch()
    sent, received = [], []
    receipt = coffre.submit(
        [Document(path, laboratory(patient)) for path in (pdf, text, empty)],
        progress=lambda *done: sent.append(done),
    )
    assert sent[-1] == (31, 31)
    found = coffre.find(patient)
    assert sorted(titles(found)) == ["blood count", "empty", "note"]
    ids = [one.entry.unique_id for one in receipt.documents]
    fetched = coffre.fetch(ids, tmp_path / "out", progress=lambda *done: received.append(done))
    assert [one.path.name for one in fetched] == ["blood_count.pdf", "note.txt", "empty.txt"]
    assert [one.path.read_bytes() for one in fetched] == [path.read_bytes() for path in (pdf, text, empty)]
    assert received[-1] == (31, 31)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "blood_count.pdf",
        "empty.txt",
        "note.txt",
    ]


def test_a_clinical_document_brings_its_own_metadata(coffre, patient, tmp_path):
    """PCC TF-2: 4.1.1."""
    path = tmp_path / "report.xml"
    path.write_bytes(CDA.format(number=uuid4().int, patient=patient.id).encode())
    receipt = coffre.submit([Document(path)])
    (entry,) = coffre.find(patient)
    assert (entry.unique_id, titles([entry])) == (receipt.documents[0].entry.unique_id, ["Blood & more"])
    assert (entry.creation_time, entry.language_code, entry.author[0].person) == (
        "20240305093000", "de-LU", "^Muller^Anne"
    )  # fmt: skip
    assert entry.type_code.display_name[0].value == "Laborbericht"
    (fetched,) = coffre.fetch([entry.entry_uuid], tmp_path / "out")
    assert fetched.path.read_bytes() == path.read_bytes()


def test_a_clinical_document_of_another_patient_is_not_sent(coffre, patient, tmp_path):
    path = tmp_path / "report.xml"
    path.write_bytes(CDA.format(number=uuid4().int, patient="other").encode())
    with pytest.raises(BadMetadata, match=r"report\.xml is about patient other, but was to be submitted for"):
        coffre.submit([Document(path, laboratory(patient))])
    assert coffre.find(patient) == ()


def test_a_new_version_needs_nothing_but_the_old_one_s_id(coffre, patient, pdf):
    """ITI TF-3: 4.2.2.2.3: the target of RPLC is deprecated."""
    first = coffre.submit([Document(pdf, laboratory(patient, title=["Blood"]))]).documents[0].entry
    pdf.write_bytes(b"%PDF-1.4 second\r\n")
    second = coffre.submit([Document(pdf)], replaces=first.unique_id).documents[0].entry
    pdf.write_bytes(b"%PDF-1.4 third\r\n")
    third = coffre.submit([Document(pdf)], replaces=second.entry_uuid).documents[0].entry
    statuses = {entry.unique_id: entry.availability_status for entry in coffre.find(patient, BOTH)}
    assert statuses == {
        first.unique_id: Status.DEPRECATED,
        second.unique_id: Status.DEPRECATED,
        third.unique_id: Status.APPROVED,
    }
    assert titles([third]) == ["Blood"]
    with pytest.raises(RequestRefused) as problem:
        coffre.submit([Document(pdf)], replaces=first.unique_id)
    assert [error.code for error in problem.value.errors] == ["XDSRegistryDeprecatedDocumentError"]


def test_several_documents_replace_nothing(coffre, patient, pdf):
    with pytest.raises(BadMetadata, match="2 documents cannot replace one"):
        coffre.submit([Document(pdf), Document(pdf)], replaces="2.999.1")


def test_a_folder_is_made_once_and_filled_again(coffre, patient, pdf):
    """ITI TF-3: 4.2.2.1, HasMember."""
    folder = coffre.submit([Document(pdf, laboratory(patient))], folder="Stay").folder_entry_uuid
    again = coffre.submit([Document(pdf, laboratory(patient))], folder=folder)
    assert again.folder_entry_uuid == folder
    with pytest.raises(RequestRefused) as problem:
        coffre.submit([Document(pdf, laboratory(patient))], folder=f"urn:uuid:{uuid4()}")
    assert [error.code for error in problem.value.errors] == ["UnresolvedReferenceException"]


def test_a_search_narrows_what_is_found(coffre, patient, pdf):
    """ITI TF-2: 3.18.4.1.2.3.7.1."""
    coffre.submit([Document(pdf, laboratory(patient, title=["old"], created=["2020-03-01"]))])
    coffre.submit(
        [Document(pdf, laboratory(patient, title=["new"], created=["2024-03-01"], type=["imaging"]))]
    )
    assert titles(coffre.find(patient)) == ["new", "old"]
    laboratory_type = (CODES.resolve("typeCode", "laboratory"),)
    assert titles(coffre.find(patient, Search(type_code=laboratory_type))) == ["old"]
    assert titles(coffre.find(patient, Search(author=("%Muller%",)))) == ["new", "old"]
    assert coffre.find(patient, Search(author=("%Weber%",))) == ()
    assert coffre.find(patient, Search(status=(Status.DEPRECATED,))) == ()


def test_an_unknown_patient_is_refused_by_name_of_the_code(coffre, pdf):
    """ITI TF-3: Table 4.2.4.1-2."""
    with pytest.raises(RequestRefused) as problem:
        coffre.submit([Document(pdf, laboratory(CX.of("nobody", AUTHORITY)))])
    assert [error.code for error in problem.value.errors] == ["XDSUnknownPatientId"]


def test_every_id_that_names_no_document_is_told(coffre, patient, pdf, tmp_path):
    known = coffre.submit([Document(pdf, laboratory(patient))]).documents[0].entry.unique_id
    unknown = f"urn:uuid:{uuid4()}"
    with pytest.raises(NoSuchDocument) as problem:
        coffre.fetch(["2.999.404", known, unknown], tmp_path / "out")
    assert problem.value.ids == ("2.999.404", unknown)
    assert not (tmp_path / "out").exists()


def retrieved(status: str, errors: str, *documents: tuple[str | None, bytes]) -> bytes:
    """An ITI-43 answer of MTOM_TYPE, written out (ITI TF-2: 3.43.4.1.3)."""
    responses = "".join(
        f"<x:DocumentResponse><x:RepositoryUniqueId>2.999.352.2</x:RepositoryUniqueId><x:DocumentUniqueId>{id}"
        f"</x:DocumentUniqueId><x:mimeType>text/plain</x:mimeType><x:Document>{include(f'{n}@x')}</x:Document>"
        "</x:DocumentResponse>"
        for n, (id, _) in enumerate(documents)
    )
    body = (
        '<x:RetrieveDocumentSetResponse xmlns:x="urn:ihe:iti:xds-b:2007">'
        '<rs:RegistryResponse xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" '
        f'status="{status}">{errors}</rs:RegistryResponse>'
        f"{responses}</x:RetrieveDocumentSetResponse>"
    )
    parts = [(f"{n}@x", "text/plain", content) for n, (_, content) in enumerate(documents)]
    return mtom(envelope("urn:ihe:iti:2007:RetrieveDocumentSetResponse", body), *parts)


SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
PARTIAL_SUCCESS = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
ONE_IS_GONE = (
    '<rs:RegistryErrorList><rs:RegistryError errorCode="XDSDocumentUniqueIdError" codeContext="gone" '
    'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error" location="x"/></rs:RegistryErrorList>'
)


def test_a_document_that_is_gone_does_not_keep_the_others(shipped, coffre, patient, pdf, tmp_path):
    """ITI TF-2: 3.43.4.1.3: PartialSuccess."""
    receipt = coffre.submit([Document(pdf, laboratory(patient)) for _ in range(2)])
    here, gone = [one.entry.unique_id for one in receipt.documents]
    answer = retrieved(PARTIAL_SUCCESS, ONE_IS_GONE, (here, pdf.read_bytes()))
    with (
        answering(answer, MTOM_TYPE) as repository_url,
        Coffre(shipped.registry_url, repository_url) as client,
        pytest.raises(PartlyRefused) as problem,
    ):
        client.fetch([here, gone], tmp_path / "out")
    assert [error.code for error in problem.value.errors] == ["XDSDocumentUniqueIdError"]
    assert [one.path.read_bytes() for one in problem.value.fetched] == [pdf.read_bytes()]


@pytest.mark.parametrize("content", [b"%PDF-1.4 other\r\n", b"%PDF-1.4 first", b""])
def test_a_document_that_is_not_the_registered_one_is_not_kept(
    shipped, coffre, patient, pdf, tmp_path, content
):
    """ITI TF-3: 4.2.3.2.10."""
    receipt = coffre.submit([Document(pdf, laboratory(patient)) for _ in range(2)])
    good, bad = [one.entry.unique_id for one in receipt.documents]
    answer = retrieved(SUCCESS, "", (bad, content), (good, pdf.read_bytes()))
    with (
        answering(answer, MTOM_TYPE) as repository_url,
        Coffre(shipped.registry_url, repository_url) as client,
        pytest.raises(DocumentDamaged) as problem,
    ):
        client.fetch([bad, good], tmp_path / "out")
    assert problem.value.unique_id == bad
    assert problem.value.expected.startswith("16 bytes with SHA-1 ")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["blood_count_2.pdf"]


def test_a_file_that_is_there_is_kept_unless_asked_otherwise(coffre, patient, pdf, tmp_path):
    unique_id = coffre.submit([Document(pdf, laboratory(patient))]).documents[0].entry.unique_id
    (tmp_path / "blood_count.pdf").write_bytes(b"mine")
    with pytest.raises(FileIsThere):
        coffre.fetch([unique_id], tmp_path)
    assert (tmp_path / "blood_count.pdf").read_bytes() == b"mine"
    coffre.fetch([unique_id], tmp_path, overwrite=True)
    assert (tmp_path / "blood_count.pdf").read_bytes() == pdf.read_bytes()


def test_nothing_is_submitted_if_one_of_the_files_cannot_be(coffre, patient, pdf, tmp_path):
    documents = [
        Document(pdf, laboratory(patient)),
        Document(tmp_path / "no.pdf"),
        Document(tmp_path / "nor.pdf"),
    ]
    with pytest.raises(BadMetadata) as problem:
        coffre.submit(documents)
    assert len(problem.value.problems) == 2
    assert coffre.find(patient) == ()
