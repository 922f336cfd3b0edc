"""Plans are data: a table makes plans, and one that cannot be understood is refused before all is sent."""

import pytest

from conformance.plan import BadPlan, chosen, load, read

HEAD = """
group = "Registry"
actor = "Document Registry"
option = "base"
"""
PLAN = """
[[plan]]
id = "without-{attribute}-{return_type}"
requirement = "{attribute} is there"
section = "ITI TF-3: 4.3.1"
columns = ["attribute", "number"]
rows = [["classCode", 1], ["typeCode", 2]]
by.return_type = ["LeafClass", "ObjectRef"]
step = [{ send = "query", query = "{attribute} {patient}", expect.count = "{number}" }]
"""


def written(folder, text):
    path = folder / "one.toml"
    path.write_text(text)
    return path


def test_every_row_and_every_value_beside_it_makes_a_plan(tmp_path):
    plans = tuple(read(written(tmp_path, HEAD + PLAN)))
    assert [plan.id for plan in plans] == [
        "without-classcode-leafclass",
        "without-classcode-objectref",
        "without-typecode-leafclass",
        "without-typecode-objectref",
    ]
    assert plans[3].requirement == "typeCode is there"
    # A number stays a number, and what is no column waits for the run.
    assert plans[3].steps[0].expect == {"count": 2}
    assert plans[3].steps[0].said == {"query": "typeCode {patient}"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("group = ", "Invalid value"),
        (HEAD + "else = 1", "unknown keys"),
        (HEAD + PLAN.replace('["typeCode", 2]', '["typeCode"]'), "has not 2 columns"),
        (HEAD + PLAN.replace("requirement", "wish"), "unknown keys"),
        (HEAD + PLAN.replace("section", "patient"), "there is no section"),
        (HEAD + PLAN.replace(', expect.count = "{number}"', ""), "nothing is expected"),
        (HEAD + PLAN.replace('send = "query", ', ""), "does not say what it sends"),
        (HEAD + PLAN.replace("without-{attribute}-{return_type}", "??"), "has no id"),
    ],
)
def test_a_plan_that_cannot_be_understood_is_refused(tmp_path, text, reason):
    with pytest.raises(BadPlan, match=reason):
        tuple(read(written(tmp_path, text)))


def test_an_id_is_there_once(tmp_path):
    written(tmp_path, HEAD + PLAN + PLAN)
    with pytest.raises(BadPlan, match="two plans of this id"):
        load(folder=tmp_path)


def test_plans_of_ones_own_stand_beside_those_of_the_kit(tmp_path):
    written(tmp_path, HEAD + PLAN)
    assert len(load(tmp_path)) == len(load()) + 4


def test_plans_are_chosen_by_group_and_by_id(tmp_path):
    plans = tuple(read(written(tmp_path, HEAD + PLAN)))
    assert chosen(plans, (), ()) == plans
    assert chosen(plans, ("Registry",), ("without-typecode-*",)) == plans[2:]
    for groups, ids in ((("Other",), ()), ((), ("other",))):
        with pytest.raises(BadPlan, match="there is no"):
            chosen(plans, groups, ids)
