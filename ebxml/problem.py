"""A broken rule as its sender is told of it, before a transaction gives it a code (ITI TF-3: 4.2.4)."""

from dataclasses import dataclass

from ihe.error_codes import ErrorCode, RegistryError


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where in the message, and the name of the metadata attribute if it is about one."""

    text: str
    location: str = ""
    attribute: str = ""

    def error(self, code: ErrorCode) -> RegistryError:
        """The same under this transaction's code."""
        return code.error(self.text, self.location)
