"""Ids come from the seed, the run and the plan, and from nothing else."""

from dataclasses import replace

import pytest

from conformance.domain import read_domain
from conformance.names import Names, Settings
from conformance.plan import BadPlan

DOMAIN = read_domain(None)
SETTINGS = Settings("2.999.5", "2.999.2.1", "urn:oid:2.999.3", DOMAIN.codes, "seed", "run")
NAMES = Names(SETTINGS, "plan")


def ids(names):
    return names.uuid("a"), names.oid("a"), names.patient("a"), names.message_id("1")


def test_the_same_seed_and_run_give_the_same_ids():
    assert ids(NAMES) == ids(Names(SETTINGS, "plan"))


def test_another_seed_run_plan_or_name_gives_others():
    others = [Names(replace(SETTINGS, seed="other"), "plan"), Names(replace(SETTINGS, run="other"), "plan")]
    every = [*ids(NAMES), *ids(Names(SETTINGS, "another")), *(id for other in others for id in ids(other))]
    assert len(set(every)) == len(every)
    assert NAMES.uuid("a") != NAMES.uuid("b")


def test_an_object_of_the_library_is_the_same_in_every_plan():
    assert NAMES.uuid("library.a") == Names(SETTINGS, "library").uuid("a")


def test_a_text_names_ids_codes_and_oids():
    said = NAMES.filled({"{a.id}": ["{a.uid}", "{p.cx} {p.local} {repository}", "{code.classCode.0}", 1]})
    assert said == {
        NAMES.uuid("a"): [
            NAMES.oid("a"),
            f"{NAMES.patient('p')} {NAMES.patient_local_id('p')} 2.999.2.1",
            "REPORTS^^1.3.6.1.4.1.19376.1.2.6.1",
            1,
        ]
    }


@pytest.mark.parametrize("text", ["{nothing}", "{a.what}", "{code.classCode.9}", "{code.other.0}"])
def test_what_is_called_nothing_is_a_fault_of_the_plan(text):
    with pytest.raises(BadPlan):
        NAMES.filled(text)


def test_a_domain_of_ones_own_goes_before_the_built_in_one(tmp_path):
    path = tmp_path / "domain.toml"
    path.write_text('authority = "2.999.6"\n[codes]\nclassCode = ["A^^2.999.1", "B^^2.999.1"]\n')
    domain = read_domain(path)
    assert (domain.authority, domain.codes["classCode"]) == ("2.999.6", ("A^^2.999.1", "B^^2.999.1"))
    assert domain.codes["typeCode"] == DOMAIN.codes["typeCode"]


@pytest.mark.parametrize(
    "text",
    [
        "other = 1",
        "codes = 1",
        "policies = 1",
        '[codes]\nclassCode = ["A^^1"]',
        '[codes]\nclassCode = ["A", "B"]',
        "[codes]\nclassCode = [1, 2]",
        '[users.patient]\nname = "nobody"',
        '[users.patient]\nname = "a"\nrole = "b"\npurpose = "c"\nelse = "d"',
    ],
)
def test_a_domain_that_is_not_understood_is_refused(tmp_path, text):
    path = tmp_path / "domain.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"domain\.toml: "):
        read_domain(path)
