"""`make torture-audit`: kill a server and the audit repository it delivers to, cut the line between them.

Whatever happens, each answer that came has exactly one record in the server's own repository and exactly one
in the other; both logs verify.
"""

import argparse
import http.client
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.certificates import Authority, Identity
from tests.services.platform import OPEN_DOMAIN, ROOT, Platform, running
from tests.services.ports import free_port
from tests.services.relay import Relay

SENDER = "torture-clinic"
ASKERS = 4
# From before the first answer to after some dozens, with records on their way.
BLOW_AFTER_SECONDS = (0.1, 1.5)
CUT_SECONDS = (0.0, 1.0)
# A forwarder that was refused for a while tries again after some minutes at most.
DELIVERED_WITHIN_SECONDS = 400
# Of the server's log, where something is wrong.
LOG_CHARACTERS = 20_000
BLOWS = ("server", "repository", "line")


@dataclass
class Answers:
    """What clients were answered, by the patient that each request named."""

    patients: list[str] = field(default_factory=list)

    @contextmanager
    def gathered(self, platform: Platform) -> Iterator[None]:
        """Let clients ask until they are told to stop, or there is nobody to answer."""
        ended = threading.Event()

        def ask() -> None:
            with suppress(OSError, AssertionError, http.client.HTTPException):
                while not ended.is_set():
                    self.patients.append(platform.add_patient())

        askers = [threading.Thread(target=ask) for _ in range(ASKERS)]
        for one in askers:
            one.start()
        try:
            yield
        finally:
            ended.set()
            for one in askers:
                one.join()


@dataclass
class Side:
    """A process that is started again whenever it was killed."""

    directory: Path
    actors: str
    toml: str
    _stack: ExitStack = field(default_factory=ExitStack)
    _platform: Platform | None = None

    def up(self) -> Platform:
        """The living process."""
        if self._platform is None:
            life = running(self.directory, actors=self.actors, toml=self.toml)
            self._platform = self._stack.enter_context(life)
        return self._platform

    def kill(self) -> None:
        """As the power company does it."""
        self.up().kill()
        self.down()

    def down(self) -> None:
        """End it in order, if it lives."""
        self._stack.close()
        self._platform = None


def torture(directory: Path, choices: random.Random, blows: int) -> str:
    """Deal so many blows, and say in one line what was found; raises AssertionError if anything is wrong."""
    began = time.monotonic()
    authority, port = Authority(directory), free_port()
    ours, theirs = authority.issue("arr"), authority.issue("client")
    repository = Side(directory / "repository", "audit", _repository(port, authority, ours))
    relay = Relay(f"tls://127.0.0.1:{port}")
    server = Side(directory / "server", "all", _server(relay.port, authority, theirs))
    answers, dealt = Answers(), Counter[str]()
    try:
        for number in range(blows):
            repository.up()
            with answers.gathered(server.up()):
                time.sleep(choices.uniform(*BLOW_AFTER_SECONDS))
                # However few they are, there is one of each kind.
                blow = BLOWS[number % len(BLOWS)]
                dealt[blow] += 1
                if blow == "line":
                    relay.cut()
                    time.sleep(choices.uniform(*CUT_SECONDS))
                    relay.join()
                else:
                    (server if blow == "server" else repository).kill()
        repository.up()
        server.up()
        for side in (repository, server):
            wrong = _wrongly_recorded(side.up(), answers.patients)
            logs = "\n".join(one.up().log[-LOG_CHARACTERS:] for one in (repository, server))
            assert not wrong, f"of {len(answers.patients)} answers at {side.actors}: {wrong}\n{logs}"
            _audit(side.up(), "verify")
    finally:
        server.down()
        repository.down()
        relay.end()
    seconds = time.monotonic() - began
    return (
        f"{dict(dealt)}: {len(answers.patients)} answers, each recorded once on both sides, {seconds:.0f} s"
    )


def _wrongly_recorded(platform: Platform, patients: list[str]) -> dict[str, int]:
    """How many answers have none, or several records here."""
    deadline = time.monotonic() + DELIVERED_WITHIN_SECONDS
    while True:
        found = _audit(platform, "search", "--event", "ITI-44", "--sender", SENDER, "-n", "10000000")
        stored = Counter(patient for one in found for patient in one["patients"])
        if set(patients) <= set(stored) or time.monotonic() > deadline:
            break
        time.sleep(1)
    return Counter(f"{stored[patient]} records" for patient in patients if stored[patient] != 1)


def _audit(platform: Platform, *words: str) -> list[dict[str, list[str]]]:
    command = [sys.executable, "-m", "server.command_line", "audit", *words, "--json"]
    command += ["--config", str(platform.directory / "coffre.toml")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, env=dict(os.environ))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    answer: list[dict[str, list[str]]] = json.loads(ended.stdout)
    return answer


def _repository(port: int, authority: Authority, ours: Identity) -> str:
    return f"""{OPEN_DOMAIN}
[audit_repository]
tls_port = {port}
[tls]
plain = ["http"]
certificate = "{ours.certificate}"
key = "{ours.key}"
client_ca = "{authority.certificate}"
"""


def _server(port: int, authority: Authority, theirs: Identity) -> str:
    files = f'ca = "{authority.certificate}", certificate = "{theirs.certificate}", key = "{theirs.key}"'
    return f"""{OPEN_DOMAIN}
[audit]
source_id = "{SENDER}"
repositories = [{{ url = "tls://localhost:{port}", {files} }}]
"""


def main() -> int:
    """Run as asked, print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.audit", description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="how many blows")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    asked = parser.parse_args()
    print(f"audit, {asked.times} times, seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="coffre-torture-audit-") as directory:
        print(torture(Path(directory), random.Random(asked.seed), asked.times))
    return 0


if __name__ == "__main__":
    sys.exit(main())
