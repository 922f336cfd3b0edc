import pytest

from hl7v2.datatypes import (
    ERRORS_IN,
    XCN,
    XON,
    XTN,
    Field,
    Recipient,
    errors_in_field,
    errors_in_recipient,
    errors_in_source_patient_info,
    errors_in_xcn,
    errors_in_xon,
    errors_in_xtn,
)
from ihe.attributes import Datatype


@pytest.mark.parametrize(
    "text",
    [
        "^Welby^Marcus",
        "^Author^Ann^^^Dr.",
        "^Dopplemeyer^Sherry^^^",
        "11375",
        "11375^Welby^Marcus^J^Jr.^Dr.^MD^^&2.999.30&ISO",
        "11375^Welby^Marcus^^^^^^&2.999.30&ISO^L",
    ],
)
def test_a_person_has_an_id_or_a_family_name(text):
    """ITI TF-3: Table 4.2.3.1.7-2, XCN."""
    assert list(errors_in_xcn(text)) == []


def test_a_person_shows_his_parts():
    """ITI TF-3: Table 4.2.3.1.7-2, XCN."""
    person = XCN(r"11375^Muller \T\ fils&van^Marcus^J^Jr.^Dr.^MD^^&2.999.30&ISO")
    assert (person.id, person.family, person.given, person.middle) == (
        "11375",
        "Muller & fils",
        "Marcus",
        "J",
    )
    assert (person.suffix, person.prefix, person.degree) == ("Jr.", "Dr.", "MD")
    assert person.assigning_authority == "2.999.30"
    assert XCN("^Welby").assigning_authority == ""


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", ["'' has neither an id in component 1 nor a family name in component 2, expected one"]),
        (
            "^^Marcus",
            ["'^^Marcus' has neither an id in component 1 nor a family name in component 2, expected one"],
        ),
        (
            "11375^^^^^^^^&2.999.x&ISO",
            [
                (
                    "'11375^^^^^^^^&2.999.x&ISO' has '2.999.x' for the OID in component 9, "
                    "expected &OID&ISO as assigning authority"
                )
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_person_is_said(text, errors):
    """ITI TF-3: Table 4.2.3.1.7-2, XCN."""
    assert list(errors_in_xcn(text)) == errors


@pytest.mark.parametrize(
    "text",
    [
        "Some Hospital",
        "Smith & Sons",
        "Test Hospital^^^^^^^^^2.999.61",
        "Some Hospital^^^^^&2.999.1&ISO^^^^1122",
        "Some Hospital^^^^^^^^^",
    ],
)
def test_an_organization_has_a_name_and_perhaps_an_id(text):
    """ITI TF-3: Table 4.2.3.1.7-2, XON."""
    assert list(errors_in_xon(text)) == []


def test_an_organization_shows_its_parts():
    """ITI TF-3: Table 4.2.3.1.7-2, XON."""
    organization = XON("Some Hospital^^^^^&2.999.1&ISO^^^^1122")
    assert (organization.name, organization.assigning_authority, organization.id) == (
        "Some Hospital",
        "2.999.1",
        "1122",
    )


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (
            "^^^^^^^^^2.999.61",
            ["'^^^^^^^^^2.999.61' has no name in component 1, expected name^^^^^&OID&ISO^^^^id"],
        ),
        (
            "Hospital^L",
            ["'Hospital^L' has 'L' in component 2, expected name^^^^^&OID&ISO^^^^id"],
        ),
        (
            "Hospital^^^^^^^^^1122",
            [
                (
                    "'Hospital^^^^^^^^^1122' has the id '1122' and no assigning authority in component 6, "
                    "expected &OID&ISO there or an OID as id"
                )
            ],
        ),
        (
            "Hospital^^^^^&2.999.1&L^^^^1122",
            [
                (
                    "'Hospital^^^^^&2.999.1&L^^^^1122' has 'L' for ISO in component 6, "
                    "expected name^^^^^&OID&ISO^^^^id"
                )
            ],
        ),
        (
            "H" * 257,
            [f"'{'H' * 100}...' has 257 characters, expected an organization of at most 256"],
        ),
    ],
)
def test_what_is_wrong_with_an_organization_is_said(text, errors):
    """ITI TF-3: Table 4.2.3.1.7-2, XON."""
    assert list(errors_in_xon(text)) == errors


@pytest.mark.parametrize(
    "text",
    [
        "^^Internet^john.doe@example.lu",
        "^NET^Internet^john.doe@example.lu",
        "^WPN^PH^^352^26^123456^7",
        "^^CP^^^^621123456",
        "^WPN^PH^^^^^^^^^+352 26 123456",
    ],
)
def test_a_telecommunication_is_an_address_or_a_number(text):
    """ITI TF-3: Table 4.2.3.1.7-2, XTN."""
    assert list(errors_in_xtn(text)) == []


def test_a_telecommunication_shows_its_parts():
    """ITI TF-3: Table 4.2.3.1.7-2, XTN."""
    assert XTN("^NET^Internet^a@b.lu").address == "a@b.lu"
    telephone = XTN("^WPN^PH^^352^26^123456^7")
    assert (telephone.use, telephone.type, telephone.number) == ("WPN", "PH", "+352 26 123456-7")
    assert XTN("^WPN^PH^^^^^^^^^26 123456").number == "26 123456"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "'' has the type '' in component 3, expected Internet or one of PH CP FX BP MD SAT TDD TTY"),
        (
            "26123456",
            "'26123456' has '26123456' in component 1, expected ^NET^Internet^address or ^use^type^...",
        ),
        ("^NET^Internet", "'^NET^Internet' has no address in component 4, expected ^NET^Internet^address"),
        (
            "^WPN^Internet^a@b.lu",
            "'^WPN^Internet^a@b.lu' has 'WPN' in component 2, expected ^NET^Internet^address",
        ),
        (
            "^^Internet^a@b.lu^^^26",
            "'^^Internet^a@b.lu^^^26' has '26' in component 7, expected ^NET^Internet^address",
        ),
        (
            "^NET^PH^^^^26",
            "'^NET^PH^^^^26' has 'NET' in component 2, which goes with Internet in component 3 only",
        ),
        (
            "^^PH^a@b.lu^^^26",
            (
                "'^^PH^a@b.lu^^^26' has 'a@b.lu' in component 4, "
                "expected ^use^type^^country^area^number^extension"
            ),
        ),
        (
            "^WPN^PH^^352",
            "'^WPN^PH^^352' has no number in component 7, expected ^use^type^^country^area^number^extension",
        ),
        (
            "^^X.400^^^^1",
            (
                "'^^X.400^^^^1' has the type 'X.400' in component 3, "
                "expected Internet or one of PH CP FX BP MD SAT TDD TTY"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_telecommunication_is_said(text, error):
    """ITI TF-3: Table 4.2.3.1.7-2, XTN."""
    assert next(iter(errors_in_xtn(text))) == error


def test_a_recipient_is_an_organization_a_person_or_an_address():
    """ITI TF-3: 4.2.3.3.7."""
    recipient = Recipient("Test Hospital^^^^^^^^^2.999.61|^Welby^Marcus|^^Internet^a@b.lu")
    assert recipient.organization.name == "Test Hospital"
    assert recipient.person.family == "Welby"
    assert recipient.telecommunication.address == "a@b.lu"
    for text in (recipient, "Test Hospital", "|^Welby^Marcus", "||^^Internet^a@b.lu"):
        assert list(errors_in_recipient(text)) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("||", "'||' names nobody, expected organization|person|telecommunication"),
        ("Hospital^L", "'Hospital^L' has 'L' in component 2, expected name^^^^^&OID&ISO^^^^id"),
        (
            "|^^Marcus",
            "'^^Marcus' has neither an id in component 1 nor a family name in component 2, expected one",
        ),
        (
            "Hospital|||x",
            "'Hospital|||x' has more than three parts, expected organization|person|telecommunication",
        ),
    ],
)
def test_what_is_wrong_with_a_recipient_is_said(text, error):
    """ITI TF-3: 4.2.3.3.7."""
    assert list(errors_in_recipient(text)) == [error]


def test_a_patient_field_shows_its_parts():
    """ITI TF-3: 4.2.3.2.23."""
    field = Field("PID-3|MRN7^^^&2.999.7&ISO~8^^^&2.999.8&ISO")
    assert (field.name, field.repetitions) == ("PID-3", ("MRN7^^^&2.999.7&ISO", "8^^^&2.999.8&ISO"))
    assert list(errors_in_field(field)) == []
    assert list(errors_in_field("PID-11|100 Main St^^Metropolis^Il^44130^USA")) == []


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("PID-5", ["'PID-5' is not a patient field, expected PID-1 to PID-39, a bar and the value"]),
        ("PID-40|x", ["'PID-40|x' is not a patient field, expected PID-1 to PID-39, a bar and the value"]),
        ("5|x", ["'5|x' is not a patient field, expected PID-1 to PID-39, a bar and the value"]),
        ("PID-19|x", ["'PID-19|x' gives PID-19, expected any field but PID-2, PID-4, PID-12, PID-19"]),
        ("PID-8|F~M", ["'PID-8|F~M' repeats PID-8, expected one value"]),
        ("PID-5|a|b", [r"'PID-5|a|b' has a second bar, expected \F\ for a literal one"]),
    ],
)
def test_what_is_wrong_with_a_patient_field_is_said(text, errors):
    """ITI TF-3: 4.2.3.2.23."""
    assert list(errors_in_field(text)) == errors


def test_a_patient_has_one_birth_date_and_one_sex():
    """ITI TF-3: 4.2.3.2.23."""
    values = ["PID-3|1", "PID-3|2", "PID-7|19700101", "PID-7|19710101", "PID-8|F"]
    assert list(errors_in_source_patient_info(values)) == ["PID-7 is given 2 times, expected once"]


def test_every_datatype_with_a_syntax_has_its_check():
    """ITI TF-3: Table 4.2.3.1.7-2."""
    free = {Datatype.CODE, Datatype.AUTHOR, Datatype.STRING, Datatype.TEXT}
    assert set(Datatype) - set(ERRORS_IN) == free
