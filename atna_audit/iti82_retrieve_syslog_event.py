"""Retrieve Syslog Event [ITI-82]: stored messages by their syslog headers, whatever is in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from atna_audit.iti81_retrieve_atna_audit_event import BadSearch, period_of
from atna_audit.search import Search, find
from audit_message.syslog import SyslogMessage, read_syslog
from database import Database

# What one answer may have; more is to be asked for in smaller stretches of time.
HIGHEST_COUNT = 1000
RECORDS_AT_ONCE = 500


class TooMany(Exception):
    """More messages than one answer may have."""


async def retrieve_syslog_events(
    parameters: Sequence[tuple[str, str]], database: Database
) -> list[dict[str, object]]:
    """The latest messages of which all this holds; raises BadSearch and TooMany (ITI TF-2: 3.82)."""
    since, until = period_of([value for name, value in parameters if name == "date"])
    for name, _ in parameters:
        if name not in ("date", *SYSLOG_PARAMETERS):
            raise BadSearch(f"a parameter is expected as one of {', '.join(('date', *SYSLOG_PARAMETERS))}")
    wanted = [(SYSLOG_PARAMETERS[name], value) for name, value in parameters if name != "date"]
    narrowed = Search(since=since, until=until)
    found: list[dict[str, object]] = []
    while records := await find(database, narrowed, RECORDS_AT_ONCE):
        for record in records:
            syslog = read_syslog(record.message)
            if all(holds(syslog, value) for holds, value in wanted):
                found.append(_told(syslog))
        if len(found) > HIGHEST_COUNT:
            raise TooMany(f"more than {HIGHEST_COUNT} messages were found; ask for a shorter time")
        narrowed = replace(narrowed, before=records[-1].place)
    return found


def _told(syslog: SyslogMessage) -> dict[str, object]:
    at = syslog.timestamp.isoformat() if syslog.timestamp else None
    return {
        "pri": syslog.priority,
        "version": "1" if syslog.timestamp or syslog.message_id else None,
        "date": at,
        "hostname": syslog.hostname,
        "app-name": syslog.app_name,
        "procid": syslog.process_id,
        "msg-id": syslog.message_id,
        "structured-data": syslog.structured_data,
        "msg": syslog.content.decode(errors="replace"),
    }


SYSLOG_PARAMETERS: Mapping[str, Callable[[SyslogMessage, str], bool]] = {
    "pri": lambda one, value: str(one.priority) == value,
    "version": lambda one, value: value == "1",
    "hostname": lambda one, value: one.hostname == value,
    "app-name": lambda one, value: one.app_name == value,
    "procid": lambda one, value: one.process_id == value,
    "msg-id": lambda one, value: one.message_id == value,
    "msg": lambda one, value: value in one.content.decode(errors="replace"),
}
