"""The plans of the kit say only what it understands, and are about all that they promise."""

from collections import Counter

from conformance.assertions import Issuer
from conformance.expectations import WORDS
from conformance.means import Means
from conformance.plan import load
from conformance.sink import Sink
from conformance.steps import WORDS_OF

PLANS = load()
EVERYTHING = Means(True, True, True, True, True, True, Issuer(key=b"key"), Sink(), "mllp://there:1", True)


def test_every_step_says_what_is_understood():
    for plan in PLANS:
        for step in plan.steps:
            assert set(step.said) <= WORDS_OF[step.send], plan.id
            assert set(step.expect) <= WORDS | {"handshake", "msa"}, plan.id


def test_every_need_is_one_that_can_be_met():
    assert {need for plan in PLANS for need in plan.needs} == EVERYTHING.names


def test_every_group_of_the_kit_is_there():
    options = Counter((plan.group, plan.option) for plan in PLANS)
    assert sum(options.values()) > 700
    assert set(options) == {
        ("Preparation", "base"),
        *(
            ("Registry", option)
            for option in (
                "web services",
                "base",
                "queries",
                "metadata update",
                "restricted update",
                "remove",
                "on-demand",
                "multi-patient",
            )
        ),
        *(("Repository", option) for option in ("base", "retrieve", "remove documents", "large documents")),
        ("Patient identity", "HL7 V3"),
        ("Patient identity", "HL7 V2"),
        ("XUA", "XUA"),
        ("ATNA", "TLS"),
        ("Audit", "audit content"),
        ("Consent", "consent"),
        ("Consent", "consent documents"),
    }


def test_every_requirement_is_said_once_with_its_section():
    """Two plans of one sentence could not be told apart in a report."""
    said = Counter((plan.group, plan.option, plan.requirement) for plan in PLANS)
    assert [sentence for sentence, number in said.items() if number > 1] == []
    sections = ("ITI TF-", "RMD supplement", "RMU supplement", "MU supplement", "ebR", "XOP", "SOAP")
    assert [plan.id for plan in PLANS if not plan.section.startswith(sections)] == []
    left_open = [plan.id for plan in PLANS if "{" in plan.id + plan.requirement + plan.section]
    assert left_open == []
