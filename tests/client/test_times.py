"""Times as people write them (ITI TF-3: Table 4.2.3.1.7-2)."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from client.errors import BadMetadata
from client.times import shown, since, time_of, until

LUXEMBOURG = ZoneInfo("Europe/Luxembourg")
NOW = datetime(2024, 7, 10, 9, 30, tzinfo=LUXEMBOURG)


@pytest.mark.parametrize(
    ("text", "dtm"),
    [
        ("2024", "2024"),
        ("2024-03", "202403"),
        ("2024-03-01", "20240301"),
        ("20240301", "20240301"),
        ("20240301143059", "20240301143059"),
        ("2024-03-01T14:30", "20240301133000"),
        ("2024-07-01 14:30:05", "20240701123005"),
        ("2024-07-01T14:30Z", "20240701143000"),
        ("2024-07-01T14:30+04:00", "20240701103000"),
        ("today", "20240710"),
        ("yesterday", "20240709"),
        ("7d", "20240703"),
    ],
)
def test_a_time_of_day_is_turned_to_utc_and_a_date_stays(text, dtm):
    assert time_of(text, NOW) == dtm


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        # In winter the day begins an hour earlier here than in UTC, and entries are dated by either.
        ("2024-03-01", "20240229230000", "20240302000000"),
        ("2024-12", "20241130230000", "20250101000000"),
        ("2023", "20221231230000", "20240101000000"),
        ("2024-02-29", "20240228230000", "20240301000000"),
        ("2024-03-01T14:30", "20240301133000", "20240301133000"),
        ("today", "20240709220000", "20240711000000"),
    ],
)
def test_since_and_until_take_in_the_whole_day_month_or_year(text, first, after):
    """ITI TF-2: 3.18.4.1.2.3.4: From is inclusive, To is exclusive."""
    assert (since(text, NOW), until(text, NOW)) == (first, after)


@pytest.mark.parametrize(
    "text", ["", "soon", "2024-13", "2024-02-30", "24-01-01", "2024-03-01T25:00", "202", "9999y"]
)
def test_what_is_no_time_is_refused_with_an_example(text):
    for read in (time_of, since, until):
        with pytest.raises(BadMetadata, match="expected a time such as 2024-03-01"):
            read(text, NOW)


@pytest.mark.parametrize(
    ("dtm", "text"),
    [
        ("20240301133000", "2024-03-01 14:30"),
        ("20240301", "2024-03-01"),
        ("202403", "2024-03"),
        ("2024", "2024"),
        ("nonsense", "nonsense"),
        (None, ""),
    ],
)
def test_a_time_is_shown_as_of_here_and_as_precise_as_it_is(dtm, text):
    from hl7v2.datatypes import DTM

    assert shown(DTM(dtm) if dtm else None, LUXEMBOURG) == text
