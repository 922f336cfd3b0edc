"""Loads in turns, round by round, so that whatever else the machine does slows all alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.load import Rate
from bench.machine import processor_seconds


@dataclass
class Figures:
    """Of each round: answers a second, processor time of an answer, and how long answers took."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def add(self, rate: Rate, seconds: float) -> None:
        """Note what a load of one round came to, and the processor time it took."""
        self.rates.append(rate.per_second)
        self.costs.append(seconds / rate.requests)
        self.p50.append(rate.p50)
        self.p99.append(rate.p99)

    @property
    def said(self) -> str:
        """Throughput and how long answers took."""
        each = (median(self.p50) * 1000, median(self.p99) * 1000)
        return f"{median(self.rates):,.0f}/s, p50 {each[0]:.1f} ms, p99 {each[1]:.1f} ms"


@dataclass(frozen=True)
class Asked:
    """Something that can be loaded, and the process that does the work."""

    run: Callable[[], Rate]
    pid: int


def in_turns(
    asked: Mapping[str, Asked], rounds: int, yardsticks: Mapping[str, Callable[[], float]]
) -> tuple[dict[str, Figures], dict[str, list[float]]]:
    """What each load and each yardstick came to; the first round warms up and is not counted."""
    figures = {name: Figures() for name in asked}
    measured: dict[str, list[float]] = {name: [] for name in yardsticks}
    for number in range(rounds + 1):
        for name, one in asked.items():
            before = processor_seconds(one.pid)
            rate = one.run()
            if rate.refused or rate.broken:
                raise SystemExit(f"{name}: {rate}")
            if number:
                figures[name].add(rate, processor_seconds(one.pid) - before)
        if number:
            for name, yardstick in yardsticks.items():
                measured[name].append(yardstick())
    return figures, measured


def ratios(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    """How they compare in each round."""
    return tuple(a / b for a, b in zip(one, other, strict=True))


def ratio(one: Sequence[float], other: Sequence[float]) -> tuple[str, str]:
    """The median of the ratios of each round, and from the least to the most of them."""
    each = ratios(one, other)
    return f"{median(each):.2f}", f"{min(each):.2f}-{max(each):.2f}"


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)
