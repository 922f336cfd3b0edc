"""Mutants of registries, repositories and identities that take what they must refuse, or forget what they took."""

from tests.conformance.mutants.mutant import Mutant, accepts, asks, put, refuses, remove, says

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
SUBMITTING = b"SubmitObjectsRequest"
REMOVING = b"RemoveObjectsRequest"
ASKING = b"AdhocQueryRequest"
RETRIEVING = b"RetrieveDocumentSetRequest"

MUTANTS = (
    # Registration: what must be refused.
    Mutant("does without a required attribute", "document-without-typecode", answer=accepts(), when=SUBMITTING),
    Mutant("does without a title of Folders", "folder-without-title", answer=accepts(), when=SUBMITTING),
    Mutant("does not say what is missing", "submission-set-without-sourceid", answer=refuses("XDSRegistryMetadataError", "incomplete"), when=SUBMITTING),
    Mutant("refuses with a code of its own", "document-without-formatcode", answer=refuses("XDSRegistryError", "formatCode"), when=SUBMITTING),
    Mutant("stores what it refuses", "code-of-no-domain-documententry.classcode", asks("NOBODY-AGREED", "REPORTS"), answer=refuses("XDSRegistryMetadataError", "NOBODY-AGREED"), when=SUBMITTING),
    Mutant("takes codes of no domain", "code-of-no-domain-documententry.typecode", asks("NOBODY-AGREED", "11502-2"), when=SUBMITTING),
    Mutant("takes codes without a scheme", "code-without-scheme-documententry.classcode", answer=accepts(), when=SUBMITTING),
    Mutant("takes dates that there are not", "datatype-dtm-creation-leap-day", asks("20230229", "20230228"), when=SUBMITTING),
    Mutant("takes times with a zone", "datatype-dtm-creation-zone", asks(r"20240101120000\+0100", "20240101120000"), when=SUBMITTING),
    Mutant("takes any patient id of a source", "datatype-cx-no-authority", asks(">p1<", ">p1^^^&amp;2.999.77&amp;ISO<"), when=SUBMITTING),
    Mutant("takes any text for an OID", "datatype-oid-letters", asks("not-an-oid", "1.2.3.4.5"), when=SUBMITTING),
    Mutant("takes any hash", "datatype-sha1-letters", asks("za39a3ee", "da39a3ee"), when=SUBMITTING),
    Mutant("takes a negative size", "datatype-size-negative", asks(">-1<", ">1<"), when=SUBMITTING),
    Mutant("takes authors who are nobody", "author-nobody", answer=accepts(), when=SUBMITTING),
    Mutant("takes services that stop before they start", "service-stops-before-it-starts", answer=accepts(), when=SUBMITTING),
    Mutant("takes packages without a label", "structure-package-without-label", answer=accepts(), when=SUBMITTING),
    Mutant("takes unknown Slots of the Framework", "structure-slot-of-the-framework", asks("urn:ihe:iti:nothing", "urn:conformance:nothing"), when=SUBMITTING),
    Mutant("takes documents outside the set", "structure-document-outside-the-set", answer=accepts(), when=SUBMITTING),
    Mutant("takes limited metadata", "structure-limited-document", answer=accepts(), when=SUBMITTING),
    Mutant("takes what no schema knows", "schema-unknown-element", asks("rim:Title", "rim:Name"), when=SUBMITTING),
    Mutant("stops at the first error", "all-errors-together", answer=refuses("XDSRegistryMetadataError", "creationTime"), when=SUBMITTING),
    Mutant("takes anybody for a patient", "unknown-patient", answer=accepts(), when=SUBMITTING),
    Mutant("takes documents of two patients together", "patients-differ-document", answer=accepts(), when=SUBMITTING),
    Mutant("takes one uniqueId twice in a message", "unique-id-twice-in-a-message", answer=accepts(), when=SUBMITTING),
    Mutant("registers a uniqueId twice", "register-again-submissionset", answer=accepts(), when=SUBMITTING),
    Mutant("registers other bytes of a uniqueId", "register-other-bytes-of-a-unique-id", answer=accepts(), when=SUBMITTING),
    # Registration: what must become of it.
    Mutant("writes titles in another character set", "register-and-return-title", answer=says("é", "?"), when=ASKING),
    Mutant("drops extra metadata without a word", "register-and-return-urn-conformance-extra", answer=remove("//rim:Slot[@name='urn:conformance:extra']"), when=ASKING),
    Mutant("keeps one of several codes", "register-and-return-eventcodelist", answer=remove("//rim:Classification[@classificationScheme='urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4']"), when=ASKING),
    Mutant("turns the parts of an author about", "register-and-return-author", answer=says(r"Weber\^Anne", "Anne^Weber"), when=ASKING),
    Mutant("loses the recipient", "register-submission-set-intendedrecipient", answer=remove("//rim:Slot[@name='intendedRecipient']"), when=ASKING),
    Mutant("does not deprecate what was replaced", "relationship-rplc", answer=says(DEPRECATED, APPROVED), when=ASKING),
    Mutant("deprecates what was appended to", "relationship-apnd", answer=put("//rim:ExtrinsicObject", "status", DEPRECATED), when=ASKING),
    Mutant("leaves the appendix of a replaced document", "replacement-deprecates-apnd", answer=says(DEPRECATED, APPROVED), when=ASKING),
    Mutant("leaves a replacement outside the Folder", "replacement-joins-the-folder", answer=remove("//rim:ExtrinsicObject[@status='urn:oasis:names:tc:ebxml-regrep:StatusType:Approved']"), when=ASKING),
    Mutant("relates documents to nothing", "relationship-rplc-of-nothing", answer=accepts(), when=SUBMITTING),
    Mutant("replaces what was replaced", "relationship-rplc-of-a-deprecated-document", answer=accepts(), when=SUBMITTING),
    Mutant("replaces another patient's document", "relationship-rplc-of-another-patients-document", answer=accepts(), when=SUBMITTING),
    # Updates and removals.
    Mutant("does not count versions", "update-document", answer=says('versionName="2"', 'versionName="1"'), when=ASKING),
    Mutant("leaves old versions Approved", "update-document", answer=says(DEPRECATED, APPROVED), when=ASKING),
    Mutant("updates whatever version is named", "update-with-wrong-previous-version", asks(">7<", ">1<"), when=SUBMITTING),
    Mutant("updates with half the metadata", "update-with-incomplete-metadata", answer=accepts(), when=SUBMITTING),
    Mutant("takes an update for a registration", "update-without-lid", answer=accepts(), when=SUBMITTING),
    Mutant("puts updates into Folders unasked", "update-without-propagation", asks(">no<", ">yes<"), when=SUBMITTING),
    Mutant("changes a status from any other", "status-change-refused-from-another", answer=accepts(), when=SUBMITTING),
    Mutant("restricts nothing", "restricted-update-refused-source-patient", asks(r"changed\^\^\^&amp;2.999.77", "changed^^^&amp;2.999.78"), answer=accepts(), when=b"RestrictedUpdate"),
    Mutant("removes what is referred to", "remove-metadata-refused-set-with-members", answer=accepts(), when=REMOVING),
    Mutant("says it has removed and has not", "remove-metadata", asks("urn:uuid:", "urn:uuid:0"), answer=accepts(), when=REMOVING),
    Mutant("takes a size of on-demand entries", "on-demand-with-size", answer=accepts(), when=SUBMITTING),
    # Repository.
    Mutant("changes a byte", "retrieve-document", answer=says("Document a of", "document a of"), when=RETRIEVING),
    Mutant("changes the ends of lines", "provide-bytes-line-ends", answer=says("one\r\ntwo\rthree", "one\ntwo\nthree"), when=RETRIEVING),
    Mutant("returns every document as bytes", "provide-mime-type-text-xml", answer=says("mimeType>text/xml<", "mimeType>application/octet-stream<"), when=RETRIEVING),
    Mutant("takes any hash of a document", "provide-with-wrong-hash", answer=accepts(), when=b"ProvideAndRegister"),
    Mutant("takes metadata without a document", "provide-without-document", answer=accepts(), when=b"ProvideAndRegister"),
    Mutant("takes a document without metadata", "provide-without-metadata", answer=accepts(), when=b"ProvideAndRegister"),
    Mutant("registers another size", "provide-document-mtom", answer=says('(name="size".*?<rim:Value>)', r"\g<1>1"), when=ASKING),
    Mutant("keeps the sender's repository id", "provide-replaces-submitted-repository-id", answer=says("2.999.352.2<", "2.999.99.7<"), when=ASKING),
    Mutant("finds documents that there are not", "retrieve-unknown-document", answer=accepts(), when=RETRIEVING),
    Mutant("does not say which document is missing", "retrieve-some-of-several", answer=says('location="[^"]*"', 'location=""'), when=RETRIEVING),
    Mutant("fails where it returns something", "retrieve-some-of-several", answer=says("urn:ihe:iti:2007:ResponseStatusType:PartialSuccess", "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"), when=RETRIEVING),
    Mutant("serves for other repositories", "retrieve-from-another-repository", asks("2.999.99.7", "2.999.352.2"), when=RETRIEVING),
    Mutant("does not repeat the home", "retrieve-echoes-the-request", answer=says("<[a-z]*:?HomeCommunityId>.*?HomeCommunityId>", ""), when=RETRIEVING),
    Mutant("keeps removed documents", "remove-document", asks("2.25.[0-9]*", "2.25.1"), answer=accepts(), when=b"RemoveDocumentsRequest"),
    Mutant("hides the metadata of removed documents", "remove-document", answer=remove("//rim:ExtrinsicObject"), when=ASKING),
    # Identity.
    Mutant("refuses patients", "identity-added", answer=says('typeCode code="CA"', 'typeCode code="CE"')),
    Mutant("forgets whom it acknowledged", "identity-added", asks('extension="kit[0-9a-f]*"', 'extension="other"'), when=b"PRPA_IN201301UV02"),
    Mutant("takes the ids of any authority", "identity-of-another-authority", asks("2.999.99.5", "2.999.352.1"), when=b"PRPA_IN201301UV02"),
    Mutant("does not merge", "identity-merge-survivor", asks("PRPA_(IN|TE)201304UV02", r"PRPA_\g<1>201301UV02"), answer=says("CE|CR", "CA"), when=b"PRPA_IN201304UV02"),
    Mutant("goes on with a merged patient", "identity-merge-subsumed-submission", answer=accepts(), when=SUBMITTING),
    Mutant("leaves merged objects under the old id", "identity-merge-survivor", answer=remove("//rim:ExtrinsicObject"), when=ASKING),
)  # fmt: skip
