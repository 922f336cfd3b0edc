"""Provide X-User Assertion [ITI-40]: names, algorithms and refusals (ITI TF-2: 3.40; SAML 2.0 Core)."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ihe.namespaces import WSSE, WSU

DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED_SIGNATURE = f"{DS}enveloped-signature"
SAML_VERSION = "2.0"


# SubjectConfirmation/@Method (SAML Profiles: 3.1, 3.3); IHE does not know sender-vouches.
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"


class Attribute(StrEnum):
    """Attribute/@Name (ITI TF-2: 3.40.4.1.2; XSPA profile of SAML)."""

    SUBJECT_ID = "urn:oasis:names:tc:xspa:1.0:subject:subject-id"
    # The name that XACML has for it, and several identity providers use.
    SUBJECT_ID_OF_XACML = "urn:oasis:names:tc:xacml:1.0:subject:subject-id"
    ORGANIZATION = "urn:oasis:names:tc:xspa:1.0:subject:organization"
    ORGANIZATION_ID = "urn:oasis:names:tc:xspa:1.0:subject:organization-id"
    HOME_COMMUNITY_ID = "urn:ihe:iti:xca:2010:homeCommunityId"
    PROVIDER_IDENTIFIER = "urn:ihe:iti:xua:2017:subject:provider-identifier"
    ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
    PURPOSE_OF_USE = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"
    PATIENT = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
    # The European eHealth services' name; IHE has none.
    SPECIALTY = "urn:ehdsi:names:subject:clinical-speciality"
    # The Swiss names for the person on whose behalf an assistant acts; IHE has none.
    PRINCIPAL_ID = "urn:e-health-suisse:principal-id"
    PRINCIPAL_NAME = "urn:e-health-suisse:principal-name"
    # The Norwegian name for the software that the user works with; IHE has none.
    SOFTWARE = "urn:no:ehelse:saml:1.0:subject:client_id"


class Assurance(IntEnum):
    """How far a way of logging in is to be trusted, in the words of Regulation (EU) 2015/1502."""

    NONE = 0
    LOW = 1
    SUBSTANTIAL = 2
    HIGH = 3


_CLASS = "urn:oasis:names:tc:SAML:2.0:ac:classes:"

# AuthnContextClassRef (SAML Authentication Context: 3.4); what is not here gives no assurance at all.
AUTHENTICATION_CLASSES = {
    f"{_CLASS}Password": Assurance.LOW,
    f"{_CLASS}InternetProtocolPassword": Assurance.LOW,
    f"{_CLASS}PasswordProtectedTransport": Assurance.LOW,
    f"{_CLASS}SecureRemotePassword": Assurance.LOW,
    f"{_CLASS}Kerberos": Assurance.LOW,
    f"{_CLASS}MobileOneFactorContract": Assurance.LOW,
    f"{_CLASS}MobileTwoFactorUnregistered": Assurance.SUBSTANTIAL,
    f"{_CLASS}MobileTwoFactorContract": Assurance.SUBSTANTIAL,
    f"{_CLASS}TimeSyncToken": Assurance.SUBSTANTIAL,
    f"{_CLASS}SoftwarePKI": Assurance.SUBSTANTIAL,
    f"{_CLASS}TLSClient": Assurance.SUBSTANTIAL,
    f"{_CLASS}X509": Assurance.SUBSTANTIAL,
    f"{_CLASS}Smartcard": Assurance.HIGH,
    f"{_CLASS}SmartcardPKI": Assurance.HIGH,
    "http://eidas.europa.eu/LoA/low": Assurance.LOW,
    "http://eidas.europa.eu/LoA/substantial": Assurance.SUBSTANTIAL,
    "http://eidas.europa.eu/LoA/high": Assurance.HIGH,
}

# RFC 9231; nothing with SHA-1, which can be forged, and nothing with a shared secret, which anyone could take
# a public key for.
SIGNATURE_METHODS = frozenset(
    f"http://www.w3.org/2001/04/xmldsig-more#{name}"
    for name in ("rsa-sha256", "rsa-sha384", "rsa-sha512", "ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512")
) | frozenset(
    f"http://www.w3.org/2007/05/xmldsig-more#{name}-rsa-MGF1" for name in ("sha256", "sha384", "sha512")
)
DIGEST_METHODS = frozenset(
    {f"{XENC}sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", f"{XENC}sha512"}
)
TRANSFORMS = (ENVELOPED_SIGNATURE, EXCLUSIVE_C14N)

# BCP 195 and ITI TF-2: 3.19.
SMALLEST_RSA_KEY_BITS = 2048
CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})

# XML Encryption 1.1: only what notices a change; CBC and RSA 1.5 answer an attacker's questions.
CONTENT_CIPHERS = {f"{XENC11}aes128-gcm": 16, f"{XENC11}aes192-gcm": 24, f"{XENC11}aes256-gcm": 32}
KEY_TRANSPORTS = frozenset({f"{XENC}rsa-oaep-mgf1p", f"{XENC11}rsa-oaep"})
MASK_GENERATION = {
    f"{XENC11}mgf1sha1": "sha1", f"{XENC11}mgf1sha256": "sha256", f"{XENC11}mgf1sha384": "sha384",
    f"{XENC11}mgf1sha512": "sha512",
}  # fmt: skip
KEY_DIGESTS = {
    f"{DS}sha1": "sha1", f"{XENC}sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384", f"{XENC}sha512": "sha512",
}  # fmt: skip

# What a person does through software needs a person; identity feeds run between systems (ITI TF-1: 13).
WITHOUT_A_USER = frozenset({"ITI-44"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an assertion does not do: the fault code (WSS 1.1: 12), and the rule in words for the peer."""

    subcode: tuple[str, str]
    rule: str


R = Refusal
_UNAVAILABLE = (WSSE, "SecurityTokenUnavailable")
_HEADER = (WSSE, "InvalidSecurity")
_TOKEN = (WSSE, "InvalidSecurityToken")
_UNSUPPORTED_TOKEN = (WSSE, "UnsupportedSecurityToken")
_ALGORITHM = (WSSE, "UnsupportedAlgorithm")
_CHECK = (WSSE, "FailedCheck")
_AUTHENTICATION = (WSSE, "FailedAuthentication")
_EXPIRED = (WSU, "MessageExpired")

NO_ASSERTION = R(_UNAVAILABLE, "a user's assertion is required")
SEVERAL_HEADERS = R(_HEADER, "there may be one Security header for this receiver")
SEVERAL_ASSERTIONS = R(_HEADER, "one assertion is expected")
OTHER_TOKEN = R(_UNSUPPORTED_TOKEN, "a SAML 2.0 assertion is expected")
TOO_LARGE = R(_TOKEN, "the assertion is too large")
NOT_SAML = R(_TOKEN, "the assertion is not formed as SAML 2.0 asks")
UNSIGNED = R(_CHECK, "the assertion must be signed")
SIGNATURE_FORM = R(_CHECK, "the signature must cover the assertion, all of it and nothing else")
SIGNATURE_ALGORITHM = R(_ALGORITHM, "an algorithm of the signature is not accepted")
SIGNATURE_WRONG = R(_CHECK, "the signature is not that of a trusted identity provider")
NOT_DECRYPTED = R(_CHECK, "the assertion cannot be decrypted")
ENCRYPTION_ALGORITHM = R(_ALGORITHM, "an algorithm of the encryption is not accepted")
EXPIRED = R(_EXPIRED, "the assertion has expired")
NOT_YET_VALID = R(_AUTHENTICATION, "the assertion is not valid yet")
NO_CONDITIONS = R(_TOKEN, "Conditions must limit the assertion in time and to an audience")
UNKNOWN_CONDITION = R(_TOKEN, "a condition of the assertion is not known here")
OTHER_AUDIENCE = R(_TOKEN, "the assertion is meant for another audience")
USED_BEFORE = R(_AUTHENTICATION, "an assertion for one use was used before")
AUTHENTICATION_STATEMENT = R(_TOKEN, "exactly one AuthnStatement with one AuthnContext is expected")
WEAK_AUTHENTICATION = R(_AUTHENTICATION, "the user's authentication is too weak for this domain")
NOT_CONFIRMED = R(_AUTHENTICATION, "the subject is not confirmed")
ONE_SUBJECT = R(_TOKEN, "exactly one subject with a NameID and one subject-id is expected")
ONE_ROLE = R(_AUTHENTICATION, "exactly one role is expected")
ONE_PURPOSE = R(_AUTHENTICATION, "exactly one purpose of use is expected")
EMERGENCY_WITHOUT_REASON = R(
    _AUTHENTICATION, "an emergency needs its reason, as the originalText of the purpose of use"
)
BAD_ATTRIBUTE = R(_TOKEN, "an attribute's value is not formed as its name asks")

REFUSALS = tuple(value for value in list(globals().values()) if isinstance(value, Refusal))
