"""What one XDS Affinity Domain agreed on: value sets, authorities, tolerances (ITI TF-1: Appendix L)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Tolerance(StrEnum):
    """A rule that a domain may relax for senders it cannot change, by its name in the configuration."""

    MISSING_IDS = "missing-ids"
    """Classification, ExternalIdentifier and Association need an id by the schema; senders leave it out."""

    ACTION_WHITE_SPACE = "action-white-space"
    """A wsa:Action compares as a URI, character by character; senders indent it over several lines."""

    LONG_QUERY_VALUES = "long-query-values"
    """A rim:Value ends after 256 characters; clients put longer lists into one query parameter."""

    PLAIN_SLOT_NAMES = "plain-slot-names"
    """An extra Slot is named by a URN; senders use plain or misspelled names, such as authorSpeciality."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AffinityDomain:
    """The agreements that the checks need (ITI TF-3: 4.2.3.1, ITI TF-2: 3.42.4.1.3).

    `codes` holds (code, scheme) pairs by the attribute's name in the standard; an attribute it does not
    name takes any code. No MIME types and no repositories named means any. `unknown_patient_is_error` says
    how a query about a patient whom nobody made known is answered (ITI TF-2: 3.18.4.1.3).
    """

    home_community_id: str
    assigning_authorities: frozenset[str]
    codes: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=lambda: MappingProxyType({}))
    mime_types: frozenset[str] = frozenset()
    repository_unique_ids: frozenset[str] = frozenset()
    tolerances: frozenset[Tolerance] = frozenset()
    unknown_patient_is_error: bool = False
