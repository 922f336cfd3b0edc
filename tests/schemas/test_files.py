"""The schema files as they are served."""

import pytest
from lxml import etree

import schemas

NAMES = [
    "audit.xsd",
    "lcm.xsd",
    "query.xsd",
    "rim.xsd",
    "rmd.xsd",
    "rs.xsd",
    "xds.b.xsd",
    "xds.xsd",
    "xml.xsd",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_published(name):
    assert etree.fromstring(schemas.file(name) or b"").tag == "{http://www.w3.org/2001/XMLSchema}schema"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "none.xsd",
        "../schemas/rim.xsd",
        "/etc/passwd",
        "parser.py",
        "rim.xsd\n",
        "RIM.xsd",
        "..xsd",
        "rim",
    ],
)
def test_nothing_else_is(name):
    assert schemas.file(name) is None
