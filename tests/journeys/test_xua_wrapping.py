"""Signature wrapping, over the wire: a signature that is good, and another assertion that is to be read.

The eight classic forms are those of Somorovsky et al., On Breaking SAML (2012), as far as an assertion in a
Security header goes; what came to light since then stands after them.
"""

import copy

import pytest
from lxml import etree

from tests.messages.assertions import DS, SAML, assertion, keys, security, signed
from tests.services.guarded import refused

OBJECT, SIGNATURE = f"{{{DS}}}Object", f"{{{DS}}}Signature"


def original() -> etree._Element:
    """What an identity provider has signed, and an attacker has got hold of."""
    return etree.fromstring(signed(assertion(id="_good")))


def evil(root: etree._Element, id: str = "_evil") -> etree._Element:
    """A copy that names somebody else; its signature is taken out."""
    changed = copy.deepcopy(root)
    changed.set("ID", id)
    name_id = changed.find(f".//{{{SAML}}}NameID")
    assert name_id is not None
    name_id.text = "mallory"
    changed.remove(signature_of(changed))
    return changed


def signature_of(root: etree._Element) -> etree._Element:
    signature = root.find(SIGNATURE)
    assert signature is not None
    return signature


def unsigned(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The assertion and its signature, apart."""
    signature = signature_of(root)
    root.remove(signature)
    return root, signature


def text(*elements: etree._Element) -> str:
    return "".join(etree.tostring(one).decode() for one in elements)


def wrapped_in_object_after_issuer() -> str:
    good = original()
    bad = evil(good)
    good, signature = unsigned(good)
    etree.SubElement(signature, OBJECT).append(good)
    bad.insert(1, signature)
    return security(text(bad))


def wrapped_in_object_at_the_end() -> str:
    good = original()
    bad = evil(good)
    good, signature = unsigned(good)
    etree.SubElement(signature, OBJECT).append(good)
    bad.append(signature)
    return security(text(bad))


def the_good_one_first_in_the_evil_one() -> str:
    good = original()
    bad = evil(good)
    bad.insert(0, good)
    return security(text(bad))


def the_good_one_last_in_the_evil_one() -> str:
    good = original()
    bad = evil(good)
    bad.append(good)
    return security(text(bad))


def the_signature_taken_over_and_the_good_one_beside() -> str:
    good = original()
    bad = evil(good)
    good, signature = unsigned(good)
    bad.insert(1, signature)
    return security(text(bad, good))


def the_signature_taken_over_and_the_good_one_in_another_header() -> str:
    good = original()
    bad = evil(good)
    good, signature = unsigned(good)
    bad.insert(1, signature)
    return security(text(bad)) + f'<x:Extra xmlns:x="urn:x">{text(good)}</x:Extra>'


def the_good_one_as_advice() -> str:
    good = original()
    bad = evil(good)
    good, signature = unsigned(good)
    bad.insert(1, signature)
    etree.SubElement(bad, f"{{{SAML}}}Advice").append(good)
    return security(text(bad))


def the_evil_one_in_an_object_of_the_signature() -> str:
    good = original()
    etree.SubElement(signature_of(good), OBJECT).append(evil(good))
    return security(text(good))


CLASSIC = (
    wrapped_in_object_after_issuer,
    wrapped_in_object_at_the_end,
    the_good_one_first_in_the_evil_one,
    the_good_one_last_in_the_evil_one,
    the_signature_taken_over_and_the_good_one_beside,
    the_signature_taken_over_and_the_good_one_in_another_header,
    the_good_one_as_advice,
    the_evil_one_in_an_object_of_the_signature,
)


@pytest.mark.parametrize("attack", CLASSIC, ids=lambda one: one.__name__)
def test_a_wrapped_signature_is_refused(guarded, patient_id, attack):
    """SAML 2.0 Core: 5.4.2; the eight classic forms."""
    subcode, reason = refused(guarded, patient_id, attack())
    assert subcode in ("FailedCheck", "InvalidSecurity")
    assert reason in (
        "the signature must cover the assertion, all of it and nothing else",
        "one assertion is expected",
    )


def both_with_one_id() -> str:
    good = original()
    bad = evil(good, id="_good")
    good, signature = unsigned(good)
    etree.SubElement(signature, OBJECT).append(good)
    bad.insert(1, signature)
    return security(text(bad))


def the_evil_one_takes_the_id() -> str:
    good = original()
    bad = evil(good, id="_good")
    bad.insert(1, signature_of(good))
    return security(text(bad))


def a_second_signature() -> str:
    good = original()
    bad = etree.fromstring(signed(text(evil(good)), keys("self-made")))
    bad.append(signature_of(good))
    return security(text(bad))


def a_second_signed_info() -> str:
    good = original()
    bad = etree.fromstring(signed(text(evil(good)), keys("self-made")))
    signature_of(good).insert(0, copy.deepcopy(signature_of(bad)[0]))
    return security(text(good))


def a_second_reference() -> str:
    good = original()
    info = signature_of(good)[0]
    info.append(copy.deepcopy(info[2]))
    return security(text(good))


def a_signature_below_the_subject() -> str:
    good, signature = unsigned(original())
    good[1].append(signature)
    return security(text(good))


def an_id_in_another_namespace() -> str:
    good = original()
    bad = evil(good)
    bad.set("{http://www.w3.org/XML/1998/namespace}id", "_good")
    bad.insert(1, signature_of(good))
    return security(text(bad))


@pytest.mark.parametrize(
    "attack",
    [both_with_one_id, a_second_signature, a_second_signed_info, a_second_reference,
     a_signature_below_the_subject, an_id_in_another_namespace],
    ids=lambda one: one.__name__,
)  # fmt: skip
def test_a_signature_that_could_be_read_in_two_ways_is_refused(guarded, patient_id, attack):
    """XML Signature 1.1: 3.2; forms found since 2012."""
    assert refused(guarded, patient_id, attack()) == (
        "FailedCheck",
        "the signature must cover the assertion, all of it and nothing else",
    )


@pytest.mark.parametrize("attack", [the_evil_one_takes_the_id], ids=lambda one: one.__name__)
def test_a_signature_of_something_else_is_refused(guarded, patient_id, attack):
    """XML Signature 1.1: 3.2.1."""
    assert refused(guarded, patient_id, attack()) == (
        "FailedCheck",
        "the signature is not that of a trusted identity provider",
    )
