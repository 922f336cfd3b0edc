"""How this room says no."""

from ihe.xua import Refusal


class NotAccepted(Exception):
    """An assertion breaks this rule; what it says besides is nobody's business."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.rule)
        self.refusal = refusal
