"""What the registry's transactions work on: the database, and the codes it has already met."""

from database import Database
from registry.codes import Codes


class RegistryStore:
    """One for each process, shared by all its requests."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.codes = Codes(database)
