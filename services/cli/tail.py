"""`rapport tail`: the log as readable lines."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import msgspec
from rich.text import Text

from libs.events.clock import now
from libs.events.envelope import Undecodable
from libs.events.fold import Fact, fact_of
from libs.events.identifiers import BadIdentifier, parse
from libs.events.log import EventLog
from libs.events.log_created import COUNTS
from libs.events.log_created import TYPE as LOG_CREATED
from libs.events.position import Positions
from libs.events.times import BadTime, ms_text
from libs.events.times import parse as parse_time
from services.cli.errors import Failure
from services.cli.following import Stored, from_then_on, recorded_since, up_to
from services.cli.running import opened_log, run
from services.cli.system import System, find_system
from services.cli.tables import console
from services.cli.words import printable, short_type
from services.timeline.titles import title

LATE = timedelta(hours=1)  # an event that happened longer ago than this says when

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are shown; `limit` keeps the last ones of what is there."""

    type_glob: str | None
    subject: str | None
    since: datetime | None
    limit: int | None
    follow: bool

    @property
    def is_filtered(self) -> bool:
        return bool(self.type_glob or self.subject)

    def takes(self, fact: Fact | None) -> bool:
        """Whether a record is shown; None is one that is no event."""
        if fact is None:
            return not self.is_filtered
        if self.subject is not None and _normal(fact.event.subject) != self.subject:
            return False
        if self.type_glob is None:
            return fact.event.type != LOG_CREATED
        return any(fnmatchcase(name, self.type_glob) for name in (fact.event.type, short_type(fact.event.type)))


class _Line(msgspec.Struct):
    position: str
    recorded_at: str
    event: msgspec.Raw | str


def tail(
    *, type_glob: str | None, subject: str | None, since: str | None, follow: bool, as_json: bool, limit: int | None
) -> None:
    """Print what the log holds. Raises Failure."""
    wanted = Wanted(type_glob, _subject(subject), _moment(since, now()), limit, follow)
    run(_tail(find_system(), wanted, _print_json if as_json else _print_line))


async def _tail(system: System, wanted: Wanted, show: Callable[[Stored, Fact | None], None]) -> None:
    try:
        async with opened_log(system) as log:
            ends = await log.ends(list(COUNTS))
            last: deque[tuple[Stored, Fact | None]] = deque(maxlen=wanted.limit)
            async for stored in up_to(log, await _start(log, wanted, ends), ends):
                if wanted.takes(fact := _fact(stored)):
                    if wanted.limit is None:
                        show(stored, fact)
                    else:
                        last.append((stored, fact))
            for stored, fact in last:
                show(stored, fact)
            if wanted.follow:
                async for stored in from_then_on(log, ends):
                    if wanted.takes(fact := _fact(stored)):
                        show(stored, fact)
    except asyncio.CancelledError:
        return


async def _start(log: EventLog, wanted: Wanted, ends: Positions) -> Positions:
    if wanted.since is not None:
        return await recorded_since(log, ends, round(wanted.since.timestamp() * 1_000))
    if wanted.limit is not None and not wanted.is_filtered:
        return {partition: max(0, end - wanted.limit) for partition, end in ends.items()}
    return dict.fromkeys(ends, 0)


def _fact(stored: Stored) -> Fact | None:
    try:
        return fact_of(stored.record, stored.partition, stored.offset, ms_text(stored.recorded_ms))
    except Undecodable:
        return None


def _print_json(stored: Stored, fact: Fact | None) -> None:
    value = stored.record.value
    # A line break in JSON is only ever white space between its parts.
    event = value.decode(errors="backslashreplace") if fact is None else msgspec.Raw(b" ".join(value.splitlines()))
    place = f"{stored.partition}/{stored.offset}"
    print(_encode(_Line(place, ms_text(stored.recorded_ms), event)).decode(), flush=True)


def _print_line(stored: Stored, fact: Fact | None) -> None:
    recorded_at = ms_text(stored.recorded_ms)
    line = Text(f"{recorded_at[:19]}Z  ", style="dim")
    if fact is None:
        line.append(f"not an event: {stored.partition}/{stored.offset}", style="red")
    else:
        line.append(f"{short_type(fact.event.type):<24} ", style="cyan")
        line.append(f"{printable(fact.event.subject or '-')}  ", style="bold")
        line.append(title(fact.event.type, fact.data))
        if parse_time(recorded_at) - parse_time(fact.occurred_at) > LATE:
            line.append(f"  (happened {fact.occurred_at})", style="dim")
    console.print(line, soft_wrap=True)


def _normal(subject: str | None) -> str | None:
    try:
        return subject and str(parse(subject))
    except BadIdentifier:
        return None


def _subject(text: str | None) -> str | None:
    try:
        return text and str(parse(text))
    except BadIdentifier as reason:
        raise Failure(f"--subject: {reason}") from None


def _moment(text: str | None, now_: datetime) -> datetime | None:
    """`10m` ago, a day, or a time with an offset. Raises Failure."""
    if text is None:
        return None
    try:
        if ago := _AGO.fullmatch(text):
            return now_ - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        return parse_time(text)
    except (BadTime, ValueError, OverflowError):
        raise Failure("--since takes 30s, 10m, 2h, 7d, a day such as 2026-01-31, or 2026-01-31T09:30:00Z") from None
