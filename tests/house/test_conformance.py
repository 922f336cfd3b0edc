"""The page of what is asked for says what the rows and the tests say now."""

import re

from ihe.rules import RULES
from tests.house.conformance_table import TABLE, written
from tests.house.journeys import journeys, proving
from tests.house.proofs import PROOFS

# Sections of the Framework and its supplements, other standards by number, or a page of ours.
_SECTION = re.compile(r"\d+\.\d+|Table \d|RFC \d|NIST \d|docs/|ebRIM|Appendix|V\.\d")


def test_the_conformance_table_is_up_to_date():
    """Each row has its test: `written` raises where one has none."""
    message = "run: python -m tests.house.conformance_table"
    assert TABLE.read_text(encoding="utf-8") == written(), message


def test_every_rule_is_said_once():
    said = [row.says for row in RULES]
    assert sorted(said) == sorted(set(said))


def test_every_proof_is_of_a_rule_and_there():
    assert PROOFS.keys() <= {row.says for row in RULES}
    assert [words for each in PROOFS.values() for words in each if not proving(words)] == []


def test_every_journey_that_shows_a_row_cites_its_section():
    shown = TABLE.read_text(encoding="utf-8")
    silent = [test.link for test in journeys() if test.link in shown and not _SECTION.search(test.said)]
    assert silent == []
