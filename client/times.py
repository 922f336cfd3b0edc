"""Times as people write them, as the DTM of metadata and queries: in UTC (ITI TF-3: Table 4.2.3.1.7-2).

A `now` without a zone is of this machine's zone, with its rules for summer and winter.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from client.errors import BadMetadata
from hl7v2.datatypes import DTM, errors_in_dtm

EXPECTED = "expected a time such as 2024-03-01, 2024-03, 2024, 2024-03-01T14:30, today or 7d"


def time_of(text: str, now: datetime) -> DTM:
    """A point in time; a time of day without a zone is of `now`'s zone, a date stays the date it is."""
    text = text.strip()
    if (moment := _moment(text, now)) is not None:
        return moment
    return DTM(_day(text, now))


def since(text: str, now: datetime) -> DTM:
    """The first moment that `text` can mean."""
    if (moment := _moment(text.strip(), now)) is not None:
        return moment
    return dtm_of(min(_midnights(DTM(_day(text.strip(), now)), now)))


def until(text: str, now: datetime) -> DTM:
    """The first moment after what `text` means: a To parameter is exclusive (ITI TF-2: 3.18.4.1.2.3.4)."""
    if (moment := _moment(text.strip(), now)) is not None:
        return moment
    return dtm_of(max(_midnights(_next(DTM(_day(text.strip(), now))), now)))


def shown(time: DTM | None, zone: tzinfo | None) -> str:
    """The time for a person: of the day in their zone, or as much of a date as is known."""
    if not time or any(errors_in_dtm(time)):
        return time or ""
    if len(time) <= len("YYYYMMDD"):
        return "-".join(part for part in (time[:4], time[4:6], time[6:8]) if part)
    return f"{time.start.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M}"


def dtm_of(moment: datetime) -> DTM:
    """A moment of a known zone, to the second."""
    return DTM(f"{moment.astimezone(UTC):%Y%m%d%H%M%S}")


_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_AGO = re.compile(r"(\d{1,4})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def _moment(text: str, now: datetime) -> DTM | None:
    """A date with a time of day; None for every other text."""
    if text.isdigit() and len(text) > len("YYYYMMDD") and not any(errors_in_dtm(text)):
        return DTM(text)
    if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadMetadata(f"'{text}' is no time, {EXPECTED}") from None
    return dtm_of(moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo))


def _day(text: str, now: datetime) -> str:
    """A year, month or day in digits."""
    if text in ("today", "yesterday"):
        return f"{now.date() - timedelta(days=text == 'yesterday'):%Y%m%d}"
    if ago := _AGO.fullmatch(text):
        try:
            return f"{now.date() - timedelta(days=int(ago[1]) * _DAYS[ago[2]]):%Y%m%d}"
        except OverflowError:
            raise BadMetadata(f"'{text}' is before all calendars, {EXPECTED}") from None
    digits = "".join(part or "" for part in found.groups()) if (found := _DATE.fullmatch(text)) else text
    if not digits.isdigit() or len(digits) > len("YYYYMMDD"):
        raise BadMetadata(f"'{text}' is no time, {EXPECTED}")
    for error in errors_in_dtm(digits):
        raise BadMetadata(f"{error}; {EXPECTED}")
    return digits


def _next(day: DTM) -> DTM:
    """The year, month or day after."""
    if len(day) == len("YYYY"):
        return DTM(f"{int(day) + 1:04}")
    if len(day) == len("YYYYMM"):
        year, month = divmod(int(day[:4]) * 12 + int(day[4:]), 12)
        return DTM(f"{year:04}{month + 1:02}")
    return DTM(f"{day.start.date() + timedelta(days=1):%Y%m%d}")


def _midnights(day: DTM, now: datetime) -> tuple[datetime, datetime]:
    """When the day begins here and when in UTC: entries are dated by either, and neither is to be missed."""
    midnight = day.start
    return midnight.replace(tzinfo=now.tzinfo).astimezone(UTC), midnight.replace(tzinfo=UTC)
