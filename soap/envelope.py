"""SOAP 1.2 envelopes with WS-Addressing headers, read and written (ITI TF-2: Appendix V.3)."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from ihe.namespaces import ANONYMOUS, NONE, SOAP12, WSA
from soap.fault import QName, SoapFault

# Actions and addresses go into answers and audit records; browsers and proxies stop at 2,000 as well.
LONGEST_ADDRESS = 2048


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message that was understood; `headers` are those for us, `body` is the one element in the Body."""

    action: str
    message_id: str
    reply_to: str
    to: str
    relates_to: tuple[str, ...]
    headers: tuple[etree._Element, ...]
    body: etree._Element


def read_envelope(
    root: etree._Element,
    understood: Collection[QName] = (),
    *,
    fallback_action: str = "",
    tolerate_white_space: bool = False,
    message_id_required: bool = True,
) -> Envelope:
    """Read an envelope, or say by a SoapFault what the sender must change (SOAP 1.2 Part 1: 2.6).

    `understood` names the headers that the caller handles beside WS-Addressing. `fallback_action`, from
    the Content-Type or the SOAPAction header, counts only where wsa:Action is absent, and is empty where
    the caller wants it required. `tolerate_white_space` lets blanks and line breaks around wsa:Action
    pass. A reply needs no wsa:MessageID, hence `message_id_required`.
    """
    if root.tag != f"{{{SOAP12}}}Envelope":
        raise SoapFault.version_mismatch()
    headers, body = _header_and_body(root)
    ours = tuple(header for header in headers if header.get(_ROLE, "").strip() in _OUR_ROLES)
    message_id = _first_text(ours, "MessageID")
    try:
        _refuse_not_understood(ours, understood)
        _refuse_repeated(ours)
        return Envelope(
            action=_read_action(ours, fallback_action, tolerate_white_space),
            message_id=_read_message_id(ours, message_id_required),
            reply_to=_read_reply_to(ours),
            to=_read_to(ours),
            relates_to=tuple(_read_relates_to(ours)),
            headers=ours,
            body=_only_child(body),
        )
    except SoapFault as fault:
        fault.relates_to = message_id
        raise


def envelope_head(
    action: str, message_id: str, relates_to: str = "", to: str = "", more_headers: bytes = b""
) -> bytes:
    """The text before the Body's content; what relates to no other message is a request and wants a reply.

    `more_headers` may use the prefix s of SOAP.
    """
    addressing = [
        f'<wsa:Action s:mustUnderstand="1">{escape(action)}</wsa:Action>',
        f"<wsa:MessageID>{escape(message_id)}</wsa:MessageID>",
    ]
    if relates_to:
        addressing.append(f"<wsa:RelatesTo>{escape(relates_to)}</wsa:RelatesTo>")
    else:
        addressing.append(f"<wsa:ReplyTo><wsa:Address>{ANONYMOUS}</wsa:Address></wsa:ReplyTo>")
    if to:
        addressing.append(f"<wsa:To>{escape(to)}</wsa:To>")
    head = f'<s:Envelope xmlns:s="{SOAP12}" xmlns:wsa="{WSA}"><s:Header>{"".join(addressing)}'
    return head.encode() + more_headers + b"</s:Header><s:Body>"


ENVELOPE_TAIL = b"</s:Body></s:Envelope>"

_ROLE = f"{{{SOAP12}}}role"
_MUST_UNDERSTAND = f"{{{SOAP12}}}mustUnderstand"
# SOAP 1.2 Part 1: 2.2; a header without a role is for the ultimate receiver, and that is what we are.
_OUR_ROLES = frozenset({"", f"{SOAP12}/role/ultimateReceiver", f"{SOAP12}/role/next"})

# WS-Addressing 1.0 Core: 3.2.
_ADDRESSING_HEADERS = frozenset({"Action", "MessageID", "To", "ReplyTo", "FaultTo", "From", "RelatesTo"})
_UNDERSTOOD = frozenset((WSA, name) for name in _ADDRESSING_HEADERS)
_REPLY = f"{WSA}/reply"

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_ONE_WORD = re.compile(r"\S+")


def _header_and_body(root: etree._Element) -> tuple[Sequence[etree._Element], etree._Element]:
    """An Envelope holds at most one Header and then one Body (SOAP 1.2 Part 1: 5.1)."""
    children = _elements(root)
    header = children[0] if children and children[0].tag == f"{{{SOAP12}}}Header" else None
    rest = children if header is None else children[1:]
    if [child.tag for child in rest] != [f"{{{SOAP12}}}Body"]:
        raise SoapFault.sender("the Envelope must hold one Header and after it one Body, and nothing else")
    return () if header is None else _elements(header), rest[0]


def _only_child(body: etree._Element) -> etree._Element:
    """Every IHE message is one element (ITI TF-2: V.3)."""
    children = _elements(body)
    if len(children) != 1:
        raise SoapFault.sender(f"the Body must hold exactly one element, not {len(children)}")
    return children[0]


def _refuse_not_understood(headers: Sequence[etree._Element], understood: Collection[QName]) -> None:
    """SOAP 1.2 Part 1: 5.2.3, 5.4.8."""
    unknown = [
        name
        for header in headers
        if _is_mandatory(header) and (name := _qname(header)) not in _UNDERSTOOD and name not in understood
    ]
    if unknown:
        raise SoapFault.must_understand(unknown)


def _is_mandatory(header: etree._Element) -> bool:
    # xs:boolean is lower case; True and TRUE are what some clients send and NIST lets pass.
    match header.get(_MUST_UNDERSTAND, "0").strip().lower():
        case "1" | "true":
            return True
        case "0" | "false":
            return False
        case _:
            raise SoapFault.sender("the attribute mustUnderstand must be true or false")


def _refuse_repeated(headers: Sequence[etree._Element]) -> None:
    """WS-Addressing 1.0 SOAP Binding: 6.4.1.3."""
    for name in sorted(_ADDRESSING_HEADERS - {"RelatesTo"}):
        if len(_all_named(headers, name)) > 1:
            raise SoapFault.invalid_header(name, "may stand only once", "InvalidCardinality")


def _read_action(headers: Sequence[etree._Element], fallback_action: str, tolerate_white_space: bool) -> str:
    found = _all_named(headers, "Action")
    if not found:
        if not fallback_action:
            raise SoapFault.header_required("Action")
        return _checked("Action", fallback_action, _ABSOLUTE)
    text = found[0].text or ""
    if text != text.strip() and not tolerate_white_space:
        raise SoapFault.invalid_header("Action", "has white space around its value")
    return _value("Action", found[0], _ABSOLUTE)


def _read_message_id(headers: Sequence[etree._Element], required: bool) -> str:
    # The examples of the Technical Framework show a bare UUID, so any one word will do.
    found = _all_named(headers, "MessageID")
    if not found and required:
        raise SoapFault.header_required("MessageID")
    return _value("MessageID", found[0], _ONE_WORD) if found else ""


def _read_to(headers: Sequence[etree._Element]) -> str:
    """An absent wsa:To is the anonymous address (WS-Addressing 1.0 Core: 3.2)."""
    found = _all_named(headers, "To")
    return _value("To", found[0], _ONE_WORD) if found else ANONYMOUS


def _read_reply_to(headers: Sequence[etree._Element]) -> str:
    """An absent wsa:ReplyTo is the anonymous address (WS-Addressing 1.0 Core: 3.2)."""
    for header in _all_named(headers, "From"):
        _read_endpoint("From", header)
    # Who could name an address could have us call any host that we reach: nobody may, and none is called.
    addresses = {"ReplyTo": ANONYMOUS}
    for name in ("ReplyTo", "FaultTo"):
        for header in _all_named(headers, name):
            addresses[name] = _read_endpoint(name, header)
            if addresses[name] not in (ANONYMOUS, NONE):
                raise SoapFault.only_anonymous(name)
    return addresses["ReplyTo"]


def _read_endpoint(name: str, header: etree._Element) -> str:
    """An endpoint reference begins with its one Address (WS-Addressing 1.0 Core: 2.2)."""
    addresses = [child.tag == f"{{{WSA}}}Address" for child in _elements(header)]
    if not any(addresses):
        raise SoapFault.invalid_header(name, "has no wsa:Address", "MissingAddressInEPR")
    if not addresses[0] or addresses.count(True) > 1:
        raise SoapFault.invalid_header(name, "must begin with its only wsa:Address", "InvalidEPR")
    return _value(name, _elements(header)[0], _ABSOLUTE)


def _read_relates_to(headers: Sequence[etree._Element]) -> Iterator[str]:
    """The messages that this one replies to; other relationships are nobody's concern here."""
    for header in _all_named(headers, "RelatesTo"):
        message_id = _value("RelatesTo", header, _ONE_WORD)
        if header.get("RelationshipType", _REPLY).strip() == _REPLY:
            yield message_id


def _value(name: str, element: etree._Element, form: re.Pattern[str]) -> str:
    if len(element):
        raise SoapFault.invalid_header(name, "must hold an address and no element", "InvalidAddress")
    return _checked(name, (element.text or "").strip(), form)


def _checked(name: str, value: str, form: re.Pattern[str]) -> str:
    if len(value) > LONGEST_ADDRESS:
        raise SoapFault.invalid_header(name, f"is longer than {LONGEST_ADDRESS} characters", "InvalidAddress")
    if not form.fullmatch(value):
        raise SoapFault.invalid_header(name, "must hold a URI", "InvalidAddress")
    return value


def _all_named(headers: Sequence[etree._Element], name: str) -> list[etree._Element]:
    return [header for header in headers if header.tag == f"{{{WSA}}}{name}"]


def _first_text(headers: Sequence[etree._Element], name: str) -> str:
    """What a fault says it relates to, even where the header is part of what is wrong."""
    found = _all_named(headers, name)
    return ((found[0].text or "").strip() if found else "")[:LONGEST_ADDRESS]


def _elements(parent: etree._Element) -> list[etree._Element]:
    return [child for child in parent if isinstance(child.tag, str)]


def _qname(element: etree._Element) -> QName:
    name = etree.QName(element)
    return name.namespace or "", name.localname
