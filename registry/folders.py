"""Folder.lastUpdateTime of registered Folders (ITI TF-3: 4.2.3.4.6)."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import bindparam, select, update

import schemas
from database import Statement, Transaction, any_of
from ebxml.model import Folder
from ebxml.read import read_query_response
from ebxml.write import QUERY_RESPONSE_TAIL, query_response_head
from exchange.ports import NewUuid
from hl7v2.datatypes import DTM
from ihe.error_codes import ResponseStatus
from registry import tables as t
from registry.fragments import stored_element, unpack

_SELECT = Statement(select(t.folder.c.id, t.folder.c.fragment).where(any_of(t.folder.c.id, bindparam("ids"))))
_UPDATE = Statement(
    update(t.folder)
    .where(t.folder.c.id == bindparam("number"))
    .values(last_update_time=bindparam("now"), fragment=bindparam("element"))
)


async def touch_folders(ids: Collection[int], now: int, transaction: Transaction, new_uuid: NewUuid) -> None:
    """Let these Folders say that their contents changed now."""
    rows = await transaction.fetch(_SELECT, {"ids": sorted(ids)})
    await transaction.execute(
        _UPDATE,
        [
            {"number": number, "now": now, "element": stored_element(_touched(unpack(stored), now), new_uuid)}
            for number, stored in rows
        ],
    )


def _touched(element: bytes, now: int) -> Folder:
    """The Folder with another time; read as from any other answer, so nothing of it is lost."""
    answer = query_response_head(ResponseStatus.SUCCESS, ()) + element + QUERY_RESPONSE_TAIL
    (folder,) = read_query_response(schemas.parse(answer)).objects
    if not isinstance(folder, Folder):
        raise TypeError("the fragment of a Folder holds something else")
    return replace(folder, last_update_time=DTM(now))
