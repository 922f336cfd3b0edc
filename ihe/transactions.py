"""The transactions and how each travels (ITI TF-2: sections 3.8 to 3.92, Appendix V)."""

from dataclasses import dataclass

from ihe.namespaces import HL7, LCM, QUERY, RMD, RMU, RS, XDS, XDS_2010


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row of the transaction catalogue; roots are (namespace, local name) of the Body's child."""

    number: str
    name: str
    actor: str
    action: str
    response_action: str
    request_root: tuple[str, str]
    response_root: tuple[str, str]
    operation: str
    mtom: bool = False
    wsdl_namespace: str = XDS


_SUBMIT = (LCM, "SubmitObjectsRequest")
_RESPONSE = (RS, "RegistryResponse")
_QUERY = (QUERY, "AdhocQueryRequest")
_QUERY_RESPONSE = (QUERY, "AdhocQueryResponse")

ITI_18 = Transaction(
    "ITI-18", "Registry Stored Query", "registry",
    "urn:ihe:iti:2007:RegistryStoredQuery", "urn:ihe:iti:2007:RegistryStoredQueryResponse",
    _QUERY, _QUERY_RESPONSE, "DocumentRegistry_RegistryStoredQuery",
)  # fmt: skip
ITI_41 = Transaction(
    "ITI-41", "Provide and Register Document Set-b", "repository",
    "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b", "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse",
    (XDS, "ProvideAndRegisterDocumentSetRequest"), _RESPONSE, "DocumentRepository_ProvideAndRegisterDocumentSet-b",
    mtom=True,
)  # fmt: skip
ITI_42 = Transaction(
    "ITI-42", "Register Document Set-b", "registry",
    "urn:ihe:iti:2007:RegisterDocumentSet-b", "urn:ihe:iti:2007:RegisterDocumentSet-bResponse",
    _SUBMIT, _RESPONSE, "DocumentRegistry_RegisterDocumentSet-b",
)  # fmt: skip
ITI_43 = Transaction(
    "ITI-43", "Retrieve Document Set", "repository",
    "urn:ihe:iti:2007:RetrieveDocumentSet", "urn:ihe:iti:2007:RetrieveDocumentSetResponse",
    (XDS, "RetrieveDocumentSetRequest"), (XDS, "RetrieveDocumentSetResponse"),
    "DocumentRepository_RetrieveDocumentSet", mtom=True,
)  # fmt: skip
ITI_44_ADD = Transaction(
    "ITI-44", "Patient Identity Feed HL7 V3", "registry",
    "urn:hl7-org:v3:PRPA_IN201301UV02", "urn:hl7-org:v3:MCCI_IN000002UV01",
    (HL7, "PRPA_IN201301UV02"), (HL7, "MCCI_IN000002UV01"), "DocumentRegistry_PRPA_IN201301UV02",
)  # fmt: skip
# Meant for a PIX Manager; feeds that serve both send it to registries too.
ITI_44_REVISE = Transaction(
    "ITI-44", "Patient Identity Feed HL7 V3", "registry",
    "urn:hl7-org:v3:PRPA_IN201302UV02", "urn:hl7-org:v3:MCCI_IN000002UV01",
    (HL7, "PRPA_IN201302UV02"), (HL7, "MCCI_IN000002UV01"), "DocumentRegistry_PRPA_IN201302UV02",
)  # fmt: skip
ITI_44_MERGE = Transaction(
    "ITI-44", "Patient Identity Feed HL7 V3", "registry",
    "urn:hl7-org:v3:PRPA_IN201304UV02", "urn:hl7-org:v3:MCCI_IN000002UV01",
    (HL7, "PRPA_IN201304UV02"), (HL7, "MCCI_IN000002UV01"), "DocumentRegistry_PRPA_IN201304UV02",
)  # fmt: skip
ITI_51 = Transaction(
    "ITI-51", "Multi-Patient Stored Query", "registry",
    "urn:ihe:iti:2009:MultiPatientStoredQuery", "urn:ihe:iti:2009:MultiPatientStoredQueryResponse",
    _QUERY, _QUERY_RESPONSE, "DocumentRegistry_MultiPatientStoredQuery",
)  # fmt: skip
ITI_57 = Transaction(
    "ITI-57", "Update Document Set", "registry",
    "urn:ihe:iti:2010:UpdateDocumentSet", "urn:ihe:iti:2010:UpdateDocumentSetResponse",
    _SUBMIT, _RESPONSE, "DocumentRegistry_UpdateDocumentSet", wsdl_namespace=XDS_2010,
)  # fmt: skip
ITI_61 = Transaction(
    "ITI-61", "Register On-Demand Document Entry", "registry",
    # The response action lacks "Entry" in the published WSDL; peers match on this text.
    "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry", "urn:ihe:iti:2010:RegisterOnDemandDocumentResponse",
    _SUBMIT, _RESPONSE, "DocumentRegistry_RegisterOnDemandDocumentEntry",
)  # fmt: skip
ITI_62 = Transaction(
    "ITI-62", "Remove Metadata", "registry",
    "urn:ihe:iti:2010:DeleteDocumentSet", "urn:ihe:iti:2010:DeleteDocumentSetResponse",
    (LCM, "RemoveObjectsRequest"), _RESPONSE, "DocumentRegistry_DeleteDocumentSet", wsdl_namespace=XDS_2010,
)  # fmt: skip
ITI_86 = Transaction(
    "ITI-86", "Remove Documents", "repository",
    "urn:ihe:iti:2017:RemoveDocuments", "urn:ihe:iti:2017:RemoveDocumentsResponse",
    (RMD, "RemoveDocumentsRequest"), _RESPONSE, "DocumentRepository_RemoveDocuments", wsdl_namespace=RMD,
)  # fmt: skip
ITI_92 = Transaction(
    "ITI-92", "Restricted Update Document Set", "registry",
    "urn:ihe:iti:2018:RestrictedUpdateDocumentSet", "urn:ihe:iti:2018:RestrictedUpdateDocumentSetResponse",
    _SUBMIT, _RESPONSE, "UpdateResponder_RestrictedUpdateDocumentSet", wsdl_namespace=RMU,
)  # fmt: skip

TRANSACTIONS = (
    ITI_18, ITI_41, ITI_42, ITI_43, ITI_44_ADD, ITI_44_REVISE, ITI_44_MERGE, ITI_51, ITI_57, ITI_61, ITI_62,
    ITI_86, ITI_92,
)  # fmt: skip
BY_ACTION = {transaction.action: transaction for transaction in TRANSACTIONS}
