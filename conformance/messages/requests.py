"""The bodies of what is asked: queries, retrievals, removals and identity feeds."""

from collections.abc import Mapping
from typing import Any

from lxml import etree

from conformance.names import Names
from conformance.plan import BadPlan
from ihe.namespaces import HL7, LCM, QUERY, RIM, RMD, XDS
from ihe.stored_queries import STORED_QUERIES

_QUERY_IDS = {row.name: row.id for row in STORED_QUERIES.values()}


def stored_query(names: Names, said: Mapping[str, Any]) -> etree._Element:
    """Write an AdhocQueryRequest; a Slot that stands twice is written as a list of lists of Values."""
    root = etree.Element(f"{{{QUERY}}}AdhocQueryRequest", nsmap={"query": QUERY, "rim": RIM})
    etree.SubElement(
        root,
        f"{{{QUERY}}}ResponseOption",
        returnType=said.get("return_type", "LeafClass"),
        returnComposedObjects="true",
    )
    query = etree.SubElement(
        root, f"{{{RIM}}}AdhocQuery", id=_QUERY_IDS.get(said["query"], str(said["query"]))
    )
    if "home" in said:
        query.set("home", str(said["home"]))
    for name, value in {**said.get("slots", {}), **said.get("with", {})}.items():
        for values in value if isinstance(value, list) else [value]:
            slot = etree.SubElement(query, f"{{{RIM}}}Slot", name=name)
            value_list = etree.SubElement(slot, f"{{{RIM}}}ValueList")
            for one in values if isinstance(values, list) else [values]:
                etree.SubElement(value_list, f"{{{RIM}}}Value").text = str(one)
    return root


def retrieval(names: Names, said: Mapping[str, Any]) -> etree._Element:
    """Write a RetrieveDocumentSetRequest for documents by name, or by what stands in a table."""
    root = etree.Element(f"{{{XDS}}}RetrieveDocumentSetRequest", nsmap={"xds": XDS})
    _document_requests(root, names, said)
    return root


def removal_of_documents(names: Names, said: Mapping[str, Any]) -> etree._Element:
    """Write a RemoveDocumentsRequest."""
    root = etree.Element(f"{{{RMD}}}RemoveDocumentsRequest", nsmap={"rmd": RMD, "xds": XDS})
    _document_requests(root, names, said)
    return root


def removal_of_metadata(names: Names, said: Mapping[str, Any]) -> etree._Element:
    """Write a RemoveObjectsRequest for objects by name."""
    root = etree.Element(f"{{{LCM}}}RemoveObjectsRequest", nsmap={"lcm": LCM, "rim": RIM})
    references = etree.SubElement(root, f"{{{RIM}}}ObjectRefList")
    for one in said["objects"]:
        id = str(one) if str(one).startswith("urn:") else names.uuid(str(one))
        etree.SubElement(references, f"{{{RIM}}}ObjectRef", id=id)
    return root


def identity_feed(names: Names, said: Mapping[str, Any], number: int) -> etree._Element:
    """Write ITI-44: a patient added, or with `into` merged into another (ITI TF-2: 3.44.4)."""
    kind = "304" if "into" in said else str(said.get("kind", "301"))
    patient = str(said.get("into", said["name"]))
    root = str(said.get("root", names.settings.authority))
    prior = ""
    if "into" in said:
        prior_root = str(said.get("prior_root", names.settings.authority))
        prior = f"""<replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN">
          <statusCode code="obsolete"/><subject1 typeCode="SBJ"><priorRegisteredRole classCode="PAT">
          <id root="{prior_root}" extension="{names.patient_local_id(str(said["name"]))}"/>
          </priorRegisteredRole></subject1></priorRegistration></replacementOf>"""
    interaction = f"PRPA_IN201{kind}UV02"
    text = f"""<{interaction} xmlns="{HL7}" ITSVersion="XML_1.0">
      <id root="{names.message_id(f"feed{number}").removeprefix("urn:uuid:")}"/>
      <creationTime value="20240102030405"/>
      <interactionId root="2.16.840.1.113883.1.6" extension="{interaction}"/>
      <processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="AL"/>
      <receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="2.999.79.1"/></device></receiver>
      <sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root="2.999.79.2"/></device></sender>
      <controlActProcess classCode="CACT" moodCode="EVN">
        <code code="PRPA_TE201{kind}UV02" codeSystem="2.16.840.1.113883.1.6"/>
        <subject typeCode="SUBJ"><registrationEvent classCode="REG" moodCode="EVN">
          <id nullFlavor="NA"/><statusCode code="active"/>
          <subject1 typeCode="SBJ"><patient classCode="PAT">
            <id root="{root}" extension="{names.patient_local_id(patient)}"/><statusCode code="active"/>
            <patientPerson classCode="PSN" determinerCode="INSTANCE">
              <name><given>Conformance</given><family>Kit</family></name>
            </patientPerson>
            <providerOrganization classCode="ORG" determinerCode="INSTANCE"><id root="{root}"/>
              <contactParty classCode="CON"><telecom value="tel:+352-0"/></contactParty>
            </providerOrganization>
          </patient></subject1>
          <custodian typeCode="CST"><assignedEntity classCode="ASSIGNED"><id root="2.999.79.3"/></assignedEntity></custodian>
          {prior}
        </registrationEvent></subject>
      </controlActProcess>
    </{interaction}>"""  # noqa: E501
    parser = etree.XMLParser(remove_blank_text=True)
    return etree.fromstring(text, parser)


def _document_requests(root: etree._Element, names: Names, said: Mapping[str, Any]) -> None:
    for one in said["documents"]:
        wanted = {"name": one} if isinstance(one, str) else one
        request = etree.SubElement(root, f"{{{XDS}}}DocumentRequest")
        if "home" in wanted:
            etree.SubElement(request, f"{{{XDS}}}HomeCommunityId").text = str(wanted["home"])
        repository = str(wanted.get("repository", names.settings.repository))
        etree.SubElement(request, f"{{{XDS}}}RepositoryUniqueId").text = repository
        unique_id = wanted.get("uniqueId") or (names.oid(str(wanted["name"])) if "name" in wanted else "")
        if not unique_id:
            raise BadPlan(f"{names.plan}: a document is asked for by name or uniqueId")
        etree.SubElement(request, f"{{{XDS}}}DocumentUniqueId").text = str(unique_id)
