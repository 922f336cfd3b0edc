"""Mutants that believe anybody: users, nodes, identity sources; and some that record what was not."""

import re
from collections.abc import Callable

from lxml import etree

from conformance.xml import PREFIXES
from tests.conformance.mutants.mutant import Mutant, accepts, asks, refuses, says, tree
from tests.messages.assertions import assertion, security, signed

_HEADER = re.compile(rb"<wsse:Security.*</wsse:Security>", re.DOTALL)


def believes(body: bytes) -> bytes:
    """Take any assertion for a right one, and none too."""
    right = security(signed(assertion())).encode()
    if _HEADER.search(body):
        return _HEADER.sub(lambda _: right, body)
    return body.replace(b"</soap:Header>", right + b"</soap:Header>")


WRONG_ASSERTIONS = (
    "expired", "not-yet-valid", "unsigned", "other-key", "tampered", "wrapped", "other-issuer", "other-audience",
    "no-conditions", "no-audience", "no-statement", "no-context", "two-contexts", "no-subject", "no-name",
    "unconfirmed", "sender-vouches", "version",
)  # fmt: skip
OF_USERS = (
    *(Mutant(f"believes an assertion: {name}", f"xua-{name}-registry", believes) for name in WRONG_ASSERTIONS),
    Mutant("serves without a user", "xua-missing-query", believes),
    Mutant("hands documents out without a user", "xua-missing-retrieve", believes),
    Mutant("takes documents without a user", "xua-missing-provide", believes),
    Mutant("refuses users by an error of content", "xua-missing-register", believes, refuses("XDSRegistryError")),
    Mutant("refuses attributes that it does not know", "xua-accepted-with-unknown-attribute", answer=refuses("XDSRegistryError")),
)  # fmt: skip
OF_PATIENTS_WHO_DECIDE = (
    Mutant("says that something is hidden", "consent-hidden-from-a-stranger-finddocuments-leafclass", answer=refuses("XDSRegistryError", "access denied"), when=b"14d4debf"),
    Mutant("tells how much is hidden", "consent-hidden-from-a-stranger-getdocuments-objectref", answer=tree(lambda node: etree.SubElement(node, f"{{{PREFIXES['rim']}}}ObjectRef", id="urn:uuid:00000000-0000-4000-8000-000000000000"), "//rim:RegistryObjectList"), when=b"5c4f972b"),
    Mutant("tells a hidden document from none", "consent-hidden-document-from-a-stranger", answer=says("XDSDocumentUniqueIdError", "XDSRepositoryError"), when=b"RetrieveDocumentSetRequest"),
    Mutant("lets anybody deposit", "consent-no-deposit-by-a-stranger", answer=accepts(), when=b"ProvideAndRegister"),
    Mutant("lets anybody remove", "consent-no-removal-of-documents-by-a-stranger", answer=accepts(), when=b"RemoveDocumentsRequest"),
    Mutant("takes consent documents for any others", "consent-document-grants", asks("urn:ihe:iti:bppc:2007", "urn:ihe:iti:xds-sd:text:2008"), when=b"ProvideAndRegister"),
    Mutant("lets consent last for ever", "consent-document-expired", asks("20200102", "20991231"), when=b"ProvideAndRegister"),
    Mutant("hides a patient's own documents from him", "consent-patient-himself", asks("14d4debf-8f97-4251-9a74-a90016b0af0d", "f26abbcb-ac74-4422-8a30-edb644bbc1a9"), answer=accepts(), when=b"14d4debf"),
)  # fmt: skip


def record(old: str, new: str) -> Callable[[bytes], bytes]:
    """Record something else."""
    return lambda message: re.sub(old.encode(), new.encode(), message, flags=re.DOTALL)


# What is wrong, the plan that must notice, and what becomes of the record.
OF_RECORDS = (
    ("records the event of the other side", "audit-register", record('csd-code="110107"', 'csd-code="110106"')),
    ("records reading where it creates", "audit-provide", record('EventActionCode="C"', 'EventActionCode="R"')),
    ("records a refusal as a success", "audit-of-a-refused-submission", record('EventOutcomeIndicator="[48]"', 'EventOutcomeIndicator="0"')),
    ("records a success as a failure", "audit-query", record('EventOutcomeIndicator="0"', 'EventOutcomeIndicator="4"')),
    ("does not record whom it answered", "audit-query", record('csd-code="110153"', 'csd-code="110150"')),
    ("does not record the patient", "audit-register", record('(ParticipantObjectTypeCodeRole=)"1"', r'\1"2"')),
    ("does not record the query", "audit-query", record("<ParticipantObjectQuery>.*?</ParticipantObjectQuery>", "")),
    ("records another code system", "audit-retrieve", record('codeSystemName="DCM"', 'codeSystemName="DICOM"')),
    ("records what no schema allows", "audit-patient", record("AuditSourceID=", "AuditSourceName=")),
    ("does not record the user", "audit-names-the-user", record("<ActiveParticipant[^>]*UserName=[^>]*>.*?</ActiveParticipant>", "")),
    ("does not record at all", "audit-remove-metadata", lambda message: b""),
)  # fmt: skip
# What is wrong, the plan, what becomes of the message, and of its acknowledgement.
OF_ACKNOWLEDGEMENTS = (
    ("refuses admissions", "adt-a01", record("", ""), record(r"MSA\|AA", "MSA|AE")),
    ("acknowledges another message", "adt-a04", record("", ""), record(r"MSA\|AA\|[^\r|]*", "MSA|AA|other")),
    ("forgets whom it admitted", "adt-a05", record(r"PID\|\|\|kit[0-9a-f]*", "PID|||other"), record("", "")),
    ("takes messages without a patient", "adt-refused-without-pid", record("", ""), record(r"MSA\|A[ER]", "MSA|AA")),
)  # fmt: skip
