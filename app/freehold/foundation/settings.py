"""The one table of settings. The settings page, the checks and docs/settings.md all derive from it."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from freehold.foundation.errors import UsageError
from freehold.foundation.paths import write_atomically

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing the owner may choose. `private` ones hold the owner's words and live in the vault.

    `careful` is what counts when the file holds something for this setting that cannot be understood: for a switch
    that protects, the default would be the wrong guess.
    """

    name: str
    default: Value
    title: str
    words: str
    group: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    private: bool = False
    careful: Value | None = None

    def check(self, value: object) -> Value:
        """`value` as this setting's type, or UsageError saying what is allowed."""
        kind = type(self.default)
        if kind is float and type(value) is int and abs(value) < 2**53:
            value = float(value)
        if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
            raise UsageError(f"{self.name} takes a {_WORDS[kind]}")
        assert isinstance(value, bool | int | float | str)
        if self.choices and value not in self.choices:
            raise UsageError(f"{self.name} is one of {', '.join(self.choices)}")
        if self.least is not None and self.most is not None:
            assert isinstance(value, int | float)
            if not self.least <= value <= self.most:
                raise UsageError(f"{self.name} lies between {self.least:g} and {self.most:g}")
        return value


_WORDS: dict[type, str] = {bool: "yes or no", int: "whole number", float: "number", str: "text"}

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "theme",
        "system",
        "Colours",
        "Follow the system, or always light or dark.",
        "Appearance",
        choices=("system", "light", "dark"),
    ),
    Setting(
        "text_size",
        14,
        "Text size",
        "Size of the text in pixels.",
        "Appearance",
        least=10,
        most=28,
    ),
    Setting(
        "model",
        "",
        "Model",
        "The model that answers; empty means the starter or the only one there is.",
        "Model",
    ),
    Setting(
        "context",
        8192,
        "Context",
        "Most tokens a chat may hold at once; a model's own limit still counts.",
        "Model",
        least=512,
        most=131072,
    ),
    Setting(
        "threads",
        0,
        "Processor threads",
        "0 means one for each processor core Freehold may use.",
        "Model",
        least=0,
        most=256,
    ),
    Setting(
        "gpu_layers",
        -1,
        "Layers on the graphics card",
        "-1 means as many as fit, where this build can use one; 0 means none.",
        "Model",
        least=-1,
        most=1000,
    ),
    Setting(
        "unload_minutes",
        10,
        "Unload the model when idle",
        "Minutes until its memory is given back; 0 means never.",
        "Model",
        least=0,
        most=1440,
    ),
    Setting(
        "system_prompt",
        "",
        "Instructions for every chat",
        "Sent before each new chat; a chat may have its own.",
        "Answers",
        private=True,
    ),
    Setting(
        "temperature",
        0.7,
        "Temperature",
        "0 answers the same way each time; higher is freer.",
        "Answers",
        least=0.0,
        most=2.0,
    ),
    Setting("top_p", 0.95, "Top-p", "Keep the likeliest words up to this share.", "Answers", least=0.05, most=1.0),
    Setting("top_k", 40, "Top-k", "Keep at most this many words; 0 means all.", "Answers", least=0, most=1000),
    Setting(
        "document_tokens",
        1200,
        "Read of documents",
        "Most tokens of documents an answer is made from; more takes longer to read.",
        "Answers",
        least=200,
        most=32768,
    ),
    Setting("max_tokens", 2048, "Longest answer", "Most tokens of one answer.", "Answers", least=1, most=32768),
    Setting(
        "ocr",
        "auto",
        "Text recognition",
        "Read pictures and scanned pages, where an engine for it is installed; off leaves them.",
        "Documents",
        choices=("auto", "off"),
    ),
    Setting(
        "lock_minutes",
        10,
        "Lock when idle",
        "Minutes until the vault is locked; 0 means never.",
        "Privacy",
        least=0,
        most=1440,
    ),
    Setting(
        "lock_with_screen",
        True,
        "Lock with the screen",
        "Also when the computer goes to sleep. On Linux desktops; the doctor command says whether it works here.",
        "Privacy",
    ),
    Setting(
        "offline",
        False,
        "Offline switch",
        "Refuse every connection, downloads included.",
        "Privacy",
        careful=True,
    ),
    Setting(
        "lend_while_locked",
        True,
        "Lend while locked",
        "Sharing goes on while the vault is locked; off ends it then. What is asked and answered is kept nowhere.",
        "Privacy",
        careful=False,
    ),
    Setting(
        "offload",
        "off",
        "Answers by your other devices",
        "Off: every answer is made on this computer. Ask: a device answers when you choose it for a message."
        " On: the better machine answers.",
        "Privacy",
        choices=("off", "ask", "on"),
        careful="off",
    ),
    Setting(
        "trash_days",
        30,
        "Keep the trash",
        "Days until a deleted chat is erased for good; 0 means at once.",
        "Privacy",
        least=0,
        most=365,
    ),
    Setting(
        "enter_sends", True, "Enter sends", "Enter sends and Shift+Enter starts a line; off swaps them.", "Appearance"
    ),
)
BY_NAME: Mapping[str, Setting] = MappingProxyType({setting.name: setting for setting in SETTINGS})


class SettingsFile:
    """The settings that hold nobody's words, in `settings.json`; readable before the vault is open.

    A value that no longer fits the table is ignored, never fatal; unknown names are kept for the version that
    knows them. A file that is no JSON counts as empty, is kept beside the new one (`settings.json.unreadable`) at the
    next change, and leaves protecting switches on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._values, self._is_damaged = _read(path)

    def __getitem__(self, name: str) -> Value:
        setting = BY_NAME[name]
        if setting.private:
            raise KeyError(f"{name} lives in the vault")
        if name not in self._values:
            return setting.default
        try:
            return setting.check(self._values[name])
        except UsageError:
            return setting.default if setting.careful is None else setting.careful

    def whole(self, name: str) -> int:
        value = self[name]
        assert isinstance(value, int)
        return value

    def number(self, name: str) -> float:
        return float(self[name])

    def text(self, name: str) -> str:
        return str(self[name])

    def is_on(self, name: str) -> bool:
        return self[name] is True

    def set(self, name: str, value: object) -> None:
        """Check and write one setting. Raises UsageError, DiskFull, ProfileUnusable; then nothing changed."""
        if name not in BY_NAME or BY_NAME[name].private:
            raise UsageError(f"there is no setting called {name}")
        value = BY_NAME[name].check(value)
        with self._lock:
            changed = {**self._values, name: value}
            if self._is_damaged:
                self._keep_the_unreadable()
            write_atomically(self._path, json.dumps(changed, indent=1, sort_keys=True).encode())
            self._values, self._is_damaged = changed, False

    def reload(self) -> None:
        """Read the file again: another command may have changed it."""
        with self._lock:
            self._values, self._is_damaged = _read(self._path)

    def _keep_the_unreadable(self) -> None:
        try:
            content = self._path.read_bytes()
        except OSError:
            return  # nothing can be kept of it
        write_atomically(self._path.with_name(f"{self._path.name}.unreadable"), content)


def _read(path: Path) -> tuple[dict[str, object], bool]:
    """The values in the file, and whether there is one that cannot be understood."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, False
    except (OSError, ValueError, RecursionError):
        values = None
    if isinstance(values, dict):
        return values, False
    return {setting.name: setting.careful for setting in SETTINGS if setting.careful is not None}, True
