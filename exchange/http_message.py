"""The head and the body of a plain HTTP request, understood or refused (RFC 9110)."""

from urllib.parse import parse_qsl

from exchange.http_status import Status
from exchange.json_text import NotJson, read_json
from exchange.problems import Problem
from exchange.resources import FORM, HttpRequest, Operation, Pairs

# A directive has some hundred bytes, a FHIR search by POST a few kilobytes.
MAX_BODY_BYTES = 256 * 1024
# FHIR searches repeat a handful.
MAX_PARAMETERS = 100


def accepted(request: HttpRequest, operation: Operation) -> str:
    """The media type to answer in, or 406 (RFC 9110: 12.5.1)."""
    wanted = ",".join(request.headers.get("accept", ()))
    if not wanted.strip():
        return operation.gives[0]
    best, best_weight = "", 0.0
    ranges = [_media_range(one) for one in wanted.split(",") if one.strip()]
    for offered in operation.gives:
        kind = offered.partition("/")[0]
        # The most specific range that matches counts, not the most generous.
        matching = [
            (form.count("*"), -weight) for form, weight in ranges if form in (offered, f"{kind}/*", "*/*")
        ]
        weight = -min(matching)[1] if matching else 0.0
        if weight > best_weight:
            best, best_weight = offered, weight
    if not best:
        offered = ", ".join(operation.gives)
        raise Problem(Status.NOT_ACCEPTABLE, f"the answer can be had as {offered}")
    return best


def query_of(request: HttpRequest) -> Pairs:
    """The parameters of the address, or 400."""
    return _pairs(request.query_string, "the query of the address")


async def content_of(request: HttpRequest, operation: Operation) -> object:
    """The body: JSON, a form's Pairs, or its bytes; None where the operation takes none. 415, 413, or 400."""
    if not operation.takes:
        async for _ in request.call.body:
            raise Problem(Status.BAD_REQUEST, "no body is expected")
        return None
    media_type = _media_type(request, operation)
    content = await _whole(request)
    if operation.as_it_came:
        return content
    if media_type == FORM:
        try:
            return _pairs(content.decode("ascii"), "the body")
        except UnicodeDecodeError:
            raise Problem(Status.BAD_REQUEST, "the body is no form: it is not ASCII") from None
    try:
        return read_json(content)
    except NotJson as problem:
        raise Problem(Status.BAD_REQUEST, str(problem)) from None


def _media_range(text: str) -> tuple[str, float]:
    form, *parameters = (part.strip() for part in text.split(";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                weight = min(max(float(value), 0.0), 1.0)
            except ValueError:
                weight = 0.0
    return form.lower(), weight


def _media_type(request: HttpRequest, operation: Operation) -> str:
    media_type, *parameters = (part.strip().lower() for part in request.call.content_type.split(";"))
    charsets = {one.removeprefix("charset=").strip('"') for one in parameters if one.startswith("charset=")}
    coded = request.call.content_encoding.strip().lower()
    if media_type in operation.takes and charsets <= {"utf-8", "us-ascii"} and coded in ("", "identity"):
        return media_type
    taken = ", ".join(operation.takes)
    raise Problem(
        Status.UNSUPPORTED_MEDIA_TYPE,
        f"the body is expected as {taken} in UTF-8, without a content coding",
        headers=(("accept", taken),),
    )


async def _whole(request: HttpRequest) -> bytes:
    content = bytearray()
    if (request.call.length_bytes or 0) > MAX_BODY_BYTES:
        raise _too_large()
    async for chunk in request.call.body:
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(content)


def _too_large() -> Problem:
    return Problem(Status.CONTENT_TOO_LARGE, f"the body may have {MAX_BODY_BYTES} bytes")


def _pairs(text: str, where: str) -> Pairs:
    if not text:
        return ()
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise Problem(
            Status.BAD_REQUEST,
            f"{where} is not name=value pairs of UTF-8, {MAX_PARAMETERS} at most, joined by &",
        ) from None
    return tuple(pairs)
