"""Whatever a target answers, the judge says what is wrong with it, and goes on."""

import random
import re
import subprocess

import pytest

from conformance.always import findings_always
from conformance.answer import Answer, NotAnAnswer, read_answer
from conformance.domain import read_domain
from conformance.expectations import Memory, Question, findings_in
from conformance.names import Names, Settings
from ihe.transactions import ITI_18, ITI_43, Transaction
from tests.house.tree import PROGRAMS
from tests.services.ports import free_port

DOMAIN = read_domain(None)
NAMES = Names(Settings("2.999.5", "2.999.2", "urn:oid:2.999.3", DOMAIN.codes, "seed", "run"), "plan")
NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing" '
    'xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" '
    'xmlns:e="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" xmlns:x="urn:ihe:iti:xds-b:2007"'
)
FOUND = f"""<s:Envelope {NAMESPACES}><s:Header>
<a:Action>urn:ihe:iti:2007:RegistryStoredQueryResponse</a:Action>
<a:RelatesTo>urn:uuid:1</a:RelatesTo></s:Header><s:Body>
<q:AdhocQueryResponse status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure">
<e:RegistryErrorList highestSeverity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error">
<e:RegistryError errorCode="XDSRegistryError" codeContext="x"
severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/>
</e:RegistryErrorList><r:RegistryObjectList>
<r:ExtrinsicObject id="{NAMES.uuid("a")}" objectType="o" status="t">
<r:Slot name="size"><r:ValueList><r:Value>1</r:Value></r:ValueList></r:Slot>
<r:Classification id="c" classifiedObject="d"
classificationScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a" nodeRepresentation="n"/>
</r:ExtrinsicObject><r:Association id="g" sourceObject="h" targetObject="i" associationType="j"/>
<r:ObjectRef id="k"/></r:RegistryObjectList></q:AdhocQueryResponse></s:Body></s:Envelope>"""
RETRIEVED = f"""--B\r\nContent-Type: application/xop+xml\r\nContent-ID: <r>\r\n\r\n
<s:Envelope {NAMESPACES}><s:Body><x:RetrieveDocumentSetResponse><e:RegistryResponse status="z"/>
<x:DocumentResponse><x:DocumentUniqueId>1</x:DocumentUniqueId><x:mimeType>m</x:mimeType>
<x:Document>aGVsbG8=</x:Document></x:DocumentResponse></x:RetrieveDocumentSetResponse></s:Body></s:Envelope>
\r\n--B\r\nContent-ID: <p>\r\n\r\nbytes\r\n--B--\r\n"""
SIMPLE = {"content-type": "application/soap+xml"}
RELATED = {"content-type": 'multipart/related; boundary="B"; type="application/xop+xml"; start="<r>"'}
EXPECT = {
    "status": "Success",
    "errors": ["XDSUnknownPatientId"],
    "says": "x",
    "location": ["y"],
    "documents": ["a"],
    "associations": ["a RPLC b"],
    "refs": [],
    "count": 3,
    "values": {"a.size": "2", "a.classCode": []},
    "retrieved": [],
}


def judged(answer: Answer, transaction: Transaction) -> list[str]:
    question = Question(answer, EXPECT, NAMES, Memory(), "requirement", "section")
    found = [*findings_always(answer, transaction, "urn:uuid:1"), *findings_in(question)]
    return [one.rule for one in found]


@pytest.mark.parametrize(
    ("transaction", "headers", "text"), [(ITI_18, SIMPLE, FOUND), (ITI_43, RELATED, RETRIEVED)]
)
def test_an_answer_with_anything_in_it_is_judged(transaction, headers, text):
    """Pieces taken out, put in, doubled and turned about, at random places but the same ones each time."""
    chance, read = random.Random(8), 0
    pieces = re.split(r"(<[^>]*>|\"[^\"]*\")", text)
    for _ in range(600):
        changed = list(pieces)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(changed))
            other = chance.choice(changed)
            changed[at] = chance.choice(["", other, changed[at] + other, changed[at][::-1], "\x00", "é"])
        try:
            answer = read_answer(chance.choice([200, 400, 500, 302]), headers, "".join(changed).encode())
        except NotAnAnswer:
            continue
        read += 1
        assert judged(answer, transaction)
    assert read > 50


def test_who_is_not_there_is_said_to_be_unreachable():
    url = f"http://127.0.0.1:{free_port()}/registry"
    command = [str(PROGRAMS / "coffre"), "conformance", "run", "--registry", url, "--repository", url]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"the registry at {url} cannot be reached" in done.stderr
