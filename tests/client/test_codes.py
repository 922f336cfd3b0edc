"""Codes by their names (ITI TF-3: 4.2.3.1.2)."""

import pytest

from client.codes import CodeBook
from client.errors import BadMetadata
from ebxml.model import Code, LocalizedString
from server.codes import read_code_set

LOINC = "2.16.840.1.113883.6.1"
LUXEMBOURG = CodeBook(read_code_set("luxembourg").codes)
ANY = CodeBook()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("11502-2", "11502-2"),
        ("Laboratory report", "11502-2"),
        ("laboratory", "11502-2"),
        ("lab rep", "11502-2"),
        ("Compte-rendu de laboratoire", "11502-2"),
        ("Entlassungsbrief", "18842-5"),
        ("ENTLOOSSUNGSBREIF", "18842-5"),
        ("resume patient", "60591-5"),
        ("consent", "59284-0"),
        ("own note", "51855-5"),
    ],
)
def test_a_code_is_found_by_itself_by_a_name_and_by_beginnings_of_words(text, code):
    assert LUXEMBOURG.resolve("typeCode", text).code == code


def test_the_code_comes_with_scheme_and_display_name():
    found = LUXEMBOURG.resolve("typeCode", "laboratory")
    assert found == Code("11502-2", LOINC, (LocalizedString("Laboratory report", lang="en"),))


def test_the_display_name_follows_the_language_of_the_document():
    found = LUXEMBOURG.in_language("typeCode", LUXEMBOURG.resolve("typeCode", "laboratory"), "de-LU")
    assert found.display_name == (LocalizedString("Laborbericht", lang="de"),)


def test_a_language_without_a_name_is_answered_in_english():
    found = LUXEMBOURG.in_language("typeCode", Code("11502-2", LOINC), "pt-PT")
    assert found.display_name == (LocalizedString("Laboratory report", lang="en"),)


def test_what_fits_several_codes_is_refused_with_all_of_them():
    with pytest.raises(
        BadMetadata, match=r"'note' can be more than one typeCode: Consultation note \(11488-4\), "
    ):
        LUXEMBOURG.resolve("typeCode", "note")


def test_what_fits_none_is_refused_with_the_one_that_was_meant():
    with pytest.raises(
        BadMetadata, match=r"'labratory' is no typeCode \(did you mean Laboratory report\?\); expected"
    ):
        LUXEMBOURG.resolve("typeCode", "labratory")


def test_long_lists_are_cut():
    with pytest.raises(BadMetadata, match="and 17 more"):
        LUXEMBOURG.resolve("practiceSettingCode", "basket weaving")


@pytest.mark.parametrize("book", [LUXEMBOURG, ANY])
@pytest.mark.parametrize(
    ("text", "name"),
    [("X1^Own thing^2.999.7", "Own thing"), ("X1^^2.999.7", "X1"), (" X1 ^ Own ^ 2.999.7 ", "Own")],
)
def test_any_code_can_be_written_out(book, text, name):
    assert book.resolve("typeCode", text) == Code("X1", "2.999.7", (LocalizedString(name),))


@pytest.mark.parametrize("text", ["X1^name", "^name^2.999.7", "X1^a^b^c"])
def test_half_a_code_is_refused(text):
    with pytest.raises(BadMetadata, match="expected CODE\\^DISPLAY NAME\\^SCHEME"):
        ANY.resolve("typeCode", text)


def test_a_domain_without_a_list_needs_codes_written_out():
    with pytest.raises(BadMetadata, match="the domain has no list of its own"):
        ANY.resolve("typeCode", "laboratory")


def test_a_code_of_elsewhere_is_known_only_where_it_may_be_used():
    assert LUXEMBOURG.known("typeCode", "11502-2", "2.999.7") is None
    assert ANY.known("typeCode", "11502-2", "2.999.7") == Code(
        "11502-2", "2.999.7", (LocalizedString("11502-2"),)
    )
