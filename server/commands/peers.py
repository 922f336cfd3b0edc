"""The client as the commands use it: at the addresses and with the codes of the configuration."""

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

import schemas
from client import CodeBook, Coffre, Speaker
from client.coffre import EXAMPLE_SOURCE_ID
from ihe.namespaces import SAML2
from server.commands.configured import configuration_of
from server.commands.idp import issue
from server.commands.outcome import ExitCode, Trouble
from server.configuration import code_set_of
from server.settings import Configuration
from server.tls.contexts import UnusableFile, client_context


@dataclass(frozen=True, slots=True)
class Peer:
    """A client, and what texts from the command line are read by."""

    coffre: Coffre
    speaker: Speaker


@dataclass(frozen=True, slots=True)
class Whom:
    """For whom a command speaks: a user of the local identity provider, or whom a file's assertion names."""

    user: str | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Ourselves:
    """The files by which a command proves to be a node, and knows those it calls; None: as configured."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@contextmanager
def peer(
    config: Path | None,
    registry: str | None,
    repository: str | None = None,
    whom: Whom | None = None,
    ourselves: Ourselves | None = None,
) -> Iterator[Peer]:
    """Open a client for the servers that options, environment or configuration name."""
    with peer_of(configuration_of(config), registry, repository, whom, ourselves) as one:
        yield one


@contextmanager
def peer_of(
    configuration: Configuration,
    registry: str | None = None,
    repository: str | None = None,
    whom: Whom | None = None,
    ourselves: Ourselves | None = None,
) -> Iterator[Peer]:
    """Open a client for these servers, or for those that the configuration describes."""
    codes = CodeBook(code_set_of(configuration).codes)
    speaker = Speaker(codes, authority_of(configuration), datetime.now())
    address = configuration.address
    registry = registry or configuration.repository.registry_url or address
    with Coffre(
        _endpoint(registry, "registry"),
        _endpoint(repository or address, "repository"),
        codes=speaker.codes,
        assigning_authority=speaker.assigning_authority,
        source_id=os.environ.get("COFFRE_SOURCE_ID", EXAMPLE_SOURCE_ID),
        assertion=_assertion(configuration, whom or Whom()),
        tls=_tls(configuration, ourselves or Ourselves()),
    ) as coffre:
        yield Peer(coffre, speaker)


def _tls(configuration: Configuration, ourselves: Ourselves) -> ssl.SSLContext:
    tls = configuration.tls
    if (ourselves.certificate is None) != (ourselves.key is None):
        raise Trouble(ExitCode.USAGE, "--certificate and --key go together.")
    identity = (ourselves.certificate, ourselves.key) if ourselves.key else (tls.certificate, tls.key)
    try:
        return client_context(ourselves.ca or tls.server_ca or tls.client_ca, *identity)
    except UnusableFile as problem:
        raise Trouble(ExitCode.FILE, str(problem)) from None


def authority_of(configuration: Configuration) -> str:
    """Who gave a patient id that names no authority: the first of the domain's."""
    authorities = (
        configuration.domain.assigning_authorities or code_set_of(configuration).assigning_authorities
    )
    return authorities[0].oid if authorities else ""


def _assertion(configuration: Configuration, whom: Whom) -> Callable[[], bytes] | None:
    if whom.file:
        content = _assertion_in(whom.file)
        return lambda: content
    if whom.user:
        user = whom.user
        # A new one for each message: a long upload does not outlive the assertion of what follows it.
        return lambda: issue(configuration, user)
    return None


def _assertion_in(path: Path) -> bytes:
    """The assertion in a file: by itself, or within the answer of a token service."""
    try:
        root = schemas.parse(path.read_bytes())
    except schemas.NotParsable as problem:
        raise Trouble(ExitCode.FILE, f"{path} is not readable XML: {problem}.") from None
    tokens = list(root.iter(f"{{{SAML2}}}Assertion", f"{{{SAML2}}}EncryptedAssertion"))
    if not tokens:
        raise Trouble(ExitCode.FILE, f"{path} holds no SAML 2.0 assertion.")
    return etree.tostring(tokens[0], encoding="UTF-8", xml_declaration=False, with_tail=False)


def _endpoint(address: str, actor: str) -> str:
    """The address, with our own path of that actor where it has none."""
    return address if urlsplit(address).path.strip("/") else f"{address.rstrip('/')}/{actor}"
