"""The kit judges our platform as a secure node with users and audit records, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.messages.assertions import assertion, signed
from tests.services.judged import Judged, judge, passes, secure_node


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def secure(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """Lend a node that speaks TLS with nodes, and asks for users."""
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with secure_node(tmp_path_factory.mktemp("secure"), environment) as judged:
        yield judged


@pytest.mark.parametrize("group", ["XUA", "ATNA", "Audit", "HL7 V2"])
def test_every_plan_of_a_secure_node_is_passed(secure: Judged, group: str):
    passes(secure, group)


def test_an_assertion_and_a_feed_of_hl7_v2_are_enough(secure: Judged, tmp_path: Path):
    """Where an identity provider lends no key, and no feed speaks HL7 V3."""
    given = tmp_path / "assertion.xml"
    given.write_bytes(signed(assertion(not_on_or_after=datetime.now(UTC) + timedelta(hours=1))))
    words = [
        word for name in ("--identity", "--ca", "--certificate", "--key") for word in secure.option(name)
    ]
    chosen = ("--plans", "xua-accepted-*", "--plans", "retrieve-document", "--plans", "identity-added")
    status, said = judge(secure.platform, *words, "--assertion", str(given), *chosen)
    verdicts = {one["plan"]: one["verdict"] for one in said["outcomes"]}
    assert status == 0
    assert verdicts["xua-accepted-provide"] == verdicts["retrieve-document"] == "passed"
    assert verdicts["identity-added"] == verdicts["xua-accepted-with-organization"] == "not run"
