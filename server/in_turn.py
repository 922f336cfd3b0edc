"""Endpoints that let requests in by turns, and what they say to who sends too many (RFC 9110: 15.6.4)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.audit_trail import RefusedNode
from exchange.call import Answer
from exchange.http_status import Status
from exchange.ports import NewUuid
from exchange.problems import ErrorForm, Problem, answer_problem
from exchange.replies import answer_fault
from ihe.audit_events import TOO_MANY_REQUESTS
from server.callers import Caller, NotThroughProxy, Proxies, client_of
from server.http_server import RETRY_AFTER_SECONDS
from server.tls.alerts import NodeAlerts
from server.turns import TooMany, Turns
from soap.fault import SoapFault

log = logging.getLogger("coffre.server")


@dataclass(frozen=True, slots=True)
class InTurn:
    """An ASGI application that each client calls when it is its turn."""

    application: ASGIApp
    url: str
    turns: Turns
    proxies: Proxies
    alerts: NodeAlerts
    refusal: Callable[[str], Answer]
    """How such a reason is told here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then hand the request over; or answer it with 503 and a fault."""
        try:
            caller = self.proxies.caller(scope)
        except NotThroughProxy as refused:
            # Whom the application turns away is counted by where he comes from.
            caller = Caller(refused.address)
        try:
            async with self.turns.turn(client_of(caller)):
                await self.application(scope, receive, send)
        except TooMany as too_many:
            await self._refuse(too_many, caller, scope, receive, send)

    async def _refuse(
        self, too_many: TooMany, caller: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        ours = scope["server"][0] if scope.get("server") else ""
        await self.alerts.record(
            RefusedNode(self.url, ours, caller.address, str(too_many), TOO_MANY_REQUESTS)
        )
        said = self.refusal(f"{too_many}; send this one again later")
        # A body that nobody waited for may still be on its way, so the connection cannot go on.
        headers = {"retry-after": str(RETRY_AFTER_SECONDS), "connection": "close"}
        await Response(said.body, 503, headers, said.content_type)(scope, receive, send)


def fault(new_uuid: NewUuid) -> Callable[[str], Answer]:
    """How web services tell it."""

    def refusal(reason: str) -> Answer:
        return answer_fault(SoapFault.receiver(reason), None, new_uuid)

    return refusal


def problem(errors: ErrorForm) -> Callable[[str], Answer]:
    """How plain HTTP tells it."""

    def refusal(reason: str) -> Answer:
        return answer_problem(Problem(Status.SERVICE_UNAVAILABLE, reason), errors)

    return refusal
