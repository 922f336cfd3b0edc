"""Do our schemas accept and refuse what the official ones do, and do foreign readers take our WSDLs?

Run as `python -m tests.reference.check FOLDER`, where FOLDER holds official schemas and samples.
"""

import random
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

import zeep
from lxml import etree

import schemas
import schemas.validator
import wsdl
from tests.messages.published import published_files
from tests.reference.bodies import bodies
from tests.reference.components import components
from tests.reference.mutations import mutated

SEED = 20261122
MUTATIONS_OF_A_MESSAGE = 250

# ITI-86 is defined by its WSDL: its request has the type of ITI-43's, and names any number of documents.
_OFFICIAL = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:rmd="urn:ihe:iti:rmd:2017"
           xmlns:xds="urn:ihe:iti:xds-b:2007" targetNamespace="urn:ihe:iti:rmd:2017">
  <xs:import namespace="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" schemaLocation="{0}/ebrs30/query.xsd"/>
  <xs:import namespace="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" schemaLocation="{0}/ebrs30/lcm.xsd"/>
  <xs:import namespace="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" schemaLocation="{0}/ebrs30/rs.xsd"/>
  <xs:import namespace="urn:ihe:iti:xds-b:2007" schemaLocation="{0}/ihe/XDS.b_DocumentRepository.xsd"/>
  <xs:element name="RemoveDocumentsRequest" type="xds:RetrieveDocumentSetRequestType"/>
</xs:schema>
"""
_PAIRS = {
    "rim.xsd": "ebrs30/rim.xsd",
    "rs.xsd": "ebrs30/rs.xsd",
    "lcm.xsd": "ebrs30/lcm.xsd",
    "query.xsd": "ebrs30/query.xsd",
    "xds.b.xsd": "ihe/XDS.b_DocumentRepository.xsd",
}
_SCHEMAS = Path(schemas.__file__).parent
_COLUMNS = ("mutations", "both accept", "both refuse", "differ")


def main(folder: Path) -> int:
    """Print one line per message and return 1 if any verdict differs."""
    official = etree.XMLSchema(etree.fromstring(_OFFICIAL.format((folder / "schemas").resolve().as_uri())))
    dice = random.Random(SEED)
    rows: list[tuple[str, Counter[str]]] = []
    for name, body in bodies(folder / "samples"):
        rows.append((name, Counter({"mutations": MUTATIONS_OF_A_MESSAGE})))
        for one in (body, *(mutated(body, dice) for _ in range(MUTATIONS_OF_A_MESSAGE))):
            # As bytes and back: a peer never sends what only a tree in memory can be.
            rows[-1][1][verdict(etree.tostring(one), official)] += 1
    total = sum((count for _name, count in rows), Counter[str]())
    print(f"{'message':44}" + "".join(f"{column:>13}" for column in _COLUMNS))
    for name, count in [*rows, ("all", total)]:
        print(f"{name:44}" + "".join(f"{count[column]:13}" for column in _COLUMNS))
    different = print_components(folder / "schemas")
    print_operations()
    return 1 if total["differ"] or different else 0


def verdict(message: bytes, official: etree.XMLSchema) -> str:
    """Judge a message by the official schema, by ours, and by ours in the way of large messages."""
    element = schemas.parse(message)
    accepted = official.validate(element)
    ours = not schemas.errors_in(element)
    at_once = schemas.validator.MAX_NODES_AT_ONCE
    schemas.validator.MAX_NODES_AT_ONCE = 0
    try:
        streamed = not schemas.errors_in(element)
    finally:
        schemas.validator.MAX_NODES_AT_ONCE = at_once
    if not accepted == ours == streamed:
        print(f"differs, official {accepted}, ours {ours}, streamed {streamed}: {message!r}", file=sys.stderr)
        return "differ"
    return "both accept" if accepted else "both refuse"


def print_components(official: Path) -> int:
    """Lay each component of our files beside the one of the same name, and return how many are not alike."""
    unlike = 0
    for ours, theirs in _PAIRS.items():
        mine, published = components(_SCHEMAS / ours), components(official / theirs)
        different = [name for name, allowed in mine.items() if published.get(name) != allowed]
        unlike += len(different)
        print(f"{ours}: {len(mine)} components, not alike: {', '.join(different) or 'none'}")
    return unlike


def print_operations() -> None:
    """Read each WSDL with zeep from a local port and print what it understood."""
    with published_files() as base:
        for actor in get_args(wsdl.Actor):
            client = zeep.Client(f"{base}/{actor}?wsdl")
            for service in client.wsdl.services.values():
                for port in service.ports.values():
                    for operation in port.binding.all().values():
                        print(f"zeep: {service.name} {operation.name}: {operation.input.signature()}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
