"""The objects of an answer: stored elements put together, next to elements that lxml builds and writes."""

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count

from lxml import etree

from bench.letters import letters
from bench.rounds import median, ratios
from bench.targets import Result
from ebxml.read import read_submission
from ebxml.write import QUERY_RESPONSE_TAIL, query_response_head
from ihe.error_codes import ResponseStatus
from ihe.object_types import Status
from registry.final_metadata import with_final_metadata
from registry.fragments import stored_element, unpack
from registry.large_answers import as_seen

ENTRIES = 100
TIMES = 20


def measured(rounds: int) -> list[Result]:
    """Processor time of the objects of an answer, either way."""
    ours, theirs = costs(rounds)
    figure, yardstick = (f"{median(one) * 1e6:,.0f} µs" for one in (ours, theirs))
    return [Result("4", figure, f"by lxml: {yardstick}", ratios(ours, theirs))]


def costs(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of processor time for an answer of a hundred entries: from what is stored, and by lxml."""
    stored = entries()
    trees = [etree.fromstring(unpack(one)) for one in stored]
    if len(etree.fromstring(by_lxml(trees))[0]) != len(etree.fromstring(by_fragments(stored))[0]):
        raise SystemExit("the answers differ")
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_seconds(partial(by_fragments, stored)))
        theirs.append(_seconds(partial(by_lxml, trees)))
    return ours, theirs


def entries() -> list[bytes]:
    """A hundred entries as they are stored."""
    dice = random.Random(1)
    numbers = count(1)

    def new_uuid() -> str:
        return f"urn:uuid:{next(numbers):08x}-0000-4000-8000-{dice.getrandbits(48):012x}"

    stored: list[bytes] = []
    while len(stored) < ENTRIES:
        for text in letters(dice):
            read = with_final_metadata(read_submission(etree.fromstring(text)), 20260101000000, new_uuid)
            stored += [stored_element(one, new_uuid) for one in read.document_entries]
    return stored[:ENTRIES]


def by_fragments(stored: Sequence[bytes]) -> bytes:
    """The answer as the registry puts it together."""
    objects = [as_seen(one, Status.APPROVED, None) for one in stored]
    return b"".join([query_response_head(ResponseStatus.SUCCESS, ()), *objects, QUERY_RESPONSE_TAIL])


def by_lxml(trees: Sequence[etree._Element]) -> bytes:
    """The same, element by element."""
    head = query_response_head(ResponseStatus.SUCCESS, ())
    answer = etree.fromstring(head + QUERY_RESPONSE_TAIL)
    for one in trees:
        _build(answer[0], one)
    return etree.tostring(answer)


def _build(parent: etree._Element, like: etree._Element) -> None:
    made = etree.SubElement(parent, like.tag, dict(like.attrib))
    made.text = like.text
    for child in like:
        _build(made, child)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(TIMES):
        work()
    return (time.process_time() - began) / TIMES
