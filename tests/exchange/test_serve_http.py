"""The journey of one plain HTTP request, with ports and operations that a test hands in."""

import json
import logging
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exchange.call import Answer, Call
from exchange.http_status import Status
from exchange.pledge import due
from exchange.problems import OPERATION_OUTCOME, PROBLEM_DETAILS, Fault, Problem
from exchange.replies import Forbidden
from exchange.resources import FORM, JSON, HttpRequest, Operation
from exchange.serve import Surroundings
from exchange.serve_http import serve_http
from exchange.users import Users
from ihe.audit_events import Outcome
from ihe.http_transactions import CONSENT_CHANGE
from tests.exchange.test_pledge import Book
from tests.messages.assertions import AUDIENCE, ISSUER, assertion, keys, signed
from tests.messages.surroundings import EveryUseIsTheFirst, KeptTrail, surroundings
from xua.acceptance import Policy
from xua.signature import IdentityProvider, Trust

pytestmark = pytest.mark.anyio

ADDRESS = "https://c.example/api/echo"
PATIENT = "p1^^^&2.999.3&ISO"
USERS = Users(
    Trust((IdentityProvider(ISSUER, (keys("idp").certificate,)),)),
    Policy(frozenset({AUDIENCE})),
    required=False,
    uses=EveryUseIsTheFirst(),
)


async def echo(asked, diary) -> Answer:
    """Say what came in."""
    diary.patient_ids, diary.change = (PATIENT,), "a grant"
    name = asked.subject.user.name
    return Answer(200, asked.accepted, json.dumps([name, asked.query, asked.content]).encode())


ECHO = Operation(
    name="echo",
    method="POST",
    path="/api/echo",
    summary="",
    transaction=CONSENT_CHANGE,
    perform=echo,
    takes=(JSON, FORM),
)


async def ask(
    operation: Operation | None = ECHO,
    *,
    trail: KeptTrail | None = None,
    book: Book | None = None,
    body: bytes = b"{}",
    content_type: str = JSON,
    length_bytes: int | None = None,
    content_encoding: str = "",
    query: str = "",
    token: bytes | None = None,
    errors=PROBLEM_DETAILS,
    allowed=(),
    **headers: str,
) -> Answer:
    async def chunks():
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    shown = {} if token == b"" else {"authorization": (_authorization(token or signed(assertion())),)}
    request = HttpRequest(
        Call(
            content_type,
            chunks(),
            "https://c.example/api/echo",
            "10.0.0.6",
            "10.0.0.5",
            content_encoding=content_encoding,
            length_bytes=length_bytes,
        ),
        "POST",
        query_string=query,
        headers=shown | {name.replace("_", "-"): (value,) for name, value in headers.items()},
        allowed=allowed,
    )
    return await serve_http(request, operation, errors, replace(around(trail or KeptTrail()), pledges=book))


def around(trail: KeptTrail) -> Surroundings:
    return replace(surroundings(trail, users=USERS), clock=lambda: datetime.now(UTC))


def said(answer: Answer):
    """The JSON of an answer."""
    assert isinstance(answer.body, bytes)
    return json.loads(answer.body)


def _authorization(token: bytes) -> str:
    return f"Bearer {urlsafe_b64encode(token).decode().rstrip('=')}"


async def test_an_operation_gets_user_parameters_and_body_and_its_answer_is_recorded_first():
    """ITI TF-2: 3.20; the patient of the record is the one whom the operation names."""
    trail = KeptTrail()
    answer = await ask(trail=trail, body=b'{"a": [1]}', query="x=1&x=%C3%BC&y=")
    assert answer.status == 200
    assert said(answer) == [
        "Dr Anne Muller",
        [["x", "1"], ["x", "ü"], ["y", ""]],
        {"a": [1]},
    ]
    assert answer.headers == (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
    (record,) = trail.messages
    assert (record.event.type_codes[0].code, record.event.type_codes[0].system) == (
        "consent-changed",
        "Coffre",
    )
    assert record.event.outcome is Outcome.SUCCESS
    assert [(one.user_id, one.is_requestor) for one in record.participants] == [
        ("10.0.0.5", True),
        ("<amuller@https://idp.example>", True),
        ("https://c.example/api/echo", False),
    ]
    (patient,) = record.objects
    assert (patient.id, [(one.type, one.value) for one in patient.details]) == (
        PATIENT,
        [("Consent Directive", "a grant")],
    )


async def test_a_form_is_read_as_its_pairs():
    """HTML: application/x-www-form-urlencoded; FHIR R4: 3.1.1.6.3 searches so."""
    answer = await ask(body=b"date=ge2024&date=lt2025", content_type=f"{FORM}; charset=UTF-8")
    assert said(answer)[2] == [["date", "ge2024"], ["date", "lt2025"]]


@pytest.mark.parametrize(
    ("request_", "status", "detail"),
    [
        ({"token": b""}, 401, "a user's assertion is required"),
        ({"body": b"{"}, 400, "the body is not JSON"),
        ({"body": "ü=1".encode(), "content_type": FORM}, 400, "the body is no form: it is not ASCII"),
        ({"body": b"x", "content_type": FORM}, 400, "the body is not name=value pairs"),
        ({"body": b"%ff=1", "content_type": FORM}, 400, "the body is not name=value pairs"),
        ({"query": "&".join(["x=1"] * 101)}, 400, "the query of the address is not name=value pairs"),
        (
            {"content_type": "text/xml"},
            415,
            "expected as application/json, application/x-www-form-urlencoded",
        ),
        ({"content_type": ""}, 415, "expected as"),
        ({"content_type": f"{JSON}; charset=utf-16"}, 415, "in UTF-8"),
        ({"content_encoding": "gzip"}, 415, "without a content coding"),
        ({"body": b" " * 262_145}, 413, "the body may have 262144 bytes"),
        ({"length_bytes": 262_145}, 413, "the body may have 262144 bytes"),
        ({"accept": "application/fhir+json"}, 406, "the answer can be had as application/json"),
        ({"operation": replace(ECHO, takes=())}, 400, "no body is expected"),
        ({"operation": None}, 404, "there is nothing at this path"),
        ({"operation": None, "allowed": ("GET", "HEAD")}, 405, "expected one of GET, HEAD"),
    ],
)
async def test_what_cannot_be_read_is_refused_and_recorded(request_, status, detail):
    """RFC 9110: 15.5; RFC 9457; ITI TF-2: 3.20."""
    trail = KeptTrail()
    answer = await ask(trail=trail, **request_)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert detail in said(answer)["detail"]
    assert ("cache-control", "no-store") in answer.headers
    assert trail.messages[0].event.outcome is Outcome.MINOR
    assert detail in trail.messages[0].event.outcome_description


async def fail(asked, diary) -> Answer:
    raise RuntimeError(f"cannot cope with {PATIENT}")


async def forbid(asked, diary) -> Answer:
    raise Forbidden("the patient has excluded him")


async def find_faults(asked, diary) -> Answer:
    raise Problem(
        Status.UNPROCESSABLE_CONTENT, "two things are wrong", faults=(Fault("/a", "b"), Fault("/c", "d"))
    )


async def test_a_failure_tells_nothing_but_where_to_look(caplog):
    """No stack trace, and no patient in answer or log."""
    with caplog.at_level(logging.INFO):
        answer = await ask(replace(ECHO, perform=fail))
    told = said(answer)
    assert (answer.status, told["title"]) == (500, "Internal Server Error")
    assert told["detail"].startswith("internal error, reference urn:uuid:")
    assert told["detail"].removeprefix("internal error, reference ") in caplog.text
    assert PATIENT not in caplog.text + str(told)


async def test_the_broker_s_reasons_are_for_the_record_alone():
    """docs/consent.md."""
    trail = KeptTrail()
    answer = await ask(replace(ECHO, perform=forbid), trail=trail)
    assert said(answer) == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "not permitted",
    }
    assert "the patient has excluded him" in trail.messages[0].event.outcome_description


async def test_problems_are_told_in_the_form_of_the_operation():
    """RFC 9457: 3; FHIR R4: 2.28."""
    operation = replace(ECHO, perform=find_faults)
    told = said(await ask(operation))
    assert told["errors"] == [{"pointer": "/a", "detail": "b"}, {"pointer": "/c", "detail": "d"}]
    answer = await ask(operation, errors=OPERATION_OUTCOME)
    assert answer.content_type == "application/fhir+json"
    assert said(answer) == {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "processing", "diagnostics": "b", "expression": ["/a"]},
            {"severity": "error", "code": "processing", "diagnostics": "d", "expression": ["/c"]},
        ],
    }
    (issue,) = said(await ask(token=b"", errors=OPERATION_OUTCOME))["issue"]
    assert (issue["code"], issue["diagnostics"]) == ("login", "a user's assertion is required")


@pytest.mark.parametrize("full", [False, True])
async def test_a_change_owes_its_record(full):
    """ITI TF-2: 3.20: the pledge tells what was to be done, and is settled by the record."""
    book = Book()
    took_along: list[object] = []

    async def change(asked, diary) -> Answer:
        diary.patient_ids, diary.change = (PATIENT,), "to be granted"
        with asked.changing():
            took_along.extend(due())
        diary.change = "granted"
        return Answer(200, JSON, b"{}")

    trail = KeptTrail(full=full)
    answer = await ask(replace(ECHO, perform=change), trail=trail, book=book)
    assert took_along == ["insert it"]
    (pledged,) = book.messages
    assert [one.value for one in pledged.objects[0].details] == ["to be granted"]
    if full:
        assert (answer.status, book.broken_ones) == (503, [1])
    else:
        assert (answer.status, book.kept_ones) == (200, [1])
        assert pledged.event.at == trail.messages[0].event.at


async def test_without_its_record_no_answer_leaves():
    """ITI TF-2: 3.20: fail closed."""
    answer = await ask(trail=KeptTrail(full=True))
    assert (answer.status, said(answer)["detail"]) == (
        503,
        "the audit trail is not available",
    )
