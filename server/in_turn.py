"""Endpoints that let requests in by turns, and what they say to who sends too many (RFC 9110: 15.6.4)."""

import logging
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.audit_trail import RefusedNode
from exchange.ports import NewUuid
from exchange.replies import SOAP_CONTENT_TYPE
from ihe.audit_events import TOO_MANY_REQUESTS
from server.callers import Caller, NotThroughProxy, Proxies, client_of
from server.http_server import RETRY_AFTER_SECONDS
from server.tls.alerts import NodeAlerts
from server.turns import TooMany, Turns
from soap.fault import FaultCode, SoapFault, write_fault

log = logging.getLogger("coffre.server")


@dataclass(frozen=True, slots=True)
class InTurn:
    """An ASGI application that each client calls when it is its turn."""

    application: ASGIApp
    url: str
    turns: Turns
    proxies: Proxies
    alerts: NodeAlerts
    new_uuid: NewUuid

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then hand the request over; or answer it with 503 and a fault."""
        try:
            caller = self.proxies.caller(scope)
        except NotThroughProxy as problem:
            # Whom the application turns away is counted by where he comes from.
            caller = Caller(problem.address)
        try:
            async with self.turns.turn(client_of(caller)):
                await self.application(scope, receive, send)
        except TooMany as problem:
            await self._refuse(problem, caller, scope, receive, send)

    async def _refuse(
        self, problem: TooMany, caller: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        ours = scope["server"][0] if scope.get("server") else ""
        await self.alerts.record(RefusedNode(self.url, ours, caller.address, str(problem), TOO_MANY_REQUESTS))
        fault = SoapFault(FaultCode.RECEIVER, f"{problem}; send this one again later")
        # A body that nobody waited for may still be on its way, so the connection cannot go on.
        headers = {"retry-after": str(RETRY_AFTER_SECONDS), "connection": "close"}
        body = write_fault(fault, message_id=self.new_uuid())
        await Response(body, 503, headers, SOAP_CONTENT_TYPE)(scope, receive, send)
