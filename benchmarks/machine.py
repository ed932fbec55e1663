"""What the figures were measured on."""

import os
import platform
import subprocess
from pathlib import Path

import psutil

from libs.embedded.binaries import Binaries

BUSY_LOAD = 0.5


def busy() -> str:
    """The load before a run: figures of a machine that does other things say little."""
    load = os.getloadavg()[0]
    return f"load average before {load:.2f}" + (" (something else is running)" if load > BUSY_LOAD else "")


def facts() -> dict[str, str]:
    version = subprocess.run(
        [Binaries.of_wheel().bin / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return {
        "cores": str(psutil.cpu_count()),
        "model": _model(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "system": platform.system(),
        "Python": platform.python_version(),
        "PostgreSQL": version.stdout.split()[-1],
    }


def _model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or "unknown")
