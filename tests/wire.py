"""Raw bytes to a running server and back: an outside peer that shares no code with what it talks to."""

import http.client
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
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
    def locations(self) -> list[str]:
        """Where each RegistryError says that something is wrong."""
        return [str(one.get("location", "")) for one in self.found("RegistryError")]

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
    tls: ssl.SSLContext | None = None,
) -> HttpAnswer:
    """POST and read the whole answer; an iterable body travels chunked."""
    return _request("POST", url, body, {"Content-Type": content_type} | dict(headers or {}), tls)


def get(url: str, tls: ssl.SSLContext | None = None) -> HttpAnswer:
    """GET and read the whole answer."""
    return _request("GET", url, b"", {}, tls)


def request(method: str, url: str, body: bytes = b"", content_type: str = "text/plain") -> HttpAnswer:
    """Any method; read the whole answer."""
    return _request(method, url, body, {"Content-Type": content_type})


def send_and_hang_up(url: str, body: bytes, content_type: str, declared_length: int) -> None:
    """POST fewer bytes than the header promises, and be gone."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {declared_length}\r\n\r\n"
    )
    with socket.create_connection((str(parts.hostname), parts.port), ANSWER_TIMEOUT_SECONDS) as connection:
        connection.sendall(head.encode() + body)


def _request(
    method: str,
    url: str,
    body: bytes | Iterable[bytes],
    headers: Mapping[str, str],
    tls: ssl.SSLContext | None = None,
) -> HttpAnswer:
    parts = urlsplit(url)
    place = (str(parts.hostname), parts.port)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(*place, timeout=ANSWER_TIMEOUT_SECONDS, context=tls)
    else:
        connection = http.client.HTTPConnection(*place, timeout=ANSWER_TIMEOUT_SECONDS)
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
    action: str,
    body: str | bytes,
    *,
    message_id: str = "urn:uuid:0a8c8c1c-5d6e-4d31-8b1b-3f3f4f0e0001",
    more_headers: str = "",
) -> bytes:
    """A plain SOAP 1.2 request."""
    text = body.decode() if isinstance(body, bytes) else body
    return (
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{WSA}"><soap:Header>'
        f'<wsa:Action soap:mustUnderstand="1">{action}</wsa:Action>'
        f"<wsa:MessageID>{message_id}</wsa:MessageID>"
        f"<wsa:ReplyTo><wsa:Address>{WSA}/anonymous</wsa:Address></wsa:ReplyTo>"
        f"<wsa:To>http://localhost/</wsa:To>{more_headers}</soap:Header><soap:Body>{text}</soap:Body></soap:Envelope>"
    ).encode()


MTOM_TYPE = (
    'multipart/related; boundary="=_wire"; type="application/xop+xml"; start="<root@wire>"; '
    'start-info="application/soap+xml"'
)


@dataclass(frozen=True)
class Part:
    """One MIME part; `content` stands on the wire as it is, in whatever encoding the header names."""

    content_id: str
    content: bytes
    content_type: str = "application/octet-stream"
    encoding: str = "binary"


def root_part(root: bytes, charset: str = "UTF-8") -> Part:
    """The part that holds the envelope."""
    return Part("root@wire", root, f'application/xop+xml; charset={charset}; type="application/soap+xml"')


def multipart(*parts: Part, boundary: str = "=_wire", line_end: str = "\r\n", preamble: str = "") -> bytes:
    """A multipart/related body, its delimiters ended by `line_end`."""
    pieces = [
        line_end.join(
            (
                f"--{boundary}",
                f"Content-Type: {part.content_type}",
                f"Content-Transfer-Encoding: {part.encoding}",
                f"Content-ID: <{part.content_id}>",
                "",
                "",
            )
        ).encode()
        + part.content
        for part in parts
    ]
    start = (preamble + line_end).encode() if preamble else b""
    return start + line_end.encode().join([*pieces, f"--{boundary}--{line_end}".encode()])


def mtom(root: bytes, *parts: tuple[str, str, bytes]) -> bytes:
    """A multipart/related message of MTOM_TYPE: the root, then (Content-ID, Content-Type, bytes) parts."""
    return multipart(
        root_part(root),
        *(Part(content_id, content, content_type) for content_id, content_type, content in parts),
    )


def include(content_id: str) -> str:
    """The xop:Include that stands for a part."""
    return f'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:{content_id}"/>'
