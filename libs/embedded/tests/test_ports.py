"""Ports that are given out: to one process only, and free for its servers."""

import subprocess
import sys

import pytest

from libs.embedded import ports

PROCESSES, EACH = 3, 60
# Prints what it was given, and keeps it until it is told to end.
TAKING = f"""
from libs.embedded import ports
ports.RANGE = range(15_000, 15_000 + {PROCESSES * EACH + 100})
print(*ports.free_ports({EACH}), flush=True)
input()
"""


def test_no_port_is_given_out_twice_and_a_server_may_listen_on_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "RANGE", range(31_900, 32_000))
    given = [port for _ in range(10) for port in ports.free_ports(2)]
    assert len(set(given)) == 20
    for port in given:
        ports.listening(port).close()


def test_what_one_process_was_given_no_other_is() -> None:
    takers = [
        subprocess.Popen([sys.executable, "-c", TAKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    given = [port for each in takers if each.stdout for port in each.stdout.readline().split()]
    for each in takers:
        each.communicate("")
    assert len(set(given)) == PROCESSES * EACH
