"""The real program, driven from outside: commands in, JSON out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


class Freehold:
    """Commands on a profile of its own below `top`, from that folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.prefix: list[str] = []
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        self.environment = {
            **kept,
            "HOME": str(top),
            "TERM": "dumb",
            "PYTHONUTF8": "1",
            "FREEHOLD_PASSPHRASE": "secret",
        }

    def start(self, *argv: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "freehold", "--home", str(self.top / "home"), *argv], cwd=self.top,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
            start_new_session=True,
        )  # fmt: skip

    def lines(self, *argv: str, input: str = "", code: int = 0) -> list:
        process = self.start(*argv, "--json")
        out, err = process.communicate(input, timeout=240)
        assert process.returncode == code, (out, err)
        return [json.loads(line) for line in out.splitlines()]

    def json(self, *argv: str, code: int = 0):
        (document,) = self.lines(*argv, code=code)
        return document

    def states(self) -> dict[str, str]:
        documents = self.json("library", "status")["documents"]
        return {Path(one["path"]).name: one["state"] for one in documents}

    def found(self, *argv: str) -> list[str]:
        return [Path(one["path"]).name for one in self.json("library", "search", *argv)["results"]]
