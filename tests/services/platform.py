"""A running Coffre for tests: the real command, its own process, a free port, a fresh directory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.wire import get

START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 20

# A domain in which nothing but the patient's authority is agreed on: tests choose their own codes.
OPEN_DOMAIN = """
[domain]
codes = ""
assigning_authorities = [{ oid = "2.999.5", name = "test" }]

[repository]
unique_id = "2.999.2.1"
"""


@dataclass
class Platform:
    """One server process, and where to reach it."""

    directory: Path
    url: str
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def registry_url(self) -> str:
        return f"{self.url}/registry"

    @property
    def repository_url(self) -> str:
        return f"{self.url}/repository"

    @property
    def log(self) -> str:
        return (self.directory / "server.log").read_text()

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the server now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(kilobytes) * 1024

    def kill(self) -> None:
        """SIGKILL, as the power company does it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(
    directory: Path,
    *,
    actors: str = "all",
    toml: str = OPEN_DOMAIN,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Platform]:
    """Start `coffre serve` and end it by SIGTERM, which it must obey."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "coffre.toml"
    configuration.write_text(toml)
    port = free_port()
    command = [sys.executable, "-m", "server.command_line", "serve", *(() if actors == "all" else (actors,))]
    command += ["--config", str(configuration), "--port", str(port)]
    with ExitStack() as stack:
        log = stack.enter_context((directory / "server.log").open("ab"))
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        stack.callback(_stop, process)
        platform = Platform(directory, f"http://127.0.0.1:{port}", process)
        _wait_until_ready(platform)
        yield platform


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(platform: Platform) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if platform.process.poll() is not None:
            break
        try:
            if get(f"{platform.url}/readyz").status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the server did not become ready:\n{platform.log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
