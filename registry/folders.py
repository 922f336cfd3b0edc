"""Folder.lastUpdateTime of registered Folders (ITI TF-3: 4.2.3.4.6)."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import bindparam, select, update

from database import Statement, Transaction, any_of
from ebxml.model import Folder
from exchange.ports import NewUuid
from hl7v2.datatypes import DTM
from registry import tables as t
from registry.fragments import stored_element
from registry.stored_objects import read_stored

# A clock that lags behind another's does not turn a time back.
_SELECT = Statement(
    select(t.folder.c.id, t.folder.c.fragment).where(
        any_of(t.folder.c.id, bindparam("ids")), t.folder.c.last_update_time < bindparam("now")
    )
)
_UPDATE = Statement(
    update(t.folder)
    .where(t.folder.c.id == bindparam("number"))
    .values(last_update_time=bindparam("now"), fragment=bindparam("element"))
)


async def touch_folders(ids: Collection[int], now: int, transaction: Transaction, new_uuid: NewUuid) -> None:
    """Let these Folders say that their contents changed now."""
    rows = await transaction.fetch(_SELECT, {"ids": sorted(ids), "now": now})
    await transaction.execute(
        _UPDATE,
        [
            {"number": number, "now": now, "element": stored_element(_touched(stored, now), new_uuid)}
            for number, stored in rows
        ],
    )


def _touched(stored: bytes, now: int) -> Folder:
    folder = read_stored(stored)
    if not isinstance(folder, Folder):
        raise TypeError("the fragment of a Folder holds something else")
    return replace(folder, last_update_time=DTM(now))
