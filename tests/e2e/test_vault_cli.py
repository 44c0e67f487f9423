"""The vault's commands as the real program runs them: one process each, real vaults, real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

PASSPHRASE = "correct horse battery staple"
CHAT = {
    "format": "freehold-chats", "version": 1, "chats": [{
        "source": "freehold", "id": "0" * 31 + "1", "title": "Heat pumps", "created": 1.0, "updated": 2.0,
        "leaf": "0" * 31 + "3", "turns": [
            {"id": "0" * 31 + "2", "parent": None, "role": "user", "text": "What is a heat pump?", "created": 1.0},
            {"id": "0" * 31 + "3", "parent": "0" * 31 + "2", "role": "assistant", "text": "A machine.", "created": 2.0,
             "ending": "complete"}]}],
}  # fmt: skip


class Program:
    """`python -m freehold` on profiles below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, home: str, *argv: str, columns: int = 80, **environment: str) -> tuple[int, str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        given = {
            "HOME": str(self.folder),
            "PYTHONUTF8": "1",
            "FREEHOLD_PASSPHRASE": PASSPHRASE,
            "COLUMNS": str(columns),
        }
        done = subprocess.run(
            [sys.executable, "-m", "freehold", "--home", str(self.folder / home), *argv], capture_output=True,
            text=True, cwd=self.folder, env={**kept, **given, **environment}, stdin=subprocess.DEVNULL, timeout=240,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def json(self, home: str, *argv: str, code: int = 0, **environment: str):
        returned, out, err = self.run(home, *argv, "--json", **environment)
        assert returned == code, (out, err)
        assert out.count("\n") == 1, "one document on one line"
        return json.loads(out)

    def failure(self, home: str, *argv: str, code: int = 3, **environment: str) -> str:
        return self.json(home, *argv, code=code, **environment)["error"]["code"]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("vaults"))
    (program.folder / "chats.json").write_text(json.dumps(CHAT))
    assert program.json("first", "chats", "import", "chats.json")["imported"] == 1
    return program


def test_backup_restore_and_the_list_of_chats_is_equal(program):
    made = program.json("first", "vault", "backup", "all.backup")
    assert made == {"file": str(program.folder / "all.backup"), "bytes": (program.folder / "all.backup").stat().st_size}
    looked = program.json("second", "vault", "restore", "all.backup", "--dry-run")
    assert (looked["restored"], looked["backup"]["slots"]) == (False, ["passphrase"])
    assert program.json("second", "vault", "restore", "all.backup")["restored"] is True
    assert program.json("second", "chats", "list") == program.json("first", "chats", "list")
    assert program.failure("second", "vault", "restore", "all.backup", code=2) == "usage"
    merged = program.json("second", "vault", "restore", "all.backup", "--merge", "--dry-run")
    assert (merged["merged"], merged["new"]["chats"]) == (False, {"chats": 0, "turns": 0, "left_out": 0})


def test_a_flipped_byte_is_refused_in_words(program):
    program.json("first", "vault", "backup", "flip.backup")
    content = bytearray((program.folder / "flip.backup").read_bytes())
    content[len(content) // 2] ^= 1
    (program.folder / "flip.backup").write_bytes(content)
    assert program.failure("third", "vault", "restore", "flip.backup") == "backup-damaged"
    code, out, err = program.run("third", "vault", "restore", "flip.backup")
    assert (code, out) == (3, "")
    assert "This backup is not as it was written." in err
    assert "Nothing here was changed." in err
    assert program.json("third", "vault", "status")["state"] == "new"


def test_a_backup_of_another_vault_and_a_wrong_passphrase_are_refused(program):
    program.json("first", "vault", "backup", "foreign.backup")
    program.json("other", "chats", "list")
    assert program.failure("other", "vault", "restore", "foreign.backup", "--merge") == "backup-foreign"
    wrong = {"FREEHOLD_BACKUP_PASSPHRASE": "wrong"}
    argv = ("vault", "restore", "foreign.backup", "--merge", "--from-another")
    assert program.failure("other", *argv, **wrong) == "vault-wrong-passphrase"
    assert program.json("other", *argv)["new"]["chats"]["chats"] == 1
    assert program.failure("nowhere", "vault", "restore", "foreign.backup", **wrong) == "vault-wrong-passphrase"
    assert program.failure("first", "vault", "backup", "no/such/folder/file") == "place-unusable"
    assert program.failure("first", "vault", "restore", "missing.backup", "--merge") == "place-unusable"


def test_a_check_reads_everything_and_says_what_is_wrong(program):
    found = program.json("first", "vault", "check")
    assert found["faults"] == []
    assert found["checked"]["bytes"] > 100_000
    program.json("damaged", "chats", "import", "chats.json")
    database = program.folder / "damaged" / "vault" / "vault.db"
    content = bytearray(database.read_bytes())
    content[-2000] ^= 1
    database.write_bytes(content)
    assert program.failure("damaged", "vault", "check") == "vault-damaged"


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("command", ["backup", "restore", "check", "recovery", "status"])
def test_help_fits_the_terminal(program, command, columns):
    code, out, _ = program.run("first", "vault", command, "--help", columns=columns)
    assert code == 0
    examples = out.index("Examples:")
    assert max(len(line) for line in out[:examples].splitlines()) <= columns


def test_a_recovery_code_is_made_with_a_kit_and_tried(program):
    program.json("coded", "chats", "import", "chats.json")
    made = program.json("coded", "vault", "recovery", "--kit", "kit.txt")
    page = program.folder / "kit.txt"
    assert made == {"recovery_code": made["recovery_code"], "kit": str(page)}
    assert made["recovery_code"] in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    code = {"FREEHOLD_RECOVERY_CODE": made["recovery_code"]}
    assert program.json("coded", "vault", "recovery", "--try", **code) == {"opens": True}
    wrong = {"FREEHOLD_RECOVERY_CODE": made["recovery_code"][:-1] + "U"}
    assert program.failure("coded", "vault", "recovery", "--try", **wrong) == "vault-wrong-passphrase"
    assert program.failure("coded", "vault", "recovery", "--kit", "kit.txt") == "place-unusable"
    program.json("coded", "vault", "backup", "coded.backup")
    opened = program.json("by-code", "vault", "restore", "coded.backup", FREEHOLD_PASSPHRASE=made["recovery_code"])
    assert opened["restored"] is True


def test_an_old_copy_put_back_is_told_and_keeps_nobody_out(program):
    program.json("aged", "chats", "import", "chats.json")
    database = program.folder / "aged" / "vault" / "vault.db"
    before = database.read_bytes()
    chat = program.json("aged", "chats", "list")["chats"][0]["id"]
    program.json("aged", "chats", "rename", chat, "Later")
    database.write_bytes(before)
    code, out, err = program.run("aged", "chats", "list")
    assert code == 0
    assert "Heat pumps" in out
    assert "an older copy of it was put back" in err


def test_erasing_needs_a_yes_and_leaves_nothing(program):
    program.json("erased", "chats", "import", "chats.json")
    assert program.failure("erased", "vault", "erase", code=2) == "usage"
    assert program.json("erased", "vault", "erase", "--yes") == {"erased": True, "models": False}
    home = program.folder / "erased"
    assert [path.name for path in home.rglob("*") if path.is_file()] == ["lock"]
    assert program.json("erased", "vault", "status")["state"] == "new"


def test_export_and_import_into_a_new_home(program):
    done = program.json("first", "vault", "export", "export")
    assert done["folder"] == str(program.folder / "export")
    assert (program.folder / "export" / "manifest.json").is_file()
    assert program.failure("first", "vault", "export", "export") == "place-unusable"
    assert program.json("imported", "vault", "import", "export")["new"]["chats"] == {"chats": 1, "turns": 2}
    chats, others = (program.json(home, "chats", "list")["chats"] for home in ("first", "imported"))
    assert [(chat["id"], chat["title"], chat["turns"]) for chat in chats] == [
        (chat["id"], chat["title"], chat["turns"]) for chat in others
    ]
    assert program.failure("imported", "vault", "import", "nowhere") == "import-failed"
