"""A screen of its own, without a person before it: Xvfb, keys typed by xdotool, and a look at what is drawn."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from freehold.desktop.platform_check import missing_display

WIDTH, HEIGHT = 1280, 820


def need_a_screen() -> None:
    """Skips the test, in words, where a screen cannot be made."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, so no window can be opened here")
    missing = missing_display({"DISPLAY": ":0"}, answers=lambda _display: True)
    if missing is not None:
        pytest.skip(missing.detail)


def until(holds: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until `holds`; a test that waits in vain fails, however fast the machine is."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)


class Screen:
    """An X server that nobody else uses; `number` is its display's."""

    def __init__(self, folder: Path) -> None:
        heard, told = os.pipe()
        self._picture = folder / "Xvfb_screen0"
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(told), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp", "-fbdir",
             str(folder)],
            pass_fds=[told], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(told)
        with os.fdopen(heard) as told_us:
            self.number = told_us.readline().strip()
        assert self.number, "Xvfb did not start"
        self._environment = {"PATH": os.environ["PATH"], "DISPLAY": f":{self.number}"}

    def close(self) -> None:
        self._server.terminate()
        self._server.wait(10)

    def window(self, title: str) -> str:
        """The id of the visible window with this title; empty while there is none."""
        return self._xdotool("search", "--onlyvisible", "--name", f"^{title}$").split("\n")[0]

    def focus(self, window: str) -> None:
        """As a window manager would: there is none here."""
        self._xdotool("windowfocus", window)

    def type(self, text: str) -> None:
        self._xdotool("type", "--delay", "15", text)

    def press(self, *keys: str) -> None:
        self._xdotool("key", *keys)

    def colour(self, x: int, y: int) -> int:
        """What is drawn there, as 0xRRGGBB."""
        # The format of `xwd`: a header of numbers, a table of colours of 12 bytes each, then the picture.
        with self._picture.open("rb") as picture:
            header = struct.unpack(">25I", picture.read(100))
            picture.seek(header[0] + header[19] * 12 + y * header[12] + x * 4)
            return int(struct.unpack("<I", picture.read(4))[0]) & 0xFFFFFF

    def _xdotool(self, *arguments: str) -> str:
        done = subprocess.run(
            ["xdotool", *arguments], env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout.strip()
