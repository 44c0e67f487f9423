"""Locking replaces this process: Python cannot wipe what it has read, so the same program starts anew in its place.

What the new one is handed travels in a pipe: the arguments and the environment of a process can be read by others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from freehold.processes.process import Running

_HANDED, _NO_PIPE = "--locked", "-1"


@dataclass(frozen=True, slots=True)
class Handed:
    """What the one before leaves behind: nothing that anybody wrote.

    `lock` is the handle that holds the profile, `chat` the id of the chat in view (it tells when the chat was begun
    and no more), `geometry` the window's place, `gateway` the process that goes on answering other devices.
    """

    lock: int | None = None
    chat: str = ""
    geometry: str = ""
    gateway: Running | None = None


def replace_process(arguments: Sequence[str], handed: Handed) -> NoReturn:
    """Start `freehold ARGUMENTS --locked N` in place of this process. No secret of its environment goes along.

    Where a process cannot be replaced (Windows), a fresh one starts and this one ends; it then takes the profile anew.
    """
    command = [sys.executable, "-P", "-m", "freehold", *arguments, _HANDED]
    environment = _without_secrets(os.environ)
    try:
        if os.name == "posix":
            os.execve(sys.executable, [*command, str(_pipe_with(handed))], environment)  # noqa: S606 - ourselves
        subprocess.Popen([*command, _NO_PIPE], env=environment, close_fds=True)
    except OSError as error:
        raise SystemExit(f"Freehold is locked and has ended. It could not start anew: {error.strerror}.") from error
    sys.exit(0)


def take(pipe: str) -> Handed:
    """What stands in the pipe called `pipe`; nothing where there is none."""
    with suppress(OSError, ValueError, TypeError):
        with open(int(pipe), "rb") as reading:  # noqa: PTH123 - a number
            fields: dict[str, Any] = json.load(reading)
        gateway = fields.pop("gateway", None)
        handed = Handed(**fields, gateway=None if gateway is None else Running(**gateway))
        if handed.lock is not None:
            os.set_inheritable(handed.lock, False)
        return handed
    return Handed()


def _pipe_with(handed: Handed) -> int:
    """A pipe that the next program can read. What it holds is shorter than any pipe."""
    reading, writing = os.pipe()
    with open(writing, "wb") as file:  # noqa: PTH123 - a number
        file.write(json.dumps(asdict(handed)).encode("ascii"))
    os.set_inheritable(reading, True)
    return reading


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """All of Freehold's own variables stay behind: secrets, and the profile's folder, which is an argument."""
    return {name: value for name, value in environment.items() if not name.startswith("FREEHOLD_")}
