"""Schema violations as RegistryErrors, less what the domain tolerates (ITI TF-2: 3.18.4.1.3, 3.42.4.1.3)."""

from lxml import etree

import schemas
from ebxml.affinity_domain import AffinityDomain, Tolerance
from ebxml.refused import Refused
from ihe.error_codes import ErrorCode
from ihe.namespaces import QUERY

_MISSING_IDS: schemas.Tolerated = frozenset(
    ("SCHEMAV_CVC_COMPLEX_TYPE_4", element, "id")
    for element in ("Classification", "ExternalIdentifier", "Association")
)
# The XSD caps rim:Value at 256 characters; real consumers send longer OR-lists.
_LONG_VALUES: schemas.Tolerated = frozenset({("SCHEMAV_CVC_MAXLENGTH_VALID", "Value", None)})


def refuse_invalid(body: etree._Element, code: ErrorCode, domain: AffinityDomain) -> None:
    """Raise Refused with every violation of the body's schema."""
    if violations := schemas.errors_in(body, tolerated=_tolerated(body, domain)):
        raise Refused(*(code.error(violation.message, violation.path) for violation in violations))


def _tolerated(body: etree._Element, domain: AffinityDomain) -> schemas.Tolerated:
    if body.tag == f"{{{QUERY}}}AdhocQueryRequest":
        return _LONG_VALUES if Tolerance.LONG_QUERY_VALUES in domain.tolerances else frozenset()
    return _MISSING_IDS if Tolerance.MISSING_IDS in domain.tolerances else frozenset()
