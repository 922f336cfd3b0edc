"""A message as a person reads it: opened, indented, coloured, and marked where something was found."""

from collections.abc import Iterator, Mapping
from html import escape

from lxml import etree

from conformance.judging.packages import unpacked
from conformance.judging.syslog import is_syslog, read_syslog
from conformance.results import Finding
from conformance.xml import NotXml, read, where

# A page is read by a person; the saved run has all of every message.
MAX_SHOWN_CHARACTERS = 60_000
# Longer texts are documents in base64 and signatures.
MAX_VALUE_SHOWN = 400

Marks = Mapping[str, tuple[str, ...]]


def marks_of(findings: tuple[Finding, ...], prefix: str) -> dict[str, tuple[str, ...]]:
    """The anchors of findings by the element that each stands at."""
    marks: dict[str, tuple[str, ...]] = {}
    for number, one in enumerate(findings):
        place = one.where.partition("/@")[0]
        marks[place] = (*marks.get(place, ()), f"{prefix}-{number}")
    return marks


def shown(content: bytes, marks: Marks) -> str:
    """A message as HTML lines; what is no XML is shown as text."""
    if not content:
        return "<i>nothing</i>"
    head = ""
    if is_syslog(content):
        message = read_syslog(content).message
        head = escape(content[: len(content) - len(message)].decode("utf-8", "replace")) + "\n"
        content = message
    package = unpacked(content)
    try:
        root = read(package.root.lstrip())
    except NotXml:
        text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        return head + escape(_cut(text, MAX_SHOWN_CHARACTERS))
    lines: list[str] = [head] if head else []
    size = 0
    for line in _lines(root, 0, marks):
        size += len(line)
        if size > MAX_SHOWN_CHARACTERS:
            lines.append("<i>and more: the saved run has all of it</i>")
            break
        lines.append(line)
    for id, part in (package.parts or {}).items():
        lines.append(f"<i>part {escape(id)}: {len(part)} bytes</i>")
    return "\n".join(lines)


def _lines(node: etree._Element, depth: int, marks: Marks) -> Iterator[str]:
    indent = "  " * depth
    found = marks.get(where(node), ())
    opening, closing = ("<mark>", "</mark>") if found else ("", "")
    anchors = "".join(f'<a id="{one}"></a>' for one in found)
    name = f"{node.prefix}:{etree.QName(node).localname}" if node.prefix else etree.QName(node).localname
    start = f"{anchors}{opening}&lt;<b>{escape(name)}</b>{_attributes(node)}"
    text = (node.text or "").strip()
    if len(node):
        yield f"{indent}{start}&gt;{closing}{escape(_cut(text, MAX_VALUE_SHOWN))}"
        for child in node:
            yield from _lines(child, depth + 1, marks)
        yield f"{indent}&lt;/<b>{escape(name)}</b>&gt;"
    elif text:
        value = escape(_cut(text, MAX_VALUE_SHOWN))
        yield f"{indent}{start}&gt;{value}&lt;/<b>{escape(name)}</b>&gt;{closing}"
    else:
        yield f"{indent}{start}/&gt;{closing}"


def _attributes(node: etree._Element) -> str:
    parent = node.getparent()
    known = parent.nsmap if parent is not None else {}
    parts = [
        f' <i>xmlns{":" + prefix if prefix else ""}</i>="<s>{escape(uri)}</s>"'
        for prefix, uri in node.nsmap.items()
        if known.get(prefix) != uri
    ]
    for name, value in node.attrib.items():
        qualified = etree.QName(str(name))
        prefix = next((p for p, uri in node.nsmap.items() if p and uri == qualified.namespace), "")
        shown_name = f"{prefix}:{qualified.localname}" if prefix else qualified.localname
        parts.append(f' <i>{escape(shown_name)}</i>="<s>{escape(_cut(str(value), MAX_VALUE_SHOWN))}</s>"')
    return "".join(parts)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
