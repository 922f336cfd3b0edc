"""Counts for whoever watches the server, of no patient and no person (Prometheus text format 0.0.4)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from atna_audit.reconciliation import Gap, Reconciled
from exchange.diary import Node
from exchange.tally import Tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Samples = Iterable[tuple[Mapping[str, str], float]]


def metrics_of(node: Node, tally: Tally, reconciled: Reconciled | None, at: datetime | None) -> str:
    """What this process counts, and what was found when the audit log was last reconciled, and when."""
    return "".join(f"{line}\n" for line in _lines({"process": node.process_id}, tally, reconciled, at))


def _lines(
    process: Mapping[str, str], tally: Tally, reconciled: Reconciled | None, at: datetime | None
) -> Iterator[str]:
    yield from _metric(
        "coffre_requests_answered_total", "counter", "Requests answered.", [(process, tally.answered)]
    )
    yield from _metric(
        "coffre_requests_recorded_total",
        "counter",
        "Requests whose audit record was durable before their answer left.",
        [(process, tally.recorded - tally.lost)],
    )
    yield from _metric(
        "coffre_audit_records_lost_total",
        "counter",
        "Times that an audit record could not be kept and the answer left all the same (fail_open).",
        [(process, tally.lost)],
    )
    if reconciled is None or at is None:
        return
    gaps = reconciled.gaps
    yield from _metric(
        "coffre_audit_reconciled_timestamp_seconds",
        "gauge",
        "When it was last held against each other what was answered and what is recorded.",
        [(process, at.timestamp())],
    )
    yield from _metric("coffre_audit_gaps", "gauge", "Gaps found then.", [(process, len(gaps))])
    yield from _metric(
        "coffre_audit_missing_records",
        "gauge",
        "Records that a node spooled and that are not here.",
        _by_node(gaps, {gap.node: 0 for gap in gaps}, "missing_records"),
    )
    yield from _metric(
        "coffre_audit_unrecorded_requests",
        "gauge",
        "Requests that a node answered without a record.",
        _by_node(gaps, {gap.node: 0 for gap in gaps}, "unrecorded_requests"),
    )


def _by_node(gaps: Iterable[Gap], counts: dict[str, int], name: str) -> Samples:
    for gap in gaps:
        counts[gap.node] += getattr(gap, name)
    return [({"node": node}, count) for node, count in sorted(counts.items())]


def _metric(name: str, kind: str, help_: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP {name} {help_}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        said = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{said}}} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
