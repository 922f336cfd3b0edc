"""What was seen of the software under test: every message in its order, with what was answered."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from conformance.judging.message import Judgement
from conformance.results import Exchange
from conformance.xml import select


@dataclass(frozen=True)
class Observation:
    """A message and its answer; `told` are the ids in the answer, `asked` those of the request."""

    transaction: str
    judgement: Judgement
    exchange: Exchange
    tls: bool = False
    certificate: bool = False
    trouble: bool = False
    answered: str = ""
    told: frozenset[str] = field(default=frozenset())
    asked: frozenset[str] = field(default=frozenset())

    @property
    def good(self) -> bool:
        """Whether nothing was wrong with it."""
        return self.judgement.good

    @property
    def taken(self) -> bool:
        """Whether it was good and did what it should."""
        return self.good and self.answered == "Success"

    def find(self, path: str) -> list[etree._Element]:
        """The elements of the message at an XPath."""
        return select(self.judgement.envelope, path) if self.judgement.envelope is not None else []


def of(observed: tuple[Observation, ...], *transactions: str) -> Iterator[Observation]:
    """Those of these transactions."""
    return (one for one in observed if one.transaction in transactions)
