"""Moments as the broker's tables have them: seconds since 1970 in UTC."""

from datetime import UTC, datetime


def seconds_of(moment: datetime) -> int:
    """A moment as the tables have it."""
    return int(moment.timestamp())


def moment(seconds: int) -> datetime:
    """The moment that stands in the tables."""
    return datetime.fromtimestamp(seconds, UTC)


def moment_or_none(seconds: int | None) -> datetime | None:
    """The same, where there may be none."""
    return None if seconds is None else moment(seconds)
