import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7v2.datatypes import (
    CX,
    OID,
    OID_URN,
    CodedString,
    CXi,
    Identifier,
    errors_in_coded_string,
    errors_in_cx,
    errors_in_cxi,
    errors_in_identifier,
    errors_in_oid,
    errors_in_oid_urn,
    errors_in_urn,
    errors_in_uuid_urn,
)

LONGEST_OID = "2.999." + "1" * 58


@pytest.mark.parametrize(
    "text", ["2.999.3", "1.3.6.1.4.1.21367.2005.3.7", "0.4.0.127", "2.25.0", LONGEST_OID]
)
def test_numbers_joined_by_dots_are_an_oid(text):
    """ITI TF-3: Table 4.2.3.1.7-2."""
    assert list(errors_in_oid(text)) == []


@pytest.mark.parametrize(
    "text", ["", "2", "3.4.5", "2.999.03", "2..999", "2.999.", ".2.999", "2.999.x", "2.999\n", "2.٣"]
)
def test_an_oid_begins_with_0_1_or_2_and_has_no_leading_zeros(text):
    """ITI TF-3: Table 4.2.3.1.7-2."""
    assert list(errors_in_oid(text)) == [
        f"'{text}' is not an OID, expected numbers joined by dots, without leading zeros, such as 2.999.1"
    ]


def test_an_oid_ends_after_64_characters():
    """ITI TF-3: Table 4.2.3.1.7-2."""
    text = LONGEST_OID + "1"
    assert list(errors_in_oid(text)) == [f"'{text}' has 65 characters, expected an OID of at most 64"]


def test_an_oid_and_its_urn_are_two_writings_of_one_thing():
    """RFC 3061."""
    assert OID("2.999.1").urn == "urn:oid:2.999.1"
    assert OID_URN("urn:oid:2.999.1").oid == "2.999.1"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "2.999.1",
            "'2.999.1' does not begin with urn:oid:, expected an OID as a URN, such as urn:oid:2.999.1",
        ),
        (
            "urn:oid:3.1",
            "'3.1' is not an OID, expected numbers joined by dots, without leading zeros, such as 2.999.1",
        ),
    ],
)
def test_a_home_community_id_is_an_oid_urn(text, error):
    """ITI TF-3: 4.2.3.2.12."""
    assert list(errors_in_oid_urn(text)) == [error]
    assert list(errors_in_oid_urn("urn:oid:2.999.1")) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "urn:uuid:7EDCA82F-054D-47F2-A032-9B2A5B5186C1",
            (
                "'urn:uuid:7EDCA82F-054D-47F2-A032-9B2A5B5186C1' has upper case letters, "
                "expected 'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1'"
            ),
        ),
        (
            "urn:uuid:7edca82f054d47f2a0329b2a5b5186c1",
            (
                "'urn:uuid:7edca82f054d47f2a0329b2a5b5186c1' is not a UUID, "
                "expected urn:uuid: and 8-4-4-4-12 hexadecimal digits in lower case"
            ),
        ),
        (
            "7edca82f-054d-47f2-a032-9b2a5b5186c1",
            (
                "'7edca82f-054d-47f2-a032-9b2a5b5186c1' is not a UUID, "
                "expected urn:uuid: and 8-4-4-4-12 hexadecimal digits in lower case"
            ),
        ),
    ],
)
def test_a_uuid_is_a_urn_in_lower_case(text, error):
    """RFC 4122: 3."""
    assert list(errors_in_uuid_urn(text)) == [error]
    assert list(errors_in_uuid_urn("urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1")) == []


def test_a_urn_has_a_namespace_and_a_name():
    """RFC 8141."""
    assert list(errors_in_urn("urn:ihe:iti:2007:AssociationType:RPLC")) == []
    assert list(errors_in_urn("HasMember")) == [
        "'HasMember' is not a URN, expected urn:, a namespace, a colon and a name"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2.999.1",
        "1.2.276.0.76.3.1.324.12.1.1^0099563",
        "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1",
        "http://a.lu/1",
    ],
)
def test_the_unique_id_of_a_document_is_opaque(text):
    """ITI TF-3: 4.2.3.2.26."""
    assert list(errors_in_identifier(text)) == []


def test_the_unique_id_of_a_document_is_printable_and_bounded():
    """ITI TF-3: 4.2.3.2.26."""
    assert list(errors_in_identifier("")) == [
        "'' is not an identifier, expected printable ASCII without spaces"
    ]
    assert list(errors_in_identifier("2.999 1")) == [
        "'2.999 1' is not an identifier, expected printable ASCII without spaces"
    ]
    assert list(errors_in_identifier("1" * 129)) == [
        f"'{'1' * 100}...' has 129 characters, expected an identifier of at most 128"
    ]


def test_root_and_extension_of_a_unique_id():
    """ITI TF-3: 4.2.3.2.26."""
    identifier = Identifier("2.999.12^0099563")
    assert (identifier.root, identifier.extension) == ("2.999.12", "0099563")
    assert (Identifier("2.999.12").root, Identifier("2.999.12").extension) == ("2.999.12", "")


def test_a_patient_id_keeps_its_text_and_shows_its_parts():
    """ITI TF-3: Table 4.2.3.1.7-2, CX."""
    patient_id = CX("MRN7^^^&2.999.7&ISO")
    assert patient_id == "MRN7^^^&2.999.7&ISO"
    assert (patient_id.id, patient_id.assigning_authority) == ("MRN7", "2.999.7")
    assert CX.of("MRN7", "2.999.7") == patient_id


def test_parts_of_a_malformed_patient_id_are_empty():
    """ITI TF-3: Table 4.2.3.1.7-2, CX: the check tells, the property does not fail."""
    assert (CX("MRN7").id, CX("MRN7").assigning_authority) == ("MRN7", "")


@given(st.text(), st.from_regex(r"2\.999(\.[1-9][0-9]{0,5}){0,4}", fullmatch=True))
def test_any_id_survives_being_written_as_a_patient_id(id, oid):
    """ITI TF-3: Table 4.2.3.1.7-2, CX; HL7 v2.5: 2.7."""
    written = CX.of(id, oid)
    assert (written.id, written.assigning_authority) == (id, oid)
    assert bool(list(errors_in_cx(written))) == (id == "")


@given(st.text(alphabet="P1^&~|\\FSISO.29", max_size=30))
def test_a_patient_id_without_errors_is_the_one_way_to_write_it(text):
    """ITI TF-3: Table 4.2.3.1.7-2, CX: two good texts are the same patient exactly when they are equal."""
    if not list(errors_in_cx(text)):
        assert CX.of(CX(text).id, CX(text).assigning_authority) == text


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("^^^&2.999.3&ISO", ["'^^^&2.999.3&ISO' has no id in component 1, expected id^^^&OID&ISO"]),
        ("P1", ["'P1' names no assigning authority in component 4, expected id^^^&OID&ISO"]),
        (
            "P1^^^2.999.3",
            [
                "'P1^^^2.999.3' has the namespace '2.999.3' in component 4, expected id^^^&OID&ISO",
                "'P1^^^2.999.3' has '' for the OID in component 4, expected id^^^&OID&ISO",
                "'P1^^^2.999.3' has '' for ISO in component 4, expected id^^^&OID&ISO",
            ],
        ),
        (
            "P1^^^XAD&2.999.3&ISO",
            ["'P1^^^XAD&2.999.3&ISO' has the namespace 'XAD' in component 4, expected id^^^&OID&ISO"],
        ),
        (
            "P1^^^&2.999.03&ISO",
            ["'P1^^^&2.999.03&ISO' has '2.999.03' for the OID in component 4, expected id^^^&OID&ISO"],
        ),
        ("P1^^^&2.999.3&L", ["'P1^^^&2.999.3&L' has 'L' for ISO in component 4, expected id^^^&OID&ISO"]),
        (
            "P1^^^&2.999.3&ISO&x",
            ["'P1^^^&2.999.3&ISO&x' has 'ISO&x' for ISO in component 4, expected id^^^&OID&ISO"],
        ),
        ("P1^7^^&2.999.3&ISO", ["'P1^7^^&2.999.3&ISO' has '7' in component 2, expected id^^^&OID&ISO"]),
        (
            "P1^^^&2.999.3&ISO^PI",
            ["'P1^^^&2.999.3&ISO^PI' goes on after component 4, expected id^^^&OID&ISO"],
        ),
        ("P1^^^&2.999.3&ISO^", ["'P1^^^&2.999.3&ISO^' goes on after component 4, expected id^^^&OID&ISO"]),
        ("P1|2^^^&2.999.3&ISO", ["'P1|2^^^&2.999.3&ISO' has a bare | in component 1, expected it escaped"]),
        (
            r"P\.br\1^^^&2.999.3&ISO",
            [
                (
                    r"'P\.br\1^^^&2.999.3&ISO' has a backslash outside the escapes \F\ \S\ \R\ \T\ \E\, "
                    r"expected \E\ for a literal one"
                )
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_patient_id_is_said(text, errors):
    """ITI TF-3: Table 4.2.3.1.7-2, CX."""
    assert list(errors_in_cx(text)) == errors


def test_the_authority_of_a_patient_id_ends_after_64_characters():
    """ITI TF-3: Table 4.2.3.1.7-2, OID."""
    assert list(errors_in_cx(f"P1^^^&{LONGEST_OID}&ISO")) == []
    assert len(list(errors_in_cx(f"P1^^^&{LONGEST_OID}1&ISO"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "2013001^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:accession",
        "2013001^^^LAB^urn:ihe:iti:xds:2013:order",
        "1.2.3^^^^urn:ihe:iti:xds:2016:studyInstanceUID",
        "7^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:referral^&2.999.9&ISO",
        "7^^^^local",
    ],
)
def test_a_reference_names_its_type(text):
    """ITI TF-3: 4.2.3.2.28."""
    assert list(errors_in_cxi(text)) == []


def test_a_reference_shows_its_parts():
    """ITI TF-3: 4.2.3.2.28."""
    reference = CXi("7^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:referral^&2.999.9&ISO")
    assert (reference.id, reference.namespace, reference.assigning_authority) == ("7", "", "2.999.3")
    assert (reference.type_code, reference.home_community) == ("urn:ihe:iti:xds:2013:referral", "2.999.9")
    assert CXi("7^^^LAB^x").namespace == "LAB"


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (
            "7^^^&2.999.3&ISO",
            ["'7^^^&2.999.3&ISO' names no type in component 5, expected id^^^&OID&ISO^type"],
        ),
        (
            "^^^&2.999.3&ISO^x",
            ["'^^^&2.999.3&ISO^x' has no id in component 1, expected id^^^&OID&ISO^type"],
        ),
        (
            "1.2^^^&2.999.3&ISO^urn:ihe:iti:xdw:2013:workflowInstanceId",
            [
                (
                    "'1.2^^^&2.999.3&ISO^urn:ihe:iti:xdw:2013:workflowInstanceId' names an assigning "
                    "authority, expected none with the type urn:ihe:iti:xdw:2013:workflowInstanceId"
                )
            ],
        ),
        (
            "7^^^LAB&2.999.3&ISO^x",
            ["'7^^^LAB&2.999.3&ISO^x' has the namespace 'LAB' in component 4, expected id^^^&OID&ISO^type"],
        ),
        (
            "7^^^LAB^x^2.999.9",
            [
                (
                    "'7^^^LAB^x^2.999.9' has the namespace '2.999.9' in component 6, "
                    "expected &OID&ISO as home community in component 6"
                ),
                (
                    "'7^^^LAB^x^2.999.9' has '' for the OID in component 6, "
                    "expected &OID&ISO as home community in component 6"
                ),
                (
                    "'7^^^LAB^x^2.999.9' has '' for ISO in component 6, "
                    "expected &OID&ISO as home community in component 6"
                ),
            ],
        ),
        ("7^^^LAB^x^^y", ["'7^^^LAB^x^^y' goes on after component 6, expected id^^^&OID&ISO^type"]),
    ],
)
def test_what_is_wrong_with_a_reference_is_said(text, errors):
    """ITI TF-3: 4.2.3.2.28."""
    assert list(errors_in_cxi(text)) == errors


@pytest.mark.parametrize("text", ["Attending", "Obstetrics & Gynecology", "HCP^^^&2.999.6&ISO"])
def test_a_role_is_a_code_or_plain_text(text):
    """ITI TF-3: 4.2.3.1.4.3."""
    assert list(errors_in_coded_string(text)) == []


def test_a_role_shows_its_code_and_scheme():
    """ITI TF-3: 4.2.3.1.4.3."""
    role = CodedString("HCP^^^&2.999.6&ISO")
    assert (role.code, role.coding_scheme) == ("HCP", "2.999.6")
    assert (CodedString("Attending").code, CodedString("Attending").coding_scheme) == ("Attending", "")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "'' has no code in component 1, expected plain text or code^^^&OID&ISO"),
        (
            "HCP^^^^",
            "'HCP^^^^' names no assigning authority in component 4, expected plain text or code^^^&OID&ISO",
        ),
        (
            "HCP^Doctor^^&2.999.6&ISO",
            "'HCP^Doctor^^&2.999.6&ISO' has 'Doctor' in component 2, expected plain text or code^^^&OID&ISO",
        ),
    ],
)
def test_what_is_wrong_with_a_coded_role_is_said(text, error):
    """ITI TF-3: Table 4.2.3.1.7-2, Coded String."""
    assert next(iter(errors_in_coded_string(text))) == error
