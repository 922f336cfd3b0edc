"""Raw bytes to a running server and back: an outside peer that shares no code with what it talks to."""

import http.client
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ANSWER_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class HttpAnswer:
    """What came back, with the readings tests need."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def envelope(self) -> etree._Element:
        """The SOAP envelope: the body itself, or the first part of a multipart one."""
        return etree.fromstring(self.root)

    @property
    def root(self) -> bytes:
        return self.parts[0][1] if self.headers["content-type"].startswith("multipart/") else self.body

    @property
    def parts(self) -> list[tuple[dict[str, str], bytes]]:
        """Headers and bytes of each MIME part, cut by the boundary that the header declares."""
        match = re.search(r'boundary="?([^";]+)', self.headers["content-type"])
        assert match, self.headers["content-type"]
        pieces = (b"\r\n" + self.body).split(b"\r\n--" + match[1].encode())
        assert pieces[-1].startswith(b"--"), "no closing boundary"
        parts = []
        for piece in pieces[1:-1]:
            head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            lines = (line.partition(":") for line in head.decode().split("\r\n"))
            parts.append(({name.lower(): value.strip() for name, _, value in lines}, content))
        return parts

    @property
    def status_urn(self) -> str:
        """The status of the RegistryResponse, wherever it stands."""
        return next(
            str(element.get("status"))
            for element in self.envelope.iter()
            if etree.QName(element).localname in ("RegistryResponse", "AdhocQueryResponse")
        )

    @property
    def errors(self) -> list[tuple[str, str]]:
        """(errorCode, codeContext) of every RegistryError."""
        return [
            (str(element.get("errorCode")), str(element.get("codeContext")))
            for element in self.envelope.iter("{*}RegistryError")
        ]

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.errors]

    @property
    def fault(self) -> tuple[str, str | None, str]:
        """(code, subcode, reason) of the SOAP fault, the codes without their prefix."""
        fault = self.envelope.find(f"{{{SOAP}}}Body/{{{SOAP}}}Fault")
        assert fault is not None, self.body[:2000]
        values = [str(value.text).rpartition(":")[2] for value in fault.iter(f"{{{SOAP}}}Value")]
        reason = str(fault.findtext(f"{{{SOAP}}}Reason/{{{SOAP}}}Text"))
        return values[0], values[1] if len(values) > 1 else None, reason

    def found(self, name: str) -> list[etree._Element]:
        """Every element of this local name."""
        return list(self.envelope.iter(f"{{*}}{name}"))


def post(
    url: str,
    body: bytes | Iterable[bytes],
    content_type: str = "application/soap+xml; charset=UTF-8",
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """POST and read the whole answer; an iterable body travels chunked."""
    return _request("POST", url, body, {"Content-Type": content_type} | dict(headers or {}))


def get(url: str) -> HttpAnswer:
    """GET and read the whole answer."""
    return _request("GET", url, b"", {})


def _request(method: str, url: str, body: bytes | Iterable[bytes], headers: Mapping[str, str]) -> HttpAnswer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_TIMEOUT_SECONDS)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        chunked = not isinstance(body, bytes)
        connection.request(method, path, body=body, headers=dict(headers), encode_chunked=chunked)
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return HttpAnswer(response.status, names, response.read())
    finally:
        connection.close()


def envelope(
    action: str, body: str | bytes, *, message_id: str = "urn:uuid:0a8c8c1c-5d6e-4d31-8b1b-3f3f4f0e0001"
) -> bytes:
    """A plain SOAP 1.2 request."""
    text = body.decode() if isinstance(body, bytes) else body
    return (
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="http://www.w3.org/2005/08/addressing"><soap:Header>'
        f'<wsa:Action soap:mustUnderstand="1">{action}</wsa:Action>'
        f"<wsa:MessageID>{message_id}</wsa:MessageID>"
        "<wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>"
        f"<wsa:To>http://localhost/</wsa:To></soap:Header><soap:Body>{text}</soap:Body></soap:Envelope>"
    ).encode()


MTOM_TYPE = (
    'multipart/related; boundary="=_wire"; type="application/xop+xml"; start="<root@wire>"; '
    'start-info="application/soap+xml"'
)


def mtom(root: bytes, *parts: tuple[str, str, bytes]) -> bytes:
    """A multipart/related message of MTOM_TYPE: the root, then (Content-ID, Content-Type, bytes) parts."""
    pieces = [
        b'--=_wire\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
        b"Content-Transfer-Encoding: binary\r\nContent-ID: <root@wire>\r\n\r\n" + root
    ]
    pieces += [
        f"--=_wire\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{content_id}>\r\n\r\n".encode()
        + content
        for content_id, content_type, content in parts
    ]
    return b"\r\n".join([*pieces, b"--=_wire--\r\n"])


def include(content_id: str) -> str:
    """The xop:Include that stands for a part."""
    return f'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:{content_id}"/>'
