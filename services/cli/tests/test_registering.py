"""Only the network is made up here: answers that are late, lost or bad. What a service answers, it answers itself in
tests/integration."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from uuid import UUID

import httpx
import msgspec
import pytest

from libs.events.position import Partition, encode
from services.cli.errors import Failure
from services.cli.importing.contacts import contact_body
from services.cli.importing.posting import Answered
from services.cli.importing.registering import LANES, Registrar, register_all
from services.cli.importing.rows import Fault, Row

Answer = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


def contacts(*names: Sequence[str]) -> list[Row]:
    bodies = [contact_body("person", each, {}) for each in names]
    return [Row(n, body, body) for n, body in enumerate(bodies, start=1)]


def named(request: httpx.Request) -> list[str]:
    found: list[str] = msgspec.json.decode(request.content)["identifiers"]
    return found


def token(offset: int) -> str:
    return encode(UUID(int=7), {Partition("identity", 0): offset})


def created(offset: int = 11) -> httpx.Response:
    return httpx.Response(201, headers={"rapport-position": token(offset)}, json={"id": "one"})


def at_once(answer: Callable[[httpx.Request], httpx.Response]) -> Answer:
    async def answering(request: httpx.Request) -> httpx.Response:
        return answer(request)

    return answering


async def registered(rows: Sequence[Row], answer: Answer, *, give_up_after_s: float = 5) -> list[Answered]:
    """Ten claims stood in the log before."""
    found: list[Answered] = []

    async def answering(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, headers={"rapport-position": token(10)}, json={"items": []})
        return await answer(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answering)) as client:
        await register_all(rows, Registrar(client, "http://service/", give_up_after_s=give_up_after_s), found.append)
    return found


@pytest.mark.asyncio
async def test_who_shares_a_name_keeps_the_order_and_nobody_else_waits() -> None:
    answered: list[str] = []
    others_done = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        match named(request)[0]:
            case "crm:first":
                await others_done.wait()
            case "crm:last":
                others_done.set()
        answered.append(named(request)[0])
        return created()

    rows = contacts(
        ["crm:first", "tel:+442079460018"], ["crm:second", "tel:+442079460018"], ["crm:third"], ["crm:last"]
    )
    async with asyncio.timeout(10):
        assert await registered(rows, answer) == [Answered(1, [])] * 4
    assert answered == ["crm:third", "crm:last", "crm:first", "crm:second"]


@pytest.mark.asyncio
async def test_so_many_are_on_their_way_and_no_more() -> None:
    asked, most, answered = 0, 0, 0
    all_lanes_taken = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked, most, answered
        asked += 1
        most = max(most, asked - answered)
        if asked == LANES:
            all_lanes_taken.set()
        await all_lanes_taken.wait()
        answered += 1
        return created()

    async with asyncio.timeout(10):
        assert len(await registered(contacts(*([f"crm:{n}"] for n in range(3 * LANES))), answer)) == 3 * LANES
    assert most == LANES


@pytest.mark.asyncio
async def test_without_an_answer_the_same_is_sent_under_the_same_key() -> None:
    sent: list[tuple[str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((request.headers["idempotency-key"], request.content))
        match len(sent):
            case 1:
                raise httpx.ReadTimeout("lost", request=request)
            case 2:
                return httpx.Response(503, headers={"retry-after": "0"}, json={"code": "starting", "detail": "soon"})
            case 3:
                return httpx.Response(202, headers={"retry-after": "0"}, json={"outcome": "pending"})
            case _:
                return created()

    assert await registered(contacts(["crm:1"]), at_once(answer)) == [Answered(1, [])]
    assert len(sent) == 4
    assert len(set(sent)) == 1


@pytest.mark.asyncio
async def test_what_became_of_each() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        match named(request):
            case ["crm:known"]:
                return httpx.Response(200, json={"id": "one"})
            case ["crm:of-an-earlier-import"]:
                return created(10)
            case ["crm:claimed"]:
                problem = {"code": "identifier_claimed", "detail": "is another's", "conflict": "c-1"}
                return httpx.Response(409, json=problem)
            case _:
                error = {"pointer": "/traits", "code": "range", "detail": "too many"}
                return httpx.Response(422, json={"code": "invalid_body", "detail": "no", "errors": [error]})

    rows = contacts(["crm:known"], ["crm:claimed"], ["crm:bad"], ["crm:of-an-earlier-import"])
    assert await registered(rows, at_once(answer)) == [
        Answered(0, [], known=1),
        Answered(0, [(rows[1], [Fault("", "identifier_claimed", "is another's", "c-1")])]),
        Answered(0, [(rows[2], [Fault("/traits", "range", "too many")])]),
        Answered(0, [], known=1),
    ]


@pytest.mark.asyncio
async def test_it_gives_up_when_nothing_moves() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(
        Failure, match=r"no progress for 0 s: http://service/v1/contacts does not answer \(ConnectError\)"
    ):
        await registered(contacts(*([f"crm:{n}"] for n in range(50))), at_once(answer), give_up_after_s=0)


@pytest.mark.parametrize(("status", "body"), [(404, "nobody"), (200, "hello"), (409, "[]"), (201, '{"ok":1}')])
@pytest.mark.asyncio
async def test_something_else_that_answers(status: int, body: str) -> None:
    with pytest.raises(Failure, match="is this the service contacts"):
        await registered(contacts(["crm:1"]), at_once(lambda _: httpx.Response(status, text=body)))
