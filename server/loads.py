"""How several processes that accept on one socket come to have about as many connections each."""

import os
from multiprocessing import get_context


class Loads:
    """The number of connections of each process, in memory that all of them see.

    Without it whoever wakes first takes all that has come meanwhile, and keeps it as long as its peers do.
    """

    def __init__(self, processes: int) -> None:
        context = get_context("spawn")
        self._pids = context.Array("q", processes)
        self._connections = context.Array("q", processes)
        self._mine = -1

    def enter(self) -> None:
        """Take the place of nobody, or of a process that is gone."""
        with self._pids.get_lock():
            pids: list[int] = self._pids[:]
            self._mine = next(place for place, pid in enumerate(pids) if pid == 0 or not _lives(pid))
            self._pids[self._mine] = os.getpid()
        self.have(0)

    def have(self, connections: int) -> None:
        """Say how many this process has now."""
        self._connections[self._mine] = connections

    def have_one_more(self) -> None:
        """Say so at once: those that have been accepted are not yet connections."""
        self.have(self._connections[self._mine] + 1)

    @property
    def is_ahead(self) -> bool:
        """Whether another process has fewer."""
        connections: list[int] = self._connections[:]
        return connections[self._mine] > min(connections)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
