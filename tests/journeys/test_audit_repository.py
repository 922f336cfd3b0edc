"""The audit records of a running server reach audit repositories (ITI TF-2: 3.20)."""

from audit_message.read import read_audit_message
from audit_message.syslog import read_syslog
from tests.services import rsyslog
from tests.services.platform import OPEN_DOMAIN


def test_rsyslog_gets_every_record_from_the_start_of_the_server_to_its_end(fresh_platform):
    """ITI TF-2: 3.20.4.1: over TLS with a client certificate and over UDP, the last ones when it stops."""
    with rsyslog.running() as receiver:
        files = f'ca = "{receiver.authority.certificate}"'
        files += f', certificate = "{receiver.client.certificate}", key = "{receiver.client.key}"'
        audit = f"""
[audit]
repositories = [{{ url = "{receiver.tls_url}", {files} }}, {{ url = "{receiver.udp_url}" }}]
"""
        platform = fresh_platform(toml=OPEN_DOMAIN + audit)
        platform.add_patient()
        platform.process.terminate()
        platform.process.wait(20)
        for transport in ("tls", "udp"):
            received = [read_syslog(message) for message in receiver.received(transport, 8)]
            assert {message.diagnosis for message in received} == {()}
            events = [read_audit_message(message.content).event for message in received]
            types = [event.type_codes[0].code for event in events]
            assert types == ["110120"] * 3 + ["ITI-44"] + ["110121"] * 3 + ["requests-counted"]
