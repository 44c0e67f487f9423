"""The key's commands as the real program runs them: one process each, real files."""

from __future__ import annotations

import json

import pytest

from support.program import Freehold

pytestmark = pytest.mark.e2e


def test_a_key_survives_a_backup_and_its_file_brings_the_owner_elsewhere(tmp_path):
    first, second, third = (Freehold(tmp_path / name) for name in ("first", "second", "third"))
    for one in (first, second, third):
        one.top.mkdir()
    shown = first.json("key", "create")
    assert shown.keys() == {"address", "node_key", "certified_until"}
    first.json("key", "mandate", "set", "--per-day", "7")
    assert first.json("key", "show") == shown
    first.json("vault", "backup", str(tmp_path / "all.backup"))
    second.json("vault", "restore", str(tmp_path / "all.backup"))
    restored = second.json("key", "show")
    assert (restored["address"], restored["node_key"]) == (shown["address"], shown["node_key"])
    assert second.json("key", "mandate", "list")["per_day"] == 7
    first.json("key", "export", str(tmp_path / "owner.json"))
    assert json.loads((tmp_path / "owner.json").read_text())["version"] == 3
    assert third.json("key", "show", code=3)["error"]["code"] == "key-missing"
    imported = third.json("key", "import", str(tmp_path / "owner.json"))
    assert imported["address"] == shown["address"]
    assert imported["node_key"] != shown["node_key"]
    assert third.json("key", "create", code=2)["error"]["code"] == "usage"
