"""The sandbox domain, to which software is led that is not attested here."""

import base64
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import httpx2

from database import DatabaseError
from exchange.call import Answer, Call
from exchange.ports import Clock, NewUuid
from exchange.replies import answer_fault
from exchange.software import Attestations, why_none_holds
from server.callers import ADDRESS_HEADER, CERTIFICATE_HEADER, Caller
from server.tls.contexts import CallingContext
from soap.fault import SoapFault

# Two documents of the largest size may be under way; the sandbox's own limits hold besides.
SANDBOX_TIMEOUT_SECONDS = 60.0

# A person who looks at the answer learns where it comes from.
MARK = ("x-coffre-domain", "sandbox")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Another Coffre with data of its own, which takes this one for a proxy in front of it."""

    url: str
    attestations: Attestations
    clock: Clock
    new_uuid: NewUuid
    calling: CallingContext
    client: httpx2.AsyncClient

    @classmethod
    @asynccontextmanager
    async def at(
        cls,
        url: str,
        attestations: Attestations,
        clock: Clock,
        new_uuid: NewUuid,
        calling: CallingContext,
    ) -> AsyncIterator[Self]:
        """Lend the way to the sandbox at this address."""
        async with httpx2.AsyncClient(timeout=SANDBOX_TIMEOUT_SECONDS, verify=calling.context) as client:
            yield cls(url, attestations, clock, new_uuid, calling, client)

    async def why_for(self, caller: Caller) -> str:
        """Why this caller's software belongs there; empty for what is attested for anything here.

        Who shows no certificate is not led there: there is nothing by which to know him in the end.
        """
        if caller.certificate is None:
            return ""
        try:
            held = await self.attestations.of(caller.certificate)
        except DatabaseError:
            return ""  # the journey meets the same trouble, and answers it
        if any(one.holds(self.clock()) for one in held):
            return ""
        return why_none_holds(caller.certificate, held)

    async def answer(self, call: Call, caller: Caller, actor: str) -> Answer:
        """What the sandbox's actor says to this request, both passed on as they come."""
        self.calling.refresh()
        headers = {
            "content-type": call.content_type,
            CERTIFICATE_HEADER.decode(): f":{base64.b64encode(caller.der).decode()}:",
            ADDRESS_HEADER.decode(): caller.address,
        }
        if call.length_bytes is not None:
            headers["content-length"] = str(call.length_bytes)
        if call.fallback_action:
            headers["soapaction"] = f'"{call.fallback_action}"'
        request = self.client.build_request("POST", f"{self.url}/{actor}", headers=headers, content=call.body)
        try:
            response = await self.client.send(request, stream=True)
        except (httpx2.HTTPError, ssl.SSLError):
            return answer_fault(SoapFault.receiver("the sandbox domain gives no answer"), None, self.new_uuid)
        content_type = response.headers.get("content-type", "text/plain")
        return Answer(response.status_code, content_type, _passed_on(response), (MARK,))


async def _passed_on(response: httpx2.Response) -> AsyncGenerator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    finally:
        await response.aclose()
