"""With which codes receipts are written: those of the domain, by the names it gives them."""

import pytest

from ebxml.model import Code, LocalizedString
from server.configuration import BadConfiguration, load
from server.receipts import codes_of_receipts

LOINC = "2.16.840.1.113883.6.1"


def test_the_usual_codes_are_those_of_the_shipped_domain(tmp_path):
    """Named in the first of the configured languages."""
    file = tmp_path / "coffre.toml"
    file.write_text('[domain]\ncodes = "luxembourg"\n[receipts]\nlanguages = ["de", "fr"]\n')
    codes = codes_of_receipts(load(file, {}))
    assert codes["typeCode"] == Code(
        "57016-8", LOINC, (LocalizedString("Zustimmung zu den Datenschutzregeln", "de"),)
    )
    assert codes["confidentialityCode"].code == "V"
    assert codes["formatCode"].code == "urn:ihe:iti:bppc:2007"
    assert len(codes) == 7


def test_a_domain_that_takes_any_code_takes_these(tmp_path):
    """Its own may be named instead."""
    file = tmp_path / "coffre.toml"
    file.write_text('[domain]\ncodes = ""\nassigning_authorities = [{ oid = "2.999.5", name = "x" }]\n'
                    '[receipts]\nclass_code = "CONSENT^^2.999.1"\n')  # fmt: skip
    assert codes_of_receipts(load(file, {}))["classCode"].code == "CONSENT"


def test_a_code_that_the_domain_does_not_know_is_refused_at_the_start(tmp_path):
    """And not receipt by receipt, by the registry."""
    file = tmp_path / "coffre.toml"
    file.write_text(
        '[domain]\ncodes = "luxembourg"\n'
        '[receipts]\nclass_code = "CONSENT^^2.999.1"\ntype_code = "X^^2.999.1"\n'
    )
    with pytest.raises(BadConfiguration) as refused:
        codes_of_receipts(load(file, {}))
    assert [str(problem) for problem in refused.value.problems] == [
        "receipts.class_code: the domain has no classCode CONSENT^^2.999.1",
        "receipts.type_code: the domain has no typeCode X^^2.999.1",
    ]
