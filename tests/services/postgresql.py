"""A real PostgreSQL server for the tests of one session, and a fresh database for each test that asks.

The process that runs the session makes a folder with a FIFO and keeps the FIFO open. Whichever test process
needs the server first starts it there; the other workers find it running. A guardian beside the server reads
the FIFO: when the session ends, in whatever way, it reads the end, stops the server and removes the folder.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql

from server.migrations import migrate
from tests.services.ports import free_port

ROOT = Path(__file__).parents[2]
# initdb and the first start take two seconds; a machine busy with all other tests takes many times that.
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 15.0
# Two workers, each with a server under test that keeps a pool for each of its processes.
MAX_CONNECTIONS = 200
# The server's own files, and some databases at a time.
SPACE_BYTES = 2 * 1024**3

# Lost at the end anyway: nothing waits for the disk, and no connection is waited for.
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "timezone": "UTC",
}
_GUARDIAN = """
cd "$1"
shift
{
    "$@" &
    server=$!
    cat session >/dev/null
    kill -QUIT $server
    wait $server
    rm -rf "$PWD"
} >server.log 2>&1 &
"""


@contextmanager
def session_folder() -> Iterator[Path]:
    """Hold the folder in which the processes of this session share one server, until the session ends."""
    # Not pytest's folder: the server's user may not enter that, and a socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="coffre-postgresql-", dir=_quickest_place()))
    os.mkfifo(folder / "session", 0o600)
    # For reading too, or opening would wait for a reader. The system closes it however this process ends.
    session = os.open(folder / "session", os.O_RDWR)
    try:
        yield folder
    finally:
        os.close(session)
        if (folder / "guarded").exists():
            _wait_until_gone(folder)
        else:
            shutil.rmtree(folder)


def server_url(folder: Path) -> str:
    """Start the session's server unless another process has, and return the URL of its first database."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "started").exists():
            _start(folder)
            (folder / "started").touch()
    return _url(folder, "postgres")


@contextmanager
def fresh_database(folder: Path, *, migrated: bool = False) -> Iterator[str]:
    """Lend a new database by its URL, empty or with our tables; drop it whoever still holds a connection."""
    name = f"test_{uuid.uuid4().hex}"
    identifier = sql.Identifier(name)
    server = server_url(folder)
    template = sql.Identifier(_migrated_template(folder) if migrated else "template1")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, template))
        try:
            yield _url(folder, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def copy_database(url: str, to_url: str) -> None:
    """Copy a database that is in use into an empty one, as an operator does."""
    programs = _programs()
    with tempfile.TemporaryFile() as dump:
        subprocess.run([str(programs / "pg_dump"), "--dbname", url], stdout=dump, check=True)
        dump.seek(0)
        restore = [str(programs / "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", to_url]
        subprocess.run(restore, stdin=dump, stdout=subprocess.DEVNULL, check=True)


@dataclass
class Cluster:
    """A server of one test's own, which can die at any moment and be started again; it listens on TCP too."""

    folder: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its database, as from another machine."""
        return f"postgresql://coffre@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, again and again as long as the last one's processes still hold its memory."""
        programs = _programs()
        command = [str(programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        own = {"listen_addresses": "127.0.0.1", "port": str(self.port)}
        for name, value in {**_SETTINGS, **self.settings, **own}.items():
            command += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            with (self.folder / "server.log").open("ab") as log:
                self.process = subprocess.Popen(
                    command, stdout=log, stderr=log, cwd="/", **_identity(_unprivileged_user())
                )
            while self.process.poll() is None:
                try:
                    psycopg.connect(self.url).close()
                    return
                except psycopg.OperationalError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{(self.folder / 'server.log').read_text()}")

    def kill(self) -> None:
        """SIGKILL for the server and each of its processes."""
        if self.process:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            self.process.kill()
            for child in map(int, children):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextmanager
def own_cluster(place: str = "", settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Cluster]:
    """A started cluster, killed and removed at the end; its place is a folder that its user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="coffre-cluster-", dir=place or _quickest_place()))
    cluster = Cluster(folder, free_port(), settings)
    try:
        _initialize(folder)
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
        shutil.rmtree(folder)


def program(name: str) -> Path:
    """Where a program that comes with the server is."""
    return _programs() / name


def _migrated_template(folder: Path) -> str:
    """Migrate one database for the session unless another process has; copies of it are quick."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "migrated").exists():
            with psycopg.connect(_url(folder, "postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE migrated")
            migrate(_url(folder, "migrated"))
            (folder / "migrated").touch()
    return "migrated"


def _quickest_place() -> str:
    """Memory where there is room for it: on a busy disk a new database takes ten times as long."""
    memory = Path("/dev/shm")  # noqa: S108  # mkdtemp makes a folder of its own there
    # In a bare chroot it is a plain folder of root's, in which the server's user could not end its own.
    roomy = memory.is_mount() and shutil.disk_usage(memory).free > SPACE_BYTES
    return str(memory) if roomy else "/tmp"  # noqa: S108


def _url(folder: Path, database: str) -> str:
    return f"postgresql://coffre@/{database}?host={folder}"


def _start(folder: Path) -> None:
    user = _unprivileged_user()
    if user is not None:
        shutil.chown(folder / "session", user.pw_uid)
    _initialize(folder)
    server = [str(_programs() / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
    for name, value in _SETTINGS.items():
        server += ["-c", f"{name}={value}"]
    _run(["/bin/sh", "-c", _GUARDIAN, "guardian", str(folder), *server], user)
    (folder / "guarded").touch()
    _wait_until_it_answers(folder)


def _programs() -> Path:
    return Path(_run([str(ROOT / "setup" / "postgresql")]).strip())


def _initialize(folder: Path) -> None:
    user = _unprivileged_user()
    if user is not None:
        shutil.chown(folder, user.pw_uid)
    initdb = [str(_programs() / "initdb"), "--pgdata", str(folder / "data"), "--username", "coffre"]
    # Whoever may enter the folder, which is its owner alone, may connect; over TCP, whoever is here.
    initdb += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
    _run(initdb, user)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres", users["nobody"])


def _identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _run(command: list[str], user: pwd.struct_passwd | None = None) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        **_identity(user),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,  # Ctrl-C is for pytest; the guardian learns of it by the FIFO
        text=True,
        timeout=START_TIMEOUT_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


def _wait_until_it_answers(folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            psycopg.connect(_url(folder, "postgres")).close()
            return
        except psycopg.OperationalError as problem:
            if time.monotonic() > deadline:
                log = (folder / "server.log").read_text()
                raise RuntimeError(f"PostgreSQL does not answer: {problem}\n{log}") from problem
            time.sleep(0.05)


def _wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while folder.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL in {folder} does not stop")
        time.sleep(0.02)
