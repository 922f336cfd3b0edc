"""Where XML is parsed, so that names invented by a peer do not stay in memory.

lxml keeps one table of names per thread, fills it while parsing and frees it with the thread. A peer that
invents new names in each message would make the process grow without end (measured: 66 MB of such names left
100 MB behind). Messages in the names of our trade add nothing, and are parsed in place; once a thread has
learned enough, and for large messages, each parse gets a thread of its own, which takes its table with it.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from lxml import etree

# Starting a thread takes 0.1 ms: nothing beside a message of this size, and its names then need no watching.
MAX_IN_PLACE_BYTES = 65_536
# ebXML, HL7 V3 and SAML have about 1,500 names; peers add their own prefixes.
MAX_NAMES_LEARNED = 10_000
# Names are counted, not measured, by lxml: the messages that brought them bound their length.
MAX_BYTES_LEARNED_FROM = 4 * 1024 * 1024

T = TypeVar("T")


class _Learned(threading.local):
    size_bytes = 0


_learned = _Learned()


def run_where_names_may_stay(size_bytes: int, work: Callable[[], T]) -> T:
    """Do the work here while the table of names is small, else in a thread of its own."""
    before = names_held()
    if (
        size_bytes > MAX_IN_PLACE_BYTES
        or before > MAX_NAMES_LEARNED
        or _learned.size_bytes + size_bytes > MAX_BYTES_LEARNED_FROM
    ):
        return run_where_names_go(work)
    try:
        return work()
    finally:
        if names_held() > before:
            _learned.size_bytes += size_bytes


def run_where_names_go(work: Callable[[], T]) -> T:
    """Do the work in a thread that ends with it and takes its table of names along."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result()


def names_held() -> int:
    """Count the names that lxml keeps for this thread."""
    return int(etree.memory_debugger.dict_size())  # type: ignore[attr-defined]  # not in the type stubs
