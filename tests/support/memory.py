"""What stands in the memory of a running process (Linux), to find words that should not be there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_REGION = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (r\S+)\s+\S+\s+\S+\s+\S+\s*(.*)$")
_PIECE = 8 << 20
_UNREADABLE = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


def found_in(pids: Iterable[int], words: Iterable[str]) -> set[str]:
    """Those of `words` that stand in a process's memory, as Python (ASCII, UTF-8) or as Qt (UTF-16) keeps text."""
    forms = {form: word for word in words for form in (word.encode(), word.encode("utf-16-le"))}
    longest = max(map(len, forms))
    pattern = re.compile(b"|".join(map(re.escape, forms)))
    return {
        forms[match.group()]
        for pid in pids
        for piece in _pieces(pid, longest)
        for match in pattern.finditer(piece)
    }  # fmt: skip


def _pieces(pid: int, overlap: int) -> Iterator[bytes]:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for start, end in _regions(pid):
            for place in range(start, end, _PIECE - overlap):
                memory.seek(place)
                try:
                    yield memory.read(min(_PIECE, end - place))
                except OSError:
                    break  # a device, or gone meanwhile


def _regions(pid: int) -> list[tuple[int, int]]:
    lines = (_REGION.match(line) for line in Path(f"/proc/{pid}/maps").read_text().splitlines())
    return [(int(one[1], 16), int(one[2], 16)) for one in lines if one and one[4] not in _UNREADABLE]
