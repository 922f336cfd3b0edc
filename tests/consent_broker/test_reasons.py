"""What people are told: every text in every language, naming the same."""

from string import Formatter

import pytest

from consent_broker.reasons import reason
from consent_broker.texts import TEXTS, Language, Why, told
from exchange.basis import Basis, basis_in


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_reason_has_its_text():
    """One row for each."""
    assert set(TEXTS) == set(Why)


@pytest.mark.parametrize("why", Why)
def test_every_language_says_something_and_names_the_same(why):
    """French, German, English and Luxembourgish."""
    said = TEXTS[why]
    assert said._fields == tuple(sorted(Language, key=said._fields.index)) == ("fr", "de", "en", "lb")
    assert all(text.strip() for text in said)
    assert len({frozenset(names_in(text)) for text in said}) == 1


@pytest.mark.parametrize(
    ("why", "basis"),
    [
        (Why.EMERGENCY, Basis.EMERGENCY),
        (Why.PATIENT, Basis.PATIENT),
        (Why.REPRESENTATIVE, Basis.REPRESENTATIVE),
        (Why.HELPER, Basis.HELPER),
        (Why.RELATIONSHIP, Basis.CARE),
        (Why.ADMINISTRATOR, Basis.ADMINISTRATOR),
        (Why.SYSTEM, Basis.SYSTEM),
        (Why.EMERGENCY_SWITCHED_OFF, None),
        (Why.EMERGENCY_NOT_FOR_PROFESSION, None),
        (Why.NO_READING_RELATIONSHIP, None),
    ],
)
def test_the_journal_knows_by_what_right_from_how_a_reason_begins(why, basis):
    """In English, as the records have it."""
    assert basis_in(told(why, Language.ENGLISH, level=Why.NORMAL)) is basis


def test_the_words_in_a_text_are_of_its_language():
    """A level is named as the language names it."""
    one = reason(Why.RELATIONSHIP, level=Why.RESTRICTED)
    assert [one.told(language) for language in Language] == [
        "une relation thérapeutique, pour ce qui est restreint",
        "eine Behandlungsbeziehung, für alles, was eingeschränkt ist",
        "a care relationship, for what is restricted",
        "eng Behandlungsbezéiung, fir dat, wat ageschränkt ass",
    ]
