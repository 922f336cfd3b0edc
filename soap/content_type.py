"""The Content-Type header, read tolerantly (RFC 2045: 5.1; RFC 2387: 3)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from soap.fault import SoapFault

# HTTP servers take header lines of 8 KiB; no Content-Type comes near.
LONGEST_CONTENT_TYPE = 8192
# MTOM needs six; the rest is room for a peer's own.
MOST_PARAMETERS = 32


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type in lower case and its parameters by lower-case name."""

    media_type: str
    parameters: Mapping[str, str]

    @property
    def action(self) -> str:
        """The action parameter, which some send inside start-info (ITI TF-2: V.3; RFC 3902)."""
        if action := self.parameters.get("action"):
            return action
        start_info = self.parameters.get("start-info", "")
        return dict(_parameters(start_info)).get("action", "")


def read_content_type(header: str) -> ContentType:
    """Read a Content-Type; names in any case, values quoted or not, folded lines and stray text let pass."""
    if len(header) > LONGEST_CONTENT_TYPE:
        raise SoapFault.too_large("the Content-Type", LONGEST_CONTENT_TYPE, "characters")
    header = _FOLD.sub(" ", header)
    media_type, _, _ = header.partition(";")
    media_type = media_type.strip().lower()
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise SoapFault.unsupported_media_type(media_type)
    parameters: dict[str, str] = {}
    for name, value in _parameters(header):
        # Two readers that each take another of two boundaries see two different messages.
        if name in parameters:
            raise SoapFault.sender(f"the Content-Type has the parameter {name} twice")
        if len(parameters) == MOST_PARAMETERS:
            raise SoapFault.too_large("the Content-Type", MOST_PARAMETERS, "parameters")
        parameters[name] = value
    return ContentType(media_type, MappingProxyType(parameters))


_FOLD = re.compile(r"\r?\n(?=[ \t])")
_MEDIA_TYPE = re.compile(r"[\w!#$%&'*+.^`{|}~-]+/[\w!#$%&'*+.^`{|}~-]+", re.ASCII)
_NEXT_PARAMETER = re.compile(r'[^;"]*+;\s*+')
_PARAMETER = re.compile(r'([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^";]*+))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _parameters(header: str) -> Iterator[tuple[str, str]]:
    """Each `;name=value`; what stands between and is neither is passed over."""
    at = 0
    while semicolon := _NEXT_PARAMETER.match(header, at):
        at = semicolon.end()
        if found := _PARAMETER.match(header, at):
            name, quoted, bare = found.groups()
            yield name.lower(), bare.strip() if quoted is None else _ESCAPED.sub(r"\1", quoted)
            at = found.end()
    if '"' in header[at:]:
        raise SoapFault.sender("the Content-Type has a quotation mark too many or too few")
