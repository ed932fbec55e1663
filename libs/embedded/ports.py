"""Ports on loopback for servers of ours."""

import secrets
import socket

HOST = "127.0.0.1"
# Below the range that systems take the ports of outgoing connections from: a port stays free between a kill and the
# next start, and a client that tries it meanwhile cannot connect to itself.
RANGE = range(15_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Each is given to nobody else for the life of this process: whoever asked may not have begun to listen.

    The port stays bound. Whoever sets SO_REUSEADDR, as servers do, may listen there all the same.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = RANGE[secrets.randbelow(len(RANGE))]
        held = socket.socket()
        try:
            held.bind((HOST, port))
        except OSError:
            held.close()
            continue
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.detach()
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
