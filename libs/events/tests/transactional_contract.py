"""What an adapter with transactions promises beside the contract of every log."""

import asyncio

import pytest

from libs.events.log_created import AdministeredLog
from libs.events.tests.log_contract import TOPIC, LogContract, OpenLog, one_of_each_partition, one_turn


@pytest.mark.asyncio
class TransactionalLogContract(LogContract):
    """Inherit this one where the adapter has transactions."""

    async def test_an_append_appears_in_all_partitions_together(self, log: AdministeredLog, open_log: OpenLog) -> None:
        async with open_log() as other:
            writing = asyncio.gather(*(log.append(TOPIC, one_of_each_partition()) for _ in range(20)))
            while not writing.done():
                assert len(set((await other.ends([TOPIC])).values())) == 1
                await one_turn()
            await writing
