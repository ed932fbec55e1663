"""`POST /v1/events`, the hot path: a bare ASGI handler beside the FastAPI app.

It checks the bytes, computes the node of each subject without a look-up, appends the records as they were sent, and
answers when they are durable. CloudEvents in structured, batched and binary form.
"""

import re
from collections.abc import Sequence, Set
from urllib.parse import parse_qs, unquote

import msgspec

from libs.events import strict_json
from libs.events.clock import now
from libs.events.edge import Edge, looks_plain
from libs.events.examine import EventRefused
from libs.events.failpoints import pass_by
from libs.events.identifiers import Nodes
from libs.events.log import EVENT_HEADERS, AppendUnknown, Headers, LogError, Record
from libs.events.partitions import partition_of
from libs.events.position import encode_topic
from libs.events.problems import Problem
from libs.events.strict_json import NotJson, UnsafeJson
from libs.events.times import MAX_AHEAD
from libs.events.topics import INTERACTIONS
from libs.service.bodies import read_body
from libs.service.errors import HttpRefusal, refusal_of, unavailable
from libs.service.runtime import Service
from libs.service.shell import POSITION_HEADER, Receive, Scope, Send, send_body, send_refusal

PATH = "/v1/events"
STRUCTURED, BATCH, BINARY = (
    b"application/cloudevents+json",
    b"application/cloudevents-batch+json",
    b"application/json",
)

_decode_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_encode = msgspec.json.Encoder().encode
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_LENIENT = re.compile(rb"(?:^|[,;\s])handling\s*=\s*lenient(?:$|[,;\s])")
_ACCEPT = (
    "application/cloudevents+json, application/cloudevents-batch+json, or application/json with ce- headers (binary)"
)


class Rejected(msgspec.Struct, frozen=True):
    """One event of a batch that was left out."""

    index: int
    pointer: str
    code: str
    detail: str


class Undecided(msgspec.Struct, frozen=True):
    """What is known of one event: recorded, refused (certainly not recorded) or unknown."""

    index: int
    id: str
    outcome: str


class _Named(msgspec.Struct):
    id: str


_decode_id = msgspec.json.Decoder(_Named).decode


class Ingest:
    """The handler of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._edge: tuple[Nodes, Edge] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._take(scope, receive, send)
        except HttpRefusal as refusal:
            await send_refusal(send, refusal)
        except LogError as reason:
            await send_refusal(send, refusal_of(reason))

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        log, edge = self._service.log, self._edge_of(self._service.nodes)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        body = await read_body(receive, headers)
        rejected: list[Rejected] = []
        if media_type == STRUCTURED:
            records = [self._one(edge, body)]
        elif media_type == BATCH:
            records, rejected = self._many(edge, body, lenient=_LENIENT.search(headers.get(b"prefer", b"")) is not None)
        elif media_type == BINARY and b"ce-specversion" in headers:
            records = [self._one(edge, structured(scope["headers"], body))]
        else:
            raise HttpRefusal(415, "unsupported_media_type", f"send {_ACCEPT}")
        if trace := headers.get(b"traceparent"):
            records = _traced(records, trace)
        if _is_dry_run(scope["query_string"]):
            await send_body(send, 200, _answer(len(records), None, rejected), b"application/json")
            return
        try:
            appended = await log.append(INTERACTIONS.name, records)
        except AppendUnknown as reason:
            left_out = {each.index for each in rejected}
            raise undecided(reason, records, left_out) from None
        pass_by("ingest.after_append")
        token = encode_topic(log.log_id, INTERACTIONS.name, appended.next_offsets)
        extra = [(POSITION_HEADER, token.encode())]
        await send_body(send, 202, _answer(len(records), token, rejected), b"application/json", extra)

    def _edge_of(self, nodes: Nodes) -> Edge:
        if self._edge is None or self._edge[0] is not nodes:
            self._edge = (nodes, Edge(nodes))
        return self._edge[1]

    def _one(self, edge: Edge, raw: bytes) -> Record:
        try:
            return edge.check(raw, now() + MAX_AHEAD, plain=looks_plain(raw))
        except EventRefused as reason:
            raise _refusal(reason.status, reason.problems) from None

    def _many(self, edge: Edge, body: bytes, *, lenient: bool) -> tuple[list[Record], list[Rejected]]:
        raws = split(body)
        plain, latest = looks_plain(body), now() + MAX_AHEAD
        records: list[Record] = []
        refused: list[tuple[int, EventRefused]] = []
        for index, raw in enumerate(raws):
            try:
                records.append(edge.check(bytes(raw), latest, plain=plain))
            except EventRefused as reason:
                refused.append((index, reason))
        if refused and not lenient:
            problems = [Problem(f"/{n}{p.pointer}", p.code, p.detail) for n, reason in refused for p in reason.problems]
            statuses = {reason.status for _, reason in refused}
            raise _refusal(statuses.pop() if len(statuses) == 1 else 422, problems)
        return records, [Rejected(n, p.pointer, p.code, p.detail) for n, reason in refused for p in reason.problems]


def undecided(reason: AppendUnknown, records: Sequence[Record], left_out: Set[int]) -> HttpRefusal:
    """503 with what is known of each event: a log may write its partitions one by one, and not all of them at once.

    `left_out` are the indexes of events that were rejected before.
    """
    numbers = (n for n in range(len(records) + len(left_out)) if n not in left_out)
    events = [
        Undecided(n, _decode_id(record.value).id, _outcome(reason, partition_of(record.key, INTERACTIONS.partitions)))
        for n, record in zip(numbers, records, strict=True)
    ]
    return unavailable(
        "outcome_unknown",
        "the log did not answer in time; sending the same ids again is safe, and only those that are recorded need not",
        events=events,
    )


def _outcome(reason: AppendUnknown, partition: int) -> str:
    if partition in reason.known:
        return "recorded"
    return "refused" if partition in reason.refused else "unknown"


def split(body: bytes) -> Sequence[msgspec.Raw]:
    """The events of a batch, each as its bytes. Raises 400 for no JSON, 422 for anything but an array."""
    try:
        return _decode_batch(body)
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        strict_json.loads(body)
    except NotJson as reason:
        raise HttpRefusal(400, "not_json", f"the body is not JSON: {reason}") from None
    except UnsafeJson as reason:
        raise _refusal(422, reason.problems) from None
    raise _refusal(422, [Problem("", "type", "a batch is a JSON array of events")])


def structured(headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bytes:
    """An event in binary mode as structured JSON: attributes from `ce-` headers, the body byte for byte as its data."""
    attributes: dict[str, object] = {}
    for name, value in headers:
        if name.startswith(b"ce-"):
            attribute = name[3:].decode("latin-1")
            if attribute in attributes:
                raise _refusal(400, [Problem(f"/{attribute}", "duplicate_attribute", "the header stands twice")])
            attributes[attribute] = _header_text(attribute, value)
    attributes["datacontenttype"] = "application/json"
    if body:
        try:
            attributes["data"] = _decode_raw(body)
        except (msgspec.MsgspecError, RecursionError):
            attributes["data"] = _encode(_strictly(body))
    return _encode(attributes)


def _strictly(body: bytes) -> object:
    try:
        return strict_json.loads(body)
    except NotJson as reason:
        raise HttpRefusal(400, "not_json", f"the body is not JSON: {reason}") from None
    except UnsafeJson as reason:
        raise _refusal(422, [Problem(f"/data{p.pointer}", p.code, p.detail) for p in reason.problems]) from None


def _header_text(attribute: str, value: bytes) -> str:
    """A header's value, percent-decoded as the HTTP binding of CloudEvents says."""
    try:
        return unquote(value.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise _refusal(
            400, [Problem(f"/{attribute}", "format", "percent-encode what is not ASCII, as UTF-8")]
        ) from None


def _traced(records: list[Record], trace: bytes) -> list[Record]:
    if not _TRACEPARENT.fullmatch(trace):
        return records
    headers: Headers = (*EVENT_HEADERS, ("traceparent", trace))
    return [Record(record.key, record.value, headers) for record in records]


def _is_dry_run(query: bytes) -> bool:
    if not query or query == b"dry_run=true":
        return bool(query)
    given = parse_qs(query.decode("ascii", "replace"))
    match given.pop("dry_run", ["false"]):
        case ["true" | "1"] if not given:
            return True
        case ["false" | "0"] if not given:
            return False
        case _:
            raise HttpRefusal(400, "bad_parameter", "this route takes dry_run=true or false, and min_position")


def _answer(accepted: int, token: str | None, rejected: list[Rejected]) -> bytes:
    answer: dict[str, object] = {"accepted": accepted, "position": token}
    if rejected:
        answer["rejected"] = rejected
    return _encode(answer)


def _refusal(status: int, problems: Sequence[Problem]) -> HttpRefusal:
    match status:
        case 413:
            return HttpRefusal(413, "event_too_large", "an event is at most 256 KiB; nothing was stored", problems)
        case 400:
            return HttpRefusal(400, problems[0].code, f"{problems[0].detail}; nothing was stored", problems)
        case _:
            return HttpRefusal(422, "invalid_event", "nothing was stored; see errors", problems)
