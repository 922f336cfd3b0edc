"""Whether time tells a hidden document from one that was never there (`make bench-hidden`).

GetDocuments by uniqueId, one document a time, for documents of which a professional sees nothing: hidden
ones, ones of a closed record, and ones that nobody ever registered, in random order over one connection.
Mann-Whitney's U says how likely times this far apart are by chance; as a yardstick the absent ones are
compared with each other.
"""

import argparse
import math
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.consent import Query
from bench.report import publish, table
from consent_broker.model import RecordStatus
from consent_broker.store import Directive, Kind
from tests.messages import requests
from tests.services.platform import running
from tests.services.postgresql import fresh_database, session_folder
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules

DR_A = Person("A")
EACH = 20
KINDS = ("absent", "absent too", "hidden", "in a closed record")
# Half of all comparisons fall below 0.5; one in a hundred below this where there is nothing to see.
SUSPICIOUS = 0.01


def main() -> int:
    """Measure and publish; 1 if times differ by more than chance explains."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=1000)
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    asked = arguments.parse_args()
    rows, least = [], 1.0
    with ExitStack() as stack:
        folder = stack.enter_context(session_folder())
        for database in ("sqlite", "postgresql"):
            environment = {}
            if database == "postgresql":
                url = stack.enter_context(fresh_database(folder, migrated=True))
                environment["COFFRE_DATABASE_URL"] = url
            directory = write_rules(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            with running(directory, toml=RULED_DOMAIN, environment=environment) as platform:
                samples = measured(Record(platform), Record(platform), asked.rounds)
            for kind in KINDS[1:]:
                p = mann_whitney(samples[KINDS[0]], samples[kind])
                least = min(least, p if kind != KINDS[1] else 1.0)
                medians = [statistics.median(samples[one]) * 1000 for one in (KINDS[0], kind)]
                rows.append(
                    [f"{database}, absent and {kind}", *(f"{one:.3f} ms" for one in medians), f"{p:.2f}"]
                )
    text = table(["GetDocuments by uniqueId", "median", "median", "p"], rows)
    publish("bench-hidden", text, quick=asked.quick)
    return int(least < SUSPICIOUS)


def measured(record: Record, closed: Record, rounds: int) -> dict[str, list[float]]:
    """How long each query took, by what it asked for."""
    record.grant(DR_A.party)
    hidden, shut = ([each.deposit(each.patient) for _ in range(EACH)] for each in (record, closed))
    for sent in hidden:
        record.let(Directive(Kind.HIDDEN, document=record.entry_uuid(sent)))
    closed.turn(RecordStatus.CLOSED)
    headers = DR_A.headers
    ids = {
        "absent": [requests.fresh_oid() for _ in range(EACH)],
        "absent too": [requests.fresh_oid() for _ in range(EACH)],
        "hidden": [sent.unique_id for sent in hidden],
        "in a closed record": [sent.unique_id for sent in shut],
    }
    queries = [
        (kind, Query(record.platform, get_documents(unique_id), headers, finds=0))
        for kind, unique_ids in ids.items()
        for unique_id in unique_ids
    ]
    samples: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(-3, rounds // EACH):
        random.shuffle(queries)
        for kind, query in queries:
            took = query.seconds()
            if number >= 0:
                samples[kind].append(took)
    return samples


def get_documents(unique_id: str) -> str:
    """The query for one document."""
    slot = ("$XDSDocumentEntryUniqueId", f"('{unique_id}')")
    return requests.stored_query(requests.GET_DOCUMENTS, slot)


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely ranks this far apart are by chance, on both sides; normal for samples of this size."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum = sum(rank for rank, (_, whose) in enumerate(ranked, 1) if whose == 0)
    n, m = len(one), len(other)
    u = rank_sum - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


if __name__ == "__main__":
    sys.exit(main())
