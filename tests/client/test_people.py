"""People and organizations as one writes them (ITI TF-3: Table 4.2.3.1.7-2)."""

import pytest

from client.errors import BadMetadata
from client.people import name_of, organization_of, patterns_of, person_of


@pytest.mark.parametrize(
    ("text", "xcn"),
    [
        ("Muller", "^Muller"),
        ("Anne Muller", "^Muller^Anne"),
        ("Dr Anne Marie Muller", "^Muller^Anne Marie^^^Dr"),
        ("Prof. Dr. Anne Muller", "^Muller^Anne^^^Prof. Dr."),
        ("van den Berg, Jan", "^van den Berg^Jan"),
        ("Dr van den Berg, Jan", "^van den Berg^Jan^^^Dr"),
        ("A&B Clinic", "^Clinic^A\\T\\B"),
        ("D5^Muller^Anne^^^Dr^^^&2.999.20&ISO", "D5^Muller^Anne^^^Dr^^^&2.999.20&ISO"),
    ],
)
def test_a_name_becomes_an_xcn(text, xcn):
    assert person_of(text) == xcn


@pytest.mark.parametrize("text", ["^^Anne", "D5^Muller^^^^^^^2.999.20"])
def test_a_wrong_xcn_is_refused(text):
    with pytest.raises(BadMetadata, match="author: "):
        person_of(text)


def test_an_organization_is_a_name_or_an_xon():
    assert organization_of("Hôpital A & B") == "Hôpital A \\T\\ B"
    assert organization_of("Hôpital^^^^^^^^^2.999.61") == "Hôpital^^^^^^^^^2.999.61"
    with pytest.raises(BadMetadata, match="institution: "):
        organization_of("^^^^^^^^^2.999.61")


def test_a_person_is_shown_by_name_and_else_by_number():
    assert name_of(person_of("Dr Anne Muller")) == "Dr Anne Muller"
    assert name_of(person_of("D5^^^^^^^^&2.999.20&ISO")) == "D5"


def test_a_name_is_looked_for_anywhere_unless_it_has_wildcards():
    """ITI TF-2: 3.18.4.1.2.3.7.1: AuthorPerson is a LIKE pattern, and Appendix F: case counts."""
    assert patterns_of("muller") == ("%muller%", "%Muller%", "%MULLER%")
    assert patterns_of("^Mull_r^%") == ("^Mull_r^%",)
