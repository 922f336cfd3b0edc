"""The short form of `make torture`, and that its judge sees what it looks for."""

import random

import pytest

from tests.messages.requests import SUCCESS
from tests.torture import judge
from tests.torture.clients import Fate, new_document, send
from tests.torture.flushes import unflushed
from tests.torture.lives import torture
from tests.torture.outages import (
    cut_database,
    cut_object_store,
    cut_registry,
    dying_database,
    outages,
    unmounted_directory,
)

KILLS = 2
OUTAGES = 2
# Shorter than anybody waits, and long enough for requests that begin and end in it.
LASTS_SECONDS = (0.3, 1.0)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_or_half_there_whenever_the_server_is_killed(kind, tmp_path, request):
    """ITI TF-2: 3.41.4.1.3; each audited as 3.20 has it."""
    url = "" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    summary = torture(tmp_path, random.Random(3), KILLS, database_url=url)
    assert (summary.times, summary.wrong) == (KILLS, [])


@pytest.mark.parametrize("away", [cut_database, dying_database, unmounted_directory, cut_registry])
def test_nothing_is_lost_or_half_there_whenever_something_goes_away_for_a_while(away, tmp_path):
    """ITI TF-2: 3.41.4.1.3; ITI TF-3: 4.2.4: each refusal by a code that says whose trouble it is."""
    with away(tmp_path) as (platform, outage):
        summary = outages(platform, outage, random.Random(4), OUTAGES, LASTS_SECONDS)
    assert (summary.times, summary.wrong) == (OUTAGES, [])


def test_nothing_is_lost_or_half_there_whenever_the_object_store_goes_away(tmp_path, object_store):
    """ITI TF-2: 3.41.4.1.3; ITI TF-3: Table 4.2.4.1-2, XDSRepositoryError."""
    with cut_object_store(tmp_path, object_store) as (platform, outage):
        summary = outages(platform, outage, random.Random(4), OUTAGES, LASTS_SECONDS)
    assert (summary.times, summary.wrong) == (OUTAGES, [])


def test_the_judge_sees_a_lost_document_a_lost_entry_and_a_lost_record(fresh_platform):
    """A judge that finds nothing proves nothing."""
    platform = fresh_platform()
    patient_id = platform.add_patient()
    before = platform.stored_files
    document = new_document(patient_id, b"text", None)
    assert send(platform, document).status_urn == SUCCESS
    document.submitted, document.acknowledged = Fate.DONE, True
    assert list(judge.wrong_in_record(platform, [document])) == []
    assert list(judge.wrong_in_audit(platform, [document])) == []
    for path in platform.stored_files - before:
        path.unlink()
    (told,) = judge.wrong_in_record(platform, [document])
    assert told.startswith(f"{document.unique_id} is registered and cannot be retrieved")
    assert any("missing" in one for one in judge.wrong_in_store(platform, platform.registry_url))
    unknown = new_document(patient_id, b"text", None)
    unknown.submitted, unknown.acknowledged = Fate.DONE, True
    assert f"{unknown.unique_id} is not registered, its sender knows better" in judge.wrong_in_record(
        platform, [document, unknown]
    )
    assert list(judge.wrong_in_audit(platform, [unknown])) == [
        f"{unknown.unique_id} was acknowledged with (0, 0) records of ITI-41 and ITI-42",
        f"{unknown.unique_id} has no record of its ITI-41",
        f"{unknown.unique_id} has no record of its ITI-42",
    ]


TRACE = """
7 openat(AT_FDCWD, "/data/documents", O_RDONLY) = 9
7 write(9</data/documents/staging/ab/12>, "..."..., 3) = 3
7 link("/data/documents/staging/ab/12", "/data/documents/12/1234") = 0
7 fsync(9</data/documents/staging/ab/12>) = 0
8 pwrite64(4</data/coffre.db-wal>, "..."..., 4096, 0) = 4096
7 fsync(9</data/documents/12>) = 0
8 fdatasync(4</data/coffre.db-wal>) = 0
8 pwrite64(4</data/coffre.db-wal>, "..."..., 4096, 4096) = 4096
7 write(2</data/server.log>, "..."..., 9) = 9
8 fdatasync(4</data/coffre.db-wal>) = 0
7 sendto(5<socket:[1]>, "HTTP/1.1 200 OK\\r\\n"..., 312, 0, NULL, 0) = 312
"""


def test_whoever_watches_the_flushes_sees_one_that_is_missing():
    """Each of them matters: the document's bytes, its name in its folder, the second commit."""
    lines = TRACE.strip().splitlines()
    kept = ["/data/documents/staging/ab/12", "/data/documents/12", "/data/coffre.db-wal"]
    assert unflushed(lines, "/data") == (kept, [])
    for number, left in ((3, kept[0]), (5, kept[1]), (9, kept[2])):
        assert unflushed(lines[:number] + lines[number + 1 :], "/data")[1] == [left]
