"""The HTTP face of the actors: SOAP endpoints, their WSDL and schemas, health (ITI TF-2: Appendix V)."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import schemas
import wsdl
from exchange.audit_trail import RefusedNode
from exchange.call import Answer, Call, Interrupted
from exchange.serve import Actor, Surroundings, serve
from ihe.audit_events import USE_OF_RESTRICTED_FUNCTION
from server.callers import Caller, NotThroughProxy, Proxies
from server.composition import Platform, running_platform
from server.http_exchange import DRAIN_LIMIT_BYTES, Body, call_of, refuse, send_answer
from server.http_server import ALERTS
from server.in_turn import InTurn, fault
from server.metrics import CONTENT_TYPE, metrics_of
from server.rest.description import OPENAPI_PATH, describe
from server.rest.door import Doorway, routes_to
from server.sandbox import Sandbox
from server.settings import Configuration
from server.tls.alerts import NodeAlerts
from server.turns import TurnLimits, Turns

log = logging.getLogger("coffre.server")


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
            await refuse(problem, self.url, self.alerts, scope, receive, send)
            return
        body = Body(receive)
        call = call_of(scope, body, self.url, caller)
        if self.sandbox and (reason := await self.sandbox.why_for(caller)):
            try:
                answer = await self._from_sandbox(self.sandbox, reason, call, caller)
            except Interrupted:
                return
        else:
            answer = await serve(call, self.actor, self.around)
            self.around.tally.answered += 1
        drain_limit_bytes = self.around.limits.request_size_bytes + DRAIN_LIMIT_BYTES
        await send_answer(answer, body, send, drain_limit_bytes)

    async def _from_sandbox(self, sandbox: Sandbox, reason: str, call: Call, caller: Caller) -> Answer:
        said = f"{reason}; led to the sandbox domain"
        log.warning("a request from %s: %s", caller.address, said)
        await self.alerts.record(
            RefusedNode(self.url, call.endpoint_address, caller.address, said, USE_OF_RESTRICTED_FUNCTION)
        )
        return await sandbox.answer(call, caller, self.actor.name)


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
                    endpoint, endpoint.url, turns, proxies, platform.alerts, fault(platform.around.new_uuid)
                )
                app.router.routes.append(Route(f"/{name}", in_turn))
                log.info("%s at %s", name, platform.urls[name])
            if configuration.api.enabled:
                way = Doorway(platform.around, configuration.address, proxies, platform.alerts, turns)
                described = describe(platform.operations, configuration.address)
                app.router.routes.append(Route(OPENAPI_PATH, partial(_description, described)))
                app.router.routes.extend(routes_to(platform.operations, way))
                log.info("api at %s%s", configuration.address, OPENAPI_PATH)
            app.state.platform = platform
            yield {ALERTS: platform.alerts}

    routes = [
        Route("/", _front),
        Route("/schemas/{name}", _schema_file),
        Route("/healthz", _alive),
        Route("/readyz", _ready),
        Route("/metrics", _metrics),
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


def _description(described: Mapping[str, object], request: Request) -> Response:
    """What is offered as plain HTTP, for whoever writes a client."""
    return JSONResponse(described)


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
    lost = platform.around.tally.lost
    alarm = f"audit: {lost} requests were answered WITHOUT A RECORD, the spool fails\n" if lost else ""
    return PlainTextResponse(f"ready\n{audit}{alarm}")


def _metrics(request: Request) -> Response:
    """What there is to count."""
    platform: Platform = request.app.state.platform
    care, around = platform.audit, platform.around
    found = (care.reconciled, care.reconciled_at) if care else (None, None)
    return Response(metrics_of(around.node, around.tally, *found), headers={"content-type": CONTENT_TYPE})
