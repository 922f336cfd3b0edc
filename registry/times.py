"""Times as the 14-digit numbers the tables compare (ITI TF-2: 3.18.4.1.2.3.4)."""

from datetime import UTC, datetime


def fourteen_digits(moment: datetime) -> int:
    """YYYYMMDDhhmmss in UTC; half a second is not rounded up, for that would name a later second."""
    utc = moment.astimezone(UTC)
    return int(f"{utc:%Y%m%d%H%M%S}")
