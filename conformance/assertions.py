"""Assertions of users [ITI-40]: given ready-made, or issued and signed here, right or wrong."""

import threading
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from conformance.domain import User
from conformance.messages.objects import code_parts
from conformance.xml import read, select
from ihe.namespaces import HL7, SAML2, WSSE, XSI

# Long enough for every message of a run under way, short enough to be refused after its time.
LIFETIME = timedelta(minutes=5)
# How long one assertion is shown again before the next is issued.
SHOWN_SECONDS = 60.0
# Beyond any tolerance between clocks.
_LONG = timedelta(hours=2)
_DS = "http://www.w3.org/2000/09/xmldsig#"
# With no more said than this an assertion is right, and may be shown several times.
_WORDS_OF_RIGHT_ONES = {"name", "patient", "twice"}
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105


@dataclass
class Issuer:
    """An identity provider that the target trusts, or one assertion of it."""

    issuer: str = ""
    audience: str = ""
    key: bytes = b""
    certificate: str = ""
    given: bytes = b""
    users: Mapping[str, User] = field(default_factory=dict)
    _shown: dict[str, tuple[float, etree._Element]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def security(self, said: Mapping[str, Any]) -> etree._Element | None:
        """The wsse:Security header of a message; None where the plan wants none."""
        if said.get("none"):
            return None
        header = etree.Element(f"{{{WSSE}}}Security", nsmap={"wsse": WSSE})
        if not said.get("empty"):
            header.append(self.assertion(said))
        if said.get("twice"):
            header.append(self.assertion({}))
        return header

    def assertion(self, said: Mapping[str, Any]) -> etree._Element:
        """An assertion as the plan says; one that is as it should be may be shown several times."""
        if self.given and not self.key:
            return _tampered(read(self.given), said)
        if set(said) - _WORDS_OF_RIGHT_ONES:
            return _tampered(self._issued(said), said)
        who = str(said.get("patient", ""))
        with self._lock:
            issued, shown = self._shown.get(who, (0.0, None))
            if shown is None or time.monotonic() - issued > SHOWN_SECONDS:
                shown = self._issued(said)
                self._shown[who] = (time.monotonic(), shown)
            return deepcopy(shown)

    def _issued(self, said: Mapping[str, Any]) -> etree._Element:
        root = etree.fromstring(self._text(self._user(said), said))
        for path in said.get("without", ()):
            for node in select(root, str(path)):
                _remove(node)
        for path in said.get("repeat", ()):
            for node in select(root, str(path)):
                node.addnext(deepcopy(node))
        if said.get("unsigned"):
            for node in select(root, "ds:Signature"):
                _remove(node)
            return root
        return _signed(root, _another_key() if said.get("other_key") else self.key, self.certificate)

    def _user(self, said: Mapping[str, Any]) -> User:
        """The patient himself, whose id is a CX, or the professional."""
        if "patient" not in said:
            return self.users["professional"]
        id, _, authority = str(said["patient"]).partition("^^^&")
        return replace(self.users["patient"], id=id, root=authority.partition("&")[0])

    def _text(self, user: User, said: Mapping[str, Any]) -> str:
        now = datetime.now(UTC)
        shift = {"expired": -_LONG, "not_yet": _LONG}
        now += next((by for word, by in shift.items() if said.get(word)), timedelta())
        begins, ends = _instant(now - timedelta(minutes=1)), _instant(now + LIFETIME)
        id = f"_{uuid4()}"
        provider = (
            f'<saml:Attribute Name="urn:ihe:iti:xua:2017:subject:provider-identifier"><saml:AttributeValue>'
            f'<id xmlns="{HL7}" xmlns:xsi="{XSI}" xsi:type="II" root="{user.root}" '
            f'extension="{user.id}"/></saml:AttributeValue></saml:Attribute>'
            if user.root
            else ""
        )
        return (
            f'<saml:Assertion xmlns:saml="{SAML2}" ID="{id}" Version="{said.get("version", "2.0")}" '
            f'IssueInstant="{begins}"><saml:Issuer>{said.get("issuer", self.issuer)}</saml:Issuer>'
            f'<ds:Signature xmlns:ds="{_DS}" Id="placeholder"/>'
            f"<saml:Subject><saml:NameID>{user.id}</saml:NameID>"
            f'<saml:SubjectConfirmation Method="{said.get("method", _BEARER)}"/></saml:Subject>'
            f'<saml:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}"><saml:AudienceRestriction>'
            f"<saml:Audience>{said.get('audience', self.audience)}</saml:Audience>"
            f"</saml:AudienceRestriction></saml:Conditions>"
            f'<saml:AuthnStatement AuthnInstant="{begins}"><saml:AuthnContext><saml:AuthnContextClassRef>'
            f"{_PASSWORD}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            f"<saml:AttributeStatement>"
            f'<saml:Attribute Name="urn:oasis:names:tc:xspa:1.0:subject:subject-id"><saml:AttributeValue>'
            f"{user.name}</saml:AttributeValue></saml:Attribute>"
            f"{_coded('urn:oasis:names:tc:xacml:2.0:subject:role', 'Role', user.role)}"
            f"{_coded('urn:oasis:names:tc:xspa:1.0:subject:purposeofuse', 'PurposeOfUse', user.purpose)}"
            f"{provider}{said.get('more', '')}</saml:AttributeStatement></saml:Assertion>"
        )


def _coded(name: str, element: str, code: str) -> str:
    value, scheme, _ = code_parts(code)
    return (
        f'<saml:Attribute Name="{name}"><saml:AttributeValue><{element} xmlns="{HL7}" xmlns:xsi="{XSI}" '
        f'xsi:type="CE" code="{value}" codeSystem="{scheme}" displayName="{value}"/>'
        f"</saml:AttributeValue></saml:Attribute>"
    )


def _signed(root: etree._Element, key: bytes, certificate: str) -> etree._Element:
    private = load_pem_private_key(key, None)
    if isinstance(private, rsa.RSAPrivateKey):
        method = SignatureMethod.RSA_SHA256
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        method = SignatureMethod.ECDSA_SHA256
    else:
        raise ValueError("the key of the identity provider is RSA or on an elliptic curve")
    signer = XMLSigner(
        signature_algorithm=method,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signed: etree._Element = signer.sign(
        root, key=private, cert=certificate, reference_uri=root.get("ID"), id_attribute="ID"
    )
    return signed


def _tampered(root: etree._Element, said: Mapping[str, Any]) -> etree._Element:
    """Change what was signed."""
    if said.get("tampered"):
        for node in select(root, ".//saml:NameID"):
            node.text = "somebody-else"
    return _wrapped(root) if said.get("wrapped") else root


def _wrapped(root: etree._Element) -> etree._Element:
    """Another user's claim around a right assertion: who reads the outer one believes what nobody signed."""
    outer = deepcopy(root)
    for node in select(outer, ".//saml:NameID"):
        node.text = "somebody-else"
    outer.set("ID", f"_{uuid4()}")
    (signature,) = select(outer, "ds:Signature")
    holder = etree.SubElement(signature, f"{{{_DS}}}Object")
    holder.append(root)
    return outer


def _another_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _remove(node: etree._Element) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.remove(node)


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
