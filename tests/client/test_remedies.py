"""Every error code that a client can meet has its remedy (ITI TF-3: Table 4.2.4.1-2)."""

from client.remedies import REMEDIES, remedy_for
from ihe.error_codes import ERROR_CODES, RegistryError

# What the client sends: queries, submissions, retrievals.
OURS = {"18", "41", "42", "43"}


def test_every_code_of_the_client_s_transactions_has_a_remedy():
    met = {name for name, row in ERROR_CODES.items() if OURS & set(row.transactions.split())}
    assert met - set(REMEDIES) == set()


def test_an_unknown_code_has_none():
    assert remedy_for(RegistryError("SomethingNew", "")) == ""
