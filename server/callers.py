"""Which node a request comes from: the connection's peer, or whom a trusted proxy names (ITI TF-2: 3.19)."""

import base64
import binascii
import ssl
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Self
from urllib.parse import unquote

from starlette.types import Scope

from exchange.subject import NodeCertificate
from server.tls.certificates import node_certificate

# RFC 9440: the certificate's DER in base64, between colons. nginx has no base64; it sends escaped PEM.
CERTIFICATE_HEADER = b"client-cert"
ADDRESS_HEADER = b"x-forwarded-for"

# Whoever has one address of IPv6 has all of its network.
NETWORK_BITS_OF_IPV6 = 64


class NotThroughProxy(Exception):
    """A request that did not come the way it had to; `address` is where it came from."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(reason)
        self.address = address


@dataclass(frozen=True, slots=True)
class Caller:
    """A node at the other end."""

    address: str
    certificate: NodeCertificate | None = None
    der: bytes = b""
    """The certificate itself."""

    @classmethod
    def with_certificate(cls, address: str, pem: str) -> Self:
        """A node that has proved to hold this certificate; ValueError if it is none."""
        return cls(address, node_certificate(pem), ssl.PEM_cert_to_DER_cert(pem))


def client_of(caller: Caller) -> str:
    """The client, by the certificate that it has proved to hold, else by where it comes from."""
    return caller.certificate.sha256 if caller.certificate else network_of(caller.address)


def network_of(address: str) -> str:
    """Of IPv6 the network, of IPv4 the address itself; what is neither stands for itself."""
    with suppress(ValueError):
        parsed = ip_address(address)
        if parsed.version == 6:
            return str(ip_network((parsed, NETWORK_BITS_OF_IPV6), strict=False))
    return address


@dataclass(frozen=True, slots=True)
class Proxies:
    """Those that end TLS in front of us, by their addresses; without any, nodes connect themselves."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    certificate_optional: bool = False

    @classmethod
    def at(cls, networks: tuple[str, ...], certificate_optional: bool) -> Self:
        """The proxies at these addresses or networks."""
        return cls(tuple(ip_network(one) for one in networks), certificate_optional)

    def caller(self, scope: Scope) -> Caller:
        """Who sends this request; raises NotThroughProxy.

        Behind proxies nothing else is served, and of the headers only what the last proxy said is believed.
        """
        peer = scope["client"][0] if scope.get("client") else ""
        if not self.networks:
            chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain")
            return Caller.with_certificate(peer, chain[0]) if chain else Caller(peer)
        if not peer or not any(ip_address(peer) in network for network in self.networks):
            raise NotThroughProxy(peer, "it did not come through a trusted proxy")
        said = [value for name, value in scope["headers"] if name == ADDRESS_HEADER]
        address = said[-1].decode("latin-1").rpartition(",")[2].strip() if said else peer
        shown = [value for name, value in scope["headers"] if name == CERTIFICATE_HEADER and value]
        if not shown and self.certificate_optional:
            return Caller(address)
        if len(shown) != 1:
            raise NotThroughProxy(address, "the proxy passed on no client certificate, or several")
        try:
            return Caller.with_certificate(address, _pem(shown[0].decode("latin-1")))
        except ValueError:
            raise NotThroughProxy(address, "the proxy passed on no readable client certificate") from None


def _pem(text: str) -> str:
    if text.startswith(":") and text.endswith(":"):
        try:
            return ssl.DER_cert_to_PEM_cert(base64.b64decode(text[1:-1], validate=True))
        except binascii.Error as problem:
            raise ValueError("not base64") from problem
    return unquote(text)
