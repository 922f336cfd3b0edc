"""Mutants of a registry that is asked: parameters ignored or misread, objects lost or too many."""

from tests.conformance.mutants.mutant import Mutant, accepts, asks, refuses, remove

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"


def without(slot: str) -> str:
    """The pattern of a Slot of a query."""
    return rf'<rim:Slot name="\{slot}">.*?</rim:Slot>'


MUTANTS = (
    Mutant("ignores the class code", "find-documents-by-class-code", asks(without("$XDSDocumentEntryClassCode"), "")),
    Mutant("ignores the format code", "find-documents-by-format-code", asks(without("$XDSDocumentEntryFormatCode"), "")),
    Mutant("ignores the author", "find-documents-by-author", asks(without("$XDSDocumentEntryAuthorPerson"), "")),
    Mutant("knows no wildcards", "find-documents-by-author", asks("%Muller%", "Muller")),
    Mutant("matches authors in any case", "find-documents-by-author-case", asks("%muller%", "%Muller%")),
    Mutant("compares codes without their scheme", "find-documents-by-class-code-of-another-scheme", asks(r"REPORTS\^\^2.999.99", "REPORTS^^1.3.6.1.4.1.19376.1.2.6.1")),
    Mutant("takes a repeated Slot for a list", "find-documents-by-confidentiality-both", asks(r"\)</rim:Value></rim:ValueList></rim:Slot><rim:Slot name=\"\$XDSDocumentEntryConfidentialityCode\"><rim:ValueList><rim:Value>\(", ",")),
    Mutant("reads the first Value of a Slot only", "find-documents-by-class-code-in-two-values", asks(r"(ClassCode.*?</rim:Value>)<rim:Value>.*?</rim:Value>", r"\1")),
    Mutant("reads the first of a list only", "find-documents-by-event-code-either", asks(r"\('EVENT1\^\^2.999.81','EVENT2\^\^2.999.81'\)", "('EVENT1^^2.999.81')")),
    Mutant("leaves the lower edge of a time out", "find-documents-by-creation-from-inclusive", asks(">20240102030405<", ">20240102030406<")),
    Mutant("lets the upper edge of a time in", "find-documents-by-creation-to-exclusive", asks(">20240102030405<", ">20240102030406<")),
    Mutant("misses what has no service time", "find-documents-by-service-start-from", answer=remove("//rim:ExtrinsicObject[not(rim:Slot[@name='serviceStartTime'])]")),
    Mutant("ignores the status", "query-finddocuments-approved-leafclass", asks(APPROVED, f"{APPROVED}','{DEPRECATED}")),
    Mutant("loses a document", "query-finddocuments-approved-leafclass", answer=remove("//rim:ExtrinsicObject")),
    Mutant("loses a reference", "query-finddocuments-approved-objectref", answer=remove("//rim:ObjectRef")),
    Mutant("answers references with objects", "query-finddocuments-approved-objectref", asks('returnType="ObjectRef"', 'returnType="LeafClass"')),
    Mutant("answers objects with references", "query-finddocuments-approved-leafclass", asks('returnType="LeafClass"', 'returnType="ObjectRef"')),
    Mutant("refuses parameters it does not know", "find-documents-by-unknown-parameter", answer=refuses("XDSRegistryError")),
    Mutant("does without a required parameter", "query-finddocuments-without-xdsdocumententrystatus", answer=accepts()),
    Mutant("does not name the missing parameter", "query-finddocuments-without-xdsdocumententrypatientid", answer=refuses("XDSStoredQueryMissingParam", "a parameter is missing")),
    Mutant("has one error for every fault of a query", "query-finddocuments-without-xdsdocumententrypatientid", answer=refuses("XDSRegistryError", "$XDSDocumentEntryPatientId")),
    Mutant("takes both of two alternatives", "query-getdocuments-by-both", asks(without("$XDSDocumentEntryUniqueId"), "")),
    Mutant("takes a list where one value is asked for", "query-one-value-xdsfolderentryuuid", answer=accepts()),
    Mutant("takes malformed values", "query-malformed-no-parentheses", answer=accepts()),
    Mutant("answers an unknown query by an error of its own", "query-unknown", answer=refuses("XDSRegistryError", "urn:uuid:00000000-0000-4000-8000-000000000000")),
    Mutant("takes any returnType", "query-return-type-everything", asks('returnType="Everything"', 'returnType="LeafClass"')),
    Mutant("fails when it finds nothing", "query-of-nothing-finddocuments", answer=refuses("XDSRegistryError", "nothing found")),
    Mutant("tells of two patients together", "query-spanning-patients-leafclass", asks('returnType="LeafClass"', 'returnType="ObjectRef"'), when=b"AdhocQueryRequest"),
    Mutant("loses the Associations", "query-getassociations-of-a-document-leafclass", answer=remove("//rim:Association")),
    Mutant("returns Associations whose ends it does not", "query-getfolderandcontents-by-uuid-leafclass", answer=remove("//rim:ExtrinsicObject")),
    Mutant("loses the SubmissionSet of its contents", "query-getsubmissionsetandcontents-by-uuid-leafclass", answer=remove("//rim:RegistryPackage")),
    Mutant("does not filter contents", "contents-of-getfolderandcontents-by-format", answer=remove("//rim:ExtrinsicObject")),
    Mutant("finds no Folder by its uniqueId", "query-getfolders-by-unique-id-leafclass", answer=remove("//rim:RegistryPackage")),
    Mutant("takes one type of relationship for another", "query-getrelateddocuments-replaced-leafclass", asks("AssociationType:RPLC", "AssociationType:XFRM")),
    Mutant("shows old versions at level 1", "metadata-level-1", asks(">1<", ">2<"), when=b"MetadataLevel"),
    Mutant("knows a third level", "metadata-level-of-nobody", asks(">3<", ">2<"), when=b"MetadataLevel"),
    Mutant("shows on-demand entries to everybody", "on-demand-not-by-default", asks("</rim:AdhocQuery>", '<rim:Slot name="$XDSDocumentEntryType"><rim:ValueList><rim:Value>(\'urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248\',\'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1\')</rim:Value></rim:ValueList></rim:Slot></rim:AdhocQuery>')),
    Mutant("asks for the first patient only", "multi-patient-documents-leafclass", asks(r"\('(kit[^']*)','[^']*'\)", r"('\1')"), when=b"3d1bdb10-39a2-11de-89c2-2f44d94eaa9f"),
    Mutant("searches all patients", "multi-patient-finddocumentsformultiplepatients-without-anything", answer=accepts()),
)  # fmt: skip
