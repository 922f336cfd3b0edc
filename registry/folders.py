"""Folder.lastUpdateTime of registered Folders (ITI TF-3: 4.2.3.4.6)."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import bindparam, select, update

import schemas
from database import Statement, Transaction, any_of
from ebxml.model import Folder
from ebxml.read import read_query_response
from ebxml.write import QUERY_RESPONSE_TAIL, fragment, query_response_head
from exchange.ports import NewUuid
from hl7v2.datatypes import DTM
from ihe.error_codes import ResponseStatus
from registry import tables as t
from registry.fragments import pack, unpack

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
            {"number": number, "now": now, "element": pack(_updated(unpack(stored), now, new_uuid))}
            for number, stored in rows
        ],
    )


def _updated(element: bytes, now: int, new_uuid: NewUuid) -> bytes:
    """The Folder's element with another time; read and written as any other, so nothing of it is lost."""
    answer = query_response_head(ResponseStatus.SUCCESS, ()) + element + QUERY_RESPONSE_TAIL
    (folder,) = read_query_response(schemas.parse(answer)).objects
    if not isinstance(folder, Folder):
        raise TypeError("the fragment of a Folder holds something else")
    return fragment(replace(folder, last_update_time=DTM(now)), new_uuid)
