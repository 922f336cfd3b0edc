"""What people read is there in every language of the country."""

from atna_audit import journal_texts
from atna_audit.accesses import Deed
from atna_audit.journal_texts import Language, Text
from consent_broker.texts import TEXTS
from exchange.basis import Basis


def texts() -> list[Text]:
    said = list(vars(journal_texts).values())
    tables = [each for one in said if isinstance(one, dict) for each in one.values()]
    return [one for one in (*said, *tables, *journal_texts.COLUMNS) if isinstance(one, Text)]


def test_every_text_is_there_in_every_language():
    assert Text._fields == tuple(Language)
    assert len(texts()) > 60
    for text in texts():
        assert all(one.strip() for one in text), text
        places = [one.count("{") for one in text]
        assert len(set(places)) == 1, text


def test_what_the_journal_calls_a_right_is_what_the_broker_says_first():
    """The journal knows the reasons of records by their first words (exchange/basis.py)."""
    said = [text.en for text in TEXTS.values()]
    for basis in Basis:
        assert any(one.startswith(basis) for one in said), basis


def test_every_deed_and_every_right_has_its_words():
    assert set(journal_texts.DEEDS) == set(Deed)
    assert set(journal_texts.BASES) == set(Basis)
