"""What the tests of every room share: fresh databases, one event loop, examples that stay the same."""

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from server.migrations import migrate
from tests.services import postgresql, radosgw
from tests.services.platform import OPEN_DOMAIN, Platform, running, running_apart

# A newcomer's first run, CI and a colleague's run try the same examples, however slow the machine is.
# `pytest --hypothesis-profile=default` looks for new ones.
hypothesis.settings.register_profile("same everywhere", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same everywhere")

# What is wrong with these messages is found before anything is asked of a database.
NEVER_REACH_A_DATABASE = {
    "test_attacks",
    "test_back_pressure",
    "test_bad_envelopes",
    "test_bad_mime",
    "test_large_documents",
}

_SERVICES = pytest.StashKey[Path]()
_OBJECT_STORE = pytest.StashKey[Path]()
_SESSION_FOLDERS = {"postgresql_folder": (_SERVICES, postgresql), "radosgw_folder": (_OBJECT_STORE, radosgw)}


def pytest_configure(config: pytest.Config) -> None:
    """Lend the session's folders for its servers, in the process that the workers answer to."""
    for name, (key, service) in _SESSION_FOLDERS.items():
        shared = getattr(config, "workerinput", {}).get(name)
        if shared is None:
            until_the_end = ExitStack()
            shared = until_the_end.enter_context(service.session_folder())
            config.add_cleanup(until_the_end.close)
        config.stash[key] = Path(shared)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell each xdist worker where the session's servers are, or will be."""
    for name, (key, _) in _SESSION_FOLDERS.items():
        node.workerinput[name] = str(node.config.stash[key])


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture
def postgresql_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Lend a fresh PostgreSQL database; without a server the test fails, it is not skipped."""
    with postgresql.fresh_database(pytestconfig.stash[_SERVICES]) as url:
        yield url


@pytest.fixture(scope="session")
def object_store(pytestconfig: pytest.Config) -> radosgw.ObjectStore:
    """Lend the session's S3 service; without one the test fails, it is not skipped."""
    return radosgw.running(pytestconfig.stash[_OBJECT_STORE])


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Name a fresh SQLite database."""
    return f"sqlite:///{tmp_path}/coffre.sqlite"


@pytest.fixture
def migrated_postgresql_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Lend a fresh PostgreSQL database with our tables."""
    with postgresql.fresh_database(pytestconfig.stash[_SERVICES], migrated=True) as url:
        yield url


@pytest.fixture(scope="module")
def postgresql_url_of_module(pytestconfig: pytest.Config) -> Iterator[str]:
    """Lend a PostgreSQL database with our tables to all tests of a module."""
    with postgresql.fresh_database(pytestconfig.stash[_SERVICES], migrated=True) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate one file, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "coffre.sqlite"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def migrated_sqlite_url(sqlite_url: str, migrated_sqlite_file: Path) -> str:
    """Lend a fresh SQLite database with our tables."""
    shutil.copyfile(migrated_sqlite_file, sqlite_url.removeprefix("sqlite:///"))
    return sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_database_url(request: pytest.FixtureRequest) -> str:
    """Lend a fresh database of each kind with our tables, one after the other."""
    url: str = request.getfixturevalue(f"migrated_{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Lend a fresh database of each kind that Coffre runs on, one after the other."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every rule of a journey on both databases, but where a request never gets as far as one."""
    if "platform" in metafunc.fixturenames:
        journey = metafunc.definition.path.parent.name == "journeys"
        both = journey and metafunc.definition.path.stem not in NEVER_REACH_A_DATABASE
        databases = ["sqlite", "postgresql"] if both else ["sqlite"]
        metafunc.parametrize("platform", databases, indirect=True, scope="session")


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Lend the one server that all tests of this process share: each brings its own patients."""
    with ExitStack() as stack:
        environment = {}
        if request.param == "postgresql":
            folder = request.config.stash[_SERVICES]
            url = stack.enter_context(postgresql.fresh_database(folder, migrated=True))
            environment["COFFRE_DATABASE_URL"] = url
        directory = tmp_path_factory.mktemp("platform")
        yield stack.enter_context(running(directory, environment=environment))


@pytest.fixture
def fresh_platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Start a server of one's own: `fresh_platform(apart=True)` is one process for each actor."""
    with ExitStack() as stack:

        def start(
            *,
            apart: bool = False,
            toml: str = OPEN_DOMAIN,
            database_url: str = "",
            name: str = "platform",
            tls: ssl.SSLContext | None = None,
        ) -> Platform:
            environment = {"COFFRE_DATABASE_URL": database_url} if database_url else {}
            begin = running_apart if apart else running
            return stack.enter_context(begin(tmp_path / name, toml=toml, environment=environment, tls=tls))

        yield start
