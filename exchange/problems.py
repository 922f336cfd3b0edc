"""How HTTP peers are told what went wrong: by problem details (RFC 9457) or an OperationOutcome (FHIR)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exchange.call import Answer
from exchange.http_status import Status
from exchange.json_text import write_json

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a body or a parameter: where, and what was expected."""

    pointer: str
    detail: str


class Problem(Exception):
    """A request that cannot be answered as asked; `detail` goes to the peer and quotes nothing of a patient.

    `reasons` are for the audit record alone.
    """

    def __init__(
        self,
        status: Status,
        detail: str,
        *,
        faults: tuple[Fault, ...] = (),
        headers: Headers = (),
        reasons: tuple[str, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = faults
        self.headers = headers
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class ErrorForm:
    """A way to write problems; `schema` is JSON Schema."""

    content_type: str
    write: Callable[[Problem], object]
    schema: Mapping[str, object]


_PROBLEM_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_OUTCOME_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {"type": "array", "minItems": 1, "items": {"type": "object"}},
    },
}


def _problem_details(problem: Problem) -> object:
    """RFC 9457 section 3; without a type of its own a problem is what its status says."""
    written: dict[str, object] = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
    }
    if problem.faults:
        written["errors"] = [{"pointer": one.pointer, "detail": one.detail} for one in problem.faults]
    return written


# IssueType (FHIR R4: 2.28.3.1): the nearest to each status; what is not here is a mistake in the request.
_ISSUE_TYPES = {
    Status.UNAUTHORIZED: "login",
    Status.FORBIDDEN: "forbidden",
    Status.NOT_FOUND: "not-found",
    Status.METHOD_NOT_ALLOWED: "not-supported",
    Status.NOT_ACCEPTABLE: "not-supported",
    Status.CONFLICT: "conflict",
    Status.PRECONDITION_FAILED: "conflict",
    Status.CONTENT_TOO_LARGE: "too-long",
    Status.UNSUPPORTED_MEDIA_TYPE: "not-supported",
    Status.UNPROCESSABLE_CONTENT: "processing",
    Status.INTERNAL_SERVER_ERROR: "exception",
    Status.SERVICE_UNAVAILABLE: "transient",
}


def _operation_outcome(problem: Problem) -> object:
    """FHIR R4: 2.28; one issue for each fault."""
    code = _ISSUE_TYPES.get(problem.status, "invalid")
    severity = "fatal" if problem.status >= Status.INTERNAL_SERVER_ERROR else "error"
    issues = [
        {"severity": severity, "code": code, "diagnostics": one.detail, "expression": [one.pointer]}
        for one in problem.faults
    ]
    if not issues:
        issues = [{"severity": severity, "code": code, "diagnostics": problem.detail}]
    return {"resourceType": "OperationOutcome", "issue": issues}


PROBLEM_DETAILS = ErrorForm("application/problem+json", _problem_details, _PROBLEM_SCHEMA)
OPERATION_OUTCOME = ErrorForm("application/fhir+json", _operation_outcome, _OUTCOME_SCHEMA)


def answer_problem(problem: Problem, form: ErrorForm) -> Answer:
    """The problem in this form."""
    body = write_json(form.write(problem))
    return Answer(problem.status.value, form.content_type, body, problem.headers)
