"""What the consent broker is asked about."""

from enum import StrEnum


class Verb(StrEnum):
    """What a transaction does to a patient's record."""

    FIND = "find"
    READ = "read"
    DEPOSIT = "deposit"
    MANAGE = "manage"
    IDENTIFY = "identify"


READING = frozenset({Verb.FIND, Verb.READ})
"""What changes no record."""
