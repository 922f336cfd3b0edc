"""What travels as plain HTTP, in JSON or FHIR, beside the transactions of Appendix V."""

from dataclasses import dataclass

# Of what IHE has no transaction for.
OUR_OWN = "Coffre"


@dataclass(frozen=True, slots=True)
class HttpTransaction:
    """One row: by what code and name records tell of it, and whose code that is."""

    number: str
    name: str
    system: str = "IHE Transactions"


# What a patient decides about his record has no transaction, unless he sends a consent document.
CONSENT_READING = HttpTransaction("consent-read", "Consent Read", OUR_OWN)
CONSENT_CHANGE = HttpTransaction("consent-changed", "Consent Changed", OUR_OWN)

# A patient's journal is told in his words, not in those of ITI-81.
JOURNAL_READING = HttpTransaction("journal-read", "Journal Read", OUR_OWN)
ITI_20 = HttpTransaction("ITI-20", "Record Audit Event")
ITI_81 = HttpTransaction("ITI-81", "Retrieve ATNA Audit Event")
ITI_82 = HttpTransaction("ITI-82", "Retrieve Syslog Event")

HTTP_TRANSACTIONS = (CONSENT_READING, CONSENT_CHANGE, JOURNAL_READING, ITI_20, ITI_81, ITI_82)
