"""A run has passed where something was tried and nothing failed."""

from datetime import UTC, datetime

import pytest

from conformance.results import Outcome, Run, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(*verdicts):
    outcomes = tuple(Outcome("a", "b", "c", "d", "e", "f", one) for one in verdicts)
    return Run("product", "1", (("registry", "http://there"),), "1", "seed", NOW, NOW, outcomes)


@pytest.mark.parametrize(
    ("verdicts", "passed"),
    [
        ((), False),
        ((Verdict.NOT_RUN,), False),
        ((Verdict.PASSED,), True),
        ((Verdict.PASSED, Verdict.NOT_RUN), True),
        ((Verdict.PASSED, Verdict.FAILED), False),
    ],
)
def test_a_run_passes_where_something_was_tried_and_nothing_failed(verdicts, passed):
    assert run(*verdicts).passed is passed
