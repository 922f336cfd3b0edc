"""What documents cost the server in memory, over the wire and with encryption on (`make bench-memory`).

Each row starts a server of its own, sends it a small document first, and then notes by how much the most
resident memory that it ever had grows. Nothing of the documents stays in the memory of this program either.
"""

import argparse
import hashlib
import http.client
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.messages.requests import ITI_41, ITI_43, SUCCESS, Submission, provide, retrieve, submission
from tests.services.platform import Platform, running
from tests.wire import MTOM_TYPE, envelope, include, mtom, multipart, post, root_part

MEGABYTE = 1024 * 1024
GIGABYTE = 1024 * MEGABYTE

# Of the size of the pieces in which a peer writes and reads.
PIECE_BYTES = MEGABYTE
# Without a period that a buffer's size could hide.
BLOCK = hashlib.shake_128(b"a large document").digest(PIECE_BYTES + 7)

ANSWER_TIMEOUT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Load:
    """So many requests at once, each with so many documents of one size; and what they may cost."""

    name: str
    requests: int
    documents: int
    size_bytes: int
    limit_bytes: int

    @property
    def all_bytes(self) -> int:
        """What goes in, and comes out."""
        return self.requests * self.documents * self.size_bytes


LOADS = (
    Load("1 document of 2 GB", 1, 1, 2 * GIGABYTE, 64 * MEGABYTE),
    Load("50 documents of 100 MB in one request", 1, 50, 100 * MEGABYTE, 64 * MEGABYTE),
    Load("8 documents of 2 GB at once", 8, 1, 2 * GIGABYTE, 128 * MEGABYTE),
)


def main() -> int:
    """Measure every load; 1 if one of them costs more than it may."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, help="where the documents go, emptied after each load")
    directory = arguments.parse_args().directory
    print(f"{'load':40} {'way':4} {'growth':>8} {'limit':>8} {'time':>7} {'rate':>9}")
    within = [measured(load, directory) for load in LOADS]
    return 0 if all(within) else 1


def measured(load: Load, directory: Path | None) -> bool:
    """Print what a load costs on its way in and on its way out; whether both are within its limit."""
    place = Path(tempfile.mkdtemp(prefix="coffre-bench-", dir=directory))
    try:
        with running(place) as platform:
            warm_up(platform)
            sent = [submission(platform.add_patient(), load.documents) for _ in range(load.requests)]
            within = [
                timed(load, way, work, platform, sent) for way, work in (("in", put_in), ("out", take_out))
            ]
            return all(within)
    finally:
        shutil.rmtree(place)


def warm_up(platform: Platform) -> None:
    """What is loaded with the first request is no memory of its documents."""
    small = submission(platform.add_patient())
    if platform.provide(small, b"small").status_urn != SUCCESS:
        raise SystemExit("the server does not take a small document")
    platform.retrieve(small.unique_id)


def timed(
    load: Load,
    way: str,
    work: Callable[[Platform, Submission, int], str],
    platform: Platform,
    sent: Sequence[Submission],
) -> bool:
    """Do it for all submissions at once, and print by how much the peak of the server's memory grew."""
    Path(f"/proc/{platform.process.pid}/clear_refs").write_text("5")
    before, began = platform.peak_memory_bytes, time.monotonic()
    with ThreadPoolExecutor(load.requests) as peers:
        for problem in peers.map(lambda one: work(platform, one, load.size_bytes), sent):
            if problem:
                raise SystemExit(f"{load.name}: {problem}")
    seconds = time.monotonic() - began
    growth = platform.peak_memory_bytes - before
    print(
        f"{load.name:40} {way:4} {growth / MEGABYTE:5.1f} MB {load.limit_bytes // MEGABYTE:5} MB "
        f"{seconds:5.1f} s {load.all_bytes / MEGABYTE / seconds:4.0f} MB/s",
        flush=True,
    )
    return growth <= load.limit_bytes


def put_in(platform: Platform, sent: Submission, size_bytes: int) -> str:
    """Provide the documents of a submission; what is wrong with the answer."""
    names = [f"part{number}@wire" for number, _ in enumerate(sent.unique_ids, 1)]
    documents = ((f"Document{number}", include(name)) for number, name in enumerate(names, 1))
    message = mtom(
        envelope(ITI_41, provide(sent.submit_objects_request, *documents)),
        *((name, "text/plain", f"HERE{name}".encode()) for name in names),
    )

    def body() -> Iterator[bytes]:
        rest = message
        for name in names:
            head, _, rest = rest.partition(f"HERE{name}".encode())
            yield head
            yield from content(size_bytes)
        yield rest

    answer = post(platform.repository_url, body(), MTOM_TYPE)
    return "" if answer.status_urn == SUCCESS else f"refused: {answer.errors}"


def take_out(platform: Platform, sent: Submission, size_bytes: int) -> str:
    """Retrieve the documents of a submission; what is wrong with them."""
    parts = urlsplit(platform.repository_url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_TIMEOUT_SECONDS)
    request = multipart(root_part(envelope(ITI_43, retrieve(*sent.unique_ids))))
    connection.request("POST", parts.path, request, {"Content-Type": MTOM_TYPE})
    response = connection.getresponse()
    skip_headers(response)
    for number, _ in enumerate(sent.unique_ids, 1):
        skip_headers(response)
        for piece in content(size_bytes):
            if response.read(len(piece)) != piece:
                return f"document {number} is not what it was"
        response.read(len(b"\r\n"))
    closing = response.read()
    connection.close()
    return "" if closing.startswith(b"--") and closing.endswith(b"--\r\n") else "the answer has no end"


def skip_headers(response: http.client.HTTPResponse) -> None:
    """Read past whatever stands before the next document, to the empty line after its headers."""
    while response.readline() != b"\r\n":
        pass


def content(size_bytes: int) -> Iterator[bytes]:
    """A document of this size in pieces."""
    sent = 0
    while sent < size_bytes:
        piece = BLOCK[: size_bytes - sent]
        yield piece
        sent += len(piece)


if __name__ == "__main__":
    sys.exit(main())
