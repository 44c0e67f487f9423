"""What this machine has for a model: memory, processor cores, perhaps a graphics card."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Memory in bytes, cores as many as this process may use. `gpu_memory` is None when it is not known."""

    memory: int
    available: int
    cores: int
    gpu: str = ""
    gpu_memory: int | None = None


def read_machine(system: Path = Path("/")) -> Machine:
    """The machine as it is now. A container's limit counts as its memory; `system` is where /proc and /sys lie."""
    import psutil

    memory = psutil.virtual_memory()
    limit, used = _container_limit(system / "sys/fs/cgroup")
    total = min(memory.total, limit)
    return Machine(
        memory=total,
        available=min(memory.available, max(0, total - used) if limit < memory.total else memory.available),
        cores=_cores(),
        gpu=_nvidia_name(system / "proc/driver/nvidia/gpus"),
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _container_limit(cgroup: Path) -> tuple[int, int]:
    """The memory limit of this container and what it uses (control groups version 2), or no limit at all."""
    limit = _number(cgroup / "memory.max")
    return (limit, _number(cgroup / "memory.current") or 0) if limit else (1 << 62, 0)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # "max", no such file, no control groups
        return None


def _nvidia_name(gpus: Path) -> str:
    try:
        for card in sorted(gpus.iterdir()):
            for line in (card / "information").read_text(encoding="utf-8", errors="replace").splitlines():
                name, _, value = line.partition(":")
                if name.strip() == "Model":
                    return value.strip()[:100]
    except OSError:
        pass  # no such card, or no such system
    return ""
