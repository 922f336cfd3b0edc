"""A run told step by step, in words a person likes to read."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from client.errors import ClientError
from ihe.transactions import Transaction
from server.commands.outcome import Trouble, trouble_of

INDENT = 4


class Story:
    """What happens, while it happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def title(self, text: str) -> None:
        """What this is."""
        self._console.print(Text(text, "bold"))

    @contextmanager
    def step(self, heading: str) -> Iterator[None]:
        """Number and name a step; what goes wrong in it is told by that number and name."""
        self._number += 1
        self._console.print()
        self._console.print(Text.assemble((f"{self._number:>2}  ", "bold cyan"), (heading, "bold")))
        try:
            yield
        except (ClientError, OSError, Trouble) as problem:
            why = trouble_of(problem)
            message = f"Step {self._number}, {heading!r}, failed. {why.message}"
            raise Trouble(why.code, message, why.remedy, why.details, why.facts) from problem

    def command(self, text: str) -> None:
        """How one does it by hand."""
        self._line(Text(f"$ coffre {text}", "green"))

    def sent(self, transaction: Transaction, result: str) -> None:
        """What went over the wire."""
        name = f"{transaction.name} [{transaction.number}]"
        self._line(Text.assemble("-> ", (name, "magenta"), f" to the {transaction.actor}: {result}"))

    def say(self, text: str) -> None:
        """Something worth knowing."""
        self._line(Text(text))

    def show(self, table: RenderableType) -> None:
        """A table."""
        self._console.print(Padding(table, (0, 0, 0, INDENT)))

    def end(self, text: str) -> None:
        """How it went."""
        self._console.print()
        self._console.print(Text(text, "bold green"))

    def _line(self, text: Text) -> None:
        # Left to the terminal to wrap: a command line is copied in one piece.
        self._console.print(Text.assemble(" " * INDENT, text), soft_wrap=True)
