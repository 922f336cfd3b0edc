"""Step 1: bytes to an envelope and its attachments (ITI TF-2: V.3, V.8)."""

import asyncio
from collections.abc import AsyncIterator, Collection

from lxml import etree

from exchange.attachments import Arrival, Attachments, NotKept
from exchange.call import Call, Limits
from exchange.conversation import Message
from exchange.envelope_reader import EnvelopeReader
from ihe.error_codes import REPOSITORY_OUT_OF_RESOURCES
from soap.content_type import ContentType, read_content_type
from soap.envelope import read_envelope
from soap.fault import QName, SoapFault
from soap.mtom import Decoder, MessageTooLarge, MtomLimits, PartBegins, PartData, PartEnds

# A document could not be kept, and its envelope has not come yet: wait for it this long, to say so in the
# words of its transaction. A peer that sends the envelope first, as all known do, never waits.
ENVELOPE_LIMIT_SECONDS = 60.0


async def receive(
    call: Call,
    attachments: Attachments,
    limits: Limits,
    tolerate_white_space: bool,
    understood: Collection[QName],
) -> Message:
    """Read a SOAP 1.2 message in either packaging; its documents go to staging as they arrive.

    `understood` are the headers that later steps heed. Where a document cannot be kept, reading ends as soon
    as the transaction is known in which to say so.
    """
    if call.content_encoding.strip().lower() not in ("", "identity"):
        raise SoapFault.unsupported_content_encoding()
    content_type = read_content_type(call.content_type)
    mtom = content_type.media_type == "multipart/related"
    packaging: _Parts | _Plain
    if mtom:
        packaging = _Parts(content_type, attachments, limits)
    elif content_type.media_type == "application/soap+xml":
        packaging = _Plain(content_type, attachments, limits)
    elif content_type.media_type == "text/xml":
        raise SoapFault.version_mismatch()  # the media type of SOAP 1.1
    else:
        raise SoapFault.unsupported_media_type(content_type.media_type)
    if attachments.staging and (call.length_bytes or 0) > limits.request_size_bytes:
        attachments.not_kept = _too_large(_message_too_large(limits))
    try:
        root = await _root(call.body, packaging, attachments)
    finally:
        await packaging.abandon()
    envelope = read_envelope(
        root,
        understood,
        fallback_action=content_type.action or call.fallback_action,
        tolerate_white_space=tolerate_white_space,
    )
    return Message(envelope, mtom, attachments)


async def _root(
    body: AsyncIterator[bytes], packaging: "_Parts | _Plain", attachments: Attachments
) -> etree._Element:
    """The root of the envelope, as soon as all is there, or nothing more of it is wanted."""
    try:
        async with asyncio.timeout(None) as patience:
            async for chunk in body:
                too_large = None
                try:
                    await packaging.take(chunk)
                except MessageTooLarge as problem:
                    if attachments.staging is None:
                        raise
                    too_large = problem
                    attachments.not_kept = attachments.not_kept or _too_large(problem)
                if not attachments.not_kept:
                    continue
                root = await packaging.root_so_far()
                if root is not None:
                    return root
                if too_large:
                    raise too_large
                if patience.when() is None:
                    patience.reschedule(asyncio.get_running_loop().time() + ENVELOPE_LIMIT_SECONDS)
            return await packaging.finish()
    except TimeoutError:
        # There is no transaction to answer in.
        reason = attachments.not_kept.error.context if attachments.not_kept else "the message did not come"
        raise SoapFault.receiver(reason) from None


class _Plain:
    """The message is its envelope."""

    def __init__(self, content_type: ContentType, attachments: Attachments, limits: Limits) -> None:
        self._envelope = EnvelopeReader(content_type.parameters.get("charset"), attachments, limits)
        self._limits = limits
        self._taken_bytes = 0

    async def take(self, chunk: bytes) -> None:
        self._taken_bytes += len(chunk)
        if self._taken_bytes > self._limits.request_size_bytes:
            raise _message_too_large(self._limits)
        await self._envelope.take(chunk)

    async def root_so_far(self) -> etree._Element | None:
        return await self._envelope.root_so_far()

    async def finish(self) -> etree._Element:
        return await self._envelope.finish()

    async def abandon(self) -> None:
        await self._envelope.abandon()


class _Parts:
    """The message is multipart: the root part is the envelope, every other one a document."""

    def __init__(self, content_type: ContentType, attachments: Attachments, limits: Limits) -> None:
        self._root: etree._Element | None = None
        self._decoder = Decoder(
            content_type,
            MtomLimits(
                # Who takes the envelope, and who takes a document, hold them to limits of their own.
                root_bytes=limits.request_size_bytes,
                part_bytes=limits.request_size_bytes,
                message_bytes=limits.request_size_bytes,
                parts=limits.documents_per_request + 1,
                header_bytes=limits.part_header_size_bytes,
            ),
        )
        self._attachments = attachments
        self._limits = limits
        self._part: EnvelopeReader | Arrival | None = None

    async def take(self, chunk: bytes) -> None:
        try:
            self._decoder.receive_data(chunk)
        except MessageTooLarge:
            # What came before counts: the envelope may be among it.
            await self._take_events()
            raise
        await self._take_events()

    async def root_so_far(self) -> etree._Element | None:
        if self._root is None and isinstance(self._part, EnvelopeReader):
            return await self._part.root_so_far()
        return self._root

    async def finish(self) -> etree._Element:
        self._decoder.receive_end()
        await self._take_events()
        if self._root is None:
            raise RuntimeError("a message is complete without its root part")
        return self._root

    async def abandon(self) -> None:
        if self._part:
            await self._part.abandon()

    async def _take_events(self) -> None:
        for event in self._decoder.events():
            part = self._part
            match event:
                case PartBegins(is_root=True):
                    charset = read_content_type(event.content_type).parameters.get("charset")
                    self._part = EnvelopeReader(charset, self._attachments, self._limits)
                case PartBegins():
                    if self._attachments.staging is None:
                        raise SoapFault.sender("this endpoint takes no MIME parts beside the envelope")
                    self._part = Arrival(self._attachments, event.content_id, event.content_type)
                case PartData(data) if isinstance(part, EnvelopeReader):
                    await part.take(data)
                case PartData(data) if isinstance(part, Arrival):
                    await part.write(data)
                case PartEnds() if isinstance(part, EnvelopeReader):
                    self._root = await part.finish()
                    self._part = None
                case PartEnds() if isinstance(part, Arrival):
                    await part.finish()
                    self._part = None
                case _:
                    pass


def _message_too_large(limits: Limits) -> MessageTooLarge:
    return MessageTooLarge.too_large("the message", limits.request_size_bytes)


def _too_large(problem: MessageTooLarge) -> NotKept:
    return NotKept(REPOSITORY_OUT_OF_RESOURCES.error(problem.reason))
