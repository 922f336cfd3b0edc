"""The envelope as it arrives: small ones whole, of large ones the inline documents straight to staging."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lxml import etree

import schemas
from exchange.attachments import Arrival, Attachments
from exchange.call import Limits
from exchange.inline_documents import DocumentEnds, InlineDocuments, Octets
from soap.fault import SoapFault

# Messages up to here are parsed whole: almost all there are, and they cost no thread of their own.
WHOLE_BYTES = 1024 * 1024

# Bytes that go to the parser's thread at once: the hop (50 us) does not count beside reading them (500 us).
PIECE_BYTES = 256 * 1024

Result = TypeVar("Result")


class EnvelopeReader:
    """Takes the bytes of one envelope, and gives its tree; raises SoapFault."""

    def __init__(self, charset: str | None, attachments: Attachments, limits: Limits) -> None:
        self._charset = charset
        self._attachments = attachments
        self._limits = limits
        self._whole_bytes = min(WHOLE_BYTES, limits.metadata_size_bytes)
        self._buffer = bytearray()
        self._stream: _Stream | None = None

    async def take(self, data: bytes) -> None:
        """Take the next bytes."""
        self._buffer += data
        if self._stream:
            if len(self._buffer) >= PIECE_BYTES:
                await self._pass_on(self._stream)
        elif len(self._buffer) > self._whole_bytes:
            if self._attachments.staging is None:
                self._refuse_too_large()
                return
            self._stream = _Stream(self._charset, self._attachments, self._limits)
            await self._pass_on(self._stream)

    async def finish(self) -> etree._Element:
        """The root of the whole envelope."""
        if self._stream:
            await self._pass_on(self._stream)
            return await self._stream.finish()
        try:
            return schemas.parse(bytes(self._buffer), self._charset, self._limits.metadata_size_bytes)
        except schemas.NotParsable as problem:
            raise SoapFault.not_parsable(str(problem)) from problem

    async def root_so_far(self) -> etree._Element | None:
        """The tree up to the inline document that is being read, if there is one."""
        return await self._stream.root_so_far() if self._stream else None

    async def abandon(self) -> None:
        """Forget the document that is being read, and let the parser's thread end."""
        if self._stream:
            await self._stream.abandon()

    async def _pass_on(self, stream: "_Stream") -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        for start in range(0, len(data), PIECE_BYTES):
            await stream.take(data[start : start + PIECE_BYTES])

    def _refuse_too_large(self) -> None:
        limit = self._limits.metadata_size_bytes
        if len(self._buffer) > limit:
            raise SoapFault.too_large("the envelope", limit)


class _Stream:
    """One envelope between the thread of its parser and staging."""

    def __init__(self, charset: str | None, attachments: Attachments, limits: Limits) -> None:
        self._documents = InlineDocuments(charset)
        self._attachments = attachments
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="envelope")
        self._arrival: Arrival | None = None
        self._count = 0

    async def take(self, data: bytes) -> None:
        await self._keep(await self._in_thread(self._documents.feed, data))
        limit = self._limits.metadata_size_bytes
        if self._documents.kept_bytes > limit:
            raise SoapFault.too_large("the envelope", limit)

    async def finish(self) -> etree._Element:
        steps, root = await self._in_thread(self._documents.close)
        await self._keep(steps)
        self._thread.shutdown(wait=False)
        return root

    async def root_so_far(self) -> etree._Element | None:
        return await self._in_thread(self._documents.root_so_far)

    async def abandon(self) -> None:
        if self._arrival:
            await self._arrival.abandon()
        self._thread.shutdown(wait=False)

    async def _keep(self, steps: Iterable[Octets | DocumentEnds]) -> None:
        for step in steps:
            if self._arrival is None:
                self._arrival = self._next_arrival(step.content_id)
            match step:
                case Octets():
                    await self._arrival.write(step.data)
                case DocumentEnds(whole=True):
                    await self._arrival.finish()
                    self._arrival = None
                case DocumentEnds():
                    await self._arrival.abandon()
                    self._arrival = None

    def _next_arrival(self, content_id: str) -> Arrival:
        self._count += 1
        limit = self._limits.documents_per_request
        if self._count > limit:
            raise SoapFault.too_large("the message", limit, "documents")
        return Arrival(self._attachments, content_id)

    async def _in_thread(self, work: Callable[..., Result], *arguments: object) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except schemas.NotParsable as problem:
            raise SoapFault.not_parsable(str(problem)) from problem
