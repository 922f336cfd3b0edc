"""`make flush-check`: watched by strace, a server answers only after all that it wrote is on the disk.

What SIGKILL cannot show, the loss of power would: a file that was written and not flushed, and a name in
a folder that was not.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.messages.requests import SUCCESS, submission
from tests.services.platform import Platform, running

CALLS = "fsync,fdatasync,write,pwrite64,writev,pwritev,link,rename,sendto,sendmsg"
ATTACHED_SECONDS = 30.0

# As `strace -y` writes it: the number of the thread, the call, its first argument with its path, the rest.
_CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?:\d+<(?P<path>[^>]*)>)?(?P<rest>.*)")
_NAMES = re.compile(r'"(?P<old>[^"]*)", "(?P<new>[^"]*)"\) = 0')
_ANSWER = "HTTP/1.1 200"

# What may be lost: the log, how far records were delivered, and the second name of a document that is not
# yet recorded; its first name is flushed, and by that it is found.
_NOT_KEPT = re.compile(r"server\.log$|\.cursor(-new)?$|-shm$|/staging/[0-9a-f]+$")


def main() -> int:
    """Submit a document, and say what was not flushed when the answer left."""
    with tempfile.TemporaryDirectory(prefix="coffre-flushes-") as folder:
        directory = Path(folder)
        with running(directory) as platform:
            patient_id = platform.add_patient()
            trace = directory / "trace"
            with _watched(platform, trace):
                sent = submission(patient_id)
                if platform.provide(sent, bytes(3_000_000)).status_urn != SUCCESS:
                    raise SystemExit("the document was not taken")
            lines = trace.read_text(errors="replace").splitlines()
        flushed, left = unflushed(lines, str(directory))
    for path in flushed:
        print(f"flushed before the answer: {path}")
    for path in left:
        print(f"NOT flushed before the answer: {path}")
    return 1 if left or not flushed else 0


def unflushed(lines: Iterable[str], directory: str) -> tuple[list[str], list[str]]:
    """Of what was written in the directory before the answer: what was flushed in time, and what was not."""
    waiting: dict[str, None] = {}
    flushed: dict[str, None] = {}
    for line in lines:
        call = _CALL.match(line)
        if not call:
            continue
        if _ANSWER in line:
            return list(flushed), list(waiting)
        for path in _written(call, directory):
            waiting[path] = None
            flushed.pop(path, None)
        if call["name"] in ("fsync", "fdatasync") and call["path"] in waiting:
            del waiting[call["path"]]
            flushed[call["path"]] = None
    raise SystemExit("no answer was seen")


def _written(call: re.Match[str], directory: str) -> Iterator[str]:
    names = _NAMES.search(call["rest"]) if call["name"] in ("link", "rename") else None
    if names:
        paths = [str(Path(names["new"]).parent)]
    elif "write" in call["name"] and call["path"]:
        paths = [call["path"]]
    else:
        paths = []
    for path in paths:
        if path.startswith(directory) and not _NOT_KEPT.search(path):
            yield path


@contextmanager
def _watched(platform: Platform, trace: Path) -> Iterator[None]:
    """Let strace write down the server's calls."""
    command = ["strace", "-f", "-y", "-s", "32", "-e", f"trace={CALLS}", "-o", str(trace)]
    watching = subprocess.Popen(
        [*command, "-p", str(platform.process.pid)], stderr=subprocess.PIPE, text=True
    )
    assert watching.stderr
    for line in watching.stderr:
        if "attached" in line:
            break
    yield
    watching.terminate()
    watching.communicate(timeout=ATTACHED_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
