"""By what right somebody gets to a record: how a reason of the consent broker begins."""

from enum import StrEnum


class Basis(StrEnum):
    """The words that records keep, and by which a journal tells them again."""

    EMERGENCY = "an emergency"
    PATIENT = "the patient himself"
    REPRESENTATIVE = "a legal representative of the patient's"
    HELPER = "a helper of the patient's"
    CARE = "a care relationship"
    ADMINISTRATOR = "an administrator of the domain"
    SYSTEM = "a system of the platform"


def basis_in(reasons: str) -> Basis | None:
    """The strongest of those that these reasons, joined by semicolons, begin with."""
    said = [reason.strip() for reason in reasons.split(";")]
    return next((one for one in Basis if any(reason.startswith(one) for reason in said)), None)
