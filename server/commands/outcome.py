"""How a command ends: its exit status, and what it says when it failed."""

import json
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any


class ExitCode(IntEnum):
    """What a script learns from a command; the words stand in `coffre --help`."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    CONFIGURATION = 4
    DAMAGED = 5
    FILE = 6
    INTERNAL = 70
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.REFUSED: "a server refused, in part or in whole: the IHE codes are shown, each with a remedy",
    ExitCode.USAGE: "the command line or the metadata need a correction; nothing was sent",
    ExitCode.UNREACHABLE: "a server cannot be reached, or what answers is none",
    ExitCode.CONFIGURATION: "the configuration, a code set or the database was not accepted",
    ExitCode.DAMAGED: "a document is not the one that was registered, or audit records are not those stored",
    ExitCode.FILE: "a local file cannot be read or written, or is there already (see --force)",
    ExitCode.INTERNAL: "a fault of coffre itself; please report it",
    ExitCode.INTERRUPTED: "interrupted",
}


class Trouble(Exception):
    """Why a command ends without having done its work, in words for a person.

    `details` are the things that are wrong, each with what to do about it; `facts` say it to programs.
    """

    def __init__(
        self,
        code: ExitCode,
        message: str,
        remedy: str = "",
        details: Sequence[tuple[str, str]] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.details = tuple(details)
        self.facts = dict(facts or {})


def show_trouble(trouble: Trouble, as_json: bool) -> None:
    """Tell a person on stderr, or a program by the one JSON document on stdout."""
    if as_json:
        error = {"exit_code": int(trouble.code), "message": trouble.message, "remedy": trouble.remedy}
        problems = [{"problem": problem, "remedy": remedy} for problem, remedy in trouble.details]
        write_json({"error": error | ({"problems": problems} if problems else {}) | trouble.facts})
        return
    for line in _lines(trouble):
        print(harmless(line), file=sys.stderr)


def harmless(text: str) -> str:
    """Text of a peer without control characters, which could rewrite what a terminal shows."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def write_json(content: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def trouble_of(problem: Exception) -> Trouble:
    """What to say of an exception that no command has caught."""
    if isinstance(problem, Trouble):
        return problem
    from client.errors import ClientError
    from database import DatabaseError
    from server.commands.refusals import trouble_with_server
    from server.toml_file import BadFile

    match problem:
        case ClientError():
            return trouble_with_server(problem)
        case BadFile():
            wrong = tuple((str(one), "") for one in problem.problems)
            return Trouble(ExitCode.CONFIGURATION, "This was not accepted:", details=wrong)
        case DatabaseError():
            cause = str(problem.__cause__ or problem).strip().partition("\n")[0]
            remedy = "See [database] url in coffre.toml, or COFFRE_DATABASE_URL."
            return Trouble(ExitCode.CONFIGURATION, f"The database cannot be used: {cause}", remedy)
        case OSError() if problem.filename and problem.strerror:
            return Trouble(ExitCode.FILE, f"{problem.filename}: {problem.strerror}")
        case _:
            return _fault_of_ours(problem)


# The folder of all rooms. A virtual environment may lie in it, under a name that begins with a dot.
_OURS = Path(__file__).parents[2]


def _lines(trouble: Trouble) -> Iterable[str]:
    yield f"coffre: {trouble.message}"
    for problem, remedy in trouble.details:
        yield f"  - {problem}"
        if remedy:
            yield f"    Remedy: {remedy}"
    if trouble.remedy:
        yield f"Remedy: {trouble.remedy}"


def _fault_of_ours(problem: Exception) -> Trouble:
    # The place and no more: a trace, or the text of an exception, may hold a patient's data.
    ours = [
        frame
        for frame in traceback.extract_tb(problem.__traceback__)
        if _OURS in Path(frame.filename).parents
    ]
    places = (f"{Path(frame.filename).relative_to(_OURS)}:{frame.lineno}" for frame in reversed(ours))
    where = next((place for place in places if not place.startswith(".")), "an unknown place")
    return Trouble(
        ExitCode.INTERNAL,
        f"Something went wrong inside coffre ({type(problem).__name__} at {where}).",
        "Please report this line with the command and `coffre version`; it holds no patient data.",
    )
