"""What Prometheus is told: counts, and no word of anybody."""

from datetime import UTC, datetime

from atna_audit.reconciliation import Gap, Reconciled
from exchange.diary import Node
from exchange.tally import Tally
from server.metrics import metrics_of
from tests.wire import get

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


NODE, TALLY = Node("4711", "here"), Tally(answered=7, recorded=7, lost=1)


def samples(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_gaps_of_the_audit_log_are_told_by_node():
    """docs/operating.md."""
    gaps = tuple(
        Gap('a "node"', f"s{n}", NOON, NOON, missing_records=n, unrecorded_requests=1) for n in (2, 3)
    )
    assert samples(metrics_of(NODE, TALLY, Reconciled(100, 90, gaps), NOON)) == [
        'coffre_requests_answered_total{process="4711"} 7',
        'coffre_requests_recorded_total{process="4711"} 6',
        'coffre_audit_records_lost_total{process="4711"} 1',
        'coffre_audit_reconciled_timestamp_seconds{process="4711"} 1893499200',
        'coffre_audit_gaps{process="4711"} 2',
        'coffre_audit_missing_records{node="a \\"node\\""} 5',
        'coffre_audit_unrecorded_requests{node="a \\"node\\""} 2',
    ]


def test_before_the_log_was_reconciled_there_is_nothing_to_say_of_it():
    assert len(samples(metrics_of(NODE, TALLY, None, None))) == 3


def test_a_running_server_tells_its_metrics(fresh_platform):
    """Prometheus text format 0.0.4."""
    running = fresh_platform()
    running.documents_of(running.add_patient())
    answer = get(f"{running.url}/metrics")
    assert (answer.status, answer.headers["content-type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )
    told = {line.partition("{")[0]: line.rpartition(" ")[2] for line in samples(answer.body.decode())}
    assert told["coffre_requests_answered_total"] == told["coffre_requests_recorded_total"] == "2"
