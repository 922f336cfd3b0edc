"""What a server in production must not begin without, unless its configuration says so in so many words."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from server.settings import Configuration
from server.toml_file import Problem


def errors_in_production(configuration: Configuration, actors: tuple[str, ...]) -> Iterator[Problem]:
    """Every protection that is neither there nor given up explicitly; none for a server that is tried out."""
    why = why_in_production(configuration)
    if not why:
        return
    tls, xua = configuration.tls, configuration.xua
    serves_others = actors != ("audit",)
    if serves_others and "http" not in tls.plain and not (tls.files or tls.proxies):
        yield _problem(
            "tls.certificate",
            f"{why}, and its web services would be plain: set certificate, key and client_ca, or proxies; "
            'or say plain = ["http"]',
        )
    feed = "registry" in actors and configuration.identity.mllp_port
    if feed and "mllp" not in tls.plain and not tls.files and not _here(configuration.identity.mllp_host):
        yield _problem(
            "tls.certificate",
            f"{why}, and its identity feed would be plain: set certificate, key and client_ca; "
            'or say plain = ["mllp"]',
        )
    if serves_others and xua.required and not (xua.identity_providers or xua.local_provider):
        yield _problem(
            "xua.identity_providers",
            f"{why}, and it would take requests from whoever reaches it: set identity_providers, or a "
            "local_provider by coffre idp init; or say required = false",
        )


def why_in_production(configuration: Configuration) -> str:
    """Why this is no server that somebody tries out on his own machine; empty if it is."""
    server, identity = configuration.server, configuration.identity
    if server.production:
        return "this server is in production"
    if not _here(server.host):
        return f"this server is in production, for it listens at {server.host}"
    if identity.mllp_port and not _here(identity.mllp_host):
        return f"this server is in production, for it listens at {identity.mllp_host}"
    if server.base_url and not _here(urlsplit(server.base_url).hostname or ""):
        return f"this server is in production, for it is reached as {server.base_url}"
    return ""


def _problem(key: str, reason: str) -> Problem:
    return Problem("", 0, key, reason)


def _here(host: str) -> bool:
    """Whether this is this machine, and nobody else reaches it (RFC 6761: 6.3)."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
