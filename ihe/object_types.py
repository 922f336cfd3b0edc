"""What kinds of object there are and the ids that mark them (ITI TF-3: 4.2.5.2)."""

from enum import StrEnum


class Status(StrEnum):
    """availabilityStatus (ITI TF-3: 4.2.3.2.2)."""

    APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
    DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"


class DocumentEntryType(StrEnum):
    """DocumentEntry.objectType (ITI TF-3: 4.2.5.2)."""

    STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
    ON_DEMAND = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"


SUBMISSION_SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
FOLDER_NODE = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"

LIMITED_METADATA_NODES = {
    "DocumentEntry": "urn:uuid:ab9b591b-83ab-4d03-8f5d-f93b1fb92e85",
    "SubmissionSet": "urn:uuid:5003a9db-8d8d-49e6-bf0c-990e34ac7707",
    "Folder": "urn:uuid:2c144a76-29a9-4b7c-af54-b25409fe7d03",
}

ASSOCIATION_DOCUMENTATION_SCHEME = "urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3"

# objectType of the composed elements, required on every returned object (ITI TF-3: 4.2.5.1).
CLASSIFICATION = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification"
EXTERNAL_IDENTIFIER = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:ExternalIdentifier"
REGISTRY_PACKAGE = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:RegistryPackage"
ASSOCIATION = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Association"
