"""X-User Assertions: SAML 2.0 as Cross-Enterprise User Assertion has it (ITI TF-2: 3.40; SAML 2.0 Core)."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from lxml import etree
from signxml.exceptions import InvalidInput, InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from conformance.judging.datatypes import is_named_cx, is_oid
from conformance.judging.found import error, note, warning
from conformance.results import Finding
from conformance.xml import select, where
from ihe.namespaces import HL7
from ihe.xua import (
    AUTHENTICATION_CLASSES,
    BEARER,
    DIGEST_METHODS,
    EXCLUSIVE_C14N,
    HOLDER_OF_KEY,
    SAML_VERSION,
    SIGNATURE_METHODS,
    TRANSFORMS,
    Attribute,
)

_SECTION = "ITI TF-2: 3.40.4.1.2"
_CORE = "SAML 2.0 Core"
_CONSENT = ("urn:ihe:iti:bppc:2007:docid", "urn:ihe:iti:xua:2012:acp")
_SAML_CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"


def findings_in_security_header(security: etree._Element, at: datetime | None) -> Iterator[Finding]:
    """Yield what is wrong in a wsse:Security header and its assertion."""
    assertions = select(security, "saml:Assertion")
    if not len(security.findall(".//{*}Assertion") + security.findall(".//{*}EncryptedAssertion")):
        yield warning(security, "a Security header brings an assertion", _SECTION, "none", "saml:Assertion")
        return
    encrypted = select(security, "saml:EncryptedAssertion")
    if len(assertions) + len(encrypted) != 1:
        yield error(
            security,
            "one assertion stands directly in the Security header",
            "ITI TF-2: 3.40.4.1.2",
            f"{len(assertions) + len(encrypted)} assertions",
            "one",
        )
    for one in assertions:
        yield from findings_in_assertion(one, at)
    for one in encrypted:
        yield note(one, "an encrypted assertion is not looked into", _CORE, "EncryptedAssertion", "the key")


def findings_in_assertion(node: etree._Element, at: datetime | None = None) -> Iterator[Finding]:
    """Yield what is wrong in an assertion; its times are compared with `at`, if that is given."""
    if node.get("Version") != SAML_VERSION:
        yield error(
            f"{where(node)}/@Version",
            "an assertion is one of SAML 2.0",
            _CORE,
            node.get("Version", ""),
            SAML_VERSION,
        )
    for name in ("ID", "IssueInstant"):
        if not node.get(name):
            yield error(node, f"an assertion has its {name}", f"{_CORE}: 2.3.3", "nothing", name)
    if not any((one.text or "").strip() for one in select(node, "saml:Issuer")):
        yield error(
            node,
            "an assertion names its issuer",
            f"{_CORE}: 2.2.5",
            "no Issuer",
            "the identity provider's name",
        )
    yield from _of_signature(node)
    yield from _of_subject(node)
    yield from _of_conditions(node, at)
    yield from _of_authentication(node)
    yield from _of_attributes(node)


def _of_signature(node: etree._Element) -> Iterator[Finding]:
    rule, section = (
        "the assertion is signed, all of it and nothing else",
        "ITI TF-2: 3.40.4.1.2; SAML 2.0 Core: 5.4",
    )
    signatures = select(node, "ds:Signature")
    if len(signatures) != 1:
        yield error(
            node,
            rule,
            section,
            f"{len(signatures)} signatures",
            "one ds:Signature directly in the assertion",
            "Have the identity provider sign the assertion; a receiver answers a fault.",
        )
        return
    signature = signatures[0]
    references = select(signature, "ds:SignedInfo/ds:Reference")
    uris = [one.get("URI", "") for one in references]
    if uris != [f"#{node.get('ID', '')}"]:
        yield error(signature, rule, section, ", ".join(uris) or "no Reference", f"#{node.get('ID', '')}")
    checked = (
        ("ds:SignedInfo/ds:CanonicalizationMethod", {EXCLUSIVE_C14N}),
        ("ds:SignedInfo/ds:SignatureMethod", SIGNATURE_METHODS),
        ("ds:SignedInfo/ds:Reference/ds:DigestMethod", DIGEST_METHODS),
        ("ds:SignedInfo/ds:Reference/ds:Transforms/ds:Transform", set(TRANSFORMS)),
    )
    for path, allowed in checked:
        for one in select(signature, path):
            if one.get("Algorithm", "") not in allowed:
                yield error(
                    f"{where(one)}/@Algorithm",
                    "an algorithm is one that can be relied on",
                    "RFC 9231; BCP 195",
                    one.get("Algorithm", ""),
                    ", ".join(sorted(allowed)),
                )
    methods = select(signature, "ds:SignedInfo/ds:SignatureMethod")
    if all(one.get("Algorithm") in SIGNATURE_METHODS for one in methods):
        yield from _of_value(node, signature)


def _of_value(node: etree._Element, signature: etree._Element) -> Iterator[Finding]:
    rule, section = "the signature is that of the content", "XML Signature: 3.2"
    texts = [one.text or "" for one in select(signature, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")]
    if not texts:
        yield note(
            signature,
            "the signer's certificate goes with the signature",
            section,
            "no X509Certificate",
            "the certificate in ds:KeyInfo",
            "Without it only who knows the signer can check the signature.",
        )
        return
    try:
        certificate = x509.load_der_x509_certificate(b64decode("".join(texts[0].split())))
        alone = etree.fromstring(etree.tostring(node, with_tail=False))
        XMLVerifier().verify(
            alone,
            x509_cert=certificate,
            id_attribute="ID",
            expect_config=SignatureConfiguration(
                require_x509=True,
                expect_references=1,
                # Whether the signer's certificate holds today is for whoever trusts it to say.
                verification_time=certificate.not_valid_before_utc,
            ),
        )
    except (InvalidSignature, InvalidInput, etree.LxmlError) as problem:
        yield error(
            signature,
            rule,
            section,
            str(problem),
            "a signature that holds",
            "Sign last, and change nothing afterwards, not even white space.",
        )
    except (ValueError, TypeError, AttributeError, LookupError, NotBase64) as problem:
        yield error(
            signature,
            "the signature and its certificate can be read",
            section,
            str(problem),
            "an X.509 certificate",
        )


def _of_subject(node: etree._Element) -> Iterator[Finding]:
    if len(select(node, "saml:Subject/saml:NameID")) != 1:
        yield error(node, "the subject has one NameID", _SECTION, "none or several", "one saml:NameID")
    confirmations = select(node, "saml:Subject/saml:SubjectConfirmation")
    if not confirmations:
        yield error(node, "the subject is confirmed", _SECTION, "no SubjectConfirmation", BEARER)
    for one in confirmations:
        if one.get("Method") not in (BEARER, HOLDER_OF_KEY):
            yield error(
                f"{where(one)}/@Method",
                "the subject is confirmed as bearer or by a key",
                _SECTION,
                one.get("Method", ""),
                f"{BEARER} or {HOLDER_OF_KEY}",
            )
        if one.get("Method") == HOLDER_OF_KEY and not select(one, "saml:SubjectConfirmationData/ds:KeyInfo"):
            yield error(one, "who holds a key names it", "SAML Profiles: 3.1", "no KeyInfo", "ds:KeyInfo")


def _of_conditions(node: etree._Element, at: datetime | None) -> Iterator[Finding]:
    conditions = select(node, "saml:Conditions")
    if len(conditions) != 1:
        yield error(node, "Conditions limit the assertion", _SECTION, f"{len(conditions)} Conditions", "one")
        return
    limits = {}
    for name in ("NotBefore", "NotOnOrAfter"):
        try:
            limits[name] = datetime.fromisoformat(conditions[0].get(name, ""))
        except ValueError:
            yield error(
                f"{where(conditions[0])}/@{name}",
                "Conditions limit the assertion in time",
                _SECTION,
                conditions[0].get(name, ""),
                "2030-01-01T12:00:00Z",
            )
    if not select(conditions[0], "saml:AudienceRestriction/saml:Audience"):
        yield error(
            conditions[0],
            "Conditions limit the assertion to an audience",
            _SECTION,
            "no Audience",
            "the URI of the affinity domain",
        )
    if len(limits) == 2 and all(one.tzinfo for one in limits.values()):
        if limits["NotBefore"] >= limits["NotOnOrAfter"]:
            yield error(
                conditions[0],
                "an assertion holds for some time",
                f"{_CORE}: 2.5.1",
                "it never holds",
                "NotBefore < NotOnOrAfter",
            )
        if at and not limits["NotBefore"] <= at < limits["NotOnOrAfter"]:
            yield error(
                conditions[0],
                "an assertion holds when it is used",
                f"{_CORE}: 2.5.1",
                f"{conditions[0].get('NotBefore')} to {conditions[0].get('NotOnOrAfter')}",
                at.isoformat(),
            )


def _of_authentication(node: etree._Element) -> Iterator[Finding]:
    statements = select(node, "saml:AuthnStatement")
    if len(statements) != 1:
        yield error(
            node, "one AuthnStatement tells how the user logged in", _SECTION, f"{len(statements)}", "one"
        )
    for one in statements:
        if not one.get("AuthnInstant"):
            yield error(
                one, "an authentication has its time", f"{_CORE}: 2.7.2", "no AuthnInstant", "AuthnInstant"
            )
        classes = [
            (ref.text or "").strip() for ref in select(one, "saml:AuthnContext/saml:AuthnContextClassRef")
        ]
        others = select(
            one, "saml:AuthnContext/saml:AuthnContextDeclRef | saml:AuthnContext/saml:AuthnContextDecl"
        )
        if not classes and not others:
            yield error(
                one, "an authentication has its context", _SECTION, "no AuthnContext", f"{_SAML_CLASSES}X509"
            )
        for said in classes:
            if said not in AUTHENTICATION_CLASSES and not said.startswith(_SAML_CLASSES):
                yield warning(
                    one,
                    "a class of authentication is known",
                    "SAML Authentication Context: 3.4",
                    said,
                    f"one that begins {_SAML_CLASSES}",
                )


def _of_attributes(node: etree._Element) -> Iterator[Finding]:
    given = {one.get("Name", ""): one for one in select(node, "saml:AttributeStatement/saml:Attribute")}
    if not {Attribute.SUBJECT_ID, Attribute.SUBJECT_ID_OF_XACML} & given.keys():
        yield error(node, "the user is named in words", _SECTION, "no subject-id", Attribute.SUBJECT_ID)
    for name in (Attribute.ORGANIZATION, Attribute.ORGANIZATION_ID):
        if name not in given:
            yield note(
                node,
                f"the user's {name.rpartition(':')[2]} is told",
                _SECTION,
                "nothing",
                name,
                f"Add the Attribute {name}.",
            )
    for name, element in ((Attribute.ROLE, "Role"), (Attribute.PURPOSE_OF_USE, "PurposeOfUse")):
        if name not in given:
            yield warning(
                node,
                f"the user's {element} is told",
                "ITI TF-2: 3.40.4.1.2.3",
                "nothing",
                name,
                f"Add the Attribute {name}.",
            )
            continue
        yield from _of_code(given[name], element)
    checks = (
        (Attribute.PATIENT, is_named_cx, "id^^^&OID&ISO"),
        (Attribute.HOME_COMMUNITY_ID, _is_oid_urn, "urn:oid:2.999.1"),
        (_CONSENT[0], _is_oid_urn, "urn:oid: and the consent document's id"),
        (_CONSENT[1], _is_oid_urn, "urn:oid: and the policy's OID"),
    )
    for named, holds, expected in checks:
        for value in select(given[named], "saml:AttributeValue") if named in given else []:
            if not holds((value.text or "").strip()):
                yield error(
                    value,
                    "an attribute's value is formed as its name asks",
                    "ITI TF-2: 3.40.4.1.2.2",
                    (value.text or "").strip(),
                    expected,
                )


def _of_code(attribute: etree._Element, element: str) -> Iterator[Finding]:
    section = "ITI TF-2: 3.40.4.1.2.3"
    values = select(attribute, "saml:AttributeValue")
    for value in values:
        codes = [one for one in value if etree.QName(one).localname in (element, "CodedElement")]
        if not codes:
            yield warning(
                value,
                f"a {element} is a code of HL7 V3",
                section,
                (value.text or "").strip() or "nothing",
                f'<{element} xmlns="{HL7}" xsi:type="CE" code="" codeSystem="" displayName=""/>',
            )
        for one in codes:
            if not one.get("code") or not one.get("codeSystem"):
                yield error(
                    one,
                    f"a {element} has its code and code system",
                    section,
                    f"code {one.get('code')}, codeSystem {one.get('codeSystem')}",
                    "both",
                )
    if len(values) > 1:
        yield warning(
            attribute, f"one {element} is what every receiver takes", section, f"{len(values)} values", "one"
        )


def _is_oid_urn(value: str) -> bool:
    return value.startswith("urn:oid:") and is_oid(value.removeprefix("urn:oid:").partition("^")[0])
