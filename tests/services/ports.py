"""Ports for servers that tests start: given to one process at a time, and to no outgoing connection."""

import secrets
import socket
from collections import deque
from contextlib import ExitStack, suppress

# Below those that Linux lends to outgoing connections (net.ipv4.ip_local_port_range).
_PORTS = range(15_000, 32_768)

# Until a server has bound its port, and while one is killed and started again, nobody else is to have it.
_HELD = 256
_claims: deque[socket.socket] = deque()


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, TCP or UDP, and which no other test process is given."""
    while True:
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        with suppress(OSError):
            _claims.append(_claimed(port))
            if len(_claims) > _HELD:
                _claims.popleft().close()
            return port


def _claimed(port: int) -> socket.socket:
    """A name that only one socket of this machine has, and that goes with its process; OSError if taken."""
    with ExitStack() as stack:
        claim = stack.enter_context(socket.socket(socket.AF_UNIX))
        claim.bind(f"\0coffre-test-port-{port}")
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(type=kind) as probe:
                probe.bind(("127.0.0.1", port))
        stack.pop_all()
        return claim
