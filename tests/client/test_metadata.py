"""What a person says of a document, by options and sidecar files (ITI TF-3: 4.2.3.2)."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from client.codes import CodeBook
from client.errors import BadMetadata
from client.metadata import KEYS, NOTHING_SAID, Metadata, Speaker, patient_id_of, read_metadata
from client.sidecar import read_sidecar, sidecar_of
from ebxml.model import Author, Code, LocalizedString
from hl7v2.datatypes import CX, DTM, XCN
from server.codes import read_code_set

CODES = CodeBook(read_code_set("luxembourg").codes)
SPEAKER = Speaker(CODES, "2.999.352.1", datetime(2024, 7, 10, tzinfo=ZoneInfo("Europe/Luxembourg")))


EVERYTHING = {
    "title": ["Letter"],
    "comments": ["urgent"],
    "type": ["discharge"],
    "class": ["summaries"],
    "format": ["urn:ihe:rad:PDF"],
    "confidentiality": ["restricted", "V"],
    "event": ["E1^Event^2.999.8"],
    "facility": ["hospital"],
    "practice": ["cardiology"],
    "content-type": ["34112-3"],
    "language": ["de-LU"],
    "author": ["Dr Anne Muller", "Weber, Jean"],
    "institution": ["Clinic"],
    "role": ["physician"],
    "specialty": ["heart"],
    "created": ["2024-07-01T10:00"],
    "service-start": ["2024-06-28"],
    "service-stop": ["2024-07"],
    "unique-id": ["2.999.9"],
    "mime-type": ["application/pdf"],
    "patient": ["P1"],
    "source-patient": ["77^^^&2.999.2&ISO"],
}


def test_every_key_fills_its_attribute():
    assert set(EVERYTHING) == set(KEYS)
    said = read_metadata(EVERYTHING, SPEAKER)
    codes = CODES.resolve
    assert said == Metadata(
        title="Letter",
        comments="urgent",
        type_code=codes("typeCode", "18842-5"),
        class_code=codes("classCode", "SUMMARIES"),
        format_code=codes("formatCode", "urn:ihe:rad:PDF"),
        confidentiality_code=(codes("confidentialityCode", "R"), codes("confidentialityCode", "V")),
        event_code_list=(Code("E1", "2.999.8", (LocalizedString("Event"),)),),
        healthcare_facility_type_code=codes("healthcareFacilityTypeCode", "22232009"),
        practice_setting_code=codes("practiceSettingCode", "394579002"),
        content_type_code=codes("contentTypeCode", "34112-3"),
        language_code="de-LU",
        author=(
            Author(XCN("^Muller^Anne^^^Dr"), ("Clinic",), ("physician",), ("heart",)),
            Author(XCN("^Weber^Jean"), ("Clinic",), ("physician",), ("heart",)),
        ),
        creation_time=DTM("20240701080000"),
        service_start_time=DTM("20240628"),
        service_stop_time=DTM("202407"),
        unique_id="2.999.9",
        mime_type="application/pdf",
        patient_id=CX("P1^^^&2.999.352.1&ISO"),
        source_patient_id=CX("77^^^&2.999.2&ISO"),
    )


def test_everything_wrong_is_named_at_once():
    texts = {
        "tpye": ["x"],
        "type": ["nonsense"],
        "title": ["a", "b"],
        "created": ["soon"],
        "language": ["?"],
        "unique-id": ["two words"],
        "mime-type": ["pdf"],
        "role": ["physician"],
        "patient": ["^^^&2.999.1&ISO"],
    }
    with pytest.raises(BadMetadata) as problem:
        read_metadata(texts, SPEAKER)
    begins = sorted(one.partition(":")[0].partition(",")[0] for one in problem.value.problems)
    assert begins == [
        "created", "language", "mime-type", "patient", "role and specialty need an author or an institution",
        "title has 2 values", "type", "unique-id", "unknown key tpye",
    ]  # fmt: skip


def test_what_one_source_does_not_say_another_does():
    first, second = Metadata(title="first"), Metadata(title="second", comments="second")
    assert first.or_else(second) == Metadata(title="first", comments="second")
    assert NOTHING_SAID.or_else(second) == second


def test_a_bare_patient_id_is_the_domain_s_own():
    """ITI TF-3: Table 4.2.3.1.7-2, CX."""
    assert patient_id_of("A&1", "2.999.1") == "A\\T\\1^^^&2.999.1&ISO"
    assert patient_id_of("A^^^&2.999.7&ISO", "2.999.1") == "A^^^&2.999.7&ISO"
    with pytest.raises(BadMetadata, match="who gave the patient id A is not known"):
        patient_id_of("A", "")


def test_a_sidecar_has_the_keys_of_the_options(tmp_path):
    (tmp_path / "a.pdf.toml").write_text(
        'title = "Letter"\nauthor = ["Anne Muller", "Jean Weber"]\ncreated = 2024-07-01T10:00:00\n'
        'service-start = 2024-06-28\ncontent_type = "34112-3"\n'
    )
    (tmp_path / "a.pdf.json").write_text(json.dumps({"title": "Other"}))
    sidecar = tmp_path / "a.pdf.toml"
    assert sidecar_of(tmp_path / "a.pdf") == sidecar
    assert read_sidecar(sidecar) == {
        "title": ["Letter"],
        "author": ["Anne Muller", "Jean Weber"],
        "created": ["2024-07-01 10:00:00"],
        "service-start": ["2024-06-28"],
        "content-type": ["34112-3"],
    }
    said = read_metadata(read_sidecar(sidecar), SPEAKER)
    assert (said.creation_time, said.service_start_time) == ("20240701080000", "20240628")
    assert read_sidecar(tmp_path / "a.pdf.json") == {"title": ["Other"]}
    assert sidecar_of(tmp_path / "b.pdf") is None


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.toml", b"title = ", "is not TOML"),
        ("a.toml", b"title = '\xff'", "is not TOML"),
        ("a.json", b"{", "is not JSON"),
        ("a.json", b"[" * 100_000, "is not JSON"),
        ("a.json", b"[]", "holds no table"),
        ("a.toml", b"[title]\nfr = 'x'", 'title holds {"fr": "x"}'),
        ("a.json", b'{"title": null}', "title holds null"),
        ("a.yaml", b"title: x", "expected the ending .toml or .json"),
        ("a.toml", b"#" * 1024 * 1025, "is larger than"),
    ],
)
def test_a_sidecar_that_cannot_be_used_is_refused(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadMetadata) as refused:
        read_sidecar(tmp_path / name)
    assert problem in str(refused.value)
