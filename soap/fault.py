"""SOAP faults: made by name, written and read (SOAP 1.2 Part 1: 5.4; WS-Addressing 1.0 SOAP Binding: 6)."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Self
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from ihe.namespaces import FAULT_ACTION, SOAP12, WSA

QName = tuple[str, str]
"""Namespace and local name."""

# A reason is a sentence for a person; a peer's longer one would only flood log and audit record.
LONGEST_REASON = 1000


class FaultCode(StrEnum):
    """SOAP 1.2 Part 1: 5.4.6."""

    VERSION_MISMATCH = "VersionMismatch"
    MUST_UNDERSTAND = "MustUnderstand"
    DATA_ENCODING_UNKNOWN = "DataEncodingUnknown"
    SENDER = "Sender"
    RECEIVER = "Receiver"


# SOAP 1.2 Part 2: table 20; whatever is not the sender's fault is a 500.
_SENDER_STATUS = 400
_OTHER_STATUS = 500


class SoapFault(Exception):
    """What is wrong with a message below its body; the reason never quotes a document or a stack trace."""

    def __init__(
        self,
        code: FaultCode,
        reason: str,
        subcode: QName | None = None,
        http_status: int | None = None,
        not_understood: Sequence[QName] = (),
        *,
        subsubcode: QName | None = None,
        problem_header: str = "",
        problem_action: str = "",
        relates_to: str = "",
    ) -> None:
        self.code = code
        self.reason = _printable(reason)[:LONGEST_REASON]
        self.subcode = subcode
        self.http_status = http_status or (_SENDER_STATUS if code is FaultCode.SENDER else _OTHER_STATUS)
        self.not_understood = tuple(not_understood)
        self.subsubcode = subsubcode
        self.problem_header = problem_header
        self.problem_action = problem_action
        self.relates_to = relates_to
        super().__init__(self.reason)

    @classmethod
    def sender(cls, reason: str, subcode: QName | None = None) -> Self:
        """The message is not formed as it must be; sending it again will not help."""
        return cls(FaultCode.SENDER, reason, subcode)

    @classmethod
    def receiver(cls, reason: str, subcode: QName | None = None) -> Self:
        """The message may be good, the trouble is ours."""
        return cls(FaultCode.RECEIVER, reason, subcode)

    @classmethod
    def version_mismatch(cls) -> Self:
        """The root is no SOAP 1.2 Envelope (SOAP 1.2 Part 1: 5.4.7)."""
        return cls(FaultCode.VERSION_MISMATCH, f"the root element must be Envelope of SOAP 1.2 ({SOAP12})")

    @classmethod
    def must_understand(cls, not_understood: Sequence[QName]) -> Self:
        """A mandatory header is not known here (SOAP 1.2 Part 1: 5.4.8)."""
        names = ", ".join(f"{{{namespace}}}{name}" for namespace, name in not_understood)
        reason = f"mandatory header not understood: {names}"
        return cls(FaultCode.MUST_UNDERSTAND, reason, not_understood=not_understood)

    @classmethod
    def action_not_supported(cls, action: str) -> Self:
        """No transaction of this endpoint has this action (WS-Addressing SOAP Binding: 6.4.3)."""
        return cls(
            FaultCode.SENDER,
            f"the wsa:Action {action} is not supported at this endpoint",
            (WSA, "ActionNotSupported"),
            problem_action=action,
        )

    @classmethod
    def header_required(cls, header: str) -> Self:
        """A WS-Addressing header is missing (WS-Addressing SOAP Binding: 6.4.2)."""
        return cls(
            FaultCode.SENDER,
            f"the header wsa:{header} is required",
            (WSA, "MessageAddressingHeaderRequired"),
            problem_header=header,
        )

    @classmethod
    def invalid_header(cls, header: str, reason: str, subsubcode: str = "") -> Self:
        """A WS-Addressing header cannot be used (WS-Addressing SOAP Binding: 6.4.1)."""
        return cls(
            FaultCode.SENDER,
            f"the header wsa:{header} {reason}",
            (WSA, "InvalidAddressingHeader"),
            subsubcode=(WSA, subsubcode) if subsubcode else None,
            problem_header=header,
        )

    @classmethod
    def only_anonymous(cls, header: str) -> Self:
        """Answers use the connection of their request only (WS-Addressing SOAP Binding: 6.4.1.7)."""
        reason = "must be the anonymous address: answers use the connection of the request"
        return cls.invalid_header(header, reason, "OnlyAnonymousAddressSupported")

    @classmethod
    def not_parsable(cls, reason: str) -> Self:
        """The envelope is no XML that may be read."""
        return cls.sender(f"the message is not readable XML: {reason}")

    @classmethod
    def too_large(cls, what: str, limit: int, unit: str = "bytes") -> Self:
        """A limit of ours is passed (RFC 9110: 15.5.14)."""
        return cls(FaultCode.SENDER, f"{what} is over the limit of {limit} {unit}", http_status=413)

    @classmethod
    def unsupported_media_type(cls, media_type: str) -> Self:
        """The Content-Type is neither that of SOAP 1.2 nor of MTOM (RFC 9110: 15.5.16)."""
        found = media_type or "absent"
        reason = f"the Content-Type must be application/soap+xml or multipart/related; it is {found}"
        return cls(FaultCode.SENDER, reason, http_status=415)

    @classmethod
    def unsupported_content_encoding(cls) -> Self:
        """A body may grow without end when it is decompressed (RFC 9110: 8.4, 15.5.16)."""
        reason = "the Content-Encoding must be absent or identity: nothing is decompressed here"
        return cls(FaultCode.SENDER, reason, http_status=415)


def write_fault(fault: SoapFault, message_id: str = "", relates_to: str = "") -> bytes:
    """The whole envelope that carries this fault (ITI TF-2: Appendix V.3)."""
    return "".join(_written(fault, message_id, relates_to or fault.relates_to)).encode()


def read_fault(body: etree._Element) -> SoapFault | None:
    """The fault that a Body holds, given the Body's one element; None if it is an answer."""
    if body.tag != f"{{{SOAP12}}}Fault":
        return None
    code = body.find(f"{{{SOAP12}}}Code")
    subcode = _below(code, "Subcode")
    subsubcode = _below(subcode, "Subcode")
    namespace, name = _value(code) or ("", "")
    known = namespace == SOAP12 and name in list(FaultCode)
    return SoapFault(
        FaultCode(name) if known else FaultCode.RECEIVER,
        body.findtext(f"{{{SOAP12}}}Reason/{{{SOAP12}}}Text") or "",
        _value(subcode),
        subsubcode=_value(subsubcode),
    )


def _written(fault: SoapFault, message_id: str, relates_to: str) -> Iterator[str]:
    yield f'<s:Envelope xmlns:s="{SOAP12}" xmlns:wsa="{WSA}"><s:Header>'
    if fault.code is FaultCode.VERSION_MISMATCH:
        yield '<s:Upgrade><s:SupportedEnvelope qname="s:Envelope"/></s:Upgrade>'
    for name in fault.not_understood:
        yield f"<s:NotUnderstood{_qualified('qname', name)}/>"
    yield f"<wsa:Action>{FAULT_ACTION}</wsa:Action>"
    if message_id:
        yield f"<wsa:MessageID>{_text(message_id)}</wsa:MessageID>"
    if relates_to:
        yield f"<wsa:RelatesTo>{_text(relates_to)}</wsa:RelatesTo>"
    yield f"</s:Header><s:Body><s:Fault><s:Code><s:Value>s:{fault.code}</s:Value>"
    if fault.subcode:
        yield f"<s:Subcode>{_code_value(fault.subcode)}"
        if fault.subsubcode:
            yield f"<s:Subcode>{_code_value(fault.subsubcode)}</s:Subcode>"
        yield "</s:Subcode>"
    yield f'</s:Code><s:Reason><s:Text xml:lang="en">{_text(fault.reason)}</s:Text></s:Reason>'
    if fault.problem_header:
        header = f"<wsa:ProblemHeaderQName>wsa:{fault.problem_header}</wsa:ProblemHeaderQName>"
        yield f"<s:Detail>{header}</s:Detail>"
    if fault.problem_action:
        action = f"<wsa:Action>{_text(fault.problem_action)}</wsa:Action>"
        yield f"<s:Detail><wsa:ProblemAction>{action}</wsa:ProblemAction></s:Detail>"
    yield "</s:Fault></s:Body></s:Envelope>"


def _code_value(name: QName) -> str:
    namespace, local_name = name
    if namespace == WSA:
        return f"<s:Value>wsa:{local_name}</s:Value>"
    return f"<s:Value xmlns:q={quoteattr(namespace)}>q:{_text(local_name)}</s:Value>"


def _qualified(attribute: str, name: QName) -> str:
    namespace, local_name = name
    if not namespace:
        return f" {attribute}={quoteattr(local_name)}"
    return f" xmlns:q={quoteattr(namespace)} {attribute}={quoteattr('q:' + local_name)}"


def _below(element: etree._Element | None, name: str) -> etree._Element | None:
    return None if element is None else element.find(f"{{{SOAP12}}}{name}")


def _value(code: etree._Element | None) -> QName | None:
    """The QName in s:Value, whose prefix means what it means at that place."""
    value = _below(code, "Value")
    if value is None:
        return None
    prefix, _, name = (value.text or "").strip().rpartition(":")
    return value.nsmap.get(prefix or None, ""), name


# What XML 1.0 cannot carry, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _printable(text: str) -> str:
    return " ".join(_NOT_XML.sub("\ufffd", text).split())


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
