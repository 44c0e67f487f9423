"""Lint, layout and types hold over the whole tree: one test command covers what a reviewer would run by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
CHECKED = ["app", "tests", "packaging"]


def gate(*command: str) -> None:
    """Run a tool on the tree from its top, with the settings in pyproject.toml; its words are the failure."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"\n{done.stdout[-8000:]}{done.stderr[-2000:]}"


def test_ruff_finds_nothing():
    gate("ruff", "check", "--no-cache", "--output-format=concise", *CHECKED)


def test_the_layout_is_ruff_s():
    gate("ruff", "format", "--no-cache", "--check", *CHECKED)


@pytest.mark.timeout(600)
def test_types_hold_everywhere_strictly(tmp_path_factory):
    cache = tmp_path_factory.mktemp("mypy")
    gate("mypy", f"--cache-dir={cache}", "--no-error-summary")


def test_no_line_names_a_machine_a_person_or_an_index():
    """What only holds where it was written: folders of one machine, hosts of one package index."""
    needles = ["/ro" + "ot/", "/wo" + "rk/", "pypi" + ".org", "files.python" + "hosted"]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = TOP / name
        if not path.is_file() or path.suffix in (".png", ".ttf", ".gguf", ".woff2", ".ico"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {needle}" for needle in needles if needle in text]
    assert found == []
