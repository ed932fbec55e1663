"""Whoever comes to belong to another class is announced once; lists hold whoever belongs to one now."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from libs.events.digest import Digest
from libs.events.replays import digests
from services.cli.services import SERVICES
from tests.integration import scoring
from tests.integration.client import Api, someone
from tests.integration.conftest import System, on_each_log, on_each_log_slowly
from tests.integration.retail import SHOPS, Shop, open_shop
from tests.integration.scoring import CHANGED, DEFINITIONS, Scoring
from tests.integration.test_main_job import SAMPLE, drop_service_databases, everything_folded

FEW, MANY = 20, 200  # pairs
ALL = 1_000  # events of a contribution


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def scores(api: Api) -> Scoring:
    return Scoring(api)


def changes(scores: Scoring, ref: str, definition: str) -> list[tuple[Any, Any]]:
    """What was announced of somebody under the id that they have now, in order: from and to.

    Under whichever id, what is announced is from what the announcement before was to.
    """
    told: dict[str, list[tuple[Any, Any]]] = {}
    for item in scores.announced(ref):
        told.setdefault(item["source"], []).append((item["data"].get("from"), item["data"].get("to")))
    for mine in told.values():
        assert all(later[0] == earlier[1] for earlier, later in pairwise(mine))
    contact = scores.scores(ref)["contact"]
    currency = "/GBP" if definition in scoring.OF_MONEY else ""
    return told.get(f"/scoring/classes/{contact}/{definition}{currency}", [])


class TestAnnouncing:
    @on_each_log
    def test_each_change_is_announced_once_with_what_caused_it(self, api: Api, scores: Scoring) -> None:
        ada, causes = someone(), []
        for severity in (1, 1, 5, 1, 5, 5):
            causes.append(scoring.problem(ada, severity))
            api.posted(causes[-1])
            scores.settled()
        assert changes(scores, ada, "harm") == [(None, "low"), ("low", "medium"), ("medium", "high")]
        found = [item for item in scores.announced(ada) if item["data"]["definition"] == "harm"]
        contact = scores.scores(ada)["contact"]
        places = {item["event_id"]: item["position"] for item in scores.timeline(ada)}
        for item, cause in zip(found, (causes[0], causes[2], causes[5]), strict=True):
            assert (item["type"], item["service"], item["contact"]) == (CHANGED, "scoring", contact)
            assert item["source"] == f"/scoring/classes/{contact}/harm"
            by = {"id": cause["id"], "source": cause["source"], "position": places[cause["id"]]}
            assert item["data"]["cause"] == {"kind": "event", **by}
            assert (item["data"]["version"], "currency" in item["data"]) == (1, False)
            assert item["title"]

    @on_each_log_slowly
    def test_what_people_say_on_boards_counts(self, api: Api, scores: Scoring) -> None:
        ada, board = someone(), api.opened()
        for n in range(4):
            api.voted(api.submitted(board, someone()), ada)
            assert scores.told(ada, "voice") == (n + 1, "occasional")
        api.submitted(board, ada)
        assert changes(scores, ada, "voice") == [(None, "occasional"), ("occasional", "vocal")]
        assert changes(scores, ada, "advocacy") == [], "a score without a value has no class"

    @on_each_log
    def test_a_merge_and_its_end_are_changes_like_others(self, api: Api, scores: Scoring) -> None:
        ada, bob = api.registered(a := someone()), api.registered(b := someone())
        scores.settled()
        api.posted(scoring.problem(a, 4), scoring.problem(b, 5))
        assert [changes(scores, ref, "harm") for ref in (a, b)] == [[(None, "low")], [(None, "medium")]]
        api.posted(scoring.problem(b, 5))
        scores.settled()
        merge = api.merged(ada, bob)
        listed = {each["contact"] for each in scores.listed(definition="harm", limit=500)}
        assert (ada in listed, bob in listed) == (True, False), "who was merged into another is nobody of their own"
        of_ada = [i["data"] for i in scores.announced(a) if i["data"]["definition"] == "harm" and i["contact"] == ada]
        assert [(data["to"], data["cause"]["kind"]) for data in of_ada] == [("low", "event"), ("medium", "identity")]
        api.unmerged(merge)
        assert changes(scores, a, "harm") == [(None, "low"), ("low", "medium"), ("medium", "low")]
        assert changes(scores, b, "harm") == [(None, "medium")], "their own class never changed"
        found = {each["contact"]: each["band"] for each in scores.listed(definition="harm", limit=500)}
        assert (found[ada], found[bob]) == ("low", "medium")

    @on_each_log_slowly
    def test_a_class_that_nothing_speaks_for_any_more_is_taken_back(self, api: Api, scores: Scoring) -> None:
        ada, number = api.registered(someone()), someone()
        api.link(ada, number)
        scores.settled()
        api.posted(scoring.problem(number, 2))
        assert changes(scores, ada, "harm") == [(None, "low")]
        api.unlink(ada, number)
        assert scores.lacks(ada, "harm") == "no_harm"
        assert changes(scores, ada, "harm") == [(None, "low"), ("low", None)]
        assert changes(scores, number, "harm") == [(None, "low")]
        found = {each["contact"] for each in scores.listed(definition="harm", limit=500)}
        assert (ada in found, scores.scores(number)["contact"] in found) == (False, True)

    @on_each_log_slowly
    def test_a_class_goes_with_its_name_and_is_announced_anew_when_it_changes(self, api: Api, scores: Scoring) -> None:
        api.posted(scoring.problem(name := someone(), 2))
        node = scores.scores(name)["contact"]
        assert changes(scores, name, "harm") == [(None, "low")]
        ada = api.registered(name)
        assert changes(scores, name, "harm") == [], "it is the class that was announced before she had this id"
        found = {each["contact"]: each["band"] for each in scores.listed(definition="harm", limit=500)}
        assert (found[ada], node in found) == ("low", False)
        api.posted(scoring.problem(name, 5))
        assert changes(scores, ada, "harm") == [("low", "medium")]
        found = {each["contact"]: each["band"] for each in scores.listed(definition="harm", limit=500)}
        assert (found[ada], node in found) == ("medium", False)


class TestLists:
    @on_each_log_slowly
    def test_pages_and_csv_hold_everybody_of_a_class_once(self, api: Api, scores: Scoring) -> None:
        people = [someone() for _ in range(5)]
        api.posted(*(scoring.answered(name, 0) for name in people), *(scoring.complaint(name, 5) for name in people))
        api.posted(*(scoring.complaint(name, 4) for name in people))
        scores.settled()
        ids = {scores.scores(name)["contact"]: name for name in people}
        moment = datetime.fromisoformat
        everybody = scores.listed(definition="advocacy", limit=500)
        for params in ({}, {"band": "saboteur"}, {"band": "detractor"}):
            found = scores.listed(definition="advocacy", limit=2, **params)
            assert found == [each for each in everybody if not params or each["band"] == params["band"]]
            assert len({each["contact"] for each in found}) == len(found)
            table = scores.table(definition="advocacy", **params)
            assert table.total == len(table.rows) == len(found)
            assert [as_text(each) for each in found] == table.rows
        mine = {each["contact"]: each for each in scores.listed(definition="advocacy", band="saboteur", limit=500)}
        for contact, name in ids.items():
            told = {name: mine[contact][name] for name in ("identifiers", "value", "band", "currency", "version")}
            assert told == {"identifiers": [name], "value": -2, "band": "saboteur", "currency": None, "version": 1}
            announced = [item for item in scores.announced(name) if item["data"]["definition"] == "advocacy"][-1]
            assert moment(mine[contact]["since"]) == moment(announced["occurred_at"])

    def test_names_with_commas_and_quotes_stay_in_their_cells(self, api: Api, scores: Scoring) -> None:
        names = [f'{someone()}, "the {n}th"' for n in range(2)]
        api.posted(*(scoring.complaint(name, 5) for name in names))
        ada = api.registered(names[0], other := someone())
        scores.settled()
        rows = {row["identifiers"]: row for row in scores.table(definition="harm", band="medium").rows}
        assert rows[" ".join(sorted([names[0], other]))]["contact"] == ada
        assert rows[names[1]]["value"] == "5"


def as_text(item: dict[str, Any]) -> dict[str, str]:
    """A row of a table."""
    cells = item | {"identifiers": " ".join(item["identifiers"])}
    return {name: "" if value is None else str(value) for name, value in cells.items()}


@pytest.fixture(scope="module", params=SHOPS)
def shop(request: pytest.FixtureRequest) -> Shop:
    return open_shop(request)


@pytest.mark.asyncio
async def test_merging_people_and_parting_them_leaves_no_trace_in_numbers(shop: Shop) -> None:
    drawn = Random(20).sample(shop.customers, 2 * (FEW if shop.file == SAMPLE else MANY))
    whom = [*drawn, *shop.customers[:: len(shop.customers) // 10]]
    with closing(Api(shop.system)) as api:
        scores = Scoring(api)
        scores.published()
        tables, told, classes = await numbers(shop.system), digest_of(scores, whom), classes_of(scores)
        merges = [api.merged(*pair) for pair in zip(drawn[::2], drawn[1::2], strict=True)]
        scores.settled()
        assert digest_of(scores, whom) != told
        for merge in Random(21).sample(merges, len(merges)):
            api.unmerged(merge)
        scores.settled()
        assert await numbers(shop.system) == tables
        assert digest_of(scores, whom) == told
        assert classes_of(scores) == classes
        for name in drawn[:2]:
            for definition, params in {"rfm": {"currency": "GBP"}, "engagement": {}}.items():
                assert changes(scores, name, definition)[-1][1] == scores.told(name, definition, **params)[1]


async def numbers(system: System) -> dict[str, Digest]:
    found = await all_tables(system)
    return {name: found[name] for name in ("figures", "facts")}


async def all_tables(system: System) -> dict[str, Digest]:
    """Of scoring, once it has folded all there is."""
    await everything_folded(system)
    return await digests(SERVICES["scoring"].projection, system.runtime.services["scoring"].database_url)


def digest_of(scores: Scoring, names: Sequence[str]) -> str:
    """Of all their scores as of one moment, with every receipt."""
    digest = hashlib.sha256()
    for name in names:
        found = scores.scores(name, events=ALL, as_of="9000-01-01T00:00:00Z")
        del found["position"]
        digest.update(json.dumps(found, sort_keys=True).encode())
    return digest.hexdigest()


def classes_of(scores: Scoring) -> dict[str, list[Any]]:
    """Everybody's value and class, by every definition; of engagement the class alone, since its value fades."""
    found: dict[str, list[Any]] = {}
    for definition in DEFINITIONS:
        params = {"currency": "GBP"} if definition in scoring.OF_MONEY else {}
        items = scores.listed(definition=definition, limit=500, **params)
        value = None if definition == "engagement" else "value"
        found[definition] = [(each["contact"], each["band"], value and each[value]) for each in items]
    return found


@pytest.mark.slow
@pytest.mark.asyncio
async def test_folding_everything_again_announces_nothing(shop: Shop) -> None:
    with closing(Api(shop.system)) as api:
        scores = Scoring(api)
        scores.published()
        classes = classes_of(scores)
    tables, written = await all_tables(shop.system), shop.system.position()
    assert shop.system.stop() == 0
    await drop_service_databases(shop.system)
    shop.system.start()
    assert await all_tables(shop.system) == tables
    with closing(Api(shop.system)) as api:
        assert classes_of(Scoring(api)) == classes
    assert shop.system.position() == written, "the log has not grown"
    verified = shop.system.run("verify", "scoring")
    assert verified.returncode == 0, verified.stdout + verified.stderr
