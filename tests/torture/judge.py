"""The judge: what is there after a crash, held against what the clients know."""

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing

import psycopg
from lxml import etree

from atna_audit.spool import stored_records
from tests.messages import requests
from tests.messages.requests import APPROVED, SUCCESS
from tests.services.platform import ROOT, Platform
from tests.torture.clients import ITI_86, Document, Fate, removal, send
from tests.wire import envelope, post

COMMAND_TIMEOUT_SECONDS = 120

# As a foreign reader finds them in a record: transaction, outcome, and the ids of what it is about.
_TRANSACTION = re.compile(rb'EventTypeCode csd-code="(ITI-\d+)"')
_OUTCOME = re.compile(rb'EventOutcomeIndicator="(\d+)"')
_OBJECT = re.compile(rb'ParticipantObjectID="([^"]+)"')


def settle(platform: Platform, documents: Sequence[Document], choices: random.Random) -> Iterator[str]:
    """Yield what is wrong with one patient's documents; what no answer came for is decided from then on."""
    if not documents:
        return
    there = _entries(platform, documents[0].sent.patient_id)
    for document in documents:
        if document.submitted is Fate.UNKNOWN:
            yield from _settle_submission(platform, document, document.entry_uuid in there, choices)
        if document.metadata_removed is Fate.UNKNOWN:
            document.metadata_removed = Fate.NOT_DONE if document.entry_uuid in there else Fate.DONE
        if document.bytes_removed is Fate.UNKNOWN:
            # Sent again: it is done, or it was done and there is no such document.
            answer = post(platform.repository_url, envelope(ITI_86, removal(document)))
            if answer.status_urn != SUCCESS and answer.codes != ["XDSDocumentUniqueIdError"]:
                yield f"{document.unique_id} cannot be removed after the crash: {answer.errors}"
            document.bytes_removed = Fate.DONE
    yield from wrong_in_record(platform, documents)


def wrong_in_record(platform: Platform, documents: Sequence[Document]) -> Iterator[str]:
    """Yield where registry or repository say anything else than the sender knows."""
    there = _entries(platform, documents[0].sent.patient_id)
    replaced = {id(one.replaces) for one in documents if one.submitted is Fate.DONE}
    for document in documents:
        registered = document.submitted is Fate.DONE and document.metadata_removed is not Fate.DONE
        versions = there.pop(document.entry_uuid, [])
        if bool(versions) != registered:
            yield f"{document.unique_id} is {'not ' * registered}registered, its sender knows better"
            continue
        approved = [title for status, title in versions if status == APPROVED]
        if registered and len(approved) != (id(document) not in replaced):
            yield f"{document.unique_id} has {len(approved)} Approved versions"
        for title, fate in document.corrections.items():
            if fate is Fate.UNKNOWN:
                fate = Fate.DONE if len(versions) == 2 else Fate.NOT_DONE
                document.corrections[title] = fate
            if (title in [one for _, one in versions]) != (fate is Fate.DONE):
                yield f"{document.unique_id}: the correction {title} is not what was answered"
        yield from _wrong_in_bytes(platform, document)
    yield from (f"{lid} is registered, and nobody submitted it" for lid in there)


def wrong_in_audit(platform: Platform, documents: Sequence[Document]) -> Iterator[str]:
    """Yield what was acknowledged and has not exactly its records, and every change that has none."""
    told: Counter[tuple[bytes, bytes]] = Counter()
    begun: set[tuple[bytes, bytes]] = set()
    for record in _records(platform).elements():
        transaction, outcome = _TRANSACTION.search(record), _OUTCOME.search(record)
        if transaction and outcome:
            about = {(transaction[1], one) for one in _OBJECT.findall(record)}
            begun |= about
            told.update(about if outcome[1] == b"0" else ())
    for document in documents:
        of_set = document.sent.submission_set_unique_id.encode()
        if document.acknowledged:
            # ITI-42 after ITI-41 has two sides, and both of them are ours.
            found = told[b"ITI-41", of_set], told[b"ITI-42", of_set]
            if found != ((0, 1) if document.elsewhere else (1, 2)):
                yield f"{document.unique_id} was acknowledged with {found} records of ITI-41 and ITI-42"
        of_changes = {
            (b"ITI-41", of_set): document.submitted is Fate.DONE and not document.elsewhere,
            (b"ITI-42", of_set): document.submitted is Fate.DONE,
            (b"ITI-62", document.entry_uuid.encode()): document.metadata_removed is Fate.DONE,
            (b"ITI-86", document.unique_id.encode()): document.bytes_removed is Fate.DONE,
        }
        for change, done in of_changes.items():
            if done and change not in begun:
                yield f"{document.unique_id} has no record of its {change[0].decode()}"
        reads = told[b"ITI-43", document.unique_id.encode()]
        if not document.reads_answered <= reads <= document.reads_begun:
            yield f"{document.unique_id} was read {document.reads_answered} times, with {reads} records"


def _records(platform: Platform) -> Counter[bytes]:
    """Every audit record: each is in the spool until it is in the repository, and some time in both."""
    spooled = Counter(one for spool in platform.audit_spools for one in stored_records(spool))
    url = platform.environment.get("COFFRE_DATABASE_URL", "")
    with closing(
        psycopg.connect(url) if url else sqlite3.connect(platform.directory / "coffre.db")
    ) as database:
        messages = [bytes(row[0]) for row in database.execute("SELECT message FROM audit_record")]
    # Behind the header of syslog.
    return spooled | Counter(one[one.index(b"<?xml") :] for one in messages)


def wrong_in_store(platform: Platform, url: str) -> Iterator[str]:
    """Sweep what crashes left behind, then yield what the second check still finds."""
    _check(platform, url, "--repair", "--older-than", "0")
    report = _check(platform, url, "--deep", "--older-than", "0")
    for name in ("pending", "orphaned", "missing", "damaged"):
        if report[name]:
            yield f"after the sweep there are {name} documents: {report[name]}"


def _settle_submission(
    platform: Platform, document: Document, registered: bool, choices: random.Random
) -> Iterator[str]:
    """Send again, as a sender does that got no answer, or give up; both are harmless."""
    document.submitted = Fate.DONE if registered else Fate.NOT_DONE
    if choices.random() < 0.5:
        return
    answer = send(platform, document)
    if registered:
        if "XDSDuplicateUniqueIdInRegistry" not in answer.codes:
            yield f"{document.unique_id}, registered, was sent again: {answer.errors or answer.status_urn}"
    elif answer.status_urn != SUCCESS:
        yield f"{document.unique_id}, not registered, was sent again: {answer.errors}"
    else:
        document.submitted, document.acknowledged = Fate.DONE, True


def _wrong_in_bytes(platform: Platform, document: Document) -> Iterator[str]:
    if document.elsewhere or document.submitted is not Fate.DONE or document.bytes_removed is Fate.DONE:
        return
    document.reads_begun += 1
    answer = platform.retrieve(document.unique_id)
    if answer.status_urn != SUCCESS:
        yield f"{document.unique_id} is registered and cannot be retrieved: {answer.errors}"
        return
    document.reads_answered += 1
    if answer.parts[1][1] != document.content:
        yield f"{document.unique_id} is registered and has other bytes"


def half_visible(platform: Platform, documents: Sequence[Document]) -> Iterator[str]:
    """Yield what is not registered, or was removed, and yet can be retrieved; asked after a sweep."""
    for document in documents:
        nowhere = document.submitted is Fate.NOT_DONE or document.bytes_removed is Fate.DONE
        if nowhere and not document.elsewhere:
            answer = platform.retrieve(document.unique_id)
            if answer.codes != ["XDSDocumentUniqueIdError"]:
                yield f"{document.unique_id} should be nowhere: {answer.errors or answer.status_urn}"


def _entries(platform: Platform, patient_id: str) -> dict[str, list[tuple[str, str]]]:
    """Status and title of every version, by the lid of the document."""
    statuses = f"('{APPROVED}','{requests.DEPRECATED}')"
    body = requests.stored_query(
        requests.FIND_DOCUMENTS,
        ("$XDSDocumentEntryPatientId", f"'{patient_id}'"),
        ("$XDSDocumentEntryStatus", statuses),
        ("$MetadataLevel", "2"),
    )
    answer = platform.query(body)
    assert answer.status_urn == SUCCESS, answer.errors
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for entry in answer.found("ExtrinsicObject"):
        found[str(entry.get("lid"))].append((str(entry.get("status")), _title(entry)))
    return found


def _title(entry: etree._Element) -> str:
    name = entry.find("{*}Name/{*}LocalizedString")
    return "" if name is None else str(name.get("value"))


def _check(platform: Platform, url: str, *options: str) -> dict[str, list[object]]:
    command = [sys.executable, "-m", "server.command_line", "repository", "check", *options, "--json"]
    command += ["--config", str(platform.directory / "coffre.toml"), "--registry", url]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **platform.environment},
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_SECONDS,
    )
    assert done.stdout, done.stderr
    report: dict[str, list[object]] = json.loads(done.stdout)["found"]
    return report
