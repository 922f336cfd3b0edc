"""Why a connection to a secure node fails, or that it works (ITI TF-2: 3.19)."""

import socket
import ssl
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from server.tls.contexts import SUITES_OF_TLS_1_2, client_context
from server.tls.reasons import reason_of

CONNECT_SECONDS = 10.0
HANDSHAKE_SECONDS = 10.0

# With TLS 1.3 a server looks at our certificate when we believe to be through; a refusal takes a round trip.
VERDICT_SECONDS = 1.0

EXPIRES_SOON = timedelta(days=30)

_OLD_VERSIONS = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)


class Ailment(StrEnum):
    """What can be wrong, as programs are told."""

    UNKNOWN_HOST = "unknown-host"
    NOTHING_LISTENS = "nothing-listens"
    NO_ANSWER = "no-answer"
    NOT_TLS = "not-tls"
    OLD_VERSION = "old-version"
    WEAK_CIPHERS = "weak-ciphers"
    CERTIFICATE_REQUIRED = "certificate-required"
    OUR_CERTIFICATE_REFUSED = "our-certificate-refused"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WRONG_NAME = "wrong-name"
    UNKNOWN_CA = "unknown-ca"
    BAD_CERTIFICATE = "bad-certificate"
    OTHER = "other"


REMEDIES: Mapping[Ailment, str] = {
    Ailment.UNKNOWN_HOST: "Is the name right, and known to this machine's name service?",
    Ailment.NOTHING_LISTENS: "Is the server running, is this its port, and does a firewall let us through?",
    Ailment.NO_ANSWER: "Is this the port of TLS? A service in plain waits for words that it understands.",
    Ailment.NOT_TLS: "Is this the port of TLS? In Coffre, [tls] certificate and key switch it on.",
    Ailment.OLD_VERSION: "Its operator must permit TLS 1.2 or 1.3; BCP 195 forbids what is older.",
    Ailment.WEAK_CIPHERS: "Its operator must permit a suite of BCP 195, such as ECDHE-RSA-AES128-GCM-SHA256.",
    Ailment.CERTIFICATE_REQUIRED: "Give a certificate that it knows, with --certificate and --key.",
    Ailment.OUR_CERTIFICATE_REFUSED: "Its operator finds the reason in its log, and must let ours in.",
    Ailment.EXPIRED: "Its operator must renew it.",
    Ailment.NOT_YET_VALID: "Are the clocks of both machines right?",
    Ailment.WRONG_NAME: "Call it by a name that stands in its certificate, or give that with --name.",
    Ailment.UNKNOWN_CA: "Give the authority that signed it with --ca, if you trust that one.",
    Ailment.BAD_CERTIFICATE: "Its operator must have it issued anew.",
    Ailment.OTHER: "Show this line to the operator of the other side.",
}

# How OpenSSL tells, depending on its version, that the other side just went away.
_ENDS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

# X509_V_ERR_... of OpenSSL.
_OF_CERTIFICATE: Mapping[int, Ailment] = {
    9: Ailment.NOT_YET_VALID,
    10: Ailment.EXPIRED,
    18: Ailment.UNKNOWN_CA,
    19: Ailment.UNKNOWN_CA,
    20: Ailment.UNKNOWN_CA,
    21: Ailment.UNKNOWN_CA,
    62: Ailment.WRONG_NAME,
    64: Ailment.WRONG_NAME,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in plain words."""

    ailment: Ailment
    words: str

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.ailment]


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """The certificate of the other side."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    sha256: str


@dataclass(slots=True)
class Diagnosis:
    """What was found out, as far as it went."""

    address: str = ""
    version: str = ""
    cipher: str = ""
    certificate: ShownCertificate | None = None
    problems: list[Problem] = field(default_factory=list)

    def note(self, ailment: Ailment, words: str) -> None:
        """One more problem, unless it is known already."""
        if all(one.ailment is not ailment for one in self.problems):
            self.problems.append(Problem(ailment, words))


@dataclass(frozen=True, slots=True)
class Patient:
    """Whom to call, by which name its certificate must know it, whom to trust and who we are."""

    host: str
    port: int
    name: str = ""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def diagnose(patient: Patient) -> Diagnosis:
    """Call, and say everything that is wrong; raises UnusableFile for files of ours."""
    diagnosis = Diagnosis()
    trusting = _context(patient)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    if not _connects(patient, diagnosis):
        return diagnosis
    problem = _speak(patient, trusting, diagnosis)
    if problem and not diagnosis.certificate:
        _explain_handshake(patient, problem, diagnosis)
        return diagnosis
    if diagnosis.certificate:
        _judge(diagnosis.certificate, diagnosis)
        _verify(patient, diagnosis)
    if problem:
        _explain_verdict(patient, problem, diagnosis)
    return diagnosis


def _context(patient: Patient) -> ssl.SSLContext:
    return client_context(patient.ca, patient.certificate, patient.key)


def _connects(patient: Patient, diagnosis: Diagnosis) -> bool:
    place = f"{patient.host}:{patient.port}"
    try:
        with socket.create_connection((patient.host, patient.port), CONNECT_SECONDS) as connection:
            diagnosis.address = connection.getpeername()[0]
            return True
    except socket.gaierror:
        diagnosis.note(Ailment.UNKNOWN_HOST, f"no machine of the name {patient.host} is known")
    except ConnectionRefusedError:
        diagnosis.note(Ailment.NOTHING_LISTENS, f"nothing listens at {place}")
    except OSError as problem:
        diagnosis.note(Ailment.NOTHING_LISTENS, f"{place} cannot be reached: {problem.strerror or problem}")
    return False


def _speak(patient: Patient, context: ssl.SSLContext, diagnosis: Diagnosis) -> OSError | None:
    """Shake hands and wait for a verdict on our certificate; what went wrong, if anything did."""
    try:
        with _shaken(patient, context) as tls:
            diagnosis.version = str(tls.version()).replace("TLSv", "TLS ")
            diagnosis.cipher = (tls.cipher() or ("",))[0]
            diagnosis.certificate = _shown(tls.getpeercert(True))
            tls.settimeout(VERDICT_SECONDS)
            with suppress(TimeoutError):
                if not tls.recv(1):
                    raise ConnectionResetError
    except OSError as problem:
        return problem
    return None


def _shaken(patient: Patient, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((patient.host, patient.port), CONNECT_SECONDS)
    try:
        plain.settimeout(HANDSHAKE_SECONDS)
        return context.wrap_socket(plain, server_hostname=patient.name or patient.host)
    except BaseException:
        plain.close()
        raise


def _explain_handshake(patient: Patient, problem: OSError, diagnosis: Diagnosis) -> None:
    """There was no common ground: find out by what concession there would be."""
    reason = getattr(problem, "reason", "") or ""
    if isinstance(problem, TimeoutError):
        diagnosis.note(Ailment.NO_ANSWER, "it takes the connection, and does not answer in TLS")
    elif reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        diagnosis.note(Ailment.NOT_TLS, "it answers, and not in TLS")
    elif old := _speaks_only(patient, old_versions=True):
        diagnosis.note(Ailment.OLD_VERSION, f"it speaks {old} at best")
    elif weak := _speaks_only(patient, old_versions=False):
        diagnosis.note(Ailment.WEAK_CIPHERS, f"its best cipher suite is {weak}")
    elif reason == "SSLV3_ALERT_HANDSHAKE_FAILURE" and not patient.certificate:
        # TLS 1.2 has no word of its own for it.
        diagnosis.note(Ailment.CERTIFICATE_REQUIRED, "it ends the handshake because we show no certificate")
    elif "ALERT" in reason:
        _explain_verdict(patient, problem, diagnosis)
    elif isinstance(problem, _ENDS) or not isinstance(problem, ssl.SSLError):
        # Python tells some ends of a connection by an OSError that has no name of its own.
        diagnosis.note(Ailment.NOT_TLS, "it ends the connection when we begin with TLS")
    else:
        diagnosis.note(Ailment.OTHER, reason_of(problem))


def _explain_verdict(patient: Patient, problem: OSError, diagnosis: Diagnosis) -> None:
    """It has ended the connection after it had seen what we show of ourselves."""
    reason = getattr(problem, "reason", "") or ""
    if patient.certificate is None and (
        "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason or not reason
    ):
        diagnosis.note(Ailment.CERTIFICATE_REQUIRED, "it requires a certificate, and we show none")
    elif "ALERT" in reason and patient.certificate:
        diagnosis.note(Ailment.OUR_CERTIFICATE_REFUSED, f"it does not let us in: {reason_of(problem)}")
    else:
        diagnosis.note(Ailment.OTHER, reason_of(problem))


def _speaks_only(patient: Patient, *, old_versions: bool) -> str:
    """What it would speak if we had no standards: its version, or its suite; empty if nothing helps."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    if old_versions:
        with warnings.catch_warnings():
            # Python warns of versions that we only name to find out that they are spoken.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = _OLD_VERSIONS
    else:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with _shaken(patient, context) as tls:
            cipher = (tls.cipher() or ("",))[0]
            found = str(tls.version()).replace("TLSv1", "TLS 1") if old_versions else cipher
            return "" if found in SUITES_OF_TLS_1_2 else found
    except OSError:
        return ""


def _judge(shown: ShownCertificate, diagnosis: Diagnosis) -> None:
    """What its certificate says by itself."""
    now = datetime.now(UTC)
    if shown.not_after < now:
        diagnosis.note(
            Ailment.EXPIRED, f"its certificate has expired, on {shown.not_after:%Y-%m-%d %H:%M} UTC"
        )
    if shown.not_before > now:
        since = f"{shown.not_before:%Y-%m-%d %H:%M} UTC"
        diagnosis.note(Ailment.NOT_YET_VALID, f"its certificate is not valid before {since}")


def _verify(patient: Patient, diagnosis: Diagnosis) -> None:
    """Whether we would trust it, and by that name."""
    for by_name in (False, True):
        context = _context(patient)
        context.check_hostname = by_name
        try:
            _shaken(patient, context).close()
        except ssl.SSLCertVerificationError as problem:
            ailment = _OF_CERTIFICATE.get(problem.verify_code, Ailment.BAD_CERTIFICATE)
            words = reason_of(problem)
            if ailment is Ailment.WRONG_NAME and diagnosis.certificate:
                names = ", ".join(diagnosis.certificate.names) or "none"
                words = f"its certificate does not name {patient.name or patient.host}, but {names}"
            if ailment is Ailment.UNKNOWN_CA and diagnosis.certificate:
                words = f"{words}: {diagnosis.certificate.issuer}"
            diagnosis.note(ailment, words)
        except OSError:
            return  # what else it refuses is told by the verdict


def _shown(der: bytes | None) -> ShownCertificate | None:
    if not der:
        return None
    certificate = x509.load_der_x509_certificate(der)
    names: tuple[str, ...] = ()
    with suppress(x509.ExtensionNotFound):
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = map(str, found.get_values_for_type(x509.IPAddress))
        names = (*found.get_values_for_type(x509.DNSName), *addresses)
    return ShownCertificate(
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        names,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.fingerprint(hashes.SHA256()).hex(),
    )
