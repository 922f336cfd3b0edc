"""Why the client could not do what it was asked: one class for each thing a caller may do about it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ihe.error_codes import RegistryError
from ihe.transactions import Transaction

if TYPE_CHECKING:
    from client.results import FetchedDocument


class ClientError(Exception):
    """Any of the following."""


class RequestRefused(ClientError):
    """The server understood the request and will not do it (ITI TF-3: 4.2.4)."""

    def __init__(self, transaction: Transaction, errors: Sequence[RegistryError]) -> None:
        super().__init__("; ".join(f"{error.code}: {error.context}" for error in errors))
        self.transaction = transaction
        self.errors = tuple(errors)


class PartlyRefused(RequestRefused):
    """Some documents came and were kept, others were refused (ITI TF-2: 3.43.4.1.3)."""

    def __init__(
        self, transaction: Transaction, errors: Sequence[RegistryError], fetched: "Sequence[FetchedDocument]"
    ) -> None:
        super().__init__(transaction, errors)
        self.fetched = tuple(fetched)


class Fault(ClientError):
    """The server could not take the message itself (SOAP 1.2 Part 1: 5.4)."""

    def __init__(self, transaction: Transaction, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.transaction = transaction
        self.code = code
        self.reason = reason


class Unreachable(ClientError):
    """No server answers there, or what answers is none; `sent` if the request may have arrived."""

    def __init__(self, url: str, reason: str, *, sent: bool = False) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason
        self.sent = sent


class NoSuchDocument(ClientError):
    """The registry knows no document of that id."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(", ".join(ids))
        self.ids = tuple(ids)


class DocumentDamaged(ClientError):
    """What came back has another hash or size than was registered (ITI TF-3: 4.2.3.2.10)."""

    def __init__(self, unique_id: str, expected: str, found: str) -> None:
        super().__init__(f"{unique_id}: expected {expected}, found {found}")
        self.unique_id = unique_id
        self.expected = expected
        self.found = found


class BadMetadata(ClientError):
    """What is to be submitted or asked for cannot be said; every problem at once, nothing was sent."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class FileIsThere(ClientError):
    """A file would have been overwritten."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class FileChanged(ClientError):
    """A file changed after its metadata were written; nothing of it is registered."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path
