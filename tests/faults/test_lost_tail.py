"""F08 seen by a reader: fold commits that a killed PostgreSQL had not yet written are folded again, and till then no
read says that it has come further than its rows."""

import asyncio
from pathlib import Path

import httpx
import msgspec
import pytest

from libs.embedded.postgres import EmbeddedPostgres
from tests.faults.deadlines import turn
from tests.faults.events import SERVICES, purchase
from tests.faults.stage import Stage
from tests.faults.workload import STRUCTURED

ROUNDS = 5
SERVED_AGAIN_WITHIN_S = 20.0


async def voted_on(boards: httpx.AsyncClient, voter: str) -> tuple[str, dict[str, str]]:
    """Where the tally of a new idea with one vote is, and the position at which it counts."""
    board = await boards.post("/v1/boards", json={"title": "What next?"})
    body = {"board": board.json()["id"], "contact": voter, "title": "Saturdays", "touchpoint": "service"}
    idea = (await boards.post("/v1/ideas", json=body)).json()["id"]
    voted = await boards.post("/v1/votes", json={"idea": idea, "voter": voter})
    assert voted.status_code == 201, voted.text
    return f"/v1/ideas/{idea}/tally", {"min_position": voted.headers["rapport-position"]}


@pytest.mark.faults("F08", fault="a read with a position after kill -9 of PostgreSQL", log="PostgreSQL", times=ROUNDS)
@pytest.mark.slow
@pytest.mark.asyncio
async def test_no_read_claims_a_position_whose_rows_were_lost(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "home") as server:
        server.ensure_databases(["log", *SERVICES])
        urls = {name: server.url(name) for name in SERVICES}
        stage = Stage(server.url("log"), urls, tmp_path)
        try:
            async with stage.log():
                pass
            contacts, interactions, feedback, _, timeline = await stage.start(*SERVICES)
            for n in range(ROUNDS):
                async with (
                    contacts.client() as owner,
                    interactions.client() as writer,
                    feedback.client() as boards,
                    timeline.client() as reader,
                ):
                    body = msgspec.json.encode(purchase(f"crm:{n}", str(n)))
                    posted = await writer.post("/v1/events", content=body, headers=STRUCTURED)
                    params = {"min_position": posted.json()["position"]}
                    assert (await reader.get(f"/v1/timeline/crm:{n}", params=params)).status_code == 200
                    claimed = await owner.post("/v1/contacts", json={"identifiers": [f"crm:{n}"]}, params=params)
                    assert claimed.status_code == 201, claimed.text
                    at_claim = {"min_position": claimed.headers["rapport-position"]}
                    tally, at_vote = await voted_on(boards, f"loyalty:{n}")
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                    async with asyncio.timeout(SERVED_AGAIN_WITHIN_S):
                        while (page := await reader.get(f"/v1/timeline/crm:{n}", params=params)).status_code == 503:
                            await turn()
                        while (read := await owner.get(f"/v1/contacts/crm:{n}", params=at_claim)).status_code == 503:
                            await turn()
                        while (count := await boards.get(tally, params=at_vote)).status_code == 503:
                            await turn()
                    assert page.status_code == 200, page.text
                    assert (count.status_code, count.json()["tally"]["people"]) == (200, 1)
                    assert (read.status_code, read.json()) == (200, claimed.json())
                for process in stage.processes:
                    await process.ready()
        finally:
            for process in stage.processes:
                process.kill()
