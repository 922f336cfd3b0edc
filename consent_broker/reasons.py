"""Why a decision came out as it did: in the record in English, to whom it concerns in his own language."""

from dataclasses import dataclass

from consent_broker.texts import Language, Why, told


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason, with the numbers and words that its text names."""

    why: Why
    values: tuple[tuple[str, int | Why], ...] = ()

    def told(self, language: Language) -> str:
        """The reason as a sentence."""
        return told(self.why, language, **dict(self.values))

    def __str__(self) -> str:
        return self.told(Language.ENGLISH)


def reason(why: Why, **values: int | Why) -> Reason:
    """A reason with what its text names."""
    return Reason(why, tuple(values.items()))
