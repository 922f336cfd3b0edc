"""Registry Stored Query next to its own SQL and to an empty server."""

import ssl
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from bench.load import Load, raw_request
from bench.population import patient_id
from bench.raw_sql import Sent, rate, statements_of
from bench.rounds import Asked, Figures, in_turns, median, ratios
from bench.targets import Result
from bench.world import (
    PROFESSIONALS,
    TOML,
    WITHOUT_RULES,
    WITHOUT_USERS,
    empty_server,
    patients_with,
    patients_with_approved,
    reader_of,
    server,
)
from tests.messages import requests
from tests.services.platform import Platform
from tests.services.postgresql import Cluster
from tests.services.secure_domain import secure_domain
from tests.wire import envelope, post

FOUND = 10


def measured(database: Cluster, directory: Path, rounds: int, seconds: int) -> list[Result]:
    """What all rows of queries come to."""
    patients = patients_with(database.url, FOUND)
    with ExitStack() as stack:
        plain = stack.enter_context(server(directory / "plain", database.url))
        leaf_class = messages(patients)
        size = answered(plain, leaf_class[0])
        sent = sql_of(database, plain, patients, leaf_class[0])
        empty = stack.enter_context(empty_server(directory, size))
        (directory / "tls").mkdir()
        secure = secure_domain(directory / "tls")
        toml = f'{TOML}{secure.toml}certificate_optional = ["http"]\n'
        over_tls = stack.enter_context(beside(directory, database, "tls", toml, secure.context(None)))
        object_refs = [one.replace(b'"LeafClass"', b'"ObjectRef"') for one in leaf_class]
        # Users alone: where there are rules, nobody is asked for nothing.
        known = patients_with_approved(database.url, FOUND)
        users = stack.enter_context(beside(directory, database, "users", WITHOUT_RULES))
        nobody = stack.enter_context(beside(directory, database, "nobody", WITHOUT_USERS))
        by_nobody = [envelope(requests.ITI_18, requests.find_documents(patient_id(one))) for one in known]
        answered(nobody, by_nobody[0])
        loads = {
            "LeafClass": (plain.process.pid, load(directory, "leaf", plain.registry_url, leaf_class)),
            "ObjectRef": (plain.process.pid, load(directory, "refs", plain.registry_url, object_refs)),
            "TLS": (over_tls.process.pid, load(directory, "tls", over_tls.registry_url, leaf_class)),
            "users": (users.process.pid, load(directory, "users", users.registry_url, messages(known))),
            "nobody": (nobody.process.pid, load(directory, "nobody", nobody.registry_url, by_nobody)),
            "empty": (empty[1], load(directory, "empty", empty[0], leaf_class)),
        }
        asked = {name: Asked(partial(one.run, seconds), pid) for name, (pid, one) in loads.items()}
        yardstick = {"SQL": partial(rate, database.url, sent, seconds)}
        figures, measured_too = in_turns(asked, rounds, yardstick)
    return results_of(figures, measured_too["SQL"], size)


def beside(
    directory: Path, database: Cluster, name: str, toml: str, tls: ssl.SSLContext | None = None
) -> AbstractContextManager[Platform]:
    """Another server of the same database and its keys, with a spool of its own."""
    return server(directory / "plain", database.url, f'{toml}\n[audit]\nspool = "audit-{name}"\n', tls)


def messages(patients: Sequence[int]) -> list[bytes]:
    """FindDocuments for each of them, by somebody who may read; assertions last five minutes."""
    headers = {one.extension: one.headers for one in PROFESSIONALS}
    return [
        envelope(
            requests.ITI_18,
            requests.find_documents(patient_id(one)),
            more_headers=headers[reader_of(one).extension],
        )
        for one in patients
    ]


def answered(platform: Platform, message: bytes) -> int:
    """See that the query finds what it should; how long its answer is."""
    answer = post(platform.registry_url, message)
    if answer.status_urn != requests.SUCCESS or len(answer.found("ExtrinsicObject")) != FOUND:
        raise SystemExit(f"a query does not find its {FOUND} documents")
    return len(answer.body)


def sql_of(database: Cluster, platform: Platform, patients: Sequence[int], message: bytes) -> list[Sent]:
    """The SQL of the query itself, about each of these patients; `message` is about the first."""
    log = database.folder / "server.log"
    told = statements_of(database.url, log, lambda: post(platform.registry_url, message))
    (query,) = {one for one in told if "fragment" in one.text}
    return [query.about(patient_id(patients[0]), patient_id(one)) for one in patients]


def load(directory: Path, name: str, url: str, bodies: Sequence[bytes]) -> Load:
    """These messages, again and again."""
    return Load(directory, name, url, [raw_request(url, one) for one in bodies])


def results_of(figures: dict[str, Figures], raw: Sequence[float], size: int) -> list[Result]:
    """The rows of which these figures tell."""
    leaf, refs, tls, empty, users, nobody = (
        figures[name] for name in ("LeafClass", "ObjectRef", "TLS", "empty", "users", "nobody")
    )
    microseconds = [median(one.costs) * 1e6 for one in (leaf, empty)]
    return [
        Result("1", leaf.said, f"its SQL alone: {median(raw):,.0f}/s", ratios(leaf.rates, raw)),
        Result(
            "2",
            f"{microseconds[0]:,.0f} µs",
            f"a server that sends {size:,} bytes: {microseconds[1]:,.0f} µs",
            ratios(leaf.costs, empty.costs),
        ),
        Result("3", refs.said, "(1)", ratios(refs.rates, leaf.rates)),
        Result(
            "12",
            f"{median(leaf.p99) * 1000:.1f} ms",
            f"p50: {median(leaf.p50) * 1000:.1f} ms",
            ratios(leaf.p99, leaf.p50),
        ),
        Result("13", tls.said, "(1)", ratios(tls.rates, leaf.rates)),
        Result(
            "14, XUA",
            users.said,
            f"nobody is asked who he is: {median(nobody.rates):,.0f}/s",
            ratios(users.rates, nobody.rates),
        ),
    ]
