"""What the door for plain HTTP needs to know of each operation that it leads to, and what it hands to it.

An operation is one row: method, path, what its records call it, what it takes and gives, and a function. That
decides, works, and tells the diary whose record it was about; everything else is the door's, and the same for
all (`exchange/serve_http.py`). To add one, write its row and name it in `server/composition.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from exchange.call import Answer, Call
from exchange.diary import Diary
from exchange.http_status import Status
from exchange.problems import PROBLEM_DETAILS, ErrorForm
from exchange.subject import Subject
from ihe.http_transactions import HttpTransaction

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

Pairs = tuple[tuple[str, str], ...]
"""Parameters in their order; FHIR repeats names."""


class Place(StrEnum):
    """Where a parameter stands (OpenAPI 3.1: 4.8.12)."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter, as the description of the interface tells of it; `schema` is JSON Schema."""

    name: str
    place: Place
    description: str
    schema: Mapping[str, object]
    required: bool = False


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it came in; `call` says between whom, and streams the body; header names are lower case.

    There may be no operation at its path, or none by its method: then `allowed` are the methods of the path.
    """

    call: Call
    method: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    query_string: str = field(default="", repr=False)
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was understood, by a user who was verified.

    `content` is None, a JSON value, the Pairs of a form, or bytes; `accepted` of `gives` what to answer in.
    """

    subject: Subject
    at: datetime
    accepted: str
    path_parameters: Mapping[str, str]
    query: Pairs
    headers: Mapping[str, tuple[str, ...]]
    content: object = field(default=None, repr=False)
    changing: Callable[[], AbstractContextManager[None]] = nullcontext
    """What is changed within owes its record, as the diary tells it when that begins."""

    def header(self, name: str) -> str:
        """The value of a header, empty where there is none; several are joined (RFC 9110: 5.2)."""
        return ", ".join(self.headers.get(name, ()))


Performing = Callable[[Asked, Diary], Awaitable[Answer]]
"""What an operation does; it raises a Problem or Forbidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation at one path.

    `takes` are the media types of its body, none where it has none; `gives` those of its answer, the usual
    one first. Without `needs_user` a node may ask without an assertion, and the operation decides; a body
    that is taken `as_it_came` is bytes. The schemas are JSON Schema and `failures` what the operation itself
    may answer, for whoever reads the description of the interface.
    """

    name: str
    method: str
    path: str
    summary: str
    transaction: HttpTransaction
    perform: Performing
    parameters: tuple[Parameter, ...] = ()
    takes: tuple[str, ...] = ()
    takes_schema: Mapping[str, object] = field(default_factory=dict)
    gives: tuple[str, ...] = (JSON,)
    gives_schema: Mapping[str, object] = field(default_factory=dict)
    failures: Mapping[Status, str] = field(default_factory=dict)
    errors: ErrorForm = PROBLEM_DETAILS
    needs_user: bool = True
    as_it_came: bool = False
