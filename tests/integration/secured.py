"""A broker with a port for each way in: TLS, TLS both ways, and names with passwords, over TLS and without."""

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from libs.embedded.kafka_settings import Node, Secured
from libs.embedded.ports import free_ports

USER, PASSWORD = "rapport", "correct-horse"
KEY_PASSWORD = "battery-staple"
MECHANISM = "SCRAM-SHA-512"
LOGIN = "org.apache.kafka.common.security.{} required{};"
# Elliptic, since such keys are made at once.
NEW = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "1", "-subj"]


@dataclass(frozen=True, slots=True)
class Certificates:
    """Below a folder, as PEM: an authority, a broker and a client that it vouches for, and one that nobody knows."""

    folder: Path

    def make(self) -> None:
        self._authority("ca")
        self._authority("stranger")
        self._vouched("broker", ["-noenc", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
        self._vouched("client", ["-passout", f"pass:{KEY_PASSWORD}"])
        self._vouched("other", ["-noenc"])

    def file(self, name: str) -> str:
        return str(self.folder / name)

    @property
    def of_broker(self) -> dict[str, str]:
        """The settings of a listener that shows the broker's certificate."""
        keys = self.folder / "broker.both"
        keys.write_text((self.folder / "broker.key").read_text() + (self.folder / "broker.pem").read_text())
        return {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(keys)}

    @property
    def of_clients(self) -> dict[str, str]:
        """The settings of a listener that wants to see one of the client, too."""
        trusted = {"ssl.truststore.type": "PEM", "ssl.truststore.location": self.file("ca.pem")}
        return trusted | {"ssl.client.auth": "required"}

    def _authority(self, name: str) -> None:
        self._run(name, ["-noenc"])

    def _vouched(self, name: str, more: list[str]) -> None:
        by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:false"]
        self._run(name, [*by, *more])

    def _run(self, name: str, more: list[str]) -> None:
        order = [*NEW, f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", *more]
        subprocess.run(order, cwd=self.folder, capture_output=True, check=True)


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways into one broker, as the variables of a client that is let in."""

    node: Node
    certificates: Certificates

    @classmethod
    def of(cls, certificates: Certificates) -> "Doors":
        tls, both_ways, scram, plain = free_ports(4)
        names = f'username="{USER}" password="{PASSWORD}" user_{USER}="{PASSWORD}"'
        secured = [
            Secured("TLS", tls, "SSL", certificates.of_broker),
            Secured("BOTH", both_ways, "SSL", certificates.of_broker | certificates.of_clients),
            Secured("SCRAM", scram, "SASL_SSL", certificates.of_broker | _login(MECHANISM, "scram.ScramLoginModule")),
            Secured("PLAIN", plain, "SASL_PLAINTEXT", _login("PLAIN", "plain.PlainLoginModule", f" {names}")),
        ]
        users = [f"{MECHANISM}=[name={USER},password={PASSWORD}]"]
        return cls(replace(Node.alone(), secured=secured, users=users), certificates)

    def way(self, name: str) -> dict[str, str]:
        (door,) = [each for each in self.node.secured if each.name == name]
        found = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{door.port}", "KAFKA_SECURITY_PROTOCOL": door.protocol}
        if door.protocol.endswith("SSL"):
            found["KAFKA_SSL_CAFILE"] = self.certificates.file("ca.pem")
        if door.protocol.startswith("SASL"):
            found |= {"KAFKA_SASL_PLAIN_USERNAME": USER, "KAFKA_SASL_PLAIN_PASSWORD": PASSWORD}
        return found | self._more(name)

    def _more(self, name: str) -> dict[str, str]:
        file = self.certificates.file
        match name:
            case "SCRAM":
                return {"KAFKA_SASL_MECHANISM": MECHANISM}
            case "BOTH":
                own = {"KAFKA_SSL_CERTFILE": file("client.pem"), "KAFKA_SSL_KEYFILE": file("client.key")}
                return own | {"KAFKA_SSL_PASSWORD": KEY_PASSWORD}
            case _:
                return {}


def _login(mechanism: str, module: str, names: str = "") -> dict[str, str]:
    login = LOGIN.format(module, names)
    return {"sasl.enabled.mechanisms": mechanism, f"{mechanism.lower()}.sasl.jaas.config": login}
