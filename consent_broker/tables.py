"""What the consent broker stores. Nothing is overwritten: a directive that no longer holds keeps its row.

Times are seconds since 1970 in UTC; a patient is his CX, a document its logicalID.
"""

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
)

metadata = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# Each change of a record's status; the last one counts.
consent_status = Table(
    "consent_status",
    metadata,
    Column("id", _NUMBER, Identity(), primary_key=True),
    Column("patient", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
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
