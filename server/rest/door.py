"""The door of plain HTTP: each path as an ASGI application, and what is answered where there is no path."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from database import DatabaseBusy, DatabaseFull, DatabaseUnavailable
from exchange.call import Answer
from exchange.diary import Diary
from exchange.http_message import MAX_BODY_BYTES
from exchange.http_status import Status
from exchange.problems import ErrorForm, Problem
from exchange.resources import Asked, HttpRequest, Operation, Performing
from exchange.serve import Surroundings
from exchange.serve_http import serve_http
from server.callers import NotThroughProxy, Proxies
from server.http_exchange import Body, call_of, refuse, send_answer
from server.http_server import RETRY_AFTER_SECONDS
from server.in_turn import InTurn, problem
from server.tls.alerts import NodeAlerts
from server.turns import Turns

# What is still to come of a body that was refused is read up to so much, for its peer to see the answer.
DRAIN_LIMIT_BYTES = 16 * MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Doorway:
    """What all paths share: the journey's surroundings, our address, and who comes when and from where."""

    around: Surroundings
    address: str
    proxies: Proxies
    alerts: NodeAlerts
    turns: Turns


@dataclass(frozen=True, slots=True)
class Door:
    """The operations at one path, by method."""

    path: str
    operations: Mapping[str, Operation]
    errors: ErrorForm
    way: Doorway

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that this path knows."""
        if not self.operations:
            return ()
        head = ("HEAD",) if "GET" in self.operations else ()
        return (*self.operations, *head, "OPTIONS")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the journey of a request."""
        method: str = scope["method"]
        if method == "OPTIONS" and self.operations:
            # It tells what the public description tells, and nothing of anybody.
            await Response(status_code=204, headers={"allow": ", ".join(self.methods)})(scope, receive, send)
            return
        # The path as it is described: what stands in a record and a log names nobody.
        url = self.way.address + self.path
        try:
            caller = self.way.proxies.caller(scope)
        except NotThroughProxy as refused:
            await refuse(refused, url, self.way.alerts, scope, receive, send)
            return
        body = Body(receive)
        headers = _headers(scope)
        call = call_of(scope, body, url, caller)
        if not call.length_bytes and "transfer-encoding" not in headers:
            await body.drain(0)
        request = HttpRequest(
            call, method, scope["path_params"], scope["query_string"].decode("latin-1"), headers, self.methods
        )
        # The answer to HEAD is that to GET; the server leaves its body away (RFC 9110: 9.3.2).
        operation = self.operations.get("GET" if method == "HEAD" else method)
        answer = await serve_http(request, operation, self.errors, self.way.around)
        self.way.around.tally.answered += 1
        await send_answer(answer, body, send, DRAIN_LIMIT_BYTES)


def routes_to(operations: Collection[Operation], way: Doorway) -> Iterator[Route]:
    """A route for each path, and one for whatever else lies beside them."""
    offered = [replace(one, perform=_in_http_words(one.perform)) for one in operations]
    in_order = sorted(offered, key=lambda operation: operation.path)
    for path, group in groupby(in_order, key=lambda operation: operation.path):
        here = {operation.method: operation for operation in group}
        errors = next(iter(here.values())).errors
        yield _route(path, Door(path, here, errors, way))
    rooms = {f"/{operation.path.split('/')[1]}": operation.errors for operation in operations}
    for room, errors in rooms.items():
        for path in (room, f"{room}/{{rest:path}}"):
            yield _route(path, Door(room, {}, errors, way))


def _route(path: str, door: Door) -> Route:
    way = door.way
    url = way.address + door.path
    return Route(path, InTurn(door, url, way.turns, way.proxies, way.alerts, problem(door.errors)))


def _in_http_words(perform: Performing) -> Performing:
    """A database that gives no turn or no room is told of as HTTP does (RFC 9110: 15.6.4)."""

    async def performed(asked: Asked, diary: Diary) -> Answer:
        try:
            return await perform(asked, diary)
        except (DatabaseBusy, DatabaseUnavailable) as busy:
            again = (("retry-after", str(RETRY_AFTER_SECONDS)),)
            said = "too many requests at once; send this one again"
            raise Problem(Status.SERVICE_UNAVAILABLE, said, headers=again) from busy
        except DatabaseFull as full:
            said = "no room is left; nothing was stored"
            raise Problem(Status.INSUFFICIENT_STORAGE, said) from full

    return performed


def _headers(scope: Scope) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        found[key] = (*found.get(key, ()), value.decode("latin-1"))
    return found
