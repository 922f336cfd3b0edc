"""How an ITI-42 message reaches the registry: over HTTP(S), or by hand within one process."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx2

from client.tls import refused_by_server
from exchange.call import Call
from exchange.ports import RegistryUnreachable
from exchange.registry_link import Send
from exchange.serve import Actor, Surroundings, serve
from server.tls.contexts import CallingContext

# The registry's own work is milliseconds; beyond this the peer is gone and the depositor must hear so.
REGISTRY_TIMEOUT_SECONDS = 30.0

# An rs:RegistryResponse names at most some hundred errors.
REGISTRY_ANSWER_LIMIT_BYTES = 8 * 1024 * 1024


@asynccontextmanager
async def over_http(url: str, calling: CallingContext) -> AsyncIterator[Send]:
    """Post to a registry elsewhere, as the node that we are (ITI TF-2: 3.19)."""

    async def send(message: bytes, content_type: str) -> bytes:
        calling.refresh()
        try:
            async with client.stream(
                "POST", url, content=message, headers={"content-type": content_type}
            ) as response:
                answer = bytearray()
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > REGISTRY_ANSWER_LIMIT_BYTES:
                        raise RegistryUnreachable("the registry's answer is too large", sent=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as problem:
            raise RegistryUnreachable(f"no connection to {url}", sent=False) from problem
        except (httpx2.HTTPError, ssl.SSLError) as problem:
            raise RegistryUnreachable(
                f"no answer from {url}: {type(problem).__name__}", sent=not refused_by_server(problem)
            ) from problem
        return bytes(answer)

    async with httpx2.AsyncClient(timeout=REGISTRY_TIMEOUT_SECONDS, verify=calling.context) as client:
        yield send


def in_process(registry: Actor, around: Surroundings, url: str) -> Send:
    """Hand the message to the same journey that a message from the network takes."""

    async def send(message: bytes, content_type: str) -> bytes:
        async def body() -> AsyncIterator[bytes]:
            yield message

        # Both ends are this machine, and their records say so.
        host = urlsplit(url).hostname or ""
        answer = await serve(
            Call(content_type, body(), url, host, host, from_ourselves=True), registry, around
        )
        around.tally.answered += 1
        if not isinstance(answer.body, bytes):
            raise TypeError("an ITI-42 answer carries no documents")
        return answer.body

    return send
