"""The topics of a log on Kafka: made with the settings that a log needs, and compared with them at every start.

A log is kept for ever and is never compacted; the broker's clock stamps each record; what is acknowledged lies on two
brokers at least and no broker that lacks some of it may become a leader. A log that was made on a single broker says so
in its `log.created` and is held to one replica only.
"""

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError, for_code

from libs.events.adapting import Brokers
from libs.events.clock import monotonic_s
from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace
from libs.events.kafka_log.refusals import explained
from libs.events.log import LogBroken, LogUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REPLICAS: Final = {"single": 1, "cluster": 3}
IN_SYNC: Final = {"single": 1, "cluster": 2}
MADE_WITHIN_S = 15.0
LOOK_EVERY_S = 0.05

_NO_LEADER = -1


class Found(NamedTuple):
    """A topic as the brokers describe it; `replicas` is the least of its partitions."""

    partitions: int
    replicas: int
    led: bool


def settings(brokers: Brokers) -> dict[str, str]:
    """What a topic of a log is set to."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(IN_SYNC[brokers]),
        "unclean.leader.election.enable": "false",
    }


class TopicKeeper:
    """Makes topics and looks at them; connects for each question, since questions are rare."""

    def __init__(self, place: KafkaPlace) -> None:
        self._place = place
        self._brokers: Brokers = "single" if place.single_broker else "cluster"

    async def make(self, counts: Mapping[str, int]) -> None:
        """Make topics that do not exist, and wait until all have leaders. Raises LogUnavailable and LogBroken."""
        made = [
            NewTopic(self._place.topic(name), count, REPLICAS[self._brokers], topic_configs=settings(self._brokers))
            for name, count in counts.items()
        ]
        async with self._admin() as admin:
            response = await admin.create_topics(made)
            for topic, code, *more in response.topic_errors:
                self._accept(topic, for_code(code), more)
            deadline_s = monotonic_s() + MADE_WITHIN_S
            while not await self._all_led(admin, counts):
                if monotonic_s() > deadline_s:
                    raise LogUnavailable("topics were made, but some partition has no leader yet")
                await asyncio.sleep(LOOK_EVERY_S)

    async def _all_led(self, admin: AIOKafkaAdminClient, counts: Mapping[str, int]) -> bool:
        described = await self._describe(admin, counts)
        return described.keys() == counts.keys() and all(each.led for each in described.values())

    def _accept(self, topic: str, error: type[Exception], more: list[Any]) -> None:
        if issubclass(error, InvalidReplicationFactorError):
            raise LogBroken(
                f"topic {topic} needs {REPLICAS[self._brokers]} brokers; a log on one broker is asked for with "
                "RAPPORT_SINGLE_BROKER=1 or `rapport topics ensure --single-broker`"
            )
        if error.__name__ != "NoError" and not issubclass(error, TopicAlreadyExistsError):
            raise LogUnavailable(f"topic {topic} cannot be made ({error.__name__}: {more[0] if more else ''})")

    async def counts(self, names: Mapping[str, int]) -> dict[str, int]:
        """How many partitions each of these topics has; those that are missing are left out. Raises LogUnavailable."""
        async with self._admin() as admin:
            return {name: found.partitions for name, found in (await self._describe(admin, names)).items()}

    async def require_safe(self, counts: Mapping[str, int], brokers: Brokers) -> None:
        """Raise LogBroken, with the cure, where a topic is set otherwise than its log was made."""
        async with self._admin() as admin:
            for name, found in (await self._describe(admin, counts)).items():
                if found.replicas < REPLICAS[brokers]:
                    raise LogBroken(
                        f"topic {self._place.topic(name)} has {found.replicas} replicas, not {REPLICAS[brokers]}: "
                        "raise them with kafka-reassign-partitions"
                    )
            for name, found_settings in (await self._settings(admin, counts)).items():
                self._require_settings(name, found_settings, brokers)

    def _require_settings(self, name: str, found: Mapping[str, str], brokers: Brokers) -> None:
        topic = self._place.topic(name)
        for setting, wanted in settings(brokers).items():
            value = found.get(setting, "")
            is_more = setting == "min.insync.replicas" and value.isdigit() and int(value) >= int(wanted)
            if value != wanted and not is_more:
                cure = (
                    f"kafka-configs --alter --entity-type topics --entity-name {topic} --add-config {setting}={wanted}"
                )
                raise LogBroken(f"topic {topic} has {setting}={value}, and a log needs {wanted}: {cure}")

    async def _describe(self, admin: AIOKafkaAdminClient, names: Mapping[str, int]) -> dict[str, Found]:
        described = await admin.describe_topics([self._place.topic(name) for name in names])
        by_name = {topic["topic"]: topic["partitions"] for topic in described if topic["error_code"] == 0}
        return {name: _found(by_name[topic]) for name in names if (topic := self._place.topic(name)) in by_name}

    async def _settings(self, admin: AIOKafkaAdminClient, names: Mapping[str, int]) -> dict[str, dict[str, str]]:
        topics = {self._place.topic(name): name for name in names}
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
        answers = await admin.describe_configs(asked)
        return {
            topics[topic]: {entry[0]: entry[1] or "" for entry in entries}
            for answer in answers
            for _, _, _, topic, entries in answer.resources
        }

    @asynccontextmanager
    async def _admin(self) -> "AsyncIterator[AIOKafkaAdminClient]":
        admin = AIOKafkaAdminClient(**self._place.client())
        try:
            await admin.start()
            yield admin
        except CLIENT_ERRORS as reason:
            raise await explained(self._place, reason) from reason
        finally:
            await admin.close()


def _found(partitions: list[dict[str, Any]]) -> Found:
    led = all(each["error_code"] == 0 and each["leader"] != _NO_LEADER for each in partitions)
    return Found(len(partitions), min((len(each["replicas"]) for each in partitions), default=0), led)
