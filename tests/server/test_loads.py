"""Several processes share what comes to one port."""

import os
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from server.loads import Loads
from tests.services.platform import OPEN_DOMAIN, running

CONNECTIONS = 40


def test_each_process_has_a_fair_part_of_the_connections(tmp_path):
    """docs/operating.md; exactly the same is not promised, but none serves alone."""
    with running(tmp_path, toml=f"{OPEN_DOMAIN}\n[server]\nworkers = 2\n") as platform, ExitStack() as stack:
        while platform.log.count("listening at http") < 2:
            time.sleep(0.05)
        port = int(platform.url.rpartition(":")[2])
        for _ in range(CONNECTIONS):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert peer.recv(1000).startswith(b"HTTP/1.1 200")
        held = [number for number in connections_by_process(platform.process.pid, port) if number]
        assert sum(held) == CONNECTIONS
        assert len(held) == 2
        assert min(held) >= CONNECTIONS // 5


def connections_by_process(pid: int, port: int) -> list[int]:
    """How many connections at this port each process below has, as the system sees it."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [len(ours & {inode(link) for link in Path(f"/proc/{one}/fd").iterdir()}) for one in children]


def inode(link: Path) -> str:
    """Of a socket; anything else has none."""
    try:
        return os.readlink(link).removeprefix("socket:[").removesuffix("]")
    except FileNotFoundError:
        return ""


def test_who_takes_the_place_of_a_process_that_is_gone_begins_anew():
    loads = Loads(2)
    loads._pids[0], loads._connections[0] = 2**22 + 1, 7  # no process has so high a number
    loads.enter()
    ahead = [loads.is_ahead]
    loads.have_one_more()
    ahead.append(loads.is_ahead)
    loads.have(0)
    assert [*ahead, loads.is_ahead] == [False, True, False]
