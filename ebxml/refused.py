"""The one exception that carries RegistryErrors from where they are found to the answer (ITI TF-3: 4.2.4)."""

from ihe.error_codes import RegistryError


class Refused(Exception):
    """A request that must not change anything; every error of it stands in `errors`, at least one.

    `patient_ids` are those of registered objects that it named, for its audit record.
    """

    def __init__(self, *errors: RegistryError, patient_ids: tuple[str, ...] = ()) -> None:
        super().__init__(", ".join(error.code for error in errors))
        self.errors = errors
        self.patient_ids = patient_ids
