"""What a clinical document says of itself, as metadata of the domain (PCC TF-2: 4.1.1)."""

import schemas
from cda.header import read_header
from client.cda_metadata import metadata_of
from client.codes import CodeBook
from ebxml.model import Code, LocalizedString
from server.codes import read_code_set
from tests.messages.acknowledgements import Acknowledgement

CODES = CodeBook(read_code_set("luxembourg").codes)


def test_a_consent_document_says_which_policies_it_acknowledges():
    """ITI TF-3: 5.1.2.1.1: so it can be submitted by its file alone."""
    document = Acknowledgement("77^^^&2.999.352.1&ISO", (1, 2), start="20260101", scanned=True)
    header = read_header(schemas.parse(document.document))
    assert header is not None
    said = metadata_of(header, CODES, "2.999.352.1")
    assert said.event_code_list == tuple(
        Code(f"2.999.40.{number}", "2.999.40", (LocalizedString("A policy"),)) for number in (1, 2)
    )
    assert said.format_code is not None
    assert said.format_code.code == "urn:ihe:iti:bppc-sd:2007"
    assert (said.service_start_time, said.service_stop_time) == ("20260101", None)
    assert said.patient_id == "77^^^&2.999.352.1&ISO"
    assert said.legal_authenticator == "77^Muller^Jeanne^^^^^^&2.999.352.1&ISO"


def test_other_documents_say_nothing_of_policies():
    """What is not said may be taken from elsewhere."""
    document = Acknowledgement("77^^^&2.999.352.1&ISO", ())
    header = read_header(schemas.parse(document.document))
    assert header is not None
    assert metadata_of(header, CODES, "2.999.352.1").event_code_list is None
