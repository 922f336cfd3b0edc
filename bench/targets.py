"""The fifteen rows: what each is measured against, and what it must come to."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.rounds import median


@dataclass(frozen=True)
class Target:
    """A path, and the ratio to its yardstick that it must reach or may not exceed."""

    path: str
    must: float
    stretch: float
    at_most: bool = False

    @property
    def said(self) -> str:
        return f"at {'most' if self.at_most else 'least'} {self.must:.3g}"


TARGETS: Mapping[str, Target] = {
    "1": Target("FindDocuments, 10 LeafClass", 0.40, 0.60),
    "2": Target("processor time of the server for (1)", 9, 6, at_most=True),
    "3": Target("(1) as ObjectRef", 1.1, 1.3),
    "4": Target("an answer of 100 entries by fragments", 1 / 50, 1 / 100, at_most=True),
    "5": Target("ITI-42, one document", 0.25, 0.45),
    "6": Target("processor time of the server for (5)", 7, 4, at_most=True),
    "7": Target("ITI-41, 10 KB", 0.5, 0.7),
    "8": Target("ITI-41, 1 GB, plain", 0.40, 0.7),
    "8, encrypted": Target("ITI-41, 1 GB, encrypted", 0.30, 0.7),
    "9": Target("ITI-43, 1 GB, plain", 0.7, 0.9),
    "9, encrypted": Target("ITI-43, 1 GB, encrypted", 0.45, 0.9),
    "10": Target("memory for 2 GB in or out, MB", 64, 16, at_most=True),
    "10, eight": Target("memory for eight at once, MB", 128, 64, at_most=True),
    "11": Target("p50 of questions about a patient at 10 times the documents", 1.15, 1.05, at_most=True),
    "11, in": Target("rate of (5) at 10 times the documents", 1 / 1.3, 1),
    "12": Target("p99 of (1)", 4, 2.5, at_most=True),
    "13": Target("(1) over TLS", 0.70, 0.85),
    "14, XUA": Target("(1) without rules, its assertion cached", 0.85, 0.95),
    "14, audit": Target("(1), audit on", 0.90, 0.95),
    "14, consent": Target("(1), with 1,000 directives", 0.90, 0.95),
    "15": Target("stored bytes of an entry, row and indexes", 0.35, 0.2, at_most=True),
}


@dataclass(frozen=True)
class Result:
    """What a row came to in each round: a figure and its yardstick in words, and their ratios."""

    row: str
    figure: str
    yardstick: str
    ratios: tuple[float, ...]

    HEAD = ("row", "path", "figure", "yardstick", "ratio", "spread", "must", "")

    @property
    def ratio(self) -> float:
        """The median of all rounds."""
        return median(self.ratios)

    @property
    def times_target(self) -> float:
        """How many times as good as its target it is."""
        target = TARGETS[self.row]
        return target.must / self.ratio if target.at_most else self.ratio / target.must

    @property
    def met(self) -> bool:
        """Whether it is what it must be."""
        return self.times_target >= 1

    @property
    def line(self) -> tuple[str, ...]:
        """As a line of the table of this head."""
        target = TARGETS[self.row]
        spread = f"{min(self.ratios):.3g}-{max(self.ratios):.3g}"
        met = "met" if self.met else "**missed**"
        return (
            self.row, target.path, self.figure, self.yardstick, f"{self.ratio:.3g}", spread, target.said, met
        )  # fmt: skip
