"""A query about a patient whom nobody made known, by the choice of the domain (ITI TF-2: 3.18.4.1.3)."""

from tests.messages import requests
from tests.messages.requests import FAILURE, SUCCESS
from tests.services.platform import OPEN_DOMAIN


def test_the_domain_chooses_what_a_query_about_an_unknown_patient_gets(platform, fresh_platform):
    """ITI TF-2: 3.18.4.1.3: an empty success unless the domain wants XDSUnknownPatientId."""
    stranger = requests.fresh_patient_id()
    answer = platform.query(requests.find_documents(stranger))
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    toml = OPEN_DOMAIN.replace("[domain]", '[domain]\nunknown_patient_in_query = "error"')
    strict = fresh_platform(toml=toml)
    answer = strict.query(requests.find_documents(stranger))
    assert (answer.status_urn, answer.errors) == (FAILURE, [("XDSUnknownPatientId", stranger)])
    assert strict.query(requests.find_documents(strict.add_patient())).status_urn == SUCCESS
