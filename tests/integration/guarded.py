"""Serves one service in a process that can open no connection but to its own database and to the brokers.

What it tries all the same is refused and stands in a file, a line each. uvloop connects behind Python's back, so that
no guard of Python's would see it: asyncio's own loop serves instead.
"""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import uvicorn.config

from tests.forks import start_over

CONNECTING = {"socket.connect", "socket.sendto", "socket.sendmsg"}
STARTING = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}
POSTGRES_PORT = "5432"

Address = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""


def needed(environment: Mapping[str, str]) -> set[Address]:
    """Where the service's database and the brokers listen."""
    found: set[Address] = set()
    if url := environment.get("DATABASE_URL"):
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        host = asked.get("host") or parts.hostname or "localhost"
        port = asked.get("port") or str(parts.port or POSTGRES_PORT)
        found |= {f"{host}/.s.PGSQL.{port}"} if host.startswith("/") else resolved(host, port)
    for server in filter(None, environment.get("KAFKA_BOOTSTRAP_SERVERS", "").split(",")):
        host, _, port = server.rpartition(":")
        found |= resolved(host, port)
    return found


def resolved(host: str, port: str) -> set[Address]:
    return {place(address) for *_, address in socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)}


def place(address: object) -> Address:
    """A socket's address without what only IPv6 has."""
    if isinstance(address, tuple):
        return str(address[0]), int(address[1])
    return os.fsdecode(address) if isinstance(address, str | bytes) else repr(address)


def guard(allowed: set[Address], refused: Path) -> None:
    """For as long as this process lives: nobody can take an audit hook away."""
    record = os.open(refused, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def refuse(what: str) -> None:
        os.write(record, f"{what}\n".encode())
        raise PermissionError(f"{what}: a guarded process may not")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in CONNECTING and arguments[1] is not None and place(arguments[1]) not in allowed:
            refuse(f"{event} {place(arguments[1])}")
        if event in STARTING:  # nobody would watch it
            refuse(event)

    sys.addaudithook(hook)


def serve_guarded(service: str, environment: Mapping[str, str], refused: Path, log: Path) -> None:
    """In a process that was forked."""
    start_over(environment, os.devnull, str(log), str(log))
    guard(needed(os.environ), refused)
    uvicorn.config.LOOP_FACTORIES["uvloop"] = uvicorn.config.LOOP_FACTORIES["asyncio"]
    sys.argv = ["rapport", "serve", service]
    from services.cli.main import main

    main()
