"""That records could not be kept for a while, told when they can be kept again (DICOM PS3.15 A.5.3.11)."""

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
    AUDIT_RECORDING_STARTED,
    AUDIT_RECORDING_STOPPED,
    SECURITY_ALERT,
    SECURITY_RESOURCE,
    URI,
    Action,
    Outcome,
)


def recording_interrupted(
    since: datetime, until: datetime, lost: int, process_id: str, audit_source_id: str
) -> tuple[AuditMessage, AuditMessage]:
    """One message for the stop and one for the start, each saying how many requests went unrecorded."""
    said = f"{lost} requests were answered without a record, for the spool could not be written"
    log = ParticipantObject(
        audit_source_id,
        URI,
        SECURITY_RESOURCE.type_code,
        SECURITY_RESOURCE.role,
        name=AUDIT_LOG_NAME,
        details=(Detail(ALERT_DESCRIPTION, said),),
    )
    stopped = AuditMessage(
        EventIdentification(
            SECURITY_ALERT, since, Outcome.MAJOR, Action.EXECUTE, (AUDIT_RECORDING_STOPPED,), said
        ),
        (ActiveParticipant(audit_source_id, True, (APPLICATION,), process_id),),
        AuditSource(audit_source_id),
        (log,),
    )
    resumed = EventIdentification(
        SECURITY_ALERT, until, Outcome.SUCCESS, Action.EXECUTE, (AUDIT_RECORDING_STARTED,)
    )
    return stopped, stopped._replace(event=resumed)
