"""The datatypes of metadata: `str` subclasses that keep the wire text, and what is wrong with a text.

Nothing is parsed before a property is asked for. Every `errors_in_` function yields sentences that say
what was seen and what was expected, fit for a codeContext (ITI TF-3: 4.2.3.1.7).
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from hl7v2.identifiers import (
    CX,
    OID,
    OID_URN,
    UUID_URN,
    CodedString,
    CXi,
    Identifier,
    errors_in_coded_string,
    errors_in_cx,
    errors_in_cxi,
    errors_in_identifier,
    errors_in_oid,
    errors_in_oid_urn,
    errors_in_urn,
    errors_in_uuid_urn,
)
from hl7v2.people import (
    XCN,
    XON,
    XTN,
    Field,
    Recipient,
    errors_in_field,
    errors_in_recipient,
    errors_in_source_patient_info,
    errors_in_xcn,
    errors_in_xon,
    errors_in_xtn,
)
from hl7v2.values import (
    DTM,
    SHA1,
    URI,
    LanguageCode,
    MimeType,
    Size,
    errors_in_dtm,
    errors_in_language_code,
    errors_in_mime_type,
    errors_in_sha1,
    errors_in_size,
    errors_in_uri,
)
from ihe.attributes import Datatype

__all__ = [
    "CX",
    "DTM",
    "ERRORS_IN",
    "OID",
    "OID_URN",
    "SHA1",
    "URI",
    "UUID_URN",
    "XCN",
    "XON",
    "XTN",
    "CXi",
    "CodedString",
    "Field",
    "Identifier",
    "LanguageCode",
    "MimeType",
    "Recipient",
    "Size",
    "errors_in_coded_string",
    "errors_in_cx",
    "errors_in_cxi",
    "errors_in_dtm",
    "errors_in_field",
    "errors_in_identifier",
    "errors_in_language_code",
    "errors_in_mime_type",
    "errors_in_oid",
    "errors_in_oid_urn",
    "errors_in_recipient",
    "errors_in_sha1",
    "errors_in_size",
    "errors_in_source_patient_info",
    "errors_in_uri",
    "errors_in_urn",
    "errors_in_uuid_urn",
    "errors_in_xcn",
    "errors_in_xon",
    "errors_in_xtn",
]

# Codes, authors, names and free text have no syntax of their own and stand in no row.
ERRORS_IN: Mapping[Datatype, Callable[[str], Iterator[str]]] = MappingProxyType(
    {
        Datatype.CODED_STRING: errors_in_coded_string,
        Datatype.CX: errors_in_cx,
        Datatype.CXI: errors_in_cxi,
        Datatype.DTM: errors_in_dtm,
        Datatype.FIELD: errors_in_field,
        Datatype.IDENTIFIER: errors_in_identifier,
        Datatype.INTEGER: errors_in_size,
        Datatype.LANGUAGE: errors_in_language_code,
        Datatype.MIME_TYPE: errors_in_mime_type,
        Datatype.OID: errors_in_oid,
        Datatype.OID_URN: errors_in_oid_urn,
        Datatype.RECIPIENT: errors_in_recipient,
        Datatype.SHA1: errors_in_sha1,
        Datatype.URI: errors_in_uri,
        Datatype.URN: errors_in_urn,
        Datatype.UUID: errors_in_uuid_urn,
        Datatype.XCN: errors_in_xcn,
        Datatype.XON: errors_in_xon,
        Datatype.XTN: errors_in_xtn,
    }
)
