"""What this node shows and whom it lets in, as TLS contexts that follow their files (ITI TF-2: 3.19.4)."""

import contextlib
import logging
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("coffre.tls")

# BCP 195 (RFC 9325) with the four suites that ITI TF-2: 3.19.6.2.3 names; forward secrecy and AEAD only.
SUITES_OF_TLS_1_2 = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
)

# A session of TLS 1.2 can be resumed for as long as its context lives, and then nobody looks at a certificate
# again; Python has no other way to end it. A context costs a millisecond.
SESSION_SECONDS = 1.0

# The group of RFC 7919 that BCP 195 still allows and every Java of the last ten years can compute.
DIFFIE_HELLMAN_GROUP = Path(__file__).with_name("ffdhe2048.pem")


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The PEM files of a node: its own certificate with chain, its key, whom it trusts, who is revoked."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    crl: Path | None = None
    certificate_optional: bool = False

    @property
    def paths(self) -> tuple[Path, ...]:
        """Those that are there."""
        return tuple(filter(None, (self.certificate, self.key, self.client_ca, self.crl)))


class UnusableFile(ValueError):
    """A file of the node that TLS cannot work with, and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NodeContexts:
    """Hands out a context made of the files as they are now: changed files need no restart."""

    def __init__(self, files: NodeFiles) -> None:
        self._files = files
        self._stamps = _stamps(files)
        self._context = server_context(files)
        self._made_at = time.monotonic()

    def newest(self) -> ssl.SSLContext:
        """The context for the next connection; files that do not fit together change nothing."""
        stamps = _stamps(self._files)
        if stamps != self._stamps:
            # Remembered also on failure: each state of the files is tried, and told, once.
            self._stamps = stamps
            try:
                self._context = server_context(self._files)
                log.info("the changed certificate files are in use")
            except UnusableFile as problem:
                log.error("changed certificate files are NOT in use, the former ones are: %s", problem)
        elif time.monotonic() - self._made_at > SESSION_SECONDS:
            with contextlib.suppress(UnusableFile):  # told when it changed
                self._context = server_context(self._files)
            self._made_at = time.monotonic()
        return self._context


def server_context(files: NodeFiles) -> ssl.SSLContext:
    """A context for connections that come in; raises UnusableFile."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _limit_to_bcp_195(context)
    context.load_dh_params(str(DIFFIE_HELLMAN_GROUP))
    # No tickets: every connection proves its certificate anew, and a peer that only writes is not sent
    # anything that it would leave unread, which turns its end of the connection into a reset.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    _load_identity(context, files.certificate, files.key)
    if files.client_ca:
        load_trusted(context, files.client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL if files.certificate_optional else ssl.CERT_REQUIRED
    if files.crl:
        _load_crl(context, files.crl)
    return context


class CallingContext:
    """The context of connections that this node opens; a renewed certificate is shown by the next one."""

    def __init__(self, server_ca: Path | None, certificate: Path | None, key: Path | None) -> None:
        self.context = client_context(server_ca, certificate, key)
        self._identity = (certificate, key) if certificate and key else None
        self._stamps = self._seen()

    def refresh(self) -> None:
        """Take our own certificate from its files again, if they have changed and fit together."""
        stamps = self._seen()
        if self._identity and stamps != self._stamps:
            self._stamps = stamps
            try:
                # Tried on another context: one that fails half-way is left without its certificate.
                _load_identity(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), *self._identity)
                _load_identity(self.context, *self._identity)
            except UnusableFile as problem:
                log.error("the changed certificate is NOT in use for calls, the former one is: %s", problem)

    def _seen(self) -> tuple[object, ...]:
        return tuple(map(_stamp, self._identity or ()))


def client_context(
    ca: Path | None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """A context for calling others, who must be trusted by `ca` or this machine; raises UnusableFile."""
    if ca:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        load_trusted(context, ca)
    else:
        context = ssl.create_default_context()
    _limit_to_bcp_195(context)
    if certificate and key:
        _load_identity(context, certificate, key)
    return context


def load_trusted(context: ssl.SSLContext, path: Path) -> None:
    """Trust these: authorities, or the certificates of single nodes (ITI TF-2: 3.19.6.1)."""
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise UnusableFile(path, "there is no PEM certificate in it") from None
    except OSError as problem:
        raise UnusableFile(path, f"cannot be read: {problem.strerror}") from None
    if not context.cert_store_stats()["x509"]:
        raise UnusableFile(path, "there is no PEM certificate in it")
    # A certificate in the file is trusted as it stands, also without its issuer: a list of nodes will do.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _limit_to_bcp_195(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(SUITES_OF_TLS_1_2))


def _load_identity(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as problem:
            raise UnusableFile(path, f"cannot be read: {problem.strerror}") from None

    def no_password() -> bytes:
        raise UnusableFile(
            key, "the key is protected by a password; store it without one, for its owner only"
        )

    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as problem:
        if problem.reason == "KEY_VALUES_MISMATCH":
            raise UnusableFile(key, f"the key is not that of the certificate in {certificate}") from None
        raise UnusableFile(certificate, f"not a PEM certificate with its key in {key}") from None


def _load_crl(context: ssl.SSLContext, path: Path) -> None:
    trusted = context.cert_store_stats()["x509"]
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise UnusableFile(path, "there is no PEM revocation list in it") from None
    except OSError as problem:
        raise UnusableFile(path, f"cannot be read: {problem.strerror}") from None
    stats = context.cert_store_stats()
    if not stats["crl"]:
        raise UnusableFile(path, "there is no PEM revocation list in it")
    if stats["x509"] != trusted:
        raise UnusableFile(path, "there is a certificate in it, which would be trusted")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _stamps(files: NodeFiles) -> tuple[tuple[int, int, int] | None, ...]:
    return tuple(map(_stamp, files.paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
