"""The options that every command takes, before its name or after it, read before anything else is parsed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.foundation.errors import UsageError
from freehold.foundation.paths import from_home

EVERYWHERE = "Every command also takes --home DIR, --json and --passphrase-fd N."

_WITH_VALUE = ("--home", "--passphrase-fd")


@dataclass(frozen=True, slots=True)
class Common:
    """What every command may be told. `rest` is the command line without it; `home` None means the usual place."""

    rest: tuple[str, ...]
    home: Path | None = None
    json: bool = False
    passphrase_fd: int | None = None


def read_common(argv: Sequence[str], environment: Mapping[str, str]) -> Common:
    """Take the common options out of `argv`; what follows a lone `--` is left alone.

    Raises UsageError when one of them lacks its value.
    """
    rest: list[str] = []
    values: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif (name := word.partition("=")[0]) in _WITH_VALUE:
            values[name] = _value(word, words)
        elif word == "--json":
            values[word] = ""
        else:
            rest.append(word)
    home = values.get("--home") or environment.get("FREEHOLD_HOME")
    return Common(
        tuple(rest), from_home(home) if home else None, "--json" in values, _number(values, "--passphrase-fd")
    )


def wishes_json(argv: Sequence[str]) -> bool:
    """Whether the answer is to be JSON, for a command line that may not even parse."""
    before_dashes = list(argv)[: argv.index("--")] if "--" in argv else argv
    return "--json" in before_dashes


def read_passphrase(descriptor: int | None, environment: Mapping[str, str]) -> str | None:
    """The passphrase given by --passphrase-fd or FREEHOLD_PASSPHRASE, without its final line end. Raises UsageError."""
    if descriptor is None:
        return environment.get("FREEHOLD_PASSPHRASE") or None
    try:
        with os.fdopen(descriptor, encoding="utf-8", closefd=descriptor > 2) as source:
            return source.readline().rstrip("\r\n") or None
    except (OSError, ValueError) as error:
        raise UsageError(f"file descriptor {descriptor} cannot be read") from error


def _value(word: str, following: Iterator[str]) -> str:
    name, has_value, value = word.partition("=")
    if not has_value:
        value = next(following, "")
    if not value:
        raise UsageError(f"{name} needs a value")
    return value


def _number(values: Mapping[str, str], name: str) -> int | None:
    if name not in values:
        return None
    if not values[name].isdecimal():
        raise UsageError(f"{name} takes the number of an open file descriptor")
    return int(values[name])
