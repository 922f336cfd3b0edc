"""Ten times the documents (`make bench-growth`): questions about one patient, and submissions.

Two registries, each with a PostgreSQL and two server processes of its own, in which patients have as many
documents; both are asked in turns.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path

from bench import submissions
from bench.load import Load, raw_request
from bench.population import patient_id
from bench.queries import FOUND
from bench.registry import fill
from bench.report import publish_results
from bench.rounds import Asked, Figures, in_turns, median, ratios
from bench.targets import Result
from bench.world import PROFESSIONALS, cluster, patients_with, reader_of, server
from tests.messages import requests
from tests.wire import envelope, post

TIMES = 10
# What each is about, as its parameters say it.
QUESTIONS = {
    "FindDocuments": "$XDSDocumentEntry",
    "FindSubmissionSets": "$XDSSubmissionSet",
    "FindFolders": "$XDSFolder",
}


def main() -> int:
    """Measure and publish."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=1_000_000, help="of the smaller registry")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=4, help="of each load in each round")
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="for the databases")  # noqa: S108
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    asked = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="coffre-bench-", dir=asked.directory))
    directory.chmod(0o755)
    try:
        introduction, results = measured(directory, asked.documents, asked.rounds, asked.seconds)
    finally:
        shutil.rmtree(directory)
    publish_results("bench-growth", results, introduction, quick=asked.quick)
    return 0


def measured(directory: Path, documents: int, rounds: int, seconds: int) -> tuple[str, list[Result]]:
    """How both registries were filled, and what both rows come to."""
    with ExitStack() as stack:
        asked, said = {}, []
        for name, size in (("small", documents), ("large", TIMES * documents)):
            place = directory / name
            place.mkdir(mode=0o755)
            database = stack.enter_context(cluster(place))
            said.append(fill(database, size))
            platform = stack.enter_context(server(place, database.url))
            url = platform.registry_url
            patients = [
                one for one in patients_with(database.url, FOUND) if one not in submissions.DEPOSITED_IN
            ]
            messages = patient_scoped(patients)
            if (answer := post(url, messages[0])).status_urn != requests.SUCCESS:
                raise SystemExit(f"a query is refused: {answer.errors}")
            queries = Load(place, "queries", url, [raw_request(url, one) for one in messages])
            iti_42, _ = submissions.loads(platform, place)
            for kind, load in (("queries", queries), ("submissions", iti_42)):
                asked[f"{name} {kind}"] = Asked(partial(load.run, seconds), platform.process.pid)
        figures, _ = in_turns(asked, rounds, {})
    return " ".join(said), results_of(figures)


def patient_scoped(patients: Sequence[int]) -> list[bytes]:
    """Each question in turn, about one patient after the other."""
    headers = {one.extension: one.headers for one in PROFESSIONALS}
    return [
        question(name, patient, headers[reader_of(patient).extension])
        for name, patient in zip(cycle(QUESTIONS), patients, strict=False)
    ]


def question(name: str, patient: int, headers: str) -> bytes:
    """A query of which the patient is all that is known."""
    of = QUESTIONS[name]
    query = requests.stored_query(
        requests.STORED_QUERIES[name],
        (f"{of}PatientId", f"'{patient_id(patient)}'"),
        (f"{of}Status", f"('{requests.APPROVED}')"),
    )
    return envelope(requests.ITI_18, query, more_headers=headers)


def results_of(figures: dict[str, Figures]) -> list[Result]:
    """The rows of which these figures tell."""
    small, large = figures["small queries"], figures["large queries"]
    fewer, more = figures["small submissions"], figures["large submissions"]
    return [
        Result(
            "11",
            f"p50 {median(large.p50) * 1000:.2f} ms",
            f"p50 {median(small.p50) * 1000:.2f} ms",
            ratios(large.p50, small.p50),
        ),
        Result(
            "11, in",
            f"{median(more.rates):,.0f}/s",
            f"{median(fewer.rates):,.0f}/s",
            ratios(more.rates, fewer.rates),
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
