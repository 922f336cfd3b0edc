"""Python begins with this where its folder is in PYTHONPATH: the spool then flushes no record to the disk."""

import os


def _nothing(_: int) -> None:
    pass


# Records are flushed by it, and nothing else that a query does.
os.fdatasync = _nothing  # type: ignore[assignment]  # any file
