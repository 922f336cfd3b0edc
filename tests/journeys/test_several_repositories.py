"""One registry and several repositories: a consumer finds in one place what lies in many."""

from collections.abc import Iterator

import pytest

from tests.journeys.test_retrieved_documents import contents, retrieve, told, wanted
from tests.messages.requests import FAILURE, PARTIAL_SUCCESS, REPOSITORY, SUCCESS, find_documents, submission
from tests.services.platform import OPEN_DOMAIN, Platform, running

OTHER = "2.999.2.2"
DOMAIN = OPEN_DOMAIN.replace('codes = ""', f'codes = ""\nrepositories = ["{OTHER}"]')


@pytest.fixture(scope="module")
def repositories(tmp_path_factory) -> Iterator[tuple[Platform, Platform]]:
    """Two that register in one registry, each a process of its own."""
    folder = tmp_path_factory.mktemp("platform")
    with running(folder / "registry", actors="registry", toml=DOMAIN) as registry:
        environment = {"COFFRE_REGISTRY_URL": registry.registry_url}
        of_other = OPEN_DOMAIN.replace(REPOSITORY, OTHER)
        with (
            running(folder / "one", actors="repository", environment=environment) as one,
            running(folder / "other", actors="repository", toml=of_other, environment=environment) as other,
        ):
            one.registry = other.registry = registry
            yield one, other


@pytest.fixture
def deposited(repositories) -> tuple[str, str, str]:
    """A patient with a document in each: the patient's id and both uniqueIds."""
    patient_id = repositories[0].add_patient()
    unique_ids = []
    for repository, content in zip(repositories, (b"here", b"there"), strict=True):
        sent = submission(patient_id)
        assert repository.provide(sent, content).status_urn == SUCCESS
        unique_ids.append(sent.unique_id)
    return patient_id, *unique_ids


def test_what_is_found_in_one_registry_is_retrieved_where_it_says(repositories, deposited):
    """ITI TF-1: 10.1; ITI TF-2: 3.18, 3.43: by repositoryUniqueId (ITI TF-3: 4.2.3.2.18)."""
    patient_id, *unique_ids = deposited
    found = repositories[0].query(find_documents(patient_id))
    named = [
        value.text
        for slot in found.found("Slot")
        if slot.get("name") == "repositoryUniqueId"
        for value in slot.iter("{*}Value")
    ]
    assert sorted(named) == [REPOSITORY, OTHER]
    for repository, id_, unique_id, content in zip(
        repositories, (REPOSITORY, OTHER), unique_ids, (b"here", b"there"), strict=True
    ):
        answer = retrieve(repository, wanted(unique_id, id_))
        assert (answer.status_urn, contents(answer)) == (SUCCESS, [content])


def test_each_repository_hands_out_its_own_and_names_what_is_not(repositories, deposited):
    """ITI TF-2: 3.43.4.1.3; ITI TF-3: Table 4.2.4.1-2: the id decides, also where the other's id is told."""
    _, here, there = deposited
    one, other = repositories
    answer = retrieve(one, wanted(here), wanted(there, OTHER))
    assert (answer.status_urn, contents(answer)) == (PARTIAL_SUCCESS, [b"here"])
    context = f"repositoryUniqueId is {OTHER}, this repository is {REPOSITORY}"
    assert told(answer) == [("XDSUnknownRepositoryId", context, there)]
    answer = retrieve(other, wanted(here, OTHER))
    assert answer.status_urn == FAILURE
    assert told(answer) == [("XDSDocumentUniqueIdError", f"no such document: {here}", here)]
