"""The page of what is asked for says what the rows and the tests say now."""

from tests.house.conformance_table import TABLE, written


def test_the_conformance_table_is_up_to_date():
    message = "run: python -m tests.house.conformance_table"
    assert TABLE.read_text(encoding="utf-8") == written(), message
