"""What an operator does outside of any transaction, as audit messages tell it (ITI TF-2: 3.20)."""

from datetime import datetime

from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    Detail,
    EventIdentification,
    ParticipantObject,
)
from ihe.audit_events import (
    ALERT_DESCRIPTION,
    APPLICATION,
    AUDIT_LOG_NAME,
    AUDIT_LOG_USED,
    AUDIT_QUERY,
    CONSENT_CHANGED,
    CONSENT_DIRECTIVE,
    CONSENT_READ,
    PATIENT,
    PATIENT_NUMBER,
    PATIENT_RECORD,
    PATIENTS_UNMERGED,
    SECURITY_ALERT,
    SECURITY_CONFIGURATION,
    SECURITY_RESOURCE,
    URI,
    USER_ATTRIBUTES_CHANGED,
    Action,
    CodedValue,
    ObjectKind,
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
    participants = _operator(operator, process_id, audit_source_id)
    return tuple(
        AuditMessage(
            EventIdentification(PATIENT_RECORD, at, outcome, action, (PATIENTS_UNMERGED,), trouble),
            participants,
            AuditSource(audit_source_id),
            (_object(PATIENT, PATIENT_NUMBER, patient_id),),
        )
        for patient_id, action in ((restored, Action.CREATE), (survivor, Action.UPDATE))
    )


def consent_touched(
    at: datetime,
    patient_id: str,
    change: str,
    operator: str,
    process_id: str,
    audit_source_id: str,
    trouble: str = "",
) -> AuditMessage:
    """Tell that somebody changed what a patient decided, and how; without a change, that he looked."""
    patient = _object(PATIENT, PATIENT_NUMBER, patient_id)
    if change:
        patient = patient._replace(details=(Detail(CONSENT_DIRECTIVE, change),))
    return AuditMessage(
        EventIdentification(
            PATIENT_RECORD,
            at,
            Outcome.MINOR if trouble else Outcome.SUCCESS,
            Action.UPDATE if change else Action.READ,
            (CONSENT_CHANGED if change else CONSENT_READ,),
            trouble,
        ),
        _operator(operator, process_id, audit_source_id),
        AuditSource(audit_source_id),
        (patient,),
    )


def software_register_changed(
    at: datetime,
    register_uri: str,
    change: str,
    operator: str,
    process_id: str,
    audit_source_id: str,
    trouble: str = "",
) -> AuditMessage:
    """Tell that somebody changed which software may ask, and how (DICOM PS3.15 A.5.3.11)."""
    return _register_changed(
        SECURITY_CONFIGURATION, at, register_uri, change, operator, process_id, audit_source_id, trouble
    )


def directory_changed(
    at: datetime,
    directory_uri: str,
    change: str,
    operator: str,
    process_id: str,
    audit_source_id: str,
    trouble: str = "",
) -> AuditMessage:
    """Tell that somebody changed who is licensed as what, or works where (DICOM PS3.15 A.5.3.11)."""
    return _register_changed(
        USER_ATTRIBUTES_CHANGED, at, directory_uri, change, operator, process_id, audit_source_id, trouble
    )


def matrix_changed(
    at: datetime,
    matrix_uri: str,
    change: str,
    operator: str,
    process_id: str,
    audit_source_id: str,
    trouble: str = "",
) -> AuditMessage:
    """Tell that somebody changed what professions may read and deposit (DICOM PS3.15 A.5.3.11)."""
    return _register_changed(
        SECURITY_CONFIGURATION, at, matrix_uri, change, operator, process_id, audit_source_id, trouble
    )


def _register_changed(
    what: CodedValue,
    at: datetime,
    register_uri: str,
    change: str,
    operator: str,
    process_id: str,
    audit_source_id: str,
    trouble: str,
) -> AuditMessage:
    register = _object(SECURITY_RESOURCE, URI, register_uri)
    return AuditMessage(
        EventIdentification(
            SECURITY_ALERT,
            at,
            Outcome.MINOR if trouble else Outcome.SUCCESS,
            Action.EXECUTE,
            (what,),
            trouble,
        ),
        _operator(operator, process_id, audit_source_id),
        AuditSource(audit_source_id),
        (register._replace(details=(Detail(ALERT_DESCRIPTION, change),)),),
    )


def audit_log_read(
    at: datetime,
    log_uri: str,
    query: str,
    patient_id: str,
    operator: str,
    process_id: str,
    audit_source_id: str,
) -> AuditMessage:
    """Tell that somebody looked into the audit log, and for which patient (DICOM PS3.15 A.5.3.2)."""
    log = _object(SECURITY_RESOURCE, URI, log_uri)._replace(
        name=AUDIT_LOG_NAME, details=(Detail(AUDIT_QUERY, query),)
    )
    patient = (_object(PATIENT, PATIENT_NUMBER, patient_id),) if patient_id else ()
    return AuditMessage(
        EventIdentification(AUDIT_LOG_USED, at, Outcome.SUCCESS, Action.READ),
        _operator(operator, process_id, audit_source_id),
        AuditSource(audit_source_id),
        (*patient, log),
    )


def _operator(operator: str, process_id: str, audit_source_id: str) -> tuple[ActiveParticipant, ...]:
    # The person acts by this program; both are named, for the person's name is the system's word only.
    return (
        ActiveParticipant(operator, is_requestor=True),
        ActiveParticipant(
            audit_source_id, is_requestor=False, roles=(APPLICATION,), alternative_user_id=process_id
        ),
    )


def _object(kind: ObjectKind, id_type: CodedValue, id_: str) -> ParticipantObject:
    return ParticipantObject(id_, id_type, kind.type_code, kind.role)
