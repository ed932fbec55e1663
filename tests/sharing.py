"""What the processes of a test run share among them."""

from xdist.scheduler import LoadFileScheduling


class OneWithKafka(LoadFileScheduling):  # type: ignore[misc]
    """A file stays in one process, and whatever says Kafka in its id is in one: the only one that starts a broker."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return "kafka" if "kafka" in nodeid.lower() else scope
