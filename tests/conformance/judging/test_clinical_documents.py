"""Consent documents, each with one thing wrong (ITI TF-3: 5.1)."""

import pytest

from tests.conformance.judging.samples import changed, errors

GOOD = """<ClinicalDocument xmlns="urn:hl7-org:v3">
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.1"/><templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.7"/>
<id root="2.999.1.7"/><code code="57016-8" codeSystem="2.16.840.1.113883.6.1"/><title>Consent</title>
<effectiveTime value="20300101120000+0100"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
<languageCode code="fr-LU"/>
<recordTarget><patientRole><id root="2.999.5" extension="p1"/></patientRole></recordTarget>
<author/><custodian/><documentationOf typeCode="DOC"><serviceEvent classCode="ACT" moodCode="EVN">
<templateId root="1.3.6.1.4.1.19376.1.5.3.1.2.6"/><id root="2.999.1.8"/>
<code code="2.999.9.1" codeSystem="2.999.9" displayName="Opt in"/>
<effectiveTime><low value="20300101"/></effectiveTime>
</serviceEvent></documentationOf><component><structuredBody/></component></ClinicalDocument>"""


def test_a_good_acknowledgement_has_no_error():
    assert errors(GOOD) == set()


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("a document says that it is CDA", "POCD_HD000040", "POCD"),
        ("a document has its custodian", "<custodian/>", ""),
        ("the patient has an id with its authority", 'root="2.999.5" extension="p1"', 'root="2.999.5"'),
        ("an acknowledgement is a medical document", '19376.1.5.3.1.1.1"', '19376.1.5.3.1.1.9"'),
        (
            "an acknowledgement is a medical document",
            '<templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.1"/>',
            "",
        ),
        ("an acknowledgement has its code", "57016-8", "57016-7"),
        ("an acknowledgement has its kind of body", "structuredBody", "nonXMLBody"),
        ("a policy is acknowledged", "documentationOf", "documentOf"),
        ("an acknowledgement is of its template", "5.3.1.2.6", "5.3.1.2.7"),
        (
            "an acknowledgement's id is a root alone",
            '<id root="2.999.1.8"/>',
            '<id root="2.999.1" extension="8"/>',
        ),
        ("the policy is named", 'codeSystem="2.999.9"', ""),
        ("an acknowledgement has a beginning", "<low ", "<high "),
    ],
)
def test_what_is_wrong_in_an_acknowledgement_is_found(rule, old, new):
    assert rule in errors(changed(GOOD, (old, new)))
