"""A valid message made wrong, or differently right, in ways that peers and fuzzers find."""

import copy
import random
from collections.abc import Callable

from lxml import etree

from ihe.namespaces import LCM, QUERY, RIM, RS, XDS

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NAMESPACES = (RIM, RS, LCM, QUERY, XDS, "urn:example:other", "")
# Just within and just beyond every length the schemas know, and what the other simple types refuse.
_VALUES = (
    *("x" * length for length in (4, 5, 8, 9, 16, 17, 32, 33, 64, 65, 256, 257, 1024, 1025)),
    *("é" * length for length in (256, 257)),
    *("", " ", "  true ", "true", "1", "-1", "1.5", "P1D", "-P1Y2M3DT4H5M6.7S", "P", "2026-02-30T00:00:00"),
    *(
        "2026-01-01T00:00:00+01:00",
        "2026-01-01",
        "::%% not a uri",
        "urn:uuid:1",
        "a b",
        "%zz",
        "http://[::1",
        "#a#b",
    ),
    *(
        "LeafClass",
        "ObjectRef",
        "registryFull",
        "YWJj",
        "YWJ",
        "Y W\nJj",
        "?",
        "de-LU",
        "123456789",
        "x:y",
        "_a",
    ),
)
_TYPES = (
    *(
        "ExtrinsicObjectType",
        "IdentifiableType",
        "RegistryObjectType",
        "AssociationType1",
        "SlotType1",
        "ActionType",
    ),
    *("NotifyActionType", "PersonType", "UserType", "LongName", "TelephoneNumberListType", "Unknown"),
)

Mutation = Callable[[random.Random, etree._Element, etree._Element], None]


def mutated(body: etree._Element, dice: random.Random) -> etree._Element:
    """Return a copy with one to three things changed."""
    changed = copy.deepcopy(body)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        elements = list(changed.iter("*"))
        dice.choice(MUTATIONS)(dice, dice.choice(elements), dice.choice(elements))
    return changed


def drop(_dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    if (parent := one.getparent()) is not None:
        parent.remove(one)


def duplicate(_dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    if one.getparent() is not None:
        one.addnext(copy.deepcopy(one))


def swap_with_next(_dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    following = one.getnext()
    if following is not None:
        following.addnext(one)


def move(dice: random.Random, one: etree._Element, other: etree._Element) -> None:
    if one.getparent() is not None and one is not other and one not in other.iterancestors():
        other.insert(dice.randint(0, len(other)), one)


def copy_into(dice: random.Random, one: etree._Element, other: etree._Element) -> None:
    other.insert(dice.randint(0, len(other)), copy.deepcopy(one))


def unwrap(_dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    if (parent := one.getparent()) is not None:
        for child in list(one):
            one.addprevious(child)
        parent.remove(one)


def rename(_dice: random.Random, one: etree._Element, other: etree._Element) -> None:
    one.tag = other.tag


def rename_to_nothing_known(_dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    one.tag = f"{{{etree.QName(one).namespace or RIM}}}Unknown"


def other_namespace(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    one.tag = f"{{{dice.choice(_NAMESPACES)}}}{etree.QName(one).localname}"


def add_unknown_child(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    one.insert(dice.randint(0, len(one)), etree.Element(f"{{{dice.choice(_NAMESPACES)}}}Extra"))


def drop_attribute(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    if one.attrib:
        del one.attrib[dice.choice(sorted(map(str, one.attrib)))]


def rename_attribute(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    if one.attrib:
        name = dice.choice(sorted(map(str, one.attrib)))
        one.set(
            dice.choice(("unknown", f"{{{RIM}}}{etree.QName(name).localname}")), str(one.attrib.pop(name))
        )


def change_attribute(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    if one.attrib:
        one.set(dice.choice(sorted(map(str, one.attrib))), dice.choice(_VALUES))


def take_attribute_of_another(dice: random.Random, one: etree._Element, other: etree._Element) -> None:
    if other.attrib:
        name = dice.choice(sorted(map(str, other.attrib)))
        one.set(name, other.attrib[name])


def change_text(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    one.text = dice.choice(_VALUES)


def change_tail(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    if one.getparent() is not None:
        one.tail = dice.choice(_VALUES)


def claim_a_type(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    one.set(f"{{{_XSI}}}type", dice.choice(("rim:", "rim:", "", "undeclared:")) + dice.choice(_TYPES))


def claim_to_be_nil(dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    one.set(f"{{{_XSI}}}nil", dice.choice(("true", "false", "perhaps")))


def empty(_dice: random.Random, one: etree._Element, _other: etree._Element) -> None:
    del one[:]
    one.text = None


MUTATIONS: tuple[Mutation, ...] = (
    drop, duplicate, swap_with_next, move, copy_into, unwrap, empty,
    rename, rename_to_nothing_known, other_namespace, add_unknown_child,
    drop_attribute, rename_attribute, change_attribute, change_attribute, change_attribute,
    take_attribute_of_another, change_text, change_tail, claim_a_type, claim_to_be_nil,
)  # fmt: skip
