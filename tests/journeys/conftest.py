"""A server that asks for users, shared by the tests that show it assertions."""

from collections.abc import Iterator

import pytest

from tests.services.guarded import XUA, write_certificates
from tests.services.platform import OPEN_DOMAIN, Platform, running


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Lend the server that requires assertions."""
    directory = write_certificates(tmp_path_factory.mktemp("guarded"))
    with running(directory, toml=OPEN_DOMAIN + XUA) as platform:
        yield platform


@pytest.fixture(scope="session")
def patient_id(guarded: Platform) -> str:
    """Name a patient of that server, of whom there is nothing."""
    return guarded.add_patient()
