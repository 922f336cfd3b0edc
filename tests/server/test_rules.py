"""Rule packs: what ships, and what is wrong with a file of one's own."""

from datetime import date
from importlib import resources

import pytest

from consent_broker.model import Level, Origin, Party, PartyKind, RecordStatus, Right
from consent_broker.rules import Policy, PolicyGrant
from server.configuration import BadConfiguration, load
from server.rules import built_in_rule_packs, read_rule_pack
from server.toml_file import BadFile

LOINC, ISCO = "2.16.840.1.113883.6.1", "2.16.840.1.113883.2.9.6.2.7"
TODAY = date(2030, 1, 1)


def test_the_shipped_rule_pack_is_read_as_it_is_written():
    """An illustration after the leaflet: opt-in, three levels, and a matrix of professions and documents."""
    assert built_in_rule_packs() == ("luxembourg",)
    rules = read_rule_pack("luxembourg")
    assert rules.unopened is RecordStatus.NOT_OPENED
    assert rules.codes_up_to(Level.RESTRICTED) == {
        (code, "2.16.840.1.113883.5.25") for code in ("U", "L", "M", "N", "R")
    }
    pharmacist = ("2262", ISCO)
    assert rules.types_for(pharmacist, ("", ""), Right.READ, TODAY) == {
        ("57833-6", LOINC),
        ("60591-5", LOINC),
    }
    assert rules.types_for(pharmacist, ("", ""), Right.DEPOSIT, TODAY) == frozenset()
    assert rules.types_for(("9999", ISCO), ("", ""), Right.READ, TODAY) == frozenset()


def test_every_line_that_is_wrong_is_named(tmp_path):
    """A rule pack of one's own, with two mistakes."""
    file = tmp_path / "rules.toml"
    file.write_text(
        'regime = "sometimes"\nprofession_scheme = "1"\nspecialty_scheme = "2"\ntype_scheme = "3"\n'
        'level = []\naccess = [{ professions = ["A"], reads = ["B"] }]\n\n'
        "[durations]\nreferring-doctor = 0\npresence = 1\nadmission = 1\nreferral = 1\nportal = 1\n"
    )
    with pytest.raises(BadFile) as refused:
        read_rule_pack(str(file))
    assert sorted(problem.line for problem in refused.value.problems) == [1, 6]


def test_rules_without_users_are_refused(tmp_path):
    """Where nobody proves who he is, rules would let nobody do anything."""
    file = tmp_path / "coffre.toml"
    file.write_text('[domain]\nrules = "luxembourg"\n')
    with pytest.raises(BadConfiguration) as refused:
        load(file, {})
    (problem,) = refused.value.problems
    assert problem.line == 2
    assert "identity_providers" in problem.reason


def test_a_rule_pack_that_is_not_there_is_named(tmp_path):
    """The built-in ones are listed."""
    file = tmp_path / "coffre.toml"
    file.write_text('[domain]\nrules = "belgium"\n')
    with pytest.raises(BadConfiguration) as refused:
        load(file, {})
    assert "belgium" in refused.value.problems[0].reason
    assert "luxembourg" in refused.value.problems[0].reason


POLICY = """
[[policy]]
id = "2.999.40.1"
domain = "2.999.40"
record = "open"
professions = ["2211"]
signed = true
minimum = "restricted"
emergency = "none"
grant = [
  { to = "author", rights = ["read"], level = "restricted", origin = "admission" },
  { organization = "urn:oid:2.999.61", rights = ["read", "deposit"] },
]
exclude = [{ person = "2.999.4|A" }]

[[policy]]
id = "2.999.40.2"
domain = "2.999.40"
receipt = true
"""


def shipped_with(policies: str, tmp_path) -> str:
    """The shipped rule pack with policies of one's own."""
    shipped = resources.files("server").joinpath("rule_packs/luxembourg.toml").read_text()
    file = tmp_path / "rules.toml"
    file.write_text(shipped + policies)
    return str(file)


def test_what_a_policy_gives_is_read_as_it_is_written(tmp_path):
    """ITI TF-3: 5.1: a policy is an OID, and what it means is the domain's."""
    policies = read_rule_pack(shipped_with(POLICY, tmp_path)).policies
    assert policies["2.999.40.1", "2.999.40"] == Policy(
        RecordStatus.OPEN,
        grants=(
            PolicyGrant(None, frozenset({Right.READ}), Level.RESTRICTED, Origin.ADMISSION),
            PolicyGrant(Party(PartyKind.ORGANIZATION, "urn:oid:2.999.61"), frozenset(Right)),
        ),
        excluded=frozenset({Party(PartyKind.PERSON, "2.999.4|A")}),
        minimum=Level.RESTRICTED,
        no_emergency=True,
        professions=frozenset({("2211", ISCO)}),
        signed=True,
    )
    assert policies["2.999.40.2", "2.999.40"] == Policy(receipt=True)
    assert len(policies) == 2 + len(read_rule_pack("luxembourg").policies)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            'grant = [{ rights = ["read"] }]',
            'a grant is for one: to = "author", or a person, or an organization',
        ),
        ('grant = [{ to = "author", person = "1|A", rights = ["read"] }]', "a grant is for one"),
        ('grant = [{ to = "author", rights = [] }]', "at least 1 item"),
        ("exclude = [{}]", "an exclusion is of one: a person, or an organization"),
        ('receipt = true\nrecord = "open"', "a receipt is the platform's own, and nothing follows from it"),
        ('record = "pilot"', "'open' or 'closed'"),
        (
            '[[policy]]\nid = "2.999.40.9"\ndomain = "2.999.40"',
            "two policies are 2.999.40.9 of 2.999.40",
        ),
    ],
)
def test_what_is_wrong_with_a_policy_is_named(tmp_path, row, reason):
    """A rule pack of one's own."""
    policy = f'\n[[policy]]\nid = "2.999.40.9"\ndomain = "2.999.40"\n{row}\n'
    with pytest.raises(BadFile) as refused:
        read_rule_pack(shipped_with(policy, tmp_path))
    assert reason in str(refused.value)
