"""The door of plain HTTP, as its clients see it."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.services.platform import Platform
from tests.services.ruled import Person
from tests.wire import ANSWER_TIMEOUT_SECONDS, HttpAnswer


def ask(
    platform: Platform,
    method: str,
    path: str,
    by: Person | None = None,
    *,
    patient_id: str = "",
    content: object = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """One request, by an assertion of the moment, with this JSON or these bytes."""
    sent = dict(headers or {})
    if by:
        sent.setdefault("Authorization", by.authorization)
    if patient_id:
        sent["Patient-Id"] = patient_id
    if content is not None:
        sent.setdefault("Content-Type", "application/json")
        body = json.dumps(content).encode()
    parts = urlsplit(platform.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body or None, sent)
        response = connection.getresponse()
        names: dict[str, str] = {}
        for name, value in response.getheaders():
            names[name.lower()] = ", ".join(filter(None, (names.get(name.lower(), ""), value)))
        return HttpAnswer(response.status, names, response.read())
    finally:
        connection.close()


def read(answer: HttpAnswer) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.body)
