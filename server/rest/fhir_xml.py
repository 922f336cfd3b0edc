"""FHIR resources as XML, made of what their JSON is made of (FHIR R4: 2.6.1)."""

import re
from collections.abc import Iterator, Mapping
from html import escape

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_NAMESPACE = ' xmlns="http://hl7.org/fhir"'

# What XML 1.0 cannot carry.
_UNCARRIED = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_fhir_xml(resource: Mapping[str, object]) -> bytes:
    """The resource; its elements must stand in the order of their definition."""
    return "".join((_HEAD, *_resource(resource, _NAMESPACE))).encode()


def _resource(resource: Mapping[str, object], attributes: str = "") -> Iterator[str]:
    name = resource["resourceType"]
    yield f"<{name}{attributes}>"
    for child, value in resource.items():
        if child != "resourceType":
            yield from _element(child, value)
    yield f"</{name}>"


def _element(name: str, value: object) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _element(name, one)
    elif isinstance(value, Mapping):
        yield f"<{name}>"
        if "resourceType" in value:
            yield from _resource(value)
        else:
            for child, inner in value.items():
                yield from _element(child, inner)
        yield f"</{name}>"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield f'<{name} value="{_attribute(text)}"/>'


def _attribute(text: str) -> str:
    # A parser turns line ends and tabs within attributes into spaces.
    escaped = escape(_UNCARRIED.sub("\ufffd", text))
    return escaped.replace("\t", "&#9;").replace("\n", "&#10;").replace("\r", "&#13;")
