"""An identity provider of the tests' own: assertions in plain text, signed and encrypted by xmlsec."""

import uuid
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID
from lxml import etree

from tests.wire import envelope

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "http://www.w3.org/2000/09/xmldsig#"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
ISSUER = "https://idp.example"
AUDIENCE = "urn:oid:2.999.352.3"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
DAY = timedelta(days=1)

ROLE = (
    '<Role xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CE" '
    'code="221" codeSystem="2.16.840.1.113883.2.9.6.2.7" displayName="Medical doctor"/>'
)
PURPOSE = (
    '<PurposeOfUse xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:type="CE" code="TREAT" codeSystem="2.16.840.1.113883.5.8" displayName="Treatment"/>'
)


@dataclass(frozen=True)
class Keys:
    """A key and its self-signed certificate."""

    key: RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def rsa(self) -> RSAPrivateKey:
        assert isinstance(self.key, RSAPrivateKey)
        return self.key

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def base64(self) -> str:
        return b64encode(self.der).decode()

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


@cache
def keys(name: str, kind: str = "rsa-2048", days: int = 30) -> Keys:
    """The key of this name; every test of one process is given the same."""
    family, _, size = kind.partition("-")
    key: RSAPrivateKey | ec.EllipticCurvePrivateKey
    if family == "rsa":
        key = rsa.generate_private_key(65537, int(size))
    else:
        key = ec.generate_private_key({"256": ec.SECP256R1(), "224": ec.SECP224R1()}[size])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 60 * DAY)
        .not_valid_after(now + days * DAY)
        .sign(key, hashes.SHA256())
    )
    return Keys(key, certificate)


def attribute(name: str, *values: str) -> str:
    inside = "".join(f"<saml2:AttributeValue>{value}</saml2:AttributeValue>" for value in values)
    return f'<saml2:Attribute Name="{name}">{inside}</saml2:Attribute>' if values else ""


def instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def authentication(class_ref: str = PASSWORD, at: datetime | None = None) -> str:
    return (
        f'<saml2:AuthnStatement AuthnInstant="{instant(at or datetime.now(UTC) - timedelta(minutes=1))}">'
        f"<saml2:AuthnContext><saml2:AuthnContextClassRef>{class_ref}</saml2:AuthnContextClassRef>"
        "</saml2:AuthnContext></saml2:AuthnStatement>"
    )


def assertion(
    *,
    id: str = "",
    issuer: str = ISSUER,
    name_id: str = "<saml2:NameID>amuller</saml2:NameID>",
    confirmation: str = f'<saml2:SubjectConfirmation Method="{BEARER}"/>',
    not_before: datetime | None = None,
    not_on_or_after: datetime | None = None,
    audience: str = AUDIENCE,
    conditions: str = "",
    statement: str | None = None,
    subject_ids: tuple[str, ...] = ("Dr Anne Muller",),
    roles: tuple[str, ...] = (ROLE,),
    purposes: tuple[str, ...] = (PURPOSE,),
    more: str = "",
    version: str = "2.0",
) -> str:
    """An unsigned assertion about Dr Anne Muller."""
    now = datetime.now(UTC)
    begins = instant(not_before or now - timedelta(minutes=1))
    ends = instant(not_on_or_after or now + timedelta(minutes=5))
    restriction = (
        f"<saml2:AudienceRestriction><saml2:Audience>{audience}</saml2:Audience></saml2:AudienceRestriction>"
        if audience
        else ""
    )
    return (
        f'<saml2:Assertion xmlns:saml2="{SAML}" ID="{id or f"_{uuid.uuid4()}"}" Version="{version}" '
        f'IssueInstant="{begins}"><saml2:Issuer>{issuer}</saml2:Issuer>'
        f"<saml2:Subject>{name_id}{confirmation}</saml2:Subject>"
        f'<saml2:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}">{restriction}{conditions}'
        f"</saml2:Conditions>{authentication() if statement is None else statement}<saml2:AttributeStatement>"
        + attribute("urn:oasis:names:tc:xspa:1.0:subject:subject-id", *subject_ids)
        + attribute("urn:oasis:names:tc:xacml:2.0:subject:role", *roles)
        + attribute("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse", *purposes)
        + f"{more}</saml2:AttributeStatement></saml2:Assertion>"
    )


RSA_SHA256 = xmlsec.constants.TransformRsaSha256
ECDSA_SHA256 = xmlsec.constants.TransformEcdsaSha256
SHA256 = xmlsec.constants.TransformSha256


def signed(
    text: str,
    by: Keys | None = None,
    *,
    method=RSA_SHA256,
    digest=SHA256,
    uri: str | None = None,
    transforms: tuple[tuple[str, str], ...] = (),
    canonicalization=xmlsec.constants.TransformExclC14N,
    key_info: str | None = None,
    hmac: bytes = b"",
) -> bytes:
    """Sign the assertion after its Issuer, as the arguments say; `transforms` are (algorithm, content)."""
    by = by or keys("idp")
    root = etree.fromstring(text)
    signature = xmlsec.template.create(root, canonicalization, method, ns="ds")
    root.insert(1, signature)
    reference = xmlsec.template.add_reference(
        signature, digest, uri=uri if uri is not None else f"#{root.get('ID')}"
    )
    if transforms:
        holder = etree.SubElement(reference, f"{{{DS}}}Transforms")
        reference.insert(0, holder)
        for algorithm, content in transforms:
            holder.append(
                etree.fromstring(
                    f'<ds:Transform xmlns:ds="{DS}" Algorithm="{algorithm}">{content}</ds:Transform>'
                )
            )
    else:
        xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
        xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    x509_data = f"<ds:X509Data><ds:X509Certificate>{by.base64}</ds:X509Certificate></ds:X509Data>"
    inside = x509_data if key_info is None else key_info
    context = xmlsec.SignatureContext()
    if hmac:
        context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, hmac)
    else:
        context.key = xmlsec.Key.from_memory(by.key_pem, xmlsec.constants.KeyDataFormatPem)
    context.register_id(root, "ID")
    context.sign(signature)
    if inside:
        signature.append(etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DS}">{inside}</ds:KeyInfo>'))
    return etree.tostring(root)


def judged_by_xmlsec(content: bytes, by: Keys) -> bool:
    """What a second, independent implementation says of the signature."""
    root = etree.fromstring(content)
    signature = root.find(f"{{{DS}}}Signature")
    assert signature is not None
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(by.pem, xmlsec.constants.KeyDataFormatCertPem)
    context.register_id(root, "ID")
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def encrypted(
    content: bytes,
    to: Keys,
    *,
    cipher=xmlsec.constants.TransformAes256Gcm,
    transport=xmlsec.constants.TransformRsaOaep,
    key_bits: int = 256,
) -> bytes:
    """The EncryptedAssertion that holds this assertion for the owner of that key."""
    holder = etree.fromstring(f'<saml2:EncryptedAssertion xmlns:saml2="{SAML}"/>')
    holder.append(etree.fromstring(content))
    data = xmlsec.template.encrypted_data_create(
        holder, cipher, type=xmlsec.constants.TypeEncElement, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    key_info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    encrypted_key = xmlsec.template.add_encrypted_key(key_info, transport)
    xmlsec.template.encrypted_data_ensure_cipher_value(encrypted_key)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(to.pem, xmlsec.constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(
        xmlsec.constants.KeyDataAes, key_bits, xmlsec.constants.KeyDataTypeSession
    )
    context.encrypt_xml(data, holder[0])
    return etree.tostring(holder)


def held_by(holder: Keys) -> str:
    """The confirmation of a subject by this key."""
    return (
        f'<saml2:SubjectConfirmation Method="{HOLDER_OF_KEY}"><saml2:SubjectConfirmationData>'
        f'<ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>{holder.base64}</ds:X509Certificate>'
        "</ds:X509Data></ds:KeyInfo></saml2:SubjectConfirmationData></saml2:SubjectConfirmation>"
    )


def signed_message(
    body: str,
    by: Keys,
    *tokens: bytes,
    action: str = "urn:x",
    parts: tuple[str, ...] = ("body", "time"),
    created: datetime | None = None,
    expires: datetime | None = None,
    method=RSA_SHA256,
    digest=SHA256,
) -> bytes:
    """A SOAP message with these tokens, whose parts are signed with a key of the sender's own."""
    now = datetime.now(UTC)
    begins, ends = instant(created or now), instant(expires or now + timedelta(minutes=5))
    timestamp = (
        f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="time"><wsu:Created>{begins}</wsu:Created>'
        f"<wsu:Expires>{ends}</wsu:Expires></wsu:Timestamp>"
    )
    message = envelope(action, body, more_headers=security(timestamp, *tokens))
    root = etree.fromstring(
        message.replace(b"<soap:Body>", f'<soap:Body xmlns:wsu="{WSU}" wsu:Id="body">'.encode())
    )
    holder = root.find(f".//{{{WSSE}}}Security")
    assert holder is not None
    signature = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, method, ns="ds")
    holder.append(signature)
    for part in parts:
        reference = xmlsec.template.add_reference(signature, digest, uri=f"#{part}")
        xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(by.key_pem, xmlsec.constants.KeyDataFormatPem)
    for element in (root[1], holder[0]):
        context.register_id(element, "Id", WSU)
    context.sign(signature)
    return etree.tostring(root)


def security(*tokens: bytes | str, must_understand: str = "1") -> str:
    """The Security header with these tokens, for `tests.wire.envelope`."""
    inside = "".join(token.decode() if isinstance(token, bytes) else token for token in tokens)
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}" soap:mustUnderstand="{must_understand}">{inside}</wsse:Security>'
    )
