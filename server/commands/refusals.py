"""What the client's errors mean to a person at the command line."""

from client.errors import (
    BadMetadata,
    ClientError,
    DocumentDamaged,
    Fault,
    FileChanged,
    FileIsThere,
    NoSuchDocument,
    RequestRefused,
    Unreachable,
)
from client.remedies import REMEDIES, remedy_for
from ihe.error_codes import DOCUMENT_UNIQUE_ID_ERROR
from ihe.xua import REFUSALS
from server.commands.outcome import ExitCode, Trouble

# Subcodes of faults that find fault with the assertion, and not with the message (ITI TF-2: 3.40).
_ABOUT_THE_USER = frozenset(refusal.subcode[1] for refusal in REFUSALS)


def trouble_with_server(problem: ClientError) -> Trouble:
    """Say it with the IHE code, the server's own words and a remedy."""
    match problem:
        case RequestRefused():
            return _refused(problem)
        case Fault():
            message = f"{_of(problem)} did not take the message: {problem.reason} (SOAP fault {problem.code})"
            remedy = (
                "If the address is right, show this to the server's operator: the message was not understood."
            )
            if problem.code.rpartition(" ")[2] in _ABOUT_THE_USER:
                remedy = (
                    "Say for whom with --as USER or --assertion FILE; if you did, ask the identity provider."
                )
            return Trouble(ExitCode.REFUSED, message, remedy, facts={"fault": problem.code})
        case Unreachable():
            remedy = (
                "Is the server running (`coffre serve`), and are --registry and --repository its addresses?"
            )
            if problem.sent:
                remedy = "The request may have arrived. Look with `coffre find` before you send it again."
            if "certificate" in problem.reason:
                remedy = "`coffre tls doctor HOST:PORT` says why; see --ca, --certificate and --key."
            return Trouble(
                ExitCode.UNREACHABLE,
                f"No registry or repository answers at {problem.url}: {problem.reason}.",
                remedy,
            )
        case NoSuchDocument():
            code = DOCUMENT_UNIQUE_ID_ERROR.name
            details = [(f"{one} is not registered.", "") for one in problem.ids]
            return Trouble(ExitCode.REFUSED, f"No such document ({code}):", REMEDIES[code], details)
        case DocumentDamaged():
            message = (
                f"{problem.unique_id} is not the document that was registered: expected {problem.expected}, "
            )
            remedy = "Nothing was kept. Fetch it again; if it stays so, tell the repository's operator."
            return Trouble(ExitCode.DAMAGED, f"{message}found {problem.found}.", remedy)
        case FileIsThere():
            return Trouble(
                ExitCode.FILE, f"{problem.path} is there already.", "Choose another -o DIR, or --force."
            )
        case FileChanged():
            message = f"{problem.path} changed while it was sent; nothing is registered."
            return Trouble(ExitCode.FILE, message, "Send it again when nobody writes to it any more.")
        case BadMetadata():
            return _not_sent(problem)
        case _:
            return Trouble(ExitCode.REFUSED, str(problem))


def _refused(problem: RequestRefused) -> Trouble:
    details = [(f"{error.code}: {error.context}", remedy_for(error)) for error in problem.errors]
    facts = {
        "transaction": problem.transaction.number,
        "errors": [
            {
                "code": error.code,
                "context": error.context,
                "severity": error.severity.rpartition(":")[2],
                "location": error.location,
                "remedy": remedy_for(error),
            }
            for error in problem.errors
        ],
    }
    trouble = Trouble(ExitCode.REFUSED, f"{_of(problem)} refused:", details=details, facts=facts)
    return trouble


def _not_sent(problem: BadMetadata) -> Trouble:
    if len(problem.problems) == 1:
        return Trouble(ExitCode.USAGE, f"Nothing was sent: {problem.problems[0]}")
    return Trouble(ExitCode.USAGE, "Nothing was sent:", details=[(one, "") for one in problem.problems])


def _of(problem: RequestRefused | Fault) -> str:
    transaction = problem.transaction
    return f"The {transaction.actor} ({transaction.name} [{transaction.number}])"
