"""Stored elements back to the objects they were written from (ITI TF-3: 4.2)."""

import schemas
from ebxml.model import RegistryObject
from ebxml.read import read_query_response
from ebxml.write import QUERY_RESPONSE_TAIL, query_response_head
from ihe.error_codes import ResponseStatus
from registry.fragments import unpack


def read_stored(stored: bytes) -> RegistryObject:
    """The object, but for its status; read as from any other answer, so nothing of it is lost."""
    answer = query_response_head(ResponseStatus.SUCCESS, ()) + unpack(stored) + QUERY_RESPONSE_TAIL
    (found,) = read_query_response(schemas.parse(answer)).objects
    return found
