"""What a server needs goes away under load and comes back; the server lives on and loses nothing."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.platform import Platform, running
from tests.services.postgresql import own_cluster
from tests.services.radosgw import ObjectStore
from tests.services.relay import relay_to
from tests.torture.clients import BROKEN_OFF, RECEIVER, Excuses
from tests.torture.load import Load, Summary
from tests.wire import get

# Every instant of a submission is met, and so are requests that begin and end in the dark.
BEGINS_AFTER_SECONDS = (0.0, 1.0)
# Most are over before anybody gives up waiting, some are not.
LASTS_SECONDS = (0.1, 0.5, 1.5, 8.0)
ROUNDS_OF_A_PATIENT = 5
ROUNDS_BETWEEN_SWEEPS = 10
# A pool waits longer after each connection that it could not make; the machine may be busy besides.
RECOVERY_SECONDS = 120.0

_SUBMISSIONS = ("ITI-41", "ITI-41 with RPLC")
_REGISTRY = frozenset({"XDSRegistryError", "XDSRegistryBusy"})
_REPOSITORY = frozenset({"XDSRepositoryError", "XDSRepositoryBusy"})
_NO_ANSWER = frozenset({"XDSRegistryNotAvailable"})
# Of a commit that was under way nobody knows the outcome: what was refused may have been done.
_NO_DATABASE = Excuses(
    {
        **dict.fromkeys(_SUBMISSIONS, _REGISTRY | _REPOSITORY | _NO_ANSWER),
        **dict.fromkeys(("ITI-42", "ITI-57", "ITI-62"), _REGISTRY | {RECEIVER}),
        "ITI-43": _REPOSITORY,
        "ITI-86": _REPOSITORY | {"XDSRemoveDocumentsError"},
    },
    uncertain=True,
)
# The registry may have heard of it before the line was cut.
_NO_REGISTRY = Excuses(dict.fromkeys(_SUBMISSIONS, _NO_ANSWER), uncertain=True)
# What could not be stored is not registered; whatever needs no document goes on.
_NOT_STORED = frozenset({"XDSRepositoryError"})
_NO_STORE = Excuses({**dict.fromkeys(_SUBMISSIONS, _NOT_STORED), "ITI-43": _NOT_STORED | {BROKEN_OFF}})


@dataclass(frozen=True)
class Outage:
    """How something goes away, how it comes back, and what may be answered meanwhile."""

    begin: Callable[[], object]
    end: Callable[[], object]
    excuses: Excuses


@contextmanager
def dying_database(directory: Path) -> Iterator[tuple[Platform, Outage]]:
    """PostgreSQL is killed with all its processes."""
    with (
        own_cluster() as cluster,
        running(directory, environment={"COFFRE_DATABASE_URL": cluster.url}) as platform,
    ):
        yield platform, Outage(cluster.kill, cluster.start, _NO_DATABASE)


@contextmanager
def cut_database(directory: Path) -> Iterator[tuple[Platform, Outage]]:
    """The line to PostgreSQL is cut."""
    with own_cluster() as cluster, relay_to(cluster.url) as relay:
        url = cluster.url.replace(f":{cluster.port}/", f":{relay.port}/")
        with running(directory, environment={"COFFRE_DATABASE_URL": url}) as platform:
            yield platform, Outage(relay.cut, relay.join, _NO_DATABASE)


@contextmanager
def cut_object_store(directory: Path, store: ObjectStore) -> Iterator[tuple[Platform, Outage]]:
    """The line to the S3 service is cut."""
    bucket = store.new_bucket()
    with (
        relay_to(store.endpoint) as relay,
        running(directory, environment=store.environment(bucket, relay.url)) as platform,
    ):
        yield platform, Outage(relay.cut, relay.join, _NO_STORE)
    store.empty(bucket)


@contextmanager
def unmounted_directory(directory: Path) -> Iterator[tuple[Platform, Outage]]:
    """The directory of the documents is not there."""
    here, elsewhere = directory / "documents", directory / "unmounted"

    def mount() -> None:
        # What was written meanwhile where nothing should be would be lost sight of.
        assert not here.exists(), sorted(here.rglob("*"))
        elsewhere.rename(here)

    with running(directory) as platform:
        yield platform, Outage(lambda: here.rename(elsewhere), mount, _NO_STORE)


@contextmanager
def cut_registry(directory: Path) -> Iterator[tuple[Platform, Outage]]:
    """The line between repository and registry is cut."""
    with running(directory / "registry", actors="registry") as registry, relay_to(registry.url) as relay:
        environment = {"COFFRE_REGISTRY_URL": f"{relay.url}/registry"}
        with running(directory / "repository", actors="repository", environment=environment) as repository:
            repository.registry = registry
            yield repository, Outage(relay.cut, relay.join, _NO_REGISTRY)


def outages(
    platform: Platform,
    outage: Outage,
    choices: random.Random,
    times: int,
    lasts_seconds: Sequence[float] = LASTS_SECONDS,
    tell: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Take something away so many times, and say what was found."""
    summary, began = Summary("outages"), time.monotonic()
    load = Load(choices, summary)
    for number in range(times):
        if number % ROUNDS_OF_A_PATIENT == 0:
            load.turn_to_new_patients(platform)
        with load.on(platform, outage.excuses):
            time.sleep(choices.uniform(*BEGINS_AFTER_SECONDS))
            outage.begin()
            time.sleep(choices.choice(lasts_seconds) * choices.uniform(0.8, 1.2))
            outage.end()
            _wait_until_well(platform)
        load.look(platform)
        if number == times - 1 or number % ROUNDS_BETWEEN_SWEEPS == ROUNDS_BETWEEN_SWEEPS - 1:
            load.sweep(platform)
            summary.seconds = time.monotonic() - began
            tell(str(summary))
    return summary


def _wait_until_well(platform: Platform) -> None:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while get(f"{platform.url}/readyz").status != 200:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server does not recover:\n{platform.log[-5000:]}")
        time.sleep(0.05)
