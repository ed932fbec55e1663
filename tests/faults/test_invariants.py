"""The invariants see what they are there for: each is shown a breach."""

import msgspec
import pytest

from libs.events.log import EventLog
from tests.faults import invariants
from tests.faults.events import EVERYWHERE, SOURCE, TOPIC, purchase, purchases, record_of
from tests.faults.history import History, Kind, Operation, Outcome
from tests.faults.invariants import Broken, contents
from tests.faults.stage import Stage

CUSTOMERS = 30


def wrote(number: int) -> Operation:
    event = purchase(f"crm:{number}", f"order-{number}")
    name = (event["subject"], event["source"], event["id"])
    return Operation(number, Kind.BATCH, "POST", "/v1/events", msgspec.json.encode(event), {}, (name,))


@pytest.mark.asyncio
async def test_each_invariant_sees_its_breach(stage: Stage, log: EventLog) -> None:
    (timeline,) = await stage.start("timeline")
    database = {"timeline": stage.database_urls["timeline"]}
    await log.append(TOPIC, purchases(CUSTOMERS, customers=CUSTOMERS))
    await stage.folded(log, "timeline")
    await timeline.stop()
    kept, history = await contents(log), History()
    history.note(wrote(1), Outcome.OK)
    await invariants.i1_nothing_acknowledged_is_lost(history, kept, database["timeline"])
    await invariants.i2_nothing_takes_effect_twice(database)
    await invariants.i6_no_offset_is_skipped(database)
    await invariants.i8_live_is_rebuilt(database, log)

    await stage.on("timeline", "UPDATE entries SET subject = 'crm:x' WHERE entry::json->>'event_id' = 'order-1'")
    with pytest.raises(Broken, match="not on the timeline"):
        await invariants.i1_nothing_acknowledged_is_lost(history, kept, database["timeline"])
    with pytest.raises(Broken, match="order-1"):
        await invariants.i8_live_is_rebuilt(database, log)
    await stage.on(
        "timeline",
        "INSERT INTO entries SELECT node, occurred_at, topic, partition, 900, "
        "'00000000-0000-0000-0000-000000000000', digest, recorded_at, subject, type, channel, touchpoint, direction, "
        "entry FROM entries WHERE entry::json->>'event_id' = 'order-2'",
    )
    with pytest.raises(Broken, match="I2: folded twice by timeline: 1 cases"):
        await invariants.i2_nothing_takes_effect_twice(database)
    await stage.on("timeline", 'DELETE FROM entries WHERE "offset" = 900')
    await invariants.i6_no_offset_is_skipped(database)
    await stage.on("timeline", "DELETE FROM entries WHERE entry::json->>'event_id' = 'order-3'")
    with pytest.raises(Broken, match="I6: timeline has a checkpoint"):
        await invariants.i6_no_offset_is_skipped(database)


def test_what_a_history_says_is_held_against_the_log() -> None:
    history = History()
    history.note(wrote(1), Outcome.FAIL)
    history.note(wrote(2), Outcome.UNKNOWN)
    log = {EVERYWHERE[0]: [record_of(purchase("crm:1", "order-1")).value]}
    with pytest.raises(Broken, match="I3"):
        invariants.i3_nothing_refused_takes_effect(history, log)
    with pytest.raises(Broken, match="I9"):
        invariants.i9_nothing_stays_unknown(history)
    history.note(wrote(2), Outcome.OK)
    invariants.i9_nothing_stays_unknown(history)
    read = Operation(3, Kind.READ, "GET", "/v1/timeline/crm:1", b"", {}, (("crm:1", SOURCE, "order-1"),))
    history.note(read, Outcome.OK, answer=True)
    invariants.i7_no_read_lags_its_position(history)
    history.note(read, Outcome.OK, answer=False)
    with pytest.raises(Broken, match="I7"):
        invariants.i7_no_read_lags_its_position(history)
