"""Storage that fails: a C shim, compiled here, makes the nth call below one folder fail or end the process.

It stands between the real program's libraries and the system's (LD_PRELOAD), so SQLite, SQLCipher and Python are hit
where a bad disk would hit them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def why_not() -> str:
    """Why it cannot be done on this machine; empty when it can."""
    if sys.platform != "linux":
        return "LD_PRELOAD as it is used here is Linux's"
    return "" if shutil.which("cc") else "there is no C compiler"


class FailingStorage:
    """Asks storage_child.py for rounds."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def rounds(self, operation: str, mode: str, nths: list[int] | None = None) -> dict[str, Any]:
        """Run `operation` with each of these calls failing, or with every one until it succeeds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": operation, "mode": mode, "nths": nths}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the child ended"
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def failing_storage(folder: Path) -> Iterator[FailingStorage]:
    shim = folder / "shim.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(_HERE / "storage_shim.c"), "-ldl"], check=True
    )
    child = subprocess.Popen(
        [sys.executable, str(_HERE / "storage_child.py"), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "LD_PRELOAD": str(shim)},
    )  # fmt: skip
    try:
        yield FailingStorage(child)
    finally:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()
        child.stdout.close()
        child.wait(30)
