"""The rules of submissions, updates, removals, queries and retrievals, each in one sentence with its section."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: the transactions that a rule binds, where it stands, and what it says."""

    transactions: str
    section: str
    says: str


def _of(transactions: str, *said: tuple[str, str]) -> tuple[Rule, ...]:
    return tuple(Rule(transactions, section, says) for section, says in said)


_SUBMITTING = "41 42 61"
_SUBMITTING_AND_UPDATING = "41 42 57 61 92"

ENVELOPES = _of(
    "18 41 42 43 44 51 57 61 62 86 92",
    ("ITI TF-2: V.3; SOAP 1.2 Part 1: 5.1", "an envelope is one of SOAP 1.2"),
    ("ITI TF-2: V.3; SOAP 1.2 Part 1: 5", "an envelope has no document type and no entities"),
    ("ITI TF-2: V.3; SOAP 1.2 Part 1: 5.2", "headers that need not be understood are passed over"),
    ("ITI TF-2: V.3; SOAP 1.2 Part 1: 5.4.8", "a header that must be understood is known"),
    ("ITI TF-2: V.3; WS-Addressing 1.0: 3", "wsa:Action is there once and known to the actor"),
    ("ITI TF-2: V.3; WS-Addressing 1.0: 3", "wsa:MessageID is there"),
    ("ITI TF-2: V.3; WS-Addressing 1.0: 3", "an answer goes back on the connection of its request"),
    ("ITI TF-2: V.3; WS-Addressing 1.0 SOAP Binding: 6", "a fault says which headers and to which message"),
    ("ITI TF-2: V.3; RFC 3902", "an action outside the envelope is taken where there is none inside"),
    ("ITI TF-2: V.3", "the Body is what its action says"),
    ("ITI TF-2: V.3; XML 1.0: 4.3.3", "an envelope may come in utf 16"),
    ("ITI TF-2: V.3.6", "mtom is taken as peers write it"),
    ("ITI TF-2: V.3.6", "mtom that cannot be understood is a fault"),
    ("ITI TF-2: V.3.6", "queries and registrations may come as mtom"),
    ("ITI TF-2: V.3.6", "inline and attached documents may be mixed"),
    ("ITI TF-2: V.2.2", "wsdl and schemas are served"),
    ("RFC 9112: 7.1", "a request may be transferred in chunks"),
)

FORM = _of(
    _SUBMITTING_AND_UPDATING,
    ("ITI TF-3: 4.2.1", "a submission has exactly one SubmissionSet"),
    ("ITI TF-3: 4.2.1", "a package has one label"),
    ("ITI TF-3: 4.2.1", "a package may be labelled from beside it"),
    ("ITI TF-3: 4.2.1", "a submission needs no document"),
    ("ITI TF-3: 4.2.1", "a submission set alone is nothing to submit"),
    ("ITI TF-3: 4.2.1", "objects within a Folder's element are refused"),
    ("ITI TF-2: 3.42.4.1.2", "the order of objects and what else the schema allows do not matter"),
    ("ebRIM 3.0, XML schema", "elements stand where the schema has them"),
    ("ebRIM 3.0, XML schema", "objects and their parts have ids"),
    ("ebRIM 3.0, XML schema", "a value has at most 256 characters"),
    ("ITI TF-3: 4.2.3.1.2", "a code has a value, a coding scheme and a display name"),
    ("ITI TF-3: 4.2.3.1.2", "a Classification stands inside its object, by a known scheme"),
    ("ITI TF-3: 4.2.3.1.2", "codes and types outside the affinity domain are refused"),
    ("ITI TF-3: 4.2.3.1.3", "an ExternalIdentifier stands inside its object, by a known scheme and name"),
    ("ITI TF-3: 4.2.3.1.4", "an author is somebody, has one person at most and no code"),
    ("ITI TF-3: 4.2.3.1.5", "uuids of the sender are kept and symbolic ids replaced"),
    ("ITI TF-3: 4.2.3.1.5", "an id stands on one object"),
    ("ITI TF-3: 4.2.3.1.5", "a UUID is written in lower case and whole"),
    ("ITI TF-3: 4.2.3.1.5", "what is registered is not registered again"),
    ("ITI TF-3: 4.2.3.1.6", "extra metadata is kept and returned"),
    ("ITI TF-3: 4.2.3.1.6", "the name of extra metadata is a URN and none of IHE"),
    ("ITI TF-3: 4.2.3.1.7", "a name keeps its languages"),
    ("ebRIM 3.0, Slot", "the name of a Slot stands once on an object"),
    ("ebRIM 3.0, Slot", "a Slot without a value is as if it were not there"),
    ("ITI TF-3: 4.3.1", "what a transaction requires is there"),
    ("ITI TF-3: 4.3.1", "what may stand once stands once"),
    ("ITI TF-3: 4.3.1", "limited metadata is refused"),
)

DATATYPES = tuple(
    Rule(_SUBMITTING_AND_UPDATING, f"ITI TF-3: {section}", says)
    for section, says in (
        ("Table 4.2.3.1.7-2, CX", "a CX is id^^^&OID&ISO and nothing else"),
        ("Table 4.2.3.1.7-2, CXi", "a CXi has its type"),
        ("Table 4.2.3.1.7-2, Coded String", "a Coded String has its code"),
        ("Table 4.2.3.1.7-2, DTM", "a DTM is digits of an instant that exists"),
        ("Table 4.2.3.1.7-2, Field", "a Field is a known field of PID, each once where there is one"),
        ("Table 4.2.3.1.7-2, OID", "an OID has no leading zeros, and urn:oid: where a URN is wanted"),
        ("Table 4.2.3.1.7-2, Integer", "a size is a number"),
        ("Table 4.2.3.1.7-2, SHA1", "a hash is forty hexadecimal digits"),
        ("Table 4.2.3.1.7-2, URI", "a URI has no blanks"),
        ("Table 4.2.3.1.7-2, XCN", "an XCN has a family name or an id"),
        ("Table 4.2.3.1.7-2, XON", "an XON has a name, and an authority for a local id"),
        ("Table 4.2.3.1.7-2, XTN", "an XTN is an address of the Internet or a telephone number"),
        ("4.2.3.1.7", "only the escapes of separators are allowed"),
        ("4.2.3.2.13", "a language is a tag of RFC 5646"),
        ("4.2.3.2.15", "a mimeType is type/subtype"),
        ("4.2.3.2.20", "a service does not stop before it starts"),
        ("4.2.3.2.24", "a title has at most 128 characters"),
        ("4.2.3.2.26", "a uniqueId of a document is printable and at most 128 characters long"),
        ("4.2.3.2.29", "an objectType is stable or on-demand"),
        ("4.2.3.2.30", "a documentAvailability is Online or Offline"),
        ("4.2.3.3.7", "an intendedRecipient is somebody"),
        ("4.2.3.3.12", "a uniqueId of a SubmissionSet or a Folder is an OID"),
    )
)

REGISTRATION = _of(
    _SUBMITTING,
    ("ITI TF-2: 3.42.4.1.3", "a failed submission leaves nothing"),
    ("ITI TF-2: 3.42.4.1.3", "all errors of a message come together"),
    ("ITI TF-2: 3.42.4.1.3", "a new object is its own first version and approved"),
    ("ITI TF-2: 3.42.4.1.3", "a uniqueId stands on one object of a message"),
    ("ITI TF-2: 3.42.4.1.3", "a unique id is of no other registered object"),
    ("ITI TF-2: 3.42.4.1.3", "one document may be registered twice"),
    ("ITI TF-3: 4.2.3.2.26", "other bytes do not bear a registered unique id"),
    ("ITI TF-2: 3.42.4.1.3", "the patient is known and not merged into another"),
    ("ITI TF-2: 3.42.4.1.3", "a submission is about one patient"),
    ("ITI TF-3: 4.2.3.2.12", "a submitted home is dropped"),
    ("ITI TF-2: 3.42.4.1.3", "what a repository adds only a registry misses"),
    ("ITI TF-2: 3.42.4.1.3", "an on demand entry is not registered as a stable one"),
)

ASSOCIATIONS = _of(
    _SUBMITTING,
    ("ITI TF-3: 4.2.2", "an associationType is one of the Framework's, spelled whole"),
    ("ITI TF-3: 4.2.2", "an Association has no status of its own"),
    ("ITI TF-3: 4.2.2", "a reference leads to an object"),
    ("ITI TF-3: 4.2.2.1", "documents and Folders belong to the SubmissionSet"),
    ("ITI TF-3: 4.2.2.1", "nothing is added to a registered submission set"),
    ("ITI TF-3: 4.2.2.1", "a folder holds no folder"),
    ("ITI TF-3: 4.2.2.1", "memberships join only what belongs together"),
    ("ITI TF-3: 4.2.2.1.1", "a membership says whether its document is new"),
    ("ITI TF-3: 4.2.2.1.2", "a registered document may not be submitted as new"),
    ("ITI TF-3: 4.2.2.1.2", "a document by reference may be another patients"),
    ("ITI TF-3: 4.2.2.1.3", "a document comes into a folder in four ways"),
    ("ITI TF-3: 4.2.2.1.3", "a place in a Folder belongs to the SubmissionSet"),
    ("ITI TF-3: 4.2.2.1.3", "a folder and its documents are of one patient"),
    ("ITI TF-3: 4.2.2.1.3", "a deprecated document comes into no folder"),
    ("ITI TF-3: 4.2.3.4.6", "the registry says when a folder was updated"),
    ("ITI TF-3: 4.2.2.2", "a relationship comes from a document of the submission"),
    ("ITI TF-3: 4.2.2.2", "a relationship joins documents"),
    ("ITI TF-3: 4.2.2.2", "no relationship goes to a deprecated document"),
    ("ITI TF-3: 4.2.2.2", "no relationship goes to another patients document"),
    ("ITI TF-3: 4.2.2.2", "a relationship keeps its documentation"),
    ("ITI TF-3: 4.2.2.2", "a membership has no documentation"),
    ("ITI TF-3: 4.2.2.2", "documents of one submission may relate to each other"),
    ("ITI TF-3: 4.2.2.2", "what is replaced is registered already"),
    ("ITI TF-3: 4.2.2.2.1", "nothing is appended to a transformation"),
    ("ITI TF-3: 4.2.2.2.1", "what is appended to transformed or signed stays approved"),
    ("ITI TF-3: 4.2.2.2.2", "a transformation may itself be replaced"),
    ("ITI TF-3: 4.2.2.2.3", "what is replaced becomes deprecated"),
    ("ITI TF-3: 4.2.2.2.3", "what derives from a replaced document is deprecated with it"),
    ("ITI TF-3: 4.2.2.2.3", "a replacement takes every place of what it replaces"),
    ("ITI TF-3: 4.2.2.2.3", "a replacement that names its place is placed once"),
    ("ITI TF-3: 4.2.2.2.3", "a deprecated folder takes no replacement"),
    ("ITI TF-3: 4.2.2.2.7", "a snapshot is of an on demand document"),
    ("ITI TF-3: 4.2.2.2.7", "a snapshot leaves its on demand entry approved"),
)

PROVIDING = _of(
    "41",
    ("ITI TF-2: 3.41.4.1.3", "documents and entries belong together"),
    ("ITI TF-2: 3.41.4.1.3", "a document is measured against its metadata"),
    ("ITI TF-2: 3.41.4.1.3", "other bytes under a known unique id are refused"),
    ("ITI TF-2: 3.41.4.1.3", "the same document may be submitted again"),
    ("ITI TF-2: 3.41.4.1.3", "one wrong document keeps the others out"),
    ("ITI TF-2: 3.41.4.1.3", "a missing part is refused"),
    ("ITI TF-2: 3.41.4.1.3", "a surplus part is refused"),
    ("ITI TF-2: 3.41.4.1.3", "a repository without its registry keeps nothing"),
    ("ITI TF-2: V.3.6", "a document may stand in the envelope as base64"),
)

ON_DEMAND = _of(
    "61",
    ("ITI TF-2: 3.61.4.1.2", "nothing is announced without an entry"),
    ("ITI TF-2: 3.61.4.1.2", "a stable entry is not announced"),
    ("ITI TF-2: 3.61.4.1.2", "an on demand entry may replace a stable one"),
    ("ITI TF-3: 4.3.1", "what only a made document has is refused"),
    ("ITI TF-3: 4.3.1", "the sources own id is required"),
    ("ITI TF-2: 3.61.4.1.3", "one unique id may be announced twice"),
    ("ITI TF-2: 3.61.4.1.3", "the unique id of a document is not announced"),
)

QUERYING = _of(
    "18 51",
    ("ITI TF-2: 3.18.4.1.2.3.5", "what can be understood is answered"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "a parameter is spelled as its type wants"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "a single parameter has one value in one Slot"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "the values of a Slot are ORed and its repetitions ANDed"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "a Slot is repeated only where lists are ANDed"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "parameters are joined by and"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "a code is compared with its scheme"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "the lower bound of a time is included and the upper is not"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "a time is compared at the precision it has"),
    ("ITI TF-2: 3.18.4.1.2.3.5", "in a pattern only % and _ mean something"),
    ("ITI TF-2: 3.18.4.1.2.3.6", "a status that nobody knows means nothing"),
    ("ITI TF-2: 3.18.4.1.2.3.7", "what a query requires is there"),
    ("ITI TF-2: 3.18.4.1.2.3.7", "of alternatives exactly one is given"),
    ("ITI TF-2: 3.18.4.1.2.3.7", "old versions are shown at level 2 alone"),
    ("ITI TF-2: 3.18.4.1.2.3.7", "a logical id names every version"),
    ("ITI TF-2: 3.18.4.1.2.3.7", "an entry uuid names a version at any level"),
    ("ITI TF-2: 3.18.4.1.2.3.7.1", "no creation time keeps an on demand document out"),
    ("ITI TF-2: 3.18.4.1.2.3.8", "objects of two patients are not told together"),
    ("ITI TF-2: 3.18.4.1.2.4", "elements are as many as references"),
    ("ITI TF-2: 3.18.4.1.2.4", "the returnType is LeafClass or ObjectRef"),
    ("ITI TF-2: 3.18.4.1.2.4", "too many results are refused and their references are not"),
    ("ITI TF-2: 3.18.4.1.2.6", "nothing found is a success"),
    ("ITI TF-2: 3.18.4.1.3", "the domain chooses what a query about an unknown patient gets"),
    ("ITI TF-2: 3.18.4.1.3", "the parts of an answer name their type and their object"),
    ("ITI TF-2: 3.18.4.1.3", "the home of a query is passed over"),
    ("ITI TF-2: 3.51.4.1.2.3", "something must narrow the search"),
    ("ITI TF-2: 3.51.4.1.3", "one answer holds the documents of several patients"),
    ("ITI TF-2: 3.51.4.1.3", "the queries of the two transactions do not know each other"),
)

RETRIEVING = _of(
    "43",
    ("ITI TF-2: 3.43.4.1.3", "every document comes back as it went in"),
    ("ITI TF-2: 3.43.4.1.3", "what is there comes with an error for what is not"),
    ("ITI TF-2: 3.43.4.1.3", "several documents travel together"),
    ("ITI TF-2: 3.43.4.1.3", "a deprecated document is retrieved like any other"),
    ("ITI TF-2: 3.43.4.1.3", "an answer repeats the ids of its request in the order of the schema"),
    ("ITI TF-2: 3.43.4.1.3", "a document asked for twice comes once"),
    ("ITI TF-2: 3.43.4.1.3", "a community that is not this one is unknown"),
)

_VERSION = "MU supplement: 3.57.4.1.3.3.1"
VERSIONS = _of(
    "57 92",
    (_VERSION, "an update names its logical object by lid"),
    (_VERSION, "the lid of an update is not its own id"),
    (_VERSION, "a lid is a UUID"),
    (_VERSION, "a lid is that of a registered document"),
    (_VERSION, "a new version is a member of the SubmissionSet"),
    (_VERSION, "the membership of a new version has PreviousVersion"),
    (_VERSION, "PreviousVersion is a number"),
    (_VERSION, "PreviousVersion is the latest version"),
    (_VERSION, "the SubmissionSetStatus of a new version is Original"),
    (_VERSION, "AssociationPropagation is yes or no"),
    (_VERSION, "the uniqueId of a document stays"),
    (_VERSION, "the objectType of a document stays"),
    ("MU supplement: 3.57.4.1.3.1", "new metadata is complete"),
    ("MU supplement: 3.57.4.1.3.1", "new metadata is well formed"),
    (_VERSION, "a new version and its SubmissionSet are of one patient"),
    (_VERSION, "the entryUUID of a new version is its own"),
    ("MU supplement: 3.57.4.1.3", "what belongs to no operation is refused"),
    ("MU supplement: 3.57.4.1.3", "an update asks for something"),
    (_VERSION, "what describes a document is changed"),
)

UPDATES = _of(
    "57",
    (_VERSION, "versions are counted and the old are deprecated"),
    (_VERSION, "a Deprecated document is not updated"),
    (_VERSION, "hash and size are corrected"),
    (_VERSION, "document availability is changed"),
    (_VERSION, "a lone document moves to another patient"),
    (_VERSION, "the patient of a new version is known"),
    ("MU supplement: 3.57.4.1.3", "a logical object is updated once in a request"),
    ("MU supplement: 3.57.4.1.3", "one wrong operation undoes all"),
    ("MU supplement: 3.57.4.1.3", "several operations are done in one request"),
    (f"{_VERSION}.3", "a new version takes the place of the old one"),
    (f"{_VERSION}.3", "without propagation nothing is inherited"),
    (f"{_VERSION}.3", "a document in a folder does not move to another patient alone"),
    ("MU supplement: 3.57.4.1.3.3.2", "a Folder update has PreviousVersion"),
    ("MU supplement: 3.57.4.1.3.3.2", "a Folder update names a registered Folder"),
    ("MU supplement: 3.57.4.1.3.3.2", "a Folder update follows the latest version"),
    ("MU supplement: 3.57.4.1.3.3.2", "a new version of a folder holds its approved documents"),
    ("MU supplement: 3.57.4.1.3.3.2", "an empty folder moves to another patient"),
)

_STATUS = "MU supplement: 3.57.4.1.3.3.3"
STATUS_CHANGES = tuple(
    Rule("57", _STATUS, says)
    for says in (
        "a status is changed and changed back",
        "a status change comes from the SubmissionSet",
        "a status change has OriginalStatus",
        "a status change has NewStatus",
        "a status is spelled whole",
        "a status changes to another one",
        "a status is changed once in a request",
        "OriginalStatus is the present status",
        "the status of a SubmissionSet stays",
        "the status of a Folder stays",
        "the status of a membership in a SubmissionSet stays",
        "the status of what is not there cannot be changed",
        "the status of another patient's document stays",
        "a superseded version keeps its status",
        "a new version may be deprecated at once",
        "a new version is Approved already",
    )
)

SUBMITTED_ASSOCIATIONS = tuple(
    Rule("57", "MU supplement: 3.57.4.1.3.3.4", says)
    for says in (
        "a submitted Association is one of the request",
        "a SubmitAssociation comes from the SubmissionSet",
        "the ends of a submitted Association are registered",
        "neither end of a submitted Association is Deprecated",
        "neither end of a submitted Association is a SubmissionSet",
        "a submitted relationship joins documents",
        "a submitted membership joins a Folder and a document",
        "a submitted Association is of a known type",
        "a submitted Association joins objects of one patient",
        "a submitted Association is not there already",
        "Associations have no versions",
        "an update that propagates and a submitted Association do not meet",
        "a submitted place is the submissions and touches its folder",
        "a submitted replacement replaces",
    )
)

RESTRICTED_UPDATES = tuple(
    Rule("92", "RMU supplement: 3.92.4.1.3", says)
    for says in (
        "a restricted update is of no Folder",
        "a restricted update changes no status",
        "a restricted update submits no Association",
        "a restricted update propagates",
        "a restricted update keeps a document deprecated",
        "the patient of a document stays in a restricted update",
        "sourcePatientId stays",
        "repositoryUniqueId stays",
        "documentAvailability stays",
        "homeCommunityId stays",
    )
)

REMOVING = _of(
    "62",
    ("RMD supplement: 3.62.4.1.2", "objects are removed by their ids alone"),
    ("RMD supplement: 3.62.4.1.3", "an unknown id removes nothing"),
    ("RMD supplement: 3.62.4.1.3", "a set that still has members stays"),
    ("RMD supplement: 3.62.4.1.3", "a document does not leave an empty set behind"),
    ("RMD supplement: 3.62.4.1.3", "an original stays while something is appended to it"),
    ("RMD supplement: 3.62.4.1.3", "a replacement goes with its association and what it replaced"),
    ("RMD supplement: 3.62.4.1.3", "a whole submission is removed"),
    ("RMD supplement: 3.62.4.1.3", "the document itself stays in its repository"),
    ("RMD supplement: 3.62.4.1.3", "what was removed may be registered again"),
) + _of(
    "86",
    ("RMD supplement: 3.86.4.1.3", "a removed document cannot be retrieved and its metadata stay"),
    ("RMD supplement: 3.86.4.1.3", "some of several removed is a partial success"),
    ("RMD supplement: 3.86.4.1.3", "a foreign repository id removes nothing"),
    ("RMD supplement: 3.86.4.1.2", "a request that names no document is refused by the schema"),
)  # fmt: skip

RULES = (
    *ENVELOPES, *FORM, *DATATYPES, *REGISTRATION, *ASSOCIATIONS, *PROVIDING, *ON_DEMAND, *QUERYING, *RETRIEVING,
    *VERSIONS, *UPDATES, *STATUS_CHANGES, *SUBMITTED_ASSOCIATIONS, *RESTRICTED_UPDATES, *REMOVING,
)  # fmt: skip
