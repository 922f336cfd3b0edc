"""The least an HTTP server does for an answer: read the request, send so many bytes."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from bench.transfer import content

_SIZE = int(os.environ.get("ANSWER_BYTES", "1"))
_PIECES = tuple(content(_SIZE))
_HEADERS = [(b"content-type", b"application/soap+xml")]
# What goes out in pieces is chunked, as documents are.
if len(_PIECES) == 1:
    _HEADERS.append((b"content-length", str(_SIZE).encode()))

Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """An ASGI application."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    for number, piece in enumerate(_PIECES, 1):
        await send({"type": "http.response.body", "body": piece, "more_body": number < len(_PIECES)})
