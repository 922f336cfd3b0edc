"""One request over HTTP, between the server's protocol and the journeys."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from exchange.audit_trail import RefusedNode
from exchange.call import Answer, Call, Interrupted
from server.callers import Caller, NotThroughProxy
from server.tls.alerts import NodeAlerts

log = logging.getLogger("coffre.server")

# A refused request may still be on its way: read it this long, and this much beyond what a request may have,
# so that a peer that only listens after it has sent everything gets to see its answer instead of a broken
# connection. A document of 2 GB takes this long at 300 Mbit/s.
DRAIN_LIMIT_SECONDS = 60.0
DRAIN_LIMIT_BYTES = 256 * 1024 * 1024

# A body may come over a slow line, but it comes: a peer that is silent for so long is gone, and one that
# keeps us waiting for longer than that in all must have sent this much for each second of it.
SILENCE_LIMIT_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 1024


class Body:
    """A request's body as it comes in; knows whether all of it has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False
        self._given_up = False

    async def chunks(self) -> AsyncIterator[bytes]:
        waited_seconds, taken_bytes = 0.0, 0
        while not self.complete:
            began = time.monotonic()
            message = await self._next()
            waited_seconds += time.monotonic() - began
            if message["type"] == "http.disconnect":
                self.complete = True
                raise Interrupted
            self.complete = not message.get("more_body", False)
            if chunk := message.get("body", b""):
                taken_bytes += len(chunk)
                yield chunk
            late = waited_seconds > SILENCE_LIMIT_SECONDS and not self.complete
            if late and taken_bytes < waited_seconds * SLOWEST_BYTES_PER_SECOND:
                self._given_up = True
                raise Interrupted

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(SILENCE_LIMIT_SECONDS):
                return await self._receive()
        except TimeoutError:
            self._given_up = True
            raise Interrupted from None

    async def drain(self, limit_bytes: int) -> None:
        if self._given_up:
            return
        taken = 0
        with contextlib.suppress(TimeoutError, Interrupted):
            async with asyncio.timeout(DRAIN_LIMIT_SECONDS):
                async for chunk in self.chunks():
                    taken += len(chunk)
                    if taken > limit_bytes:
                        break


def call_of(scope: Scope, body: Body, url: str, caller: Caller) -> Call:
    """What the journeys need to know of this request, which came to this address from this node."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    server = scope.get("server")
    return Call(
        content_type=headers.get("content-type", ""),
        body=body.chunks(),
        endpoint=url,
        endpoint_address=server[0] if server else "",
        peer_address=caller.address,
        fallback_action=headers.get("soapaction", "").strip('"'),
        content_encoding=headers.get("content-encoding", ""),
        # httptools has seen to it that it is a number.
        length_bytes=int(headers["content-length"]) if "content-length" in headers else None,
        peer_certificate=caller.certificate,
    )


async def send_answer(answer: Answer, body: Body, send: Send, drain_limit_bytes: int) -> None:
    """Send the answer, and read what is still to come of the request, so that its peer gets to see it."""
    headers = [(b"content-type", answer.content_type.encode("latin-1"))]
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    early = not body.complete
    if early:
        headers.append((b"connection", b"close"))
    if isinstance(answer.body, bytes):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if isinstance(answer.body, bytes):
        await send({"type": "http.response.body", "body": answer.body, "more_body": early})
    else:
        async for chunk in answer.body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    if early:
        await body.drain(drain_limit_bytes)
    if early or not isinstance(answer.body, bytes):
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def refuse(
    problem: NotThroughProxy, url: str, alerts: NodeAlerts, scope: Scope, receive: Receive, send: Send
) -> None:
    """Turn away who has not proved to be a node, as a handshake would (ITI TF-2: 3.19.4.1.3)."""
    log.warning("a request from %s was refused: %s", problem.address, problem)
    ours = scope["server"][0] if scope.get("server") else ""
    await alerts.record(RefusedNode(url, ours, problem.address, str(problem)))
    await PlainTextResponse("a node certificate is required\n", 403)(scope, receive, send)
