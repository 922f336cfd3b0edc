"""The one XML reader of the judge, and the names by which it shows where something stands."""

from lxml import etree

from ihe.namespaces import (
    HL7,
    LCM,
    QUERY,
    RIM,
    RMD,
    RS,
    SAML2,
    SOAP11,
    SOAP12,
    WSA,
    WSSE,
    WSU,
    XDS,
    XOP,
)

# The largest answer that a plan asks for has 4,000 entries of 8 KB.
MAX_XML_BYTES = 64 * 1024 * 1024
# The deepest message we know needs 30.
MAX_DEPTH = 200
MAX_ELEMENTS = 1_000_000

# The prefixes of every XPath that is read or shown here.
PREFIXES = {
    "soap": SOAP12,
    "soap11": SOAP11,
    "wsa": WSA,
    "wsse": WSSE,
    "wsu": WSU,
    "saml": SAML2,
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
    "xop": XOP,
    "xds": XDS,
    "rmd": RMD,
    "rim": RIM,
    "rs": RS,
    "lcm": LCM,
    "query": QUERY,
    "hl7": HL7,
}
_PREFIX_OF = {namespace: prefix for prefix, namespace in PREFIXES.items()}


class NotXml(Exception):
    """These bytes are no XML that a peer may send; says why, and in which line."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


def read(content: bytes, limit_bytes: int = MAX_XML_BYTES) -> etree._Element:
    """Read XML of a stranger: no document type, no entities, no network, a limit on everything (XML 1.0)."""
    if len(content) > limit_bytes:
        raise NotXml(f"it is larger than {limit_bytes} bytes")
    if content.count(b"<") > 2 * MAX_ELEMENTS:
        raise NotXml(f"it has more than {MAX_ELEMENTS} elements")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=len(content) > 9_000_000,  # libxml2 cuts longer texts off unless told to take any
    )
    try:
        root: etree._Element = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as problem:
        raise NotXml(str(problem.msg)[:200], problem.lineno or 0) from None
    for entry in parser.error_log:
        # libxml2 goes on with a name that holds a colon.
        if entry.domain_name == "NAMESPACE":
            raise NotXml(entry.message[:200], entry.line)
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotXml("a document type declaration stands before the root element")
    if etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")(root):
        raise NotXml(f"elements are nested more than {MAX_DEPTH} deep")
    return root


def select(node: etree._Element, path: str) -> list[etree._Element]:
    """The elements that an XPath finds, with the prefixes of PREFIXES."""
    found = node.xpath(path, namespaces=PREFIXES)
    return [one for one in found if isinstance(one, etree._Element)] if isinstance(found, list) else []


def where(node: etree._Element) -> str:
    """The path to an element, counted only where it has brothers of its name."""
    steps = [_step(one) for one in (node, *node.iterancestors())]
    return "/" + "/".join(reversed(steps))


def _step(node: etree._Element) -> str:
    name = etree.QName(node)
    prefix = _PREFIX_OF.get(name.namespace or "")
    shown = f"{prefix}:{name.localname}" if prefix else f"*[local-name()='{name.localname}']"
    if not name.namespace:
        shown = name.localname
    before = len(list(node.itersiblings(name, preceding=True)))
    after = len(list(node.itersiblings(name)))
    return f"{shown}[{before + 1}]" if before or after else shown
