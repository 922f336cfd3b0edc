"""Which cases of the journeys show a rule of `ihe.rules`, where no test or case bears its words as a name.

By rule: tests, by their name without `test_`, and cases, by their ids.
"""

PROOFS: dict[str, tuple[str, ...]] = {
    "a submission has exactly one SubmissionSet": ("no SubmissionSet", "two SubmissionSets"),
    "a package has one label": ("RegistryPackage without label", "RegistryPackage with both labels"),
    "objects within a Folder's element are refused": ("objects within a Folder",),
    "elements stand where the schema has them": ("wrong order", "unknown element"),
    "objects and their parts have ids": ("Classification without id", "Association without id"),
    "a value has at most 256 characters": ("value of 257 characters",),
    "a code has a value, a coding scheme and a display name": ("code that is empty", "code without scheme"),
    "a Classification stands inside its object, by a known scheme": (
        "Classification of another object",
        "unknown classificationScheme",
    ),
    "an ExternalIdentifier stands inside its object, by a known scheme and name": (
        "ExternalIdentifier of another object",
        "ExternalIdentifier of another name",
    ),
    "an author is somebody, has one person at most and no code": (
        "author who is nobody",
        "two authorPersons",
    ),
    "an id stands on one object": ("id of another object",),
    "a UUID is written in lower case and whole": ("UUID in upper case", "UUID that is too short"),
    "the name of extra metadata is a URN and none of IHE": (
        "Slot whose name is no URN",
        "Slot in the name of IHE",
    ),
    "the name of a Slot stands once on an object": ("one Slot twice",),
    "a Slot without a value is as if it were not there": ("Slot without a value",),
    "what a transaction requires is there": (
        "DocumentEntry without classCode",
        "SubmissionSet without sourceId",
    ),
    "what may stand once stands once": ("two classCodes", "two patientIds"),
    "limited metadata is refused": (
        "limited metadata of the DocumentEntry",
        "limited metadata of the SubmissionSet",
        "limited metadata of the Folder",
    ),
    "a CX is id^^^&OID&ISO and nothing else": ("CX without authority", "CX with a namespace"),
    "a CXi has its type": ("CXi without type",),
    "a Coded String has its code": ("authorRole without code",),
    "a DTM is digits of an instant that exists": ("creationTime 30 February", "creationTime with a zone"),
    "a Field is a known field of PID, each once where there is one": ("PID-40", "PID-8 twice"),
    "an OID has no leading zeros, and urn:oid: where a URN is wanted": (
        "repositoryUniqueId with a leading zero",
        "homeCommunityId without urn:oid",
    ),
    "a size is a number": ("negative size", "size with a unit"),
    "a hash is forty hexadecimal digits": ("hash of 38 digits",),
    "a URI has no blanks": ("URI with blanks",),
    "an XCN has a family name or an id": ("XCN without family name and id",),
    "an XON has a name, and an authority for a local id": (
        "authorInstitution without name",
        "authorInstitution with a local id",
    ),
    "an XTN is an address of the Internet or a telephone number": (
        "authorTelecommunication with a bare address",
        "authorTelecommunication with an address as number",
    ),
    "only the escapes of separators are allowed": ("escape that is not allowed",),
    "a language is a tag of RFC 5646": ("languageCode",),
    "a mimeType is type/subtype": ("mimeType",),
    "a service does not stop before it starts": ("service ends before it starts",),
    "a title has at most 128 characters": ("title of 129 characters",),
    "a uniqueId of a document is printable and at most 128 characters long": (
        "DocumentEntry.uniqueId with a blank",
        "DocumentEntry.uniqueId of 129 characters",
    ),
    "an objectType is stable or on-demand": ("unknown objectType",),
    "a documentAvailability is Online or Offline": ("documentAvailability",),
    "an intendedRecipient is somebody": ("intendedRecipient who is nobody",),
    "a uniqueId of a SubmissionSet or a Folder is an OID": (
        "SubmissionSet.uniqueId that is no OID",
        "Folder.uniqueId that is no OID",
    ),
    "a uniqueId stands on one object of a message": ("one uniqueId on two objects",),
    "the patient is known and not merged into another": (
        "unknown patient",
        "patients fed and merged by hl7 v2 are one in every answer",
    ),
    "a submission is about one patient": ("DocumentEntry of another patient", "Folder of another patient"),
    "an associationType is one of the Framework's, spelled whole": (
        "associationType of ebRIM 2.1",
        "unknown associationType",
    ),
    "an Association has no status of its own": ("Association with a status",),
    "a reference leads to an object": ("symbolic id of nothing", "UUID of nothing"),
    "documents and Folders belong to the SubmissionSet": (
        "DocumentEntry outside the SubmissionSet",
        "Folder outside the SubmissionSet",
    ),
    "memberships join only what belongs together": ("Folder in a document",),
    "a membership says whether its document is new": (
        "no SubmissionSetStatus",
        "new document by Reference",
    ),
    "a place in a Folder belongs to the SubmissionSet": ("place in the Folder outside the SubmissionSet",),
    "a relationship joins documents": ("replacement by a Folder", "appendix to a Folder"),
    "a parameter is spelled as its type wants": ("patient without apostrophes", "time that is none"),
    "a single parameter has one value in one Slot": ("list for a single value", "one parameter in two Slots"),
    "the values of a Slot are ORed and its repetitions ANDed": (
        "a parameter finds what it says and nothing else",
        "a folder is of every code list asked for",
    ),
    "a Slot is repeated only where lists are ANDed": ("AND where there is none",),
    "a code is compared with its scheme": (
        "a parameter finds what it says and nothing else",
        "code with an empty scheme",
    ),
    "a time is compared at the precision it has": ("a parameter finds what it says and nothing else",),
    "in a pattern only % and _ mean something": ("a parameter finds what it says and nothing else",),
    "a status that nobody knows means nothing": (
        "only unknown statuses",
        "unknown status beside a known one",
    ),
    "what a query requires is there": ("no patient", "no status"),
    "of alternatives exactly one is given": ("neither of two", "both of two"),
    "the returnType is LeafClass or ObjectRef": ("unknown returnType",),
}
