"""Ports on loopback for servers of ours."""

import secrets
import socket
from contextlib import ExitStack

HOST = "127.0.0.1"
# Below the range that systems take the ports of outgoing connections from: a port stays free between a kill and the
# next start, and a client that tries it meanwhile cannot connect to itself.
RANGE = range(15_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Held open together, so that they differ."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = RANGE[secrets.randbelow(len(RANGE))]
            try:
                held.enter_context(listening(port))
            except OSError:
                continue
            ports.append(port)
        return ports


def listening(port: int) -> socket.socket:
    """Raises OSError where something else listens."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
        probe.listen()
    except OSError:
        probe.close()
        raise
    return probe
