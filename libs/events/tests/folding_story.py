"""A long log with everything in it that can be wrong, and what must become of it."""

import json
from random import Random

from libs.events.log import Record
from libs.events.tests.folding_sample import Folding, decision, event, keys_of, parked

INT4_MAX = 2**31 - 1
RECORDS = 100


def respelled(record: Record) -> Record:
    value = json.dumps(dict(reversed(json.loads(record.value).items())), indent=1)
    return Record(record.key, value.encode())


class Story:
    """Records of twelve keys with everything that can be wrong with them, and what must become of each."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.keys = [key for number in (0, 5, 11) for key in keys_of(number, 4)]
        self.records: list[Record] = []
        self.balances: dict[str, int] = {}
        self.sent: dict[str, list[Record]] = {}
        self.decided: dict[str, list[Record]] = {}
        self.extremes: dict[str, tuple[int, int]] = {}
        self.parked: dict[str, list[str]] = {}
        self.repeats = self.quarantined = 0
        for n in range(RECORDS):
            self.records.append(self.next(n, self.random.choice(self.keys)))

    def next(self, n: int, key: str) -> Record:
        sent, decided = self.sent.setdefault(key, []), self.decided.setdefault(key, [])
        kinds = ["fresh"] * 8 + ["decided"] * 6 + ["again", "respelled", "other", "decided again", "superseded"] * 2
        kind = self.random.choice([*kinds, "forget", self.bad()])
        if key in self.parked:
            self.parked[key].append("held")
            return event(key, f"{n}", 1)
        match kind:
            case "again" | "respelled" if sent:
                self.repeats += 1
                first = self.random.choice(sent)
                return first if kind == "again" else respelled(first)
            case "other" if sent:
                self.quarantined += 1
                return event(key, json.loads(self.random.choice(sent).value)["id"], 1_000_000)
            case "poison" | "undecodable" | "overflow" | "nul":
                return self.park(key, n, kind)
            case "decided":
                self.add(key, n + 1)
                decided.append(decision(key, f"{n}", len(decided) + 1, n + 1))
                return decided[-1]
            case "decided again" if decided:
                self.repeats += 1
                return self.random.choice(decided)
            case "superseded" if decided:
                return decision(key, f"{n}", self.random.randint(1, len(decided)), n + 1)
            case "forget":
                self.balances.pop(key, None)
                sent.append(event(key, f"{n}", None))
            case _:
                self.add(key, n + 1)
                sent.append(event(key, f"{n}", n + 1))
        return sent[-1]

    def add(self, key: str, amount: int) -> None:
        self.balances[key] = self.balances.get(key, 0) + amount
        least, greatest = self.extremes.get(key, (amount, amount))
        self.extremes[key] = min(least, amount), max(greatest, amount)

    def bad(self) -> str:
        return (
            self.random.choice(["poison", "undecodable", "overflow", "nul"]) if self.random.random() < 0.4 else "fresh"
        )

    def park(self, key: str, n: int, kind: str) -> Record:
        match kind:
            case "poison":
                bad, code = event(key, f"{n}", "much"), "fold_failed"
            case "undecodable":
                bad, code = Record(key.encode(), b"\xff\x00"), "undecodable"
            case "overflow":
                bad, code = event(key, f"{n}", INT4_MAX + 1), "unstorable"
            case _:
                bad, code = event(key, f"{n}", 1, note="a\x00b"), "unstorable"
        self.parked[key] = [code]
        return bad

    async def came_true(self, process: Folding) -> None:
        tables = await process.tables()
        assert await process.balances() == self.balances
        assert {row["key"]: (row["least"], row["greatest"]) for row in tables["extremes"]} == self.extremes
        assert len(await process.duplicates()) == self.repeats
        assert len(tables["quarantined"]) == self.quarantined
        assert sorted(row["key"] for row in tables["parked_keys"]) == sorted(self.parked)
        assert sorted(parked(tables["parked_records"])) == sorted(
            (key, code) for key, codes in self.parked.items() for code in codes
        )
        for key, codes in self.parked.items():
            assert [code for held, code in parked(tables["parked_records"]) if held == key] == codes
