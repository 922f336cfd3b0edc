"""entryUUIDs as the tables keep them: 36 characters without `urn:uuid:` (ITI TF-3: 4.2.3.2.7)."""

import re
from collections.abc import Iterable

_PREFIX = "urn:uuid:"
_URN = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_uuid(text: str) -> bool:
    """Whether this is a UUID and not a symbolic id."""
    return _URN.fullmatch(text) is not None


def bare(urn: str) -> str:
    """The 36 characters of a UUID known to be one."""
    return urn.removeprefix(_PREFIX)


def bare_uuids(texts: Iterable[object]) -> list[str]:
    """The UUIDs among these; nothing else can name a registered object."""
    return [bare(text) for text in texts if isinstance(text, str) and is_uuid(text)]


def urn(stored: str) -> str:
    """The UUID as metadata carries it."""
    return _PREFIX + stored
