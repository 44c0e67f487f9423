"""Which files a folder holds, and what changed since the last look. No file is opened."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from freehold.library.values import Stamp

_NEVER = ("node_modules", "__pycache__", "$RECYCLE.BIN", "System Volume Information")
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Known:
    """A document of the library as the scan sees it."""

    id: int
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Changes:
    """What to do after a look: `read` new or changed files, `moved` are the same under another name, `gone` are not
    there any more.
    """

    read: tuple[tuple[str, Stamp], ...] = ()
    moved: tuple[tuple[int, str, Stamp], ...] = ()
    gone: tuple[int, ...] = ()


@dataclass(slots=True)
class Look:
    """What was seen below a path. `problems` are the folders that could not be read; nothing in them is `gone`."""

    files: dict[str, Stamp] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    is_there: bool = True


def look(root: Path, excluded: Iterable[str] = ()) -> Look:
    """Every regular file at or below `root`, links not followed, hidden names and `excluded` patterns left out."""
    seen = Look()
    patterns = tuple(excluded)
    try:
        facts = root.stat()
    except OSError:
        seen.is_there = False
        return seen
    if stat.S_ISREG(facts.st_mode):
        seen.files[str(root)] = stamp(facts)
    elif stat.S_ISDIR(facts.st_mode):
        for path, found in _walk(str(root), patterns, seen.problems, 0):
            seen.files[path] = found
    return seen


def stamp(facts: os.stat_result) -> Stamp:
    return Stamp(facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


def changes(known: Mapping[str, Known], seen: Look) -> Changes:
    """What differs. A folder that is gone as a whole is most often a disk that is not connected: nothing is dropped."""
    new = {path: found for path, found in seen.files.items() if path not in known}
    changed = [(path, found) for path, found in seen.files.items() if path in known and known[path].stamp != found]
    missing = {
        path: one for path, one in known.items() if path not in seen.files and not _is_below(path, seen.problems)
    }
    if not seen.is_there or (not seen.files and len(missing) > 4):
        missing = {}
    moved = _moved(missing, new)
    came, left = {path for _, path, _ in moved}, {number for number, _, _ in moved}
    read = [(path, found) for path, found in new.items() if path not in came] + changed
    return Changes(tuple(read), tuple(moved), tuple(one.id for one in missing.values() if one.id not in left))


def _moved(missing: Mapping[str, Known], new: Mapping[str, Stamp]) -> list[tuple[int, str, Stamp]]:
    """A rename keeps inode, size and time of change of the content (only ctime moves)."""
    by_content = {(one.stamp.inode, one.stamp.size, one.stamp.mtime): one.id for one in missing.values()}
    matched = []
    for path, found in new.items():
        number = by_content.pop((found.inode, found.size, found.mtime), None)
        if number is not None:
            matched.append((number, path, found))
    return matched


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def _walk(folder: str, patterns: tuple[str, ...], problems: list[str], depth: int) -> Iterator[tuple[str, Stamp]]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        problems.append(folder)
        return
    for entry in listed:
        if _is_left_out(entry, patterns):
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # it went away between two looks
        if stat.S_ISREG(facts.st_mode):
            yield entry.path, stamp(facts if facts.st_ino else Path(entry.path).stat())
        elif stat.S_ISDIR(facts.st_mode) and depth < _DEEPEST:
            yield from _walk(entry.path, patterns, problems, depth + 1)


def _is_left_out(entry: os.DirEntry[str], patterns: tuple[str, ...]) -> bool:
    if entry.name.startswith(".") or entry.name in _NEVER or entry.name.startswith("~$"):
        return True
    return any(fnmatch.fnmatchcase(entry.name, one) or fnmatch.fnmatchcase(entry.path, one) for one in patterns)
