"""Why a handshake failed, in plain words for whoever looks after the node (ITI TF-2: 3.19.4)."""

import ssl
from collections.abc import Mapping

# X509_V_ERR_... of OpenSSL.
_OF_CERTIFICATE: Mapping[int, str] = {
    3: "no revocation list of its issuer is at hand",
    9: "is not valid yet",
    10: "has expired",
    12: "cannot be checked: the revocation list of its issuer has expired",
    18: "is self-signed and not among the trusted ones",
    19: "was issued by an authority that is not trusted",
    20: "was issued by an authority that is not trusted",
    21: "was issued by an authority that is not trusted",
    23: "has been revoked",
    24: "was issued by a certificate that is none of an authority",
    26: "is not meant for this use",
    62: "does not name the host that was contacted",
    64: "does not name the address that was contacted",
    66: "has a key that is too small",
    68: "is signed with a digest that is too weak",
}

_OF_HANDSHAKE: Mapping[str, str] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no certificate, and one is required",
    "UNSUPPORTED_PROTOCOL": "it speaks no TLS of version 1.2 or newer",
    "UNKNOWN_PROTOCOL": "it speaks no TLS of version 1.2 or newer",
    "VERSION_TOO_LOW": "it speaks no TLS of version 1.2 or newer",
    "NO_SHARED_CIPHER": "it has no cipher suite, or no kind of certificate, in common with us",
    "HTTP_REQUEST": "it speaks plain HTTP, not TLS",
    "HTTPS_PROXY_REQUEST": "it speaks plain HTTP, not TLS",
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "PACKET_LENGTH_TOO_LONG": "it does not speak TLS",
    "RECORD_LAYER_FAILURE": "it does not speak TLS",
    "UNEXPECTED_MESSAGE": "it broke the rules of the handshake",
    "BAD_SIGNATURE": "it does not hold the key of its certificate",
    "CA_MD_TOO_WEAK": "its certificate is signed with a digest that is too weak",
    "EE_KEY_TOO_SMALL": "its certificate has a key that is too small",
    # Alerts: what the other side says of us.
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust the authority of our certificate",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it takes none of our versions of TLS",
    "TLSV1_ALERT_ACCESS_DENIED": "it denies us access",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": "it asks for stronger cipher suites",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it has no cipher suite in common with us, or wants a certificate",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it requires a certificate of us",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept our certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it cannot use the kind of our certificate",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it takes our certificate for revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it takes our certificate for expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept our certificate",
}

WENT_AWAY = "it went away in the middle of the handshake"
TOO_SLOW = "it did not come to the end of the handshake in time"


def reason_of(problem: Exception) -> str:
    """Say it of the other side: "it ..." or "its certificate ..."."""
    match problem:
        case ssl.SSLCertVerificationError():
            words = _OF_CERTIFICATE.get(problem.verify_code)
            return f"its certificate {words or f'is not acceptable ({problem.verify_message})'}"
        case ssl.SSLEOFError() | ConnectionResetError() | BrokenPipeError():
            return WENT_AWAY
        case ssl.SSLError():
            reason = problem.reason or type(problem).__name__
            return _OF_HANDSHAKE.get(reason) or f"TLS says: {reason.lower().replace('_', ' ')}"
        case ConnectionAbortedError() | TimeoutError():
            return TOO_SLOW
        case _:
            return f"the connection failed: {type(problem).__name__}"
