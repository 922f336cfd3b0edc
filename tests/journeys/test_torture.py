"""The short form of `make torture`, and that its judge sees what it looks for."""

import random

import pytest

from tests.messages.requests import SUCCESS
from tests.torture import judge
from tests.torture.clients import Fate, new_document, send
from tests.torture.lives import torture

KILLS = 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_or_half_there_whenever_the_server_is_killed(kind, tmp_path, request):
    """ITI TF-2: 3.41.4.1.3; each audited as 3.20 has it."""
    url = "" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    summary = torture(tmp_path, random.Random(3), KILLS, database_url=url)
    assert (summary.kills, summary.wrong) == (KILLS, [])


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
    (told,) = judge.wrong_in_audit(platform, [unknown])
    assert told == f"{unknown.unique_id} was acknowledged with (0, 0) records of ITI-41 and ITI-42"
