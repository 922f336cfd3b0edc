"""A run: the shared record first, then every plan, several at once, and what became of each."""

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime

from conformance.cleaning import Cleaned, clean
from conformance.expectations import Memory
from conformance.means import Means
from conformance.messages.submissions import TYPE_URNS
from conformance.names import Names, Settings
from conformance.plan import LIBRARY, PLAN_SET, Plan, Step
from conformance.results import Finding, Outcome, Run, Severity, Verdict
from conformance.steps import Walk
from conformance.target import Target, Unreachable

# More at once than a pool of connections has would only wait.
MAX_PARALLEL = 32

_WORD = re.compile(r"[^ ()]+")

Watcher = Callable[[Outcome, int, int], None]


@dataclass(frozen=True)
class Judge:
    """A target, what its domain is called, and the means we were given against it."""

    target: Target
    settings: Settings
    means: Means = field(default_factory=Means)
    _walks: list[Walk] = field(default_factory=list, repr=False)

    def run(
        self,
        plans: Iterable[Plan],
        library: Plan | None,
        product: str,
        version: str,
        parallel: int,
        watch: Watcher,
    ) -> Run:
        """Run the plans, `parallel` of them at once; the outcomes are in the order of the plans."""
        plans = tuple(plans)
        started = datetime.now(UTC)
        outcomes: dict[str, Outcome] = {}
        shared = Memory()
        ready = ""
        if library and any(plan.patient != "own" for plan in plans):
            prepared, shared = self.prepare(library)
            outcomes[library.id] = prepared
            if prepared.verdict is not Verdict.PASSED:
                ready = f"the shared record could not be prepared: {prepared.reason}"
        with ThreadPoolExecutor(min(parallel, MAX_PARALLEL)) as workers:
            pending = [
                workers.submit(self.judge, plan, shared, ready if plan.patient != "own" else "")
                for plan in plans
            ]
            for number, done in enumerate(as_completed(pending), 1):
                outcome = done.result()
                outcomes[outcome.plan] = outcome
                watch(outcome, number, len(plans))
        order = [LIBRARY, *(plan.id for plan in plans)]
        return Run(
            product,
            version,
            self.target.endpoints.named(),
            PLAN_SET,
            f"{self.settings.seed}/{self.settings.run}",
            started,
            datetime.now(UTC),
            tuple(outcomes[id] for id in order if id in outcomes),
        )

    def prepare(self, library: Plan) -> tuple[Outcome, Memory]:
        """Submit the shared record, and remember what it holds."""
        walk = Walk(library, names_of(library, self.settings), self.target, self.means)
        return self._walked(walk), _of_library(walk.memory)

    def judge(self, plan: Plan, shared: Memory, not_ready: str = "") -> Outcome:
        """Run one plan, if we have the means, and say what became of it."""
        walk = Walk(plan, names_of(plan, self.settings), self.target, self.means, _copied(shared))
        missing = [need for need in plan.needs if need not in self.means.names]
        if missing:
            return _ended(walk, Verdict.NOT_RUN, f"it needs {', '.join(missing)}")
        if not_ready:
            return _ended(walk, Verdict.FAILED, not_ready)
        return self._walked(walk)

    def clean(self) -> Cleaned:
        """Remove what was registered and stored, where the target can."""
        return clean((walk, walk.names) for walk in self._walks)

    def _walked(self, walk: Walk) -> Outcome:
        self._walks.append(walk)
        v3 = bool(self.target.endpoints.identity)
        try:
            for number, step in enumerate([*preparation(walk.plan, v3), *walk.plan.steps], 1):
                if not walk.take(step, number):
                    last = walk.exchanges[-1]
                    first = next(one for one in last.findings if one.severity is Severity.ERROR)
                    return _ended(walk, Verdict.FAILED, f"{last.title}: {_in_short(first)}")
        except Unreachable as problem:
            return _ended(walk, Verdict.FAILED, str(problem))
        return _ended(walk, Verdict.PASSED, "")


def names_of(plan: Plan, settings: Settings) -> Names:
    """The names of a plan, with {patient} as the patient it is about."""
    whose = {"own": "patient", "empty": f"{LIBRARY}.empty", LIBRARY: f"{LIBRARY}.patient"}[plan.patient]
    names = Names(settings, plan.id)
    own = {name: names.patient(name) for name in plan.patients}
    return Names(settings, plan.id, {**own, "patient": names.patient(whose)})


def preparation(plan: Plan, v3: bool = True) -> list[Step]:
    """The identity feeds that make a plan's own patients known, by HL7 V3 or V2."""
    names = (("patient",) if plan.patient == "own" else ()) + plan.patients
    return [
        Step("patient" if v3 else "adt", {"name": name, "title": f"Prepare {name}"}, {}) for name in names
    ]


def _in_short(finding: Finding) -> str:
    return f"{finding.seen[:200]} where {finding.expected[:200]} was expected"


def _ended(walk: Walk, verdict: Verdict, reason: str) -> Outcome:
    plan = walk.plan
    return Outcome(
        plan.id,
        plan.group,
        plan.actor,
        plan.option,
        plan.requirement,
        plan.section,
        verdict,
        reason,
        tuple(walk.exchanges),
    )


def _copied(memory: Memory) -> Memory:
    return Memory(dict(memory.kinds), dict(memory.attributes), dict(memory.contents))


def _of_library(memory: Memory) -> Memory:
    """What the shared record holds, as other plans call it."""

    names = {name: _named_by_others(name) for name in (*memory.kinds, *memory.contents)}
    return Memory(
        {names[name]: id for name, id in memory.kinds.items()},
        {names[name]: one for name, one in memory.attributes.items()},
        {names[name]: content for name, content in memory.contents.items()},
    )


def _named_by_others(name: str) -> str:
    """`library.d RPLC library.c`: of an Association both ends are the library's."""
    return _WORD.sub(lambda word: word[0] if word[0] in TYPE_URNS else f"{LIBRARY}.{word[0]}", name)
