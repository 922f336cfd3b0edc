"""A message signed with the key that its assertion names (WSS SAML Token Profile 1.1: 3.5)."""

from datetime import UTC, datetime, timedelta

import pytest
import xmlsec
from lxml import etree

from tests.messages.assertions import WSSE, keys, signed_message
from tests.wire import SOAP
from xua.message_signature import signers_of_message

MINUTE = timedelta(minutes=1)
ANNE = keys("anne")
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


def signers(content: bytes, *of: str) -> set[str]:
    """Which of these people have signed, by name."""
    root = etree.fromstring(content)
    people = {keys(name).sha256: name for name in of or ("anne",)}
    der = [keys(name).der for name in of or ("anne",)]
    header = root.find(f"{{{SOAP}}}Header")
    assert header is not None
    return {people[one] for one in signers_of_message(list(header), der, MINUTE, datetime.now(UTC))}


def test_the_key_that_signed_body_and_timestamp_is_named():
    assert signers(signed_message("<x>1</x>", ANNE)) == {"anne"}
    assert signers(signed_message("<x>1</x>", ANNE), "anne", "paul") == {"anne"}
    assert signers(signed_message("<x>1</x>", ANNE), "paul") == set()


@pytest.mark.parametrize(
    "change",
    [
        (b"<x>1</x>", b"<x>2</x>"),
        (b"<x>1</x>", b"<x>1</x><x/>"),
        (b"Created>2", b"Created>1"),
    ],
)
def test_what_was_changed_is_signed_by_nobody(change):
    """XML Signature 1.1: 3.2."""
    content = signed_message("<x>1</x>", ANNE)
    assert change[0] in content
    assert signers(content.replace(*change)) == set()


def test_a_body_that_was_moved_aside_does_not_vouch_for_the_one_in_its_place():
    """The wrapping attack on whole messages."""
    root = etree.fromstring(signed_message("<x>1</x>", ANNE))
    header, body = root
    header.append(body)
    other = etree.SubElement(root, f"{{{SOAP}}}Body", {f"{{{WSU}}}Id": "other"})
    etree.SubElement(other, "x").text = "2"
    assert signers(etree.tostring(root)) == set()
    other.set(f"{{{WSU}}}Id", "body")
    assert signers(etree.tostring(root)) == set()


@pytest.mark.parametrize("parts", [("body",), ("time",)])
def test_body_and_timestamp_must_both_be_signed(parts):
    """WSS 1.1: 10: without a time, a message could be sent again for ever."""
    assert signers(signed_message("<x>1</x>", ANNE, parts=parts)) == set()


@pytest.mark.parametrize(("created", "expires"), [(-10, -2), (2, 10)], ids=["is over", "is still to come"])
def test_a_timestamp_must_hold(created, expires):
    """WSS 1.1: 10."""
    now = datetime.now(UTC)
    times = {"created": now + created * MINUTE, "expires": now + expires * MINUTE}
    content = signed_message("<x>1</x>", ANNE, **times)
    assert signers(content) == set()


def test_an_algorithm_that_is_not_on_the_list_signs_nothing():
    """RFC 9231."""
    assert signers(signed_message("<x>1</x>", ANNE, method=xmlsec.constants.TransformRsaSha1)) == set()
    assert signers(signed_message("<x>1</x>", ANNE, digest=xmlsec.constants.TransformSha1)) == set()


def test_a_weak_key_signs_nothing():
    """BCP 195."""
    weak = keys("weak", "rsa-1024")
    root = etree.fromstring(signed_message("<x>1</x>", weak))
    assert signers_of_message(list(root[0]), [weak.der], MINUTE, datetime.now(UTC)) == frozenset()


def test_a_message_too_large_to_be_copied_is_signed_by_nobody():
    assert signers(signed_message(f"<x>{'1' * 1_048_576}</x>", ANNE)) == set()


def test_a_message_without_a_signature_is_signed_by_nobody():
    header = etree.fromstring(f'<wsse:Security xmlns:wsse="{WSSE}"/>')
    assert signers_of_message([header], [ANNE.der], MINUTE, datetime.now(UTC)) == frozenset()
    assert signers_of_message([], [ANNE.der], MINUTE, datetime.now(UTC)) == frozenset()
