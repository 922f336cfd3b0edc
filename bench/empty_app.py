"""The least an HTTP server does for an answer: read the request, send so many bytes."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_BODY = b"x" * int(os.environ.get("ANSWER_BYTES", "1"))
_HEADERS = [(b"content-type", b"application/soap+xml"), (b"content-length", str(len(_BODY)).encode())]

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
    await send({"type": "http.response.body", "body": _BODY})
