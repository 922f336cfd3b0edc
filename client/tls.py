"""What TLS says when a server does not let us in (RFC 8446 section 6.2)."""

import ssl

# Alerts about who we are or what we speak: the server has read nothing of what we sent.
_BEFORE_ANY_REQUEST = (
    "CERTIFICATE",
    "UNKNOWN_CA",
    "HANDSHAKE_FAILURE",
    "ACCESS_DENIED",
    "PROTOCOL_VERSION",
    "INSUFFICIENT_SECURITY",
)


def refused_by_server(problem: BaseException) -> bool:
    """Whether the cause is a server's alert, which with TLS 1.3 comes in the place of its first answer."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
            return any(word in str(cause.reason) for word in _BEFORE_ANY_REQUEST)
        cause = cause.__cause__ or cause.__context__
    return False
