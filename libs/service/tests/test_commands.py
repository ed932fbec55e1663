"""What becomes of a command: every outcome is answered, and a retry is safe."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from uuid import UUID

import pytest
import pytest_asyncio

from libs.events.catalog.contacts import ContactRegistered, Named
from libs.events.identity.judge import Verdict
from libs.events.position import decode
from libs.events.topics import CONTACTS
from libs.service.commands import RETRIES, Done, command_id
from libs.service.errors import HttpRefusal
from libs.service.outcomes import outcome_response
from libs.service.tests.deciding import ADA, BOB, POISON, Deciding, deciding

LOG = UUID(int=7)


@pytest_asyncio.fixture
async def ours(database: str) -> AsyncIterator[Deciding]:
    async with deciding(database) as service:
        yield service


async def refused(doing: Awaitable[object], status: int, code: str) -> HttpRefusal:
    with pytest.raises(HttpRefusal) as refusal:
        await doing
    assert (refusal.value.status_code, refusal.value.code) == (status, code)
    return refusal.value


def outcome_of(done: Done | None) -> tuple[str, bool]:
    assert done is not None
    return done.outcome, done.is_repeated


class TestIds:
    def test_a_clients_key_makes_the_id(self) -> None:
        assert command_id(LOG, "POST", "/v1/x", "k") == command_id(LOG, "POST", "/v1/x", "k")

    def test_any_difference_makes_another(self) -> None:
        ids = {
            command_id(LOG, "POST", "/v1/x", "k"),
            command_id(UUID(int=8), "POST", "/v1/x", "k"),
            command_id(LOG, "PATCH", "/v1/x", "k"),
            command_id(LOG, "POST", "/v1/y", "k"),
            command_id(LOG, "POST", "/v1/x", "l"),
        }
        assert len(ids) == 5

    def test_without_one_every_command_is_new(self) -> None:
        assert command_id(LOG, "POST", "/v1/x", None) != command_id(LOG, "POST", "/v1/x", None)

    @pytest.mark.parametrize("key", ["", "k" * 256, "k\n", "schlüssel"])
    def test_a_key_that_is_none_is_refused(self, key: str) -> None:
        with pytest.raises(HttpRefusal) as refusal:
            command_id(LOG, "POST", "/v1/x", key)
        assert (refusal.value.status_code, refusal.value.code) == (400, "bad_idempotency_key")


@pytest.mark.asyncio
class TestDecisions:
    async def test_one_is_applied_and_its_position_covers_it(self, ours: Deciding) -> None:
        done = await ours.change(ours.asked())
        assert outcome_of(done) == ("applied", False)
        assert done is not None
        (position,) = decode(done.token, ours.log.log_id).items()
        assert position in ours.service.progress.reached.items()
        assert await ours.head() == 1

    async def test_what_is_so_already_records_nothing(self, ours: Deciding) -> None:
        async def decide() -> None:
            return None

        assert await ours.commands.carry_out(ours.asked(), decide) is None
        assert await ours.recorded() == 0

    async def test_a_repeated_one_is_answered_from_what_was_recorded(self, ours: Deciding) -> None:
        first = await ours.change(ours.asked("k"))
        again = await ours.change(ours.asked("k"))
        assert first is not None
        assert again == first._replace(is_repeated=True)
        assert await ours.recorded() == 1

    async def test_a_key_that_comes_with_another_body_is_refused(self, ours: Deciding) -> None:
        await ours.change(ours.asked("k"))
        await refused(ours.change(ours.asked("k", "another body")), 422, "idempotency_key_reused")
        assert await ours.recorded() == 1

    async def test_one_that_another_writer_forestalled_is_decided_again_under_the_same_id(self, ours: Deciding) -> None:
        asked, other = ours.asked(), ours.asked()
        assert outcome_of(await ours.change(asked, first=[other])) == ("applied", False)
        assert await ours.head() == 2
        found = await ours.outcome(asked.command)
        assert found is not None
        assert found.outcome == "applied"

    async def test_one_that_is_forestalled_again_and_again_is_given_up(self, ours: Deciding) -> None:
        asked, others = ours.asked("k"), [ours.asked() for _ in range(1 + RETRIES)]
        await refused(ours.change(asked, first=others), 409, "superseded")
        assert await ours.recorded() == 2 * len(others)
        found = await ours.outcome(asked.command)
        assert found is not None
        assert found.outcome == "superseded"
        assert outcome_of(await ours.change(asked)) == ("applied", False)

    async def test_one_that_another_process_carried_out_counts_once(self, ours: Deciding) -> None:
        asked = ours.asked("k")
        assert outcome_of(await ours.change(asked, first=[asked])) == ("applied", True)
        assert await ours.head() == 1

    async def test_one_that_was_carried_out_meanwhile_is_answered_whatever_the_state_is_now(
        self, ours: Deciding
    ) -> None:
        asked = ours.asked("k")

        async def decide() -> None:
            await ours.change(asked)
            raise HttpRefusal(412, "precondition_failed", "it was changed since")

        assert outcome_of(await ours.commands.carry_out(asked, decide)) == ("applied", True)
        new = asked._replace(may_repeat=False)
        await refused(ours.commands.carry_out(new, decide), 412, "precondition_failed")

    async def test_a_key_that_another_process_used_for_another_body_meanwhile_is_refused(self, ours: Deciding) -> None:
        asked, other = ours.asked("k"), ours.asked("k", "another body")
        await refused(ours.change(asked, first=[other]), 422, "idempotency_key_reused")
        assert await ours.head() == 1

    async def test_those_who_take_turns_never_forestall_each_other(self, ours: Deciding) -> None:
        async def one() -> Done | None:
            async with ours.commands.turn(ADA.node):
                return await ours.change(ours.asked())

        done = await asyncio.gather(*(one() for _ in range(8)))
        assert {outcome_of(each) for each in done} == {("applied", False)}
        assert await ours.recorded() == await ours.head() == 8

    async def test_one_that_cannot_be_folded_parks_its_key(self, ours: Deciding) -> None:
        asked = ours.asked("k")
        await refused(ours.change(asked, field=POISON), 409, "parked")
        await refused(ours.change(asked, field=POISON), 409, "parked")
        assert await ours.recorded() == 1
        await refused(ours.commands.require_unparked(CONTACTS, ADA.key), 409, "parked")
        await ours.commands.require_unparked(CONTACTS, BOB.key)
        assert outcome_of(await ours.change(ours.asked(), BOB)) == ("applied", False)

    async def test_an_event_that_is_too_large_is_refused(self, ours: Deciding) -> None:
        await refused(ours.change(ours.asked(), field="x" * (256 << 10)), 413, "event_too_large")
        assert await ours.recorded() == 0

    async def test_an_unknown_outcome_says_where_to_ask_and_is_safe_to_try_again(self, ours: Deciding) -> None:
        asked = ours.asked("k")
        ours.log.is_silent = True
        refusal = await refused(ours.change(asked), 503, "outcome_unknown")
        location = f"/v1/outcomes/contacts/{asked.command}"
        assert refusal.headers == {"Retry-After": "1", "Location": location}
        ours.log.is_silent = False
        done = await ours.change(asked)
        assert done is not None
        assert done.outcome == "applied"
        assert await ours.head() == 1


@pytest.mark.asyncio
async def test_one_that_is_not_folded_in_time_is_pending(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.service.commands.WAIT_S", 0.01)
    async with deciding(database, folds=False) as ours:
        asked = ours.asked()
        assert outcome_of(await ours.change(asked)) == ("pending", False)
        assert await ours.outcome(asked.command) is None


def registration(command: UUID, *names: str) -> ContactRegistered:
    named = [Named(name=name, node=str(UUID(bytes=name.encode().ljust(16)))) for name in names]
    return ContactRegistered(contact=str(command), kind="person", identifiers=named)


@pytest.mark.asyncio
class TestClaims:
    async def test_one_is_answered_with_the_judges_ruling(self, ours: Deciding) -> None:
        asked = ours.asked("k")
        first = await ours.claim(asked, registration(asked.command, "crm:1"))
        assert outcome_of(first) == ("applied", False)
        assert first is not None
        assert first.ruling is not None
        assert (first.ruling.verdict, first.ruling.contact) == (Verdict.EFFECTIVE, asked.command)

    async def test_a_repeated_one_is_answered_from_what_was_ruled(self, ours: Deciding) -> None:
        asked = ours.asked("k")
        for is_repeated in (False, True):
            done = await ours.claim(asked, registration(asked.command, "crm:1"))
            assert outcome_of(done) == ("applied", is_repeated)
        assert await ours.recorded() == 1
        await refused(ours.claim(ours.asked("k", "another body"), registration(LOG)), 422, "idempotency_key_reused")

    async def test_a_conflict_is_told_from_an_invalid_one(self, ours: Deciding) -> None:
        holder, claimant, liar = ours.asked(), ours.asked(), ours.asked()
        await ours.claim(holder, registration(holder.command, "crm:1"))
        conflict = await ours.claim(claimant, registration(claimant.command, "crm:1", "crm:2"))
        assert outcome_of(conflict) == ("conflict", False)
        assert outcome_of(await ours.claim(liar, registration(LOG, "crm:3"))) == ("invalid", False)
        found = await ours.outcome(claimant.command)
        assert found is not None
        assert outcome_response(found).body == (
            b'{"outcome":"conflict","position":"identity/0/2","reason":"identifier_claimed",'
            b'"conflict":"%s"}' % str(claimant.command).encode()
        )
