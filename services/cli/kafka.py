"""`rapport kafka`: one Apache Kafka broker on this machine, in the foreground."""

from functools import partial

from rich.console import Console

from libs.embedded.errors import EmbeddedError
from libs.embedded.home import Home
from libs.embedded.kafka import EmbeddedKafka
from libs.embedded.kafka_settings import Node
from libs.embedded.supervisor import Supervisor
from libs.service.logs import configure
from services.cli.errors import Failure, settings_or_failure

DEFAULT_PORT = 9092

console = Console(highlight=False, markup=False)


def run(port: int) -> None:
    """Start it, say where it listens, and stay until Ctrl-C; a broker that dies is started again. Raises Failure."""
    settings = settings_or_failure()
    configure("rapport", settings.log_level, settings.log_format)
    try:
        home = Home.at(settings.data)
        with EmbeddedKafka(home.path / "kafka", home.path, Node.alone(port)) as kafka:
            Supervisor([], watched=[kafka]).run(partial(_announce, kafka))
    except EmbeddedError as reason:
        raise Failure(str(reason)) from None
    console.print("Stopped; everything is kept for the next start.")


def _announce(kafka: EmbeddedKafka) -> None:
    named = "" if kafka.node.port == DEFAULT_PORT else f"KAFKA_BOOTSTRAP_SERVERS={kafka.bootstrap} "
    console.print(f"Apache Kafka listens on {kafka.bootstrap}; what it says stands in {kafka.log}", soft_wrap=True)
    console.print("Start Rapport on it, in another terminal:\n")
    console.print(f"  {named}make run-kafka", soft_wrap=True)
    console.print("\nCtrl-C stops it.")
