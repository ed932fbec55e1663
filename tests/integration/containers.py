"""Servers in containers, each of which ends with its block."""

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from libs.embedded.kafka_jars import VERSION

PORT = 9092
START = "/tmp/rapport-start.sh"
RUN = "/etc/kafka/docker/run"
STARTED = "Kafka Server started"
START_TIMEOUT_S = 120
BROKER = {
    "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_LISTENERS": f"CLIENTS://:{PORT},BROKER://:9093,CONTROLLER://:9094",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENTS:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9094",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_LOG_RETENTION_MS": "-1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "3",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
}


class KafkaContainer(DockerContainer):
    """The Apache project's own image; testcontainers knows only another vendor's.

    A broker must tell its clients the port that the engine has mapped, which is known only when the container runs:
    so the container waits for a script with that port in it.
    """

    def __init__(self) -> None:
        super().__init__(f"apache/kafka:{VERSION}")
        self.with_exposed_ports(PORT).with_envs(**BROKER)
        # Until its last line is there.
        self.with_command(["sh", "-c", f"until grep -qs {RUN} {START}; do sleep 0.1; done; . {START}"])

    @property
    def bootstrap(self) -> str:
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

    def start(self) -> "KafkaContainer":
        super().start()
        addresses = f"CLIENTS://{self.bootstrap},BROKER://localhost:9093"
        script = f"export KAFKA_ADVERTISED_LISTENERS={addresses}\nexec {RUN}\n"
        self.copy_into_container(script.encode(), START)
        LogMessageWaitStrategy(STARTED).with_startup_timeout(START_TIMEOUT_S).wait_until_ready(self)
        return self


def postgres_container() -> PostgresContainer:
    """Sorts as the one of the wheel does."""
    locale = "--encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8"
    container = PostgresContainer("postgres:18", driver=None)
    container.with_env("POSTGRES_INITDB_ARGS", locale)
    return container
