"""Every wrong registry and repository is caught, by the plan that is there for it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from conformance.domain import read_domain
from conformance.expectations import Memory
from conformance.means import Means
from conformance.names import Settings
from conformance.plan import LIBRARY, load
from conformance.results import Verdict
from conformance.running import Judge
from conformance.target import Endpoints, Target
from tests.conformance.mutants import of_answers, of_queries, of_submissions
from tests.conformance.mutants.mutant import Mutant
from tests.conformance.mutants.proxy import Proxy, proxied
from tests.services.judged import DOMAIN
from tests.services.platform import running

MUTANTS = (*of_answers.MUTANTS, *of_queries.MUTANTS, *of_submissions.MUTANTS)
PLANS = {plan.id: plan for plan in load()}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Lend a right platform behind a proxy that makes it wrong."""
    with running(tmp_path_factory.mktemp("right"), toml=DOMAIN) as platform, proxied(platform.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def judge(proxy: Proxy) -> Iterator[Judge]:
    """Lend a judge of the proxy."""
    domain = read_domain(None)
    settings = Settings(domain.authority, domain.repository, domain.home, domain.codes, "mutants", "1")
    target = Target(Endpoints(f"{proxy.url}/registry", f"{proxy.url}/repository", f"{proxy.url}/registry"))
    yield Judge(target, settings, Means(restricted=True))
    target.close()


@pytest.fixture(scope="module")
def shared(judge: Judge) -> Memory:
    """Lend the shared record, as the right platform took it."""
    outcome, memory = judge.prepare(PLANS[LIBRARY])
    assert outcome.verdict is Verdict.PASSED, outcome.reason
    return memory


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.wrong)
def test_a_mutant_is_caught_by_its_plan(mutant: Mutant, judge: Judge, shared: Memory, proxy: Proxy):
    """A plan under another id has objects of its own, so that one plan can catch several mutants."""
    plan = replace(PLANS[mutant.plan], id=f"{mutant.plan}-{MUTANTS.index(mutant)}")
    proxy.become(mutant)
    try:
        outcome = judge.judge(plan, shared)
        touched = proxy.touched
    finally:
        proxy.become(None)
    assert touched, f"{mutant.wrong}: nothing of it came by in {mutant.plan}"
    assert outcome.verdict is Verdict.FAILED, f"{mutant.wrong}: {mutant.plan} did not notice"


def test_the_right_platform_behind_the_proxy_is_not_caught(judge: Judge, proxy: Proxy):
    """What catches mutants is not the proxy; with a record of its own, for some have stored in the other."""
    proxy.become(None)
    untouched = replace(judge, settings=replace(judge.settings, run="2"))
    plans = [PLANS[id] for id in sorted({mutant.plan for mutant in MUTANTS})]
    run = untouched.run(plans, PLANS[LIBRARY], "right", "", 4, lambda outcome, done, total: None)
    assert [f"{one.plan}: {one.reason}" for one in run.outcomes if one.verdict is not Verdict.PASSED] == []


def test_there_is_a_mutant_of_every_family():
    assert len({mutant.wrong for mutant in MUTANTS}) == len(MUTANTS) > 100
    assert {mutant.plan for mutant in MUTANTS} <= set(PLANS)
