"""Changes that leave XML well-formed: what follows the parser is reached by nothing else."""

import copy
import random
from collections.abc import Callable

from lxml import etree

# What has made readers stumble before: empty, long, not what it says, a mark of another language.
ODD_TEXTS = (
    "", " ", "0", "-1", "99999999999999999999", "1" * 300, "true", "urn:uuid:", "urn:oid:2.999", "2.999.1",
    "^^^&&ISO", "a^b^c^d^&e&ISO", "('a','b')", "('", "'%_'", "a&b<c>\"'", "\n\t", "\u0661", "\U0010ffff",
    "20301399", "2030", "http://[", "cid:part1@wire", "text/plain\r\nX: 1", "=" * 70, "#xpointer(/)",
    "http://www.w3.org/2000/09/xmldsig#sha1", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00+24:00",
)  # fmt: skip
MOST_CHANGES = 4


def mutate_xml(data: bytes, seed: int) -> bytes | None:
    """A message of a few changes; None where there is no XML to change."""
    choices = random.Random(seed)
    start, end = data.find(b"<"), data.rfind(b">") + 1
    try:
        root = etree.fromstring(data[start:end])
    except (etree.XMLSyntaxError, ValueError):
        return None
    for _ in range(choices.randint(1, MOST_CHANGES)):
        elements = [one for one in root.iter() if isinstance(one.tag, str)]
        choices.choice(CHANGES)(choices.choice(elements), elements, choices)
    return data[:start] + etree.tostring(root) + data[end:]


def _text(element: etree._Element, elements: list[etree._Element], choices: random.Random) -> None:
    element.text = choices.choice(ODD_TEXTS)


def _attribute(element: etree._Element, elements: list[etree._Element], choices: random.Random) -> None:
    names = [*element.attrib, choices.choice(["id", "status", "value", "name", "ID", "href"])]
    element.set(choices.choice(names), choices.choice(ODD_TEXTS))


def _less(element: etree._Element, elements: list[etree._Element], choices: random.Random) -> None:
    names = list(element.attrib)
    if names:
        del element.attrib[choices.choice(names)]


def _remove(element: etree._Element, elements: list[etree._Element], choices: random.Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _double(element: etree._Element, elements: list[etree._Element], choices: random.Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.insert(choices.randint(0, len(parent)), copy.deepcopy(element))


def _elsewhere(element: etree._Element, elements: list[etree._Element], choices: random.Random) -> None:
    choices.choice(elements).append(copy.deepcopy(element))


def _exchange(element: etree._Element, elements: list[etree._Element], choices: random.Random) -> None:
    other = choices.choice(elements)
    element.text, other.text = other.text, element.text


def _another_name(element: etree._Element, elements: list[etree._Element], choices: random.Random) -> None:
    element.tag = choices.choice(elements).tag


Change = Callable[[etree._Element, list[etree._Element], random.Random], None]
CHANGES: tuple[Change, ...] = (
    _text, _attribute, _attribute, _less, _remove, _double, _elsewhere, _exchange, _another_name,
)  # fmt: skip
