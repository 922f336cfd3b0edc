"""Basic Patient Privacy Consents: by what their documents are known (ITI TF-3: 5.1)."""

FORMATS_SCHEME = "1.3.6.1.4.1.19376.1.2.3"
ACKNOWLEDGEMENT = "urn:ihe:iti:bppc:2007"
SCANNED_ACKNOWLEDGEMENT = "urn:ihe:iti:bppc-sd:2007"
# DocumentEntry.formatCode (ITI TF-3: 5.1.2.1.1.2).
FORMAT_CODES = frozenset({(ACKNOWLEDGEMENT, FORMATS_SCHEME), (SCANNED_ACKNOWLEDGEMENT, FORMATS_SCHEME)})

# ClinicalDocument/code, in LOINC.
DOCUMENT_CODE = ("57016-8", "2.16.840.1.113883.6.1")
TEMPLATE = "1.3.6.1.4.1.19376.1.5.3.1.1.7"
SCANNED_TEMPLATE = "1.3.6.1.4.1.19376.1.5.3.1.1.7.1"
SERVICE_EVENT_TEMPLATE = "1.3.6.1.4.1.19376.1.5.3.1.2.6"
