"""Step 1: bytes to an envelope and its attachments (ITI TF-2: V.3, V.8)."""

from collections.abc import AsyncIterator, Collection

import schemas
from ebxml.refused import Refused
from exchange.attachments import Attachments
from exchange.call import Call, Limits
from exchange.conversation import Message
from exchange.ports import DocumentWriter
from soap.content_type import ContentType, read_content_type
from soap.envelope import read_envelope
from soap.fault import QName, SoapFault
from soap.mtom import Decoder, MtomLimits, PartBegins, PartData, PartEnds


async def receive(
    call: Call,
    attachments: Attachments,
    limits: Limits,
    tolerate_white_space: bool,
    understood: Collection[QName],
) -> Message:
    """Read a SOAP 1.2 message in either packaging; its documents go to staging as they arrive.

    `understood` are the headers that later steps heed.
    """
    content_type = read_content_type(call.content_type)
    mtom = content_type.media_type == "multipart/related"
    if mtom:
        root, charset = await _receive_parts(call.body, content_type, attachments, limits)
    elif content_type.media_type == "application/soap+xml":
        root, charset = await _receive_whole(call.body, limits), content_type.parameters.get("charset")
    elif content_type.media_type == "text/xml":
        raise SoapFault.version_mismatch()  # the media type of SOAP 1.1
    else:
        raise SoapFault.unsupported_media_type(content_type.media_type)
    fallback = content_type.action or call.fallback_action
    try:
        element = schemas.parse(root, charset, limits.metadata_size_bytes)
    except schemas.NotParsable as problem:
        raise SoapFault.not_parsable(str(problem)) from problem
    envelope = read_envelope(
        element, understood, fallback_action=fallback, tolerate_white_space=tolerate_white_space
    )
    return Message(envelope, mtom, attachments)


async def _receive_whole(body: AsyncIterator[bytes], limits: Limits) -> bytes:
    pieces = bytearray()
    async for chunk in body:
        pieces += chunk
        if len(pieces) > limits.metadata_size_bytes:
            raise SoapFault.too_large("the envelope", limits.metadata_size_bytes)
    return bytes(pieces)


async def _receive_parts(
    body: AsyncIterator[bytes], content_type: ContentType, attachments: Attachments, limits: Limits
) -> tuple[bytes, str | None]:
    decoder = Decoder(
        content_type,
        MtomLimits(
            root_bytes=limits.metadata_size_bytes,
            part_bytes=limits.document_size_bytes,
            message_bytes=limits.request_size_bytes,
            parts=limits.documents_per_request + 1,
        ),
    )
    sorter = _Sorter(attachments)
    try:
        async for chunk in body:
            decoder.receive_data(chunk)
            await sorter.take(decoder)
        decoder.receive_end()
        await sorter.take(decoder)
    except Refused as problem:
        await sorter.abandon()
        # The envelope comes first as a rule, and with it the transaction in which to answer.
        if not sorter.root_is_whole:
            raise
        attachments.refuse(problem)
    except BaseException:
        await sorter.abandon()
        raise
    return bytes(sorter.root), sorter.charset


class _Sorter:
    """Sends the root part to memory and every other part to staging."""

    def __init__(self, attachments: Attachments) -> None:
        self.root = bytearray()
        self.root_is_whole = False
        self.charset: str | None = None
        self._attachments = attachments
        self._part: PartBegins | None = None
        self._writer: DocumentWriter | None = None

    async def take(self, decoder: Decoder) -> None:
        for event in decoder.events():
            match event:
                case PartBegins(is_root=True):
                    self._part = event
                    self.charset = read_content_type(event.content_type).parameters.get("charset")
                case PartBegins():
                    if self._attachments.staging is None:
                        raise SoapFault.sender("this endpoint takes no MIME parts beside the envelope")
                    self._part = event
                    self._writer = await self._attachments.staging.begin(event.content_type)
                case PartData(data) if self._writer:
                    await self._writer.write(data)
                case PartData(data):
                    self.root += data
                case PartEnds() if self._writer and self._part:
                    writer, self._writer = self._writer, None
                    self._attachments.add(self._part.content_id, await writer.finish())
                case PartEnds():
                    self.root_is_whole = True
                case _:
                    pass

    async def abandon(self) -> None:
        if self._writer:
            await self._writer.abandon()
