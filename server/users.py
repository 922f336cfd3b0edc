"""What the configuration says about users: whose assertions are believed, and what they must say."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exchange.bearing import Bearing
from exchange.users import OneTimeUses, Users
from ihe.xua import Assurance
from server.configuration import BadConfiguration
from server.local_provider import CERTIFICATE, NoSuchUser, open_provider, read_users
from server.rules import read_rule_pack
from server.settings import Configuration, Xua
from server.toml_file import BadFile, Problem, read_file
from xua.acceptance import Policy
from xua.signature import IdentityProvider, Trust, errors_in_certificate

# Time enough to ask another organization for its new certificate.
NOTICE = timedelta(days=30)

# One message, sent at once.
SYSTEM_TOKEN_LIFETIME = timedelta(minutes=5)

log = logging.getLogger("coffre.server")


def users_of(configuration: Configuration, uses: OneTimeUses) -> Users:
    """The users' side of the domain, or BadConfiguration by the certificates that do not do."""
    xua = configuration.xua
    try:
        trust = Trust(tuple(_providers(xua)), tuple(map(_decryption_key, xua.decryption_keys)))
    except BadFile as error:
        raise BadConfiguration(*error.problems) from None
    for warning in _warnings(trust, datetime.now(UTC)):
        log.warning("%s", warning)
    if not trust.providers:
        log.warning("no identity provider is configured: requests are taken from whoever reaches this server")
    return Users(
        trust=trust,
        policy=Policy(
            audiences=frozenset(audiences_of(configuration)),
            skew=timedelta(seconds=xua.skew_seconds),
            minimum_assurance=Assurance[xua.minimum_assurance.upper()],
            one_role_and_purpose=xua.one_role_and_purpose,
        ),
        required=xua.required and bool(trust.providers),
        uses=uses,
    )


def speaking_for_itself(configuration: Configuration) -> Callable[[], Bearing] | None:
    """For whom the repository speaks when no user has asked it; BadConfiguration if that is nobody."""
    xua = configuration.xua
    if not xua.system_user:
        return None
    try:
        provider = open_provider(Path(xua.local_provider))
        itself = provider.user(xua.system_user)
    except BadFile as error:
        raise BadConfiguration(*error.problems) from None
    except NoSuchUser as problem:
        known = ", ".join(problem.known) or "nobody"
        reason = f"the local provider knows no user '{xua.system_user}', but {known}"
        raise BadConfiguration(Problem("", 0, "xua.system_user", reason)) from None

    if configuration.domain.rules:
        role = (itself.role.code, itself.role.system) if itself.role else ("", "")
        if role not in read_rule_pack(configuration.domain.rules).systems:
            reason = f"the rules know '{xua.system_user}' as no system, so it would not be told what is there"
            raise BadConfiguration(Problem("", 0, "xua.system_user", reason))

    def bearing() -> Bearing:
        user = provider.user(xua.system_user)
        return Bearing(user, provider.token(user, audiences_of(configuration)[0], SYSTEM_TOKEN_LIFETIME))

    return bearing


def audiences_of(configuration: Configuration) -> tuple[str, ...]:
    """The names by which assertions mean this domain, the usual one first."""
    return configuration.xua.audiences or (configuration.domain.home_community_id,)


def _providers(xua: Xua) -> Iterator[IdentityProvider]:
    if xua.local_provider:
        directory = Path(xua.local_provider)
        yield IdentityProvider(read_users(directory).issuer, _certificates(directory / CERTIFICATE))
    for provider in xua.identity_providers:
        yield IdentityProvider(provider.issuer, _certificates(provider.certificates))


def _warnings(trust: Trust, at: datetime) -> Iterator[str]:
    """Providers whose every certificate ends soon: after that their assertions are refused."""
    for provider in trust.providers:
        end = max(certificate.not_valid_after_utc for certificate in provider.certificates)
        if end < at + NOTICE:
            yield f"the last certificate of the identity provider {provider.issuer} ends on {end:%Y-%m-%d}"


def _certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Every certificate of a PEM file: while a provider changes its key, the old one and the new."""
    try:
        certificates = tuple(x509.load_pem_x509_certificates(read_file(path)))
    except ValueError:
        raise BadFile(Problem(str(path), 0, "", "holds no certificate, expected PEM")) from None
    problems = [reason for certificate in certificates for reason in errors_in_certificate(certificate)]
    if problems:
        raise BadFile(*(Problem(str(path), 0, "", reason) for reason in problems))
    return certificates


def _decryption_key(path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(read_file(path), None)
    except (TypeError, ValueError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise BadFile(Problem(str(path), 0, "", "holds no RSA key without a passphrase, expected PEM"))
    return key
