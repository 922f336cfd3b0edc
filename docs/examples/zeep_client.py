"""Register a document by ITI-42 and find it by ITI-18, with zeep and the WSDL that Coffre itself serves.

Usage: python zeep_client.py http://localhost:8080/registry
"""

import sys
import uuid
from pathlib import Path

import zeep
from lxml import etree

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
NS = {"rim": RIM}
PATIENT = "1980010112345^^^&2.999.352.1&ISO"
EXAMPLE = Path(__file__).with_name("iti-41.xml")

# What a repository adds to a DocumentEntry before it registers it: here of an empty document.
ADDED = {
    "hash": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "size": "0",
    "repositoryUniqueId": "2.999.352.2",
}


class Objects(zeep.Plugin):
    """Puts ebRIM objects into a RegistryObjectList, as XML.

    zeep knows no substitution groups, and loses id and Slot of a Classification because its type is
    recursive, in the official schemas as in these. So it does SOAP and WS-Addressing, and we write ebRIM.
    """

    def __init__(self):
        self.objects = []

    def egress(self, envelope, http_headers, operation, binding_options):
        for registry_object_list in envelope.iter(f"{{{RIM}}}RegistryObjectList"):
            registry_object_list.extend(self.objects)
        return envelope, http_headers


def example_objects():
    """The objects of iti-41.xml under uniqueIds of their own, ready for ITI-42."""
    registry_object_list = etree.parse(EXAMPLE).find(f".//{{{RIM}}}RegistryObjectList")
    for name in ("XDSDocumentEntry.uniqueId", "XDSSubmissionSet.uniqueId"):
        path = f".//rim:ExternalIdentifier[rim:Name/rim:LocalizedString/@value='{name}']"
        (identifier,) = registry_object_list.xpath(path, namespaces=NS)
        identifier.set("value", f"2.25.{uuid.uuid4().int}")
    entry = registry_object_list.find(f"{{{RIM}}}ExtrinsicObject")
    for name, value in ADDED.items():
        slot = etree.Element(f"{{{RIM}}}Slot", name=name)
        etree.SubElement(etree.SubElement(slot, f"{{{RIM}}}ValueList"), f"{{{RIM}}}Value").text = value
        entry.insert(0, slot)
    return list(registry_object_list)


def slot(name, *values):
    return {"name": name, "ValueList": {"Value": list(values)}}


def main(registry):
    ebrim = Objects()
    client = zeep.Client(f"{registry}?wsdl", plugins=[ebrim])

    ebrim.objects = example_objects()
    # The operation's name has a hyphen, so it is no attribute of Python's.
    register = client.service["DocumentRegistry_RegisterDocumentSet-b"]
    answer = register(RegistryObjectList={})
    print("registered:", answer.status)

    # What stands in the answer's RegistryObjectList zeep cannot name either: take it as XML.
    with client.settings(raw_response=True):
        answer = client.service.DocumentRegistry_RegistryStoredQuery(
            ResponseOption={"returnType": "LeafClass", "returnComposedObjects": True},
            AdhocQuery={
                "id": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
                "Slot": [
                    slot("$XDSDocumentEntryPatientId", f"'{PATIENT}'"),
                    slot(
                        "$XDSDocumentEntryStatus",
                        "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')",
                    ),
                ],
            },
        )
    for entry in etree.fromstring(answer.content).iter(f"{{{RIM}}}ExtrinsicObject"):
        (title,) = entry.xpath("rim:Name/rim:LocalizedString/@value", namespaces=NS)
        print("found:", title, entry.get("id"))


if __name__ == "__main__":
    main(sys.argv[1])
