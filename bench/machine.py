"""What processes cost: the processor time and the memory of a process and all that it has started."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid: int) -> float:
    """The processor time that this process and all below it have taken."""
    return sum(map(_own_seconds, family(pid)))


def memory_bytes(pid: int) -> list[int]:
    """The resident memory of this process and of each below it."""
    return [_PAGE_BYTES * int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family(pid)]


def family(pid: int) -> list[int]:
    """A process and all below it that live."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [pid, *(one for child in children for one in family(child))]


def _own_seconds(pid: int) -> float:
    # Behind the name, which may hold anything: user and system time are the 12th and 13th.
    columns = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(columns[11]) + int(columns[12])) / _TICKS
