"""What an operator does outside of any transaction, as audit messages tell it (ITI TF-2: 3.20)."""

from datetime import datetime

from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    EventIdentification,
    ParticipantObject,
)
from ihe.audit_events import (
    APPLICATION,
    PATIENT,
    PATIENT_RECORD,
    PATIENTS_UNMERGED,
    Action,
    Outcome,
)


def patients_unmerged(
    at: datetime,
    restored: str,
    survivor: str,
    operator: str,
    process_id: str,
    audit_source_id: str,
    trouble: str = "",
) -> tuple[AuditMessage, ...]:
    """One message a patient: one has a record again, the other's has changed (DICOM PS3.15 A.5.3.10)."""
    outcome = Outcome.MINOR if trouble else Outcome.SUCCESS
    number = PATIENT.id_type or PATIENTS_UNMERGED
    # The person acts by this program; both are named, for the person's name is the system's word only.
    participants = (
        ActiveParticipant(operator, is_requestor=True),
        ActiveParticipant(
            audit_source_id, is_requestor=False, roles=(APPLICATION,), alternative_user_id=process_id
        ),
    )
    return tuple(
        AuditMessage(
            EventIdentification(PATIENT_RECORD, at, outcome, action, (PATIENTS_UNMERGED,), trouble),
            participants,
            AuditSource(audit_source_id),
            (ParticipantObject(patient_id, number, PATIENT.type_code, PATIENT.role),),
        )
        for patient_id, action in ((restored, Action.CREATE), (survivor, Action.UPDATE))
    )
