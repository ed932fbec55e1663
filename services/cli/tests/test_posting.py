"""Only the network is made up here: answers that are late, lost or bad. What a service answers, it answers itself in
tests/integration."""

from collections.abc import Callable, Sequence

import httpx
import msgspec
import pytest

from services.cli.errors import Failure
from services.cli.importing.posting import Answered, Poster, post_all
from services.cli.importing.rows import Fault, Row

Answer = Callable[[httpx.Request], httpx.Response]


def rows(subjects: Sequence[str]) -> list[Row]:
    events = [b'{"id":"%d","subject":"%s"}' % (n, subject.encode()) for n, subject in enumerate(subjects)]
    return [Row(n, event, event) for n, event in enumerate(events, start=1)]


def accepted(request: httpx.Request) -> httpx.Response:
    return httpx.Response(202, json={"accepted": len(msgspec.json.decode(request.content)), "position": "p"})


async def posted(batch: Sequence[Row], answer: Answer, *, size: int = 2, give_up_after_s: float = 5) -> list[Answered]:
    found: list[Answered] = []
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        poster = Poster(client, "http://service/", dry_run=False, give_up_after_s=give_up_after_s)
        await post_all(batch, poster, size, found.append)
    return found


@pytest.mark.asyncio
async def test_the_events_of_a_subject_keep_their_order() -> None:
    seen: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.extend(msgspec.json.decode(request.content))
        return accepted(request)

    found = await posted(rows(["a", "b", "c", "d", "e", "f", "g"] * 20), answer)
    assert sum(each.accepted for each in found) == len(seen) == 140
    for subject in "abcdefg":
        ids = [int(event["id"]) for event in seen if event["subject"] == subject]
        assert ids == sorted(ids)


@pytest.mark.asyncio
async def test_a_batch_without_an_answer_is_sent_again_as_it_was() -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        match len(bodies):
            case 1:
                raise httpx.ReadTimeout("lost", request=request)
            case 2:
                return httpx.Response(503, headers={"retry-after": "0"}, json={"code": "starting", "detail": "soon"})
            case 3:
                return httpx.Response(429, headers={"retry-after": "0"}, text="busy")
            case _:
                return accepted(request)

    found = await posted(rows(["a", "a"]), answer)
    assert found == [Answered(2, [])]
    assert len(bodies) == 4
    assert len(set(bodies)) == 1


@pytest.mark.asyncio
async def test_it_gives_up_when_nothing_moves() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(
        Failure, match=r"no progress for 0 s: http://service/v1/events does not answer \(ConnectError\)"
    ):
        await posted(rows(list("abcdefg")), answer, size=1, give_up_after_s=0)


@pytest.mark.asyncio
async def test_rejected_events_are_told_by_their_rows() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        faults = [{"index": 1, "pointer": f"/{name}", "code": "required", "detail": "no"} for name in ("id", "data")]
        return httpx.Response(202, json={"accepted": 1, "position": "p", "rejected": faults})

    batch = rows(["a", "a"])
    faults = [Fault("/id", "required", "no"), Fault("/data", "required", "no")]
    assert await posted(batch, answer) == [Answered(1, [(batch[1], faults)])]


@pytest.mark.asyncio
async def test_a_batch_that_is_refused_whole_is_halved() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if b'"id":"2"' in request.content:
            return httpx.Response(400, json={"code": "not_json", "detail": "bad"})
        return accepted(request)

    batch = rows(["a"] * 5)
    assert await posted(batch, answer, size=5) == [Answered(4, [(batch[2], [Fault("", "not_json", "bad")])])]


@pytest.mark.parametrize(("status", "body"), [(404, "nobody"), (200, "hello"), (422, "[]"), (202, '{"ok":1}')])
@pytest.mark.asyncio
async def test_something_else_that_answers(status: int, body: str) -> None:
    with pytest.raises(Failure, match="is this the service interactions"):
        await posted(rows(["a"]), lambda _: httpx.Response(status, text=body))
