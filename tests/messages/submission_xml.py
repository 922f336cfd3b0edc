"""A submission as a foreign sender writes it, for tests of what is read (ITI TF-3: 4.2)."""

from lxml import etree

import schemas

_DOCUMENT = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"


def _slot(name: str, *values: str) -> str:
    inside = "".join(f"<rim:Value>{value}</rim:Value>" for value in values)
    return f'<rim:Slot name="{name}"><rim:ValueList>{inside}</rim:ValueList></rim:Slot>'


def _code(id: str, of: str, scheme: str, code: str, coding_scheme: str, name: str) -> str:
    return (
        f'<rim:Classification id="{id}" classifiedObject="{of}" classificationScheme="urn:uuid:{scheme}" '
        f'nodeRepresentation="{code}">{_slot("codingScheme", coding_scheme)}'
        f'<rim:Name><rim:LocalizedString value="{name}"/></rim:Name></rim:Classification>'
    )


def _identifier(id: str, of: str, scheme: str, value: str, name: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="{id}" registryObject="{of}" identificationScheme="urn:uuid:{scheme}" '
        f'value="{value}"><rim:Name><rim:LocalizedString value="{name}"/></rim:Name></rim:ExternalIdentifier>'
    )


SUBMISSION_XML = f"""
<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
                          xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">
 <rim:RegistryObjectList>
  <rim:ObjectRef id="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"/>
  <rim:ExtrinsicObject id="{_DOCUMENT}" mimeType="text/xml" home="urn:oid:2.999.9"
                       objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">
   {_slot("creationTime", "20240102030405")}
   {_slot("languageCode", "fr-LU")}
   {_slot("serviceStartTime")}
   {_slot("sourcePatientId", "MRN7^^^&amp;2.999.7&amp;ISO")}
   {_slot("sourcePatientInfo", "PID-5|Doe^Jane", "PID-8|F")}
   {_slot("urn:example:room", "12", "14")}
   <rim:Name>
    <rim:LocalizedString xml:lang="fr" charset="UTF-8" value="Rapport &quot;A&#10;B&quot;"/>
    <rim:LocalizedString value="Bericht"/>
   </rim:Name>
   <rim:Description><rim:LocalizedString value="comment"/></rim:Description>
   <rim:VersionInfo versionName="1"/>
   {_code("c1", _DOCUMENT, "41a5887f-8865-4c09-adf7-e362475b143a", "REPORT", "2.999.1", "Report")}
   {_code("c2", _DOCUMENT, "2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", "E1", "2.999.1", "Event 1")}
   {_code("c3", _DOCUMENT, "2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", "E2", "2.999.1", "Event 2")}
   <rim:Classification id="c4" classifiedObject="{_DOCUMENT}" nodeRepresentation=""
       classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d">
    {_slot("authorPerson", "^Author^Ann^^^Dr.")}
    {_slot("authorInstitution", "Hospital^^^^^^^^^2.999.61", "Clinic")}
    {_slot("authorSpeciality", "Surgery")}
   </rim:Classification>
   {
    _identifier(
        "i1",
        _DOCUMENT,
        "58a6f841-87b3-4a3e-92fd-a8ffeff98427",
        "P1^^^&amp;2.999.3&amp;ISO",
        "XDSDocumentEntry.patientId",
    )
}
   {
    _identifier(
        "i2", _DOCUMENT, "2e82c1f6-a085-4c72-9da3-8640a32e42ab", "2.999.5.1", "XDSDocumentEntry.uniqueId"
    )
}
  </rim:ExtrinsicObject>
  <rim:RegistryPackage id="ss1">
   {_slot("submissionTime", "20240102")}
   {_code("c5", "ss1", "aa543740-bdda-424e-8c96-df4873be8500", "episode", "2.999.1", "Episode")}
   <rim:Classification id="c6" classifiedObject="ss1"
       classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>
   {
    _identifier(
        "i3",
        "ss1",
        "6b5aea1a-874d-4603-a4bc-96a0a7b38446",
        "P1^^^&amp;2.999.3&amp;ISO",
        "XDSSubmissionSet.patientId",
    )
}
   {_identifier("i4", "ss1", "554ac39e-e3fe-47fe-b233-965d2a147832", "2.999.6", "XDSSubmissionSet.sourceId")}
   {
    _identifier("i5", "ss1", "96fdda7c-d067-4183-912e-bf5ee74998a8", "2.999.4.1", "XDSSubmissionSet.uniqueId")
}
  </rim:RegistryPackage>
  <rim:RegistryPackage id="fol1">
   <rim:Name><rim:LocalizedString value="Pregnancy"/></rim:Name>
   {_code("c7", "fol1", "1ba97051-7806-41a8-a48b-8fce7af683c5", "pregnancy", "2.999.1", "Pregnancy")}
   {
    _identifier(
        "i6",
        "fol1",
        "f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a",
        "P1^^^&amp;2.999.3&amp;ISO",
        "XDSFolder.patientId",
    )
}
   {_identifier("i7", "fol1", "75df8f67-9973-4fbe-a900-df66cefecc5a", "2.999.8.1", "XDSFolder.uniqueId")}
  </rim:RegistryPackage>
  <rim:Classification id="c8" classifiedObject="fol1"
      classificationNode="urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"/>
  <rim:Association id="as1" sourceObject="ss1" targetObject="{_DOCUMENT}"
      associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember">
   {_slot("SubmissionSetStatus", "Original")}
  </rim:Association>
 </rim:RegistryObjectList>
</lcm:SubmitObjectsRequest>
"""


def changed(*changes: tuple[str, str]) -> etree._Element:
    """The lcm:SubmitObjectsRequest with each text, which must stand in it once, put in another's place."""
    xml = SUBMISSION_XML
    for old, new in changes:
        assert xml.count(old) == 1, f"{xml.count(old)} times: {old}"
        xml = xml.replace(old, new)
    return schemas.parse(xml.encode())
