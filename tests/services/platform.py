"""A running Coffre for tests: the real command, its own process, a free port, a fresh directory."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.messages import requests
from tests.services.ports import free_port
from tests.wire import MTOM_TYPE, HttpAnswer, envelope, get, include, mtom, post

ROOT = Path(__file__).parents[2]

# On an idle machine it takes two seconds, on one that runs everything else at once many times that.
START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 60

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
    """A running server, and the conversations that most tests begin with."""

    directory: Path
    url: str
    process: subprocess.Popen[bytes] = field(repr=False)
    # Where the registry runs in a process of its own, that one.
    registry: "Platform | None" = None
    # What a command beside this server needs in its environment to find the same database.
    environment: Mapping[str, str] = field(default_factory=dict)
    # Whom to trust, and as whom to speak, where it speaks TLS.
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def registry_url(self) -> str:
        return self.registry.registry_url if self.registry else f"{self.url}/registry"

    @property
    def repository_url(self) -> str:
        return f"{self.url}/repository"

    @property
    def log(self) -> str:
        return (self.directory / "server.log").read_text()

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the server now."""
        return self._memory("VmRSS")

    @property
    def peak_memory_bytes(self) -> int:
        """The most resident memory that the server ever had."""
        return self._memory("VmHWM")

    def _memory(self, row: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith(f"{row}:"))
        return int(kilobytes) * 1024

    @property
    def stored_files(self) -> set[Path]:
        """Every file that holds, or is about to hold, a document."""
        files = (path for path in (self.directory / "documents").rglob("*") if path.is_file())
        return {path for path in files if path.name != "lock"}

    @property
    def audit_spools(self) -> list[Path]:
        """The directories with the audit records of every process."""
        return [one.directory / "audit" for one in (self.registry, self) if one]

    def add_patient(self) -> str:
        """Make a new patient known by ITI-44, and give its id."""
        patient_id = requests.fresh_patient_id()
        answer = post(
            self.registry_url, envelope(requests.ITI_44, requests.patient_added(patient_id)), tls=self.tls
        )
        assert [one.get("code") for one in answer.found("typeCode")] == ["CA"], answer.body
        return patient_id

    def query(self, body: str) -> HttpAnswer:
        """ITI-18 in plain SOAP."""
        return post(self.registry_url, envelope(requests.ITI_18, body), tls=self.tls)

    def ask(
        self, query: str, *slots: tuple[str, str] | tuple[str, str, str], return_type: str = "LeafClass"
    ) -> HttpAnswer:
        """ITI-18, or ITI-51 if that is where the query of this name belongs."""
        action = requests.ITI_51 if query.endswith("ForMultiplePatients") else requests.ITI_18
        body = requests.stored_query(requests.STORED_QUERIES[query], *slots, return_type=return_type)
        return post(self.registry_url, envelope(action, body))

    def register(self, body: str, action: str = requests.ITI_42) -> HttpAnswer:
        """ITI-42 in plain SOAP, or another transaction that submits to the registry."""
        return post(self.registry_url, envelope(action, body), tls=self.tls)

    def provide(self, submission: requests.Submission, *documents: bytes) -> HttpAnswer:
        """ITI-41 with one MIME part for each document, in order."""
        parts = [(f"part{number}@wire", "text/plain", one) for number, one in enumerate(documents, 1)]
        includes = [(f"Document{n}", include(one[0])) for n, one in enumerate(parts, 1)]
        body = requests.provide(submission.submit_objects_request, *includes)
        return post(
            self.repository_url, mtom(envelope(requests.ITI_41, body), *parts), MTOM_TYPE, tls=self.tls
        )

    def retrieve(self, *unique_ids: str) -> HttpAnswer:
        """ITI-43 as MTOM."""
        message = mtom(envelope(requests.ITI_43, requests.retrieve(*unique_ids)))
        return post(self.repository_url, message, MTOM_TYPE, tls=self.tls)

    def documents_of(self, patient_id: str) -> list[str]:
        """The uniqueIds of the patient's documents, of any status."""
        statuses = f"{requests.APPROVED}','{requests.DEPRECATED}"
        answer = self.query(requests.find_documents(patient_id, status=statuses))
        assert answer.status_urn == requests.SUCCESS, answer.body
        return [
            str(one.get("value"))
            for one in answer.found("ExternalIdentifier")
            if one.get("identificationScheme") == "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
        ]

    def kill(self) -> None:
        """SIGKILL for all its processes at once, as the power company does it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def storing_nothing(platform: Platform, *patient_ids: str) -> Iterator[None]:
    """Whatever is sent inside leaves no document, no metadata of these patients, and a server that works."""
    before = platform.stored_files
    known = [platform.documents_of(one) for one in patient_ids]
    yield
    assert platform.stored_files == before
    assert [platform.documents_of(one) for one in patient_ids] == known
    assert get(f"{platform.url}/readyz").status == 200


@contextmanager
def running(
    directory: Path,
    *,
    actors: str = "all",
    toml: str = OPEN_DOMAIN,
    environment: Mapping[str, str] | None = None,
    until: int = 200,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Platform]:
    """Start `coffre serve`, wait until it is ready or says that it is not, and end it by SIGTERM."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "coffre.toml"
    configuration.write_text(toml)
    port = free_port()
    command = [sys.executable, "-m", "server.command_line", "serve", *(() if actors == "all" else (actors,))]
    command += ["--config", str(configuration), "--port", str(port)]
    with ExitStack() as stack:
        log = stack.enter_context((directory / "server.log").open("ab"))
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
            process_group=0,
        )
        stack.callback(_stop, process)
        url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        platform = Platform(directory, url, process, environment=dict(environment or {}), tls=tls)
        _wait_until_it_answers(platform, until)
        yield platform


@contextmanager
def running_apart(
    directory: Path,
    *,
    toml: str = OPEN_DOMAIN,
    environment: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Platform]:
    """Start the registry and the repository as two processes, joined by ITI-42 over HTTP."""
    environment = environment or {}
    with running(
        directory / "registry", actors="registry", toml=toml, environment=environment, tls=tls
    ) as registry:
        environment = {**environment, "COFFRE_REGISTRY_URL": registry.registry_url}
        with running(
            directory / "repository", actors="repository", toml=toml, environment=environment, tls=tls
        ) as repository:
            repository.registry = registry
            yield repository


def _wait_until_it_answers(platform: Platform, status: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if platform.process.poll() is not None:
            break
        try:
            if get(f"{platform.url}/readyz", platform.tls).status == status:
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the server did not become ready:\n{platform.log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
