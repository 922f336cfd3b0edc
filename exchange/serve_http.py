"""The journey of one plain HTTP request, as `exchange.serve` is that of a SOAP request."""

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain

from exchange.audit_trail import audit_messages_of
from exchange.call import Answer, Interrupted
from exchange.diary import Diary
from exchange.http_message import accepted, content_of, query_of
from exchange.http_status import Status
from exchange.pledge import Pledge, owing
from exchange.ports import AuditUnavailable
from exchange.problems import ErrorForm, Problem, answer_problem
from exchange.replies import Forbidden, where
from exchange.resources import Asked, HttpRequest, Operation
from exchange.serve import Surroundings
from exchange.software import NotAttested
from exchange.users import InAuthorization, who_is_asking
from ihe.audit_events import Outcome
from ihe.xua import NO_ASSERTION
from xua.refused import NotAccepted

log = logging.getLogger("coffre.exchange")

# At which place an assertion for one use counts as used.
PLACE = "api"

# Nothing of a record stays in a cache on the way, nor is taken for something else (RFC 9111: 5.2.2.5).
ALWAYS = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))


async def serve_http(
    request: HttpRequest, operation: Operation | None, errors: ErrorForm, around: Surroundings
) -> Answer:
    """Take one request from bytes to bytes; whatever happens becomes an answer and a record.

    Without an operation there is none at this path, or none by this method; `errors` is how they speak here.
    """
    began = around.clock()
    diary = Diary(request.call, around.node)
    owed = _Owed(diary, around)
    diary.reply_to = request.call.peer_address or diary.reply_to
    try:
        # 1 and 2. The operation that is meant.
        if operation is None:
            raise _no_such_operation(request)
        diary.transaction = operation.transaction
        # 3. Who is asking; nobody is answered without an assertion, whatever web services may be, but a node
        # that says nothing in anybody's name.
        subject = await who_is_asking(
            request.call,
            InAuthorization(request.headers.get("authorization", ())),
            operation.transaction.number,
            PLACE,
            needed=operation.needs_user,
            users=around.users,
            attestations=around.attestations,
            diary=diary,
            at=around.clock(),
        )
        # 4 and 5. What is asked, within the limits.
        media_type = accepted(request, operation)
        query = query_of(request)
        content = await content_of(request, operation)
        asked = Asked(
            subject,
            around.clock(),
            media_type,
            request.path_parameters,
            query,
            request.headers,
            content,
            owed.changing,
        )
        # 6 to 9. Decision, work and answer, which are the operation's own.
        answer = await operation.perform(asked, diary)
    except Exception as problem:  # the one place where an exception becomes an answer
        answer = _explain(problem, diary, errors, around)
    # 10. The audit record, durable before the first byte of the answer leaves.
    try:
        happenings = diary.happenings(around.clock())
        await around.audit.record(*chain.from_iterable(map(audit_messages_of, happenings)))
    except AuditUnavailable as problem:
        owed.settle(recorded=False)
        log.critical("the audit trail cannot be written: %s", problem)
        said = Problem(Status.SERVICE_UNAVAILABLE, "the audit trail is not available")
        answer = answer_problem(said, errors)
    else:
        owed.settle(recorded=True)
        around.tally.recorded += 1
        what = diary.transaction.number if diary.transaction else "unknown operation"
        elapsed = (around.clock() - began).total_seconds()
        log.info("%s at the api: %s, %.1f ms", what, diary.outcome.name.lower(), elapsed * 1000)
    return replace(answer, headers=(*answer.headers, *ALWAYS))


@dataclass(slots=True)
class _Owed:
    """The record that a change of this request owes, if it makes one."""

    diary: Diary
    around: Surroundings
    pledge: Pledge | None = None

    def changing(self) -> AbstractContextManager[None]:
        """What is changed within owes it."""
        if self.around.pledges:
            cut_off = self.diary.cut_off(self.around.clock())
            self.pledge = self.around.pledges.made(*audit_messages_of(cut_off))
        return owing(self.pledge)

    def settle(self, *, recorded: bool) -> None:
        """Whether the record is in the audit trail."""
        if self.around.pledges and self.pledge:
            settled = self.around.pledges.kept if recorded else self.around.pledges.broken
            settled(self.pledge)


def _no_such_operation(request: HttpRequest) -> Problem:
    if request.allowed:
        allow = ", ".join(request.allowed)
        return Problem(Status.METHOD_NOT_ALLOWED, f"expected one of {allow}", headers=(("allow", allow),))
    return Problem(Status.NOT_FOUND, "there is nothing at this path")


def _explain(problem: Exception, diary: Diary, errors: ErrorForm, around: Surroundings) -> Answer:
    """Say what went wrong, without a word of a patient and without the broker's reasons."""
    outcome = Outcome.MINOR
    match problem:
        case Problem():
            said = problem
        case NotAccepted():
            said = _not_accepted(problem)
        case NotAttested():
            said = Problem(Status.FORBIDDEN, str(problem))
        case Forbidden():
            said = Problem(Status.FORBIDDEN, "not permitted", reasons=problem.args)
        case Interrupted():
            said = Problem(Status.BAD_REQUEST, "the request was cut off")
        case _:
            reference = around.new_uuid()
            log.error("request %s failed: %s", reference, where(problem))
            outcome = Outcome.SERIOUS
            name = type(problem).__name__
            detail = f"internal error, reference {reference}"
            said = Problem(Status.INTERNAL_SERVER_ERROR, detail, reasons=(name,))
    told = [f"{said.status.value} {said.status.phrase}: {said.detail}", *said.reasons]
    told += [f"{fault.pointer}: {fault.detail}" for fault in said.faults]
    diary.failed(outcome, "; ".join(told))
    return answer_problem(said, errors)


def _not_accepted(problem: NotAccepted) -> Problem:
    """Say what is missing in the words of OAuth and of IHE (RFC 6750: 3; ITI TF-2: 3.72.7)."""
    rule = problem.refusal.rule
    why = "" if problem.refusal is NO_ASSERTION else f', error="invalid_token", error_description="{rule}"'
    challenges = (f'Bearer realm="coffre"{why}', 'IHE-SAML realm="coffre"')
    return Problem(Status.UNAUTHORIZED, rule, headers=tuple(("www-authenticate", one) for one in challenges))
