"""A client that was written by others, and knows our interface by its description alone."""

from collections.abc import Iterator

import hypothesis
import pytest
import schemathesis
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.services.http_api import read
from tests.services.platform import Platform, running
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules
from tests.wire import get

CHECKS = (
    checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
# For each operation, as each of these people.
EXAMPLES = 4


@pytest.fixture(scope="module")
def domain(tmp_path_factory) -> Iterator[Platform]:
    """A server whose domain has rules."""
    with running(write_rules(tmp_path_factory.mktemp("ruled")), toml=RULED_DOMAIN) as platform:
        yield platform


@pytest.mark.parametrize("role", ["patient", "professional", "operator"])
def test_every_answer_is_as_described(domain, role):
    """OpenAPI 3.1: 4.8.16; whatever bodies it makes up, status, media type and content are described ones."""
    described = read(get(f"{domain.url}/api/openapi.json"))
    record = Record(domain)
    people = {"patient": record.patient, "professional": Person("A"), "operator": Person("O", "ADMIN")}
    headers = {"Authorization": people[role].authorization, "Patient-Id": record.patient_id}
    paths = set()
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        paths.add(operation.path)

        @hypothesis.settings(max_examples=EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck))
        @hypothesis.given(operation.as_strategy())
        def keeps_its_word(case):
            case.headers = {**(case.headers or {}), **headers}
            case.call_and_validate(base_url=domain.url, checks=CHECKS)

        keeps_its_word()
    assert paths == set(described["paths"])
