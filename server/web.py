"""The HTTP face of the actors: SOAP endpoints, their WSDL and schemas, health (ITI TF-2: Appendix V)."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

import schemas
import wsdl
from exchange.audit_trail import RefusedNode
from exchange.call import Answer, Call, Interrupted
from exchange.serve import Actor, Surroundings, serve
from ihe.audit_events import USE_OF_RESTRICTED_FUNCTION
from server.callers import Caller, NotThroughProxy, Proxies
from server.composition import Platform, running_platform
from server.http_server import ALERTS
from server.in_turn import InTurn
from server.sandbox import Sandbox
from server.settings import Configuration
from server.tls.alerts import NodeAlerts
from server.turns import TurnLimits, Turns

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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One actor at one path, as an ASGI application."""

    actor: Actor
    around: Surroundings
    url: str
    proxies: Proxies
    alerts: NodeAlerts
    sandbox: Sandbox | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer POST with the journey of a request, and GET ?wsdl with the WSDL."""
        if scope["method"] == "POST":
            await self._converse(scope, receive, send)
            return
        if scope["method"] == "GET" and scope["query_string"].lower() == b"wsdl":
            response = Response(wsdl.document(self.actor.name, self.url), media_type="text/xml")
        else:
            response = PlainTextResponse(
                f"POST SOAP 1.2 here, or GET {self.url}?wsdl\n", 405, {"allow": "POST, GET"}
            )
        await response(scope, receive, send)

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            caller = self.proxies.caller(scope)
        except NotThroughProxy as problem:
            await self._refuse(problem, scope, receive, send)
            return
        body = _Body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        call = _call(scope, headers, body.chunks(), self.url, caller)
        if self.sandbox and (reason := await self.sandbox.why_for(caller)):
            try:
                answer = await self._from_sandbox(self.sandbox, reason, call, caller)
            except Interrupted:
                return
        else:
            answer = await serve(call, self.actor, self.around)
            self.around.tally.answered += 1
        drain_limit_bytes = self.around.limits.request_size_bytes + DRAIN_LIMIT_BYTES
        await _send(answer, body, send, drain_limit_bytes)

    async def _from_sandbox(self, sandbox: Sandbox, reason: str, call: Call, caller: Caller) -> Answer:
        said = f"{reason}; led to the sandbox domain"
        log.warning("a request from %s: %s", caller.address, said)
        await self.alerts.record(
            RefusedNode(self.url, call.endpoint_address, caller.address, said, USE_OF_RESTRICTED_FUNCTION)
        )
        return await sandbox.answer(call, caller, self.actor.name)

    async def _refuse(self, problem: NotThroughProxy, scope: Scope, receive: Receive, send: Send) -> None:
        """Turn away who has not proved to be a node, as a handshake would (ITI TF-2: 3.19.4.1.3)."""
        log.warning("a request from %s was refused: %s", problem.address, problem)
        ours = scope["server"][0] if scope.get("server") else ""
        await self.alerts.record(RefusedNode(self.url, ours, problem.address, str(problem)))
        await PlainTextResponse("a node certificate is required\n", 403)(scope, receive, send)


class _Body:
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


def _call(
    scope: Scope, headers: Mapping[str, str], body: AsyncIterator[bytes], url: str, caller: Caller
) -> Call:
    server = scope.get("server")
    return Call(
        content_type=headers.get("content-type", ""),
        body=body,
        endpoint=url,
        endpoint_address=server[0] if server else "",
        peer_address=caller.address,
        fallback_action=headers.get("soapaction", "").strip('"'),
        # httptools has seen to it that it is a number.
        content_encoding=headers.get("content-encoding", ""),
        length_bytes=int(headers["content-length"]) if "content-length" in headers else None,
        peer_certificate=caller.certificate,
    )


async def _send(answer: Answer, body: _Body, send: Send, drain_limit_bytes: int) -> None:
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


def application(configuration: Configuration, actors: tuple[str, ...]) -> Starlette:
    """The ASGI application of these actors; they open their stores when the server starts."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, NodeAlerts]]:
        tls = configuration.tls
        proxies = Proxies.at(tls.proxies, "http" in tls.certificate_optional)
        turns = Turns(_turn_limits(configuration), time.monotonic)
        async with (
            running_platform(configuration, actors) as platform,
            _sandbox(configuration, platform.around) as sandbox,
        ):
            for name, actor in platform.actors.items():
                endpoint = Endpoint(
                    actor, platform.around, platform.urls[name], proxies, platform.alerts, sandbox
                )
                in_turn = InTurn(
                    endpoint, endpoint.url, turns, proxies, platform.alerts, platform.around.new_uuid
                )
                app.router.routes.append(Route(f"/{name}", in_turn))
                log.info("%s at %s", name, platform.urls[name])
            app.state.platform = platform
            yield {ALERTS: platform.alerts}

    routes = [
        Route("/", _front),
        Route("/schemas/{name}", _schema_file),
        Route("/healthz", _alive),
        Route("/readyz", _ready),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


@contextlib.asynccontextmanager
async def _sandbox(configuration: Configuration, around: Surroundings) -> AsyncIterator[Sandbox | None]:
    url = configuration.attestation.sandbox
    if around.attestations is None or not url:
        yield None
        return
    calling = configuration.tls.calling()
    async with Sandbox.at(url, around.attestations, around.clock, around.new_uuid, calling) as sandbox:
        yield sandbox


def _turn_limits(configuration: Configuration) -> TurnLimits:
    clients = configuration.clients
    return TurnLimits(under_way_of_one=clients.requests, per_second_of_one=clients.requests_per_second)


def _front(request: Request) -> Response:
    """Where everything is, for whoever comes by with a browser."""
    platform: Platform = request.app.state.platform
    lines = [f"{name:11} {url}  (WSDL: {url}?wsdl)" for name, url in platform.urls.items()]
    return PlainTextResponse("\n".join(["Coffre: a health-record vault after IHE XDS.b", "", *lines, ""]))


def _schema_file(request: Request) -> Response:
    """One of the XSD files that the WSDLs import."""
    content = schemas.file(request.path_params["name"])
    if content is None:
        return PlainTextResponse("no such schema\n", 404)
    return Response(content, media_type="text/xml")


def _alive(request: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


async def _ready(request: Request) -> Response:
    """The process can do its work: its database answers."""
    platform: Platform = request.app.state.platform
    if reason := await platform.not_ready():
        return PlainTextResponse(f"{reason}\n", 503)
    audit = f"audit: {platform.audit.state}\n" if platform.audit else ""
    return PlainTextResponse(f"ready\n{audit}")
