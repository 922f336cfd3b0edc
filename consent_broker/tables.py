"""What the consent broker stores. Nothing is overwritten: a directive that no longer holds keeps its row.

Times are seconds since 1970 in UTC; a patient is his CX, a document its logicalID.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _dated() -> tuple[Column[Any], ...]:
    """From when until when something is so; and who said so when, and who ended that when."""
    return (
        Column("starts", BigInteger),
        Column("ends", BigInteger),
        Column("made", BigInteger, nullable=False),
        Column("made_by", Text, nullable=False),
        Column("ended", BigInteger),
        Column("ended_by", Text),
    )


def _documented() -> tuple[Column[Any], ...]:
    """The policy that a consent document acknowledges, and the document's uniqueId; else both are empty."""
    return tuple(Column(name, Text, nullable=False, server_default="") for name in ("policy", "source"))


# Each change of a record's status; the last one that holds counts.
consent_status = Table(
    "consent_status",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    Column("patient", Text, nullable=False),
    Column("status", Text, nullable=False),
    # When a record that is announced opens by itself.
    Column("opens", BigInteger),
    Column("made", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    # What was so until then, in words; nothing is empty.
    Column("before", Text, nullable=False, server_default=""),
    # What a consent document says holds in its time, and until it is withdrawn.
    *_documented(),
    Column("starts", BigInteger),
    Column("ends", BigInteger),
    Column("ended", BigInteger),
    Column("ended_by", Text),
    Index("ix_consent_status_patient", "patient", "id"),
)

consent_directive = Table(
    "consent_directive",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    Column("patient", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("party_kind", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("document", Text, nullable=False),
    # What is given: rights of a grant, or of a helper.
    Column("rights", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("starts", BigInteger),
    Column("ends", BigInteger),
    Column("made", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    # In whose place it came, in words; nothing is empty.
    Column("before", Text, nullable=False, server_default=""),
    *_documented(),
    # When it was taken back, and by whom; null while it holds.
    Column("ended", BigInteger),
    Column("ended_by", Text),
)
_holds = consent_directive.c.ended.is_(None)
Index(
    "ix_consent_directive_patient",
    consent_directive.c.patient,
    consent_directive.c.kind,
    postgresql_where=_holds,
    sqlite_where=_holds,
)

# How often something of a patient's has changed.
consent_version = Table(
    "consent_version",
    metadata,
    Column("patient", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

# Professionals, institutions, and who works where; a row stays when it ends, and at most one of a key holds.
# A person is root|extension, a code is CODE|SCHEME. Professions have licences with dates, and a name.
professional = Table(
    "professional",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    *(
        Column(name, Text, nullable=False)
        for name in ("person", "name", "licence", "profession", "specialty")
    ),
    *_dated(),
    Index("ix_professional_person", "person"),
)
institution = Table(
    "institution",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("organization", "name")),
    *_dated(),
    Index("ix_institution_organization", "organization"),
)
membership = Table(
    "membership",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("person", "organization")),
    *_dated(),
    Index("ix_membership_person", "person"),
)

# What patients are to be told; a row is there before the answer that it tells of, and stays when it was told.
consent_notification = Table(
    "consent_notification",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    *(
        Column(name, Text, nullable=False)
        for name in ("patient", "kind", "person", "name", "role", "organization", "purpose", "reason")
    ),
    # By which the same is told once: all that is done by one assertion.
    Column("occasion", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("told", BigInteger),
    UniqueConstraint("patient", "kind", "occasion", name="uq_consent_notification_occasion"),
)

# Of what changes a document is yet to tell in the patient's record; a row stays when it does.
consent_receipt = Table(
    "consent_receipt",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("patient", "changed", "made_by")),
    Column("made", BigInteger, nullable=False),
    # When somebody began to write it, and when it was there.
    Column("tried", BigInteger),
    Column("written", BigInteger),
)
_unwritten = consent_receipt.c.written.is_(None)
Index(
    "ix_consent_receipt_unwritten",
    consent_receipt.c.id,
    postgresql_where=_unwritten,
    sqlite_where=_unwritten,
)

# The access matrix, version by version; none is altered once it is there. A day is YYYY-MM-DD, or empty.
matrix_version = Table(
    "matrix_version",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    Column("valid_from", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("note", Text, nullable=False),
)
matrix_cell = Table(
    "matrix_cell",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    Column("version", BigInteger, nullable=False, index=True),
    *(
        Column(name, Text, nullable=False)
        for name in ("profession", "specialty", "type", "allows", "valid_from", "valid_until")
    ),
)

# How often whoever is of one profession and specialty was decided about, day by day; nobody's name.
decision_count = Table(
    "decision_count",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("day", "profession", "specialty", "allows")),
    Column("decisions", BigInteger, nullable=False),
)

# The assertions for one use that were used (SAML 2.0 Core: 2.5.1.5).
# A row lives as long as its assertion, which is minutes.
used_assertion = Table(
    "used_assertion",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("until_seconds", BigInteger, nullable=False, index=True),
)

# Products attested for these transactions (words apart) up to a moment; a row stays when it ends.
software_attestation = Table(
    "software_attestation",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("name", "version", "vendor", "transactions")),
    Column("until_seconds", BigInteger, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    # When it was revoked or gave way to a newer one, and by whom; null while it holds.
    Column("ended", BigInteger),
    Column("ended_by", Text),
)

# By what it is known: one certificate by its SHA-256, or all of one subject and issuer; the other is empty.
software_certificate = Table(
    "software_certificate",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    Column("attestation", BigInteger, nullable=False, index=True),
    *(Column(name, Text, nullable=False) for name in ("sha256", "subject", "issuer")),
    Index("ix_software_certificate_sha256", "sha256", "subject"),
)
