"""Writers that load a log while something happens to it, and what must hold afterwards, on every adapter."""

from dataclasses import dataclass, field

from libs.events.clock import monotonic_s
from libs.events.log import AppendRefused, AppendUnknown
from libs.events.log_created import AdministeredLog
from libs.events.position import Partition
from libs.events.tests.log_contract import EVERYWHERE, TOPIC, everything, one_of_each_partition, record

WRITERS = 20


@dataclass
class Load:
    """Writers that go on until their first failure, and what became of each append."""

    log: AdministeredLog
    acknowledged: dict[str, tuple[Partition, int]] = field(default_factory=dict)
    failures: list[AppendRefused | AppendUnknown] = field(default_factory=list)
    longest_s: float = 0.0

    async def write(self, number: int) -> None:
        key = one_of_each_partition()[number % len(EVERYWHERE)].key.decode()
        for n in range(1_000_000):
            value, started_s = f"{number}-{n}", monotonic_s()
            try:
                appended = await self.log.append(TOPIC, [record(key, value)])
            except (AppendRefused, AppendUnknown) as failure:
                self.failures.append(failure)
                return
            finally:
                self.longest_s = max(self.longest_s, monotonic_s() - started_s)
            [(partition, end)] = appended.positions.items()
            self.acknowledged[value] = (partition, end - 1)


async def appends(log: AdministeredLog) -> bool:
    try:
        await log.append(TOPIC, [record("ada", "again")])
    except AppendRefused:
        return False
    return True


async def kept(log: AdministeredLog, load: Load) -> None:
    """Every acknowledged record stands where it was said to stand, and no record stands twice."""
    found = {partition: await everything(log, partition) for partition in EVERYWHERE}
    assert {p: len(records) for p, records in found.items()} == await log.ends([TOPIC])
    for value, (partition, offset) in load.acknowledged.items():
        assert found[partition][offset].value == value.encode()
    written = [each.value for records in found.values() for each in records if b"-" in each.value[:9]]
    assert len(written) == len(set(written))
