"""The SOAP envelope and its addressing (ITI TF-2: V.3; WS-Addressing 1.0)."""

from collections import Counter
from collections.abc import Iterator

from lxml import etree

from conformance.judging.found import error, note, warning
from conformance.results import Finding
from conformance.xml import select, where
from ihe.namespaces import ANONYMOUS, NONE, SOAP11, SOAP12, WSA
from ihe.transactions import BY_ACTION, TRANSACTIONS, Transaction

_SECTION = "ITI TF-2: V.3; WS-Addressing 1.0: 3"
_PLACE = "/soap:Envelope/soap:Header"
_OLD_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_UNDERSTOOD = {"1", "true"}
# By an answer's action one finds one of the transactions that have it: they are answered alike.
_BY_RESPONSE = {row.response_action: row for row in reversed(TRANSACTIONS)}


def is_envelope(root: etree._Element) -> bool:
    """Whether this is an envelope of any version of SOAP."""
    return etree.QName(root).localname == "Envelope" and etree.QName(root).namespace in (SOAP11, SOAP12)


def transaction_of_action(action: str) -> tuple[Transaction | None, bool]:
    """The transaction of a wsa:Action, and whether it is its request."""
    if action in BY_ACTION:
        return BY_ACTION[action], True
    return _BY_RESPONSE.get(action), False


def action_of(root: etree._Element) -> str:
    """The wsa:Action, without the white space that some senders put around it."""
    return next(((one.text or "").strip() for one in select(root, f"{_PLACE}/wsa:Action")), "")


def findings_in_envelope(root: etree._Element) -> Iterator[Finding]:
    """Yield what is wrong around the Body, for a request and for an answer."""
    if etree.QName(root).namespace == SOAP11:
        yield error(
            "/soap11:Envelope",
            "an envelope is one of SOAP 1.2",
            "ITI TF-2: V.3; SOAP 1.2 Part 1: 5.1",
            SOAP11,
            SOAP12,
            "Send SOAP 1.2; a receiver answers a VersionMismatch fault.",
        )
        return
    bodies = select(root, "/soap:Envelope/soap:Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        yield error(
            "/soap:Envelope/soap:Body",
            "the Body holds one element",
            "ITI TF-2: V.3",
            f"{sum(len(one) for one in bodies)} elements",
            "one",
        )
    yield from _of_addressing(root)
    action = action_of(root)
    row, asks = transaction_of_action(action)
    fault = bool(select(root, "/soap:Envelope/soap:Body/soap:Fault"))
    if row is None and not fault:
        yield error(
            f"{_PLACE}/wsa:Action",
            "wsa:Action is there once and known",
            _SECTION,
            action,
            "the action of a transaction",
            "Take the action from the transaction's WSDL.",
        )
    elif row and len(bodies) == 1 and len(bodies[0]) == 1 and not fault:
        name = etree.QName(bodies[0][0])
        wanted = row.request_root if asks else row.response_root
        if (name.namespace, name.localname) != wanted:
            yield error(
                bodies[0][0],
                "the Body is what its action says",
                "ITI TF-2: V.3",
                str(name),
                "{{{}}}{}".format(*wanted),
            )
    if asks:
        yield from _of_request(root)
    # What could not be read has no MessageID that a fault might repeat.
    elif not fault and not select(root, f"{_PLACE}/wsa:RelatesTo"):
        yield error(
            f"{_PLACE}/wsa:RelatesTo",
            "an answer names its question",
            _SECTION,
            "no wsa:RelatesTo",
            "the MessageID of the request",
        )


def _of_addressing(root: etree._Element) -> Iterator[Finding]:
    headers = select(root, f"{_PLACE}/wsa:*")
    if old := select(root, f"{_PLACE}/*[namespace-uri()='{_OLD_ADDRESSING}']"):
        yield error(old[0], "addressing is WS-Addressing 1.0", _SECTION, _OLD_ADDRESSING, WSA)
    counted = Counter(etree.QName(one).localname for one in headers)
    for name, times in counted.items():
        if times > 1 and name != "RelatesTo":
            yield error(
                f"{_PLACE}/wsa:{name}", f"wsa:{name} is there once", _SECTION, f"{times} times", "once"
            )
    for one in headers:
        text = one.text or ""
        if not len(one) and text != text.strip():
            yield warning(
                one, "a header has no white space around its value", _SECTION, repr(text), text.strip()
            )
    for name in ("ReplyTo", "FaultTo", "From"):
        for one in select(root, f"{_PLACE}/wsa:{name}"):
            addresses = select(one, "wsa:Address")
            said = (addresses[0].text or "").strip() if addresses else ""
            if said not in (ANONYMOUS, NONE) and not said.startswith(("http://", "https://")):
                yield error(one, f"wsa:{name} has an address", _SECTION, said or "no wsa:Address", ANONYMOUS)


def _of_request(root: etree._Element) -> Iterator[Finding]:
    marks = [one.get(f"{{{SOAP12}}}mustUnderstand", "").lower() for one in select(root, f"{_PLACE}/wsa:*")]
    if not _UNDERSTOOD & set(marks):
        yield error(
            f"{_PLACE}/wsa:Action",
            "wsa:Action must be understood",
            "ITI TF-2: V.3.2.2",
            "no mustUnderstand on it",
            'soap:mustUnderstand="1"',
        )
    if not any((one.text or "").strip() for one in select(root, f"{_PLACE}/wsa:MessageID")):
        yield error(
            f"{_PLACE}/wsa:MessageID",
            "wsa:MessageID is there",
            _SECTION,
            "no wsa:MessageID",
            "a URI of its own for each message, such as urn:uuid:...",
        )
    if not select(root, f"{_PLACE}/wsa:To"):
        yield warning(
            f"{_PLACE}/wsa:To", "wsa:To names the endpoint", _SECTION, "no wsa:To", "the endpoint's address"
        )
    if not select(root, f"{_PLACE}/wsa:ReplyTo"):
        yield note(
            f"{_PLACE}/wsa:ReplyTo",
            "wsa:ReplyTo says where the answer goes",
            "ITI TF-2: V.3.2.2",
            "no wsa:ReplyTo",
            ANONYMOUS,
        )
    for one in select(root, f"{_PLACE}/*[@soap:mustUnderstand]"):
        known = etree.QName(one).namespace == WSA or etree.QName(one).localname == "Security"
        if not known and one.get(f"{{{SOAP12}}}mustUnderstand", "").lower() in _UNDERSTOOD:
            yield error(
                one,
                "a header that must be understood is known",
                "SOAP 1.2 Part 1: 5.4.8",
                where(one),
                "WS-Addressing or WS-Security",
                "Take mustUnderstand from headers of your own.",
            )
