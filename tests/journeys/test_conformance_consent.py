"""The kit judges our platform where patients decide, on both databases."""

from collections.abc import Iterator

import pytest

from tests.services.judged import Judged, passes, records_for_all, secure_node


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ruled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """Lend a node where patients decide."""
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    folder = tmp_path_factory.mktemp("ruled")
    with secure_node(folder, environment, records_for_all(folder)) as judged:
        yield judged


def test_every_plan_about_consent_is_passed(ruled: Judged):
    passes(ruled, "Consent", "--rules")
