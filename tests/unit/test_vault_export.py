"""Everything out to a folder that any program can read, and back; hostile folders refused before anything is taken."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from freehold.assistant.belongings import export_all, import_all
from freehold.chats.conversations import Conversations
from freehold.foundation.errors import FreeholdError, ImportFailed, PlaceUnusable
from freehold.vault.export import safe_name
from support.furnished import WORKER, contents, furnish, say, shelve
from support.steps import drained
from support.vaults import RAW_KEY, opened, profile_in, vault_in


@pytest.fixture
def vault(tmp_path):
    with opened(tmp_path, WORKER) as vault:
        furnish(vault)
        yield vault


@pytest.fixture
def other(tmp_path):
    with opened(tmp_path / "other", WORKER) as vault:
        yield vault


@pytest.fixture
def folder(vault, tmp_path):
    profile_in(tmp_path).settings.write_text('{"theme": "dark"}')
    exported(vault, tmp_path / "export", tmp_path)
    return tmp_path / "export"


def exported(vault, folder, home):
    return drained(export_all(vault, Conversations(vault), folder, profile_in(home).settings))


def imported(vault, folder):
    return drained(import_all(vault, Conversations(vault), folder))


def refusal(vault, folder):
    before = contents(vault)
    with pytest.raises(ImportFailed) as refused:
        imported(vault, folder)
    assert contents(vault) == before
    return refused.value.detail


def with_line(folder, name, line):
    """The export with one more line in a file, and a manifest that says so: what an attacker can write."""
    path = folder / name
    path.write_bytes(path.read_bytes() + line + b"\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        content = (folder / file["path"]).read_bytes()
        file |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def without_tokens(found):
    """Chats as an export holds them: token ids only save the model some reading."""
    chats = [
        {"chat": {n: v for n, v in item["chat"].items() if n != "updated"},
         "turns": [{n: v for n, v in turn.items() if n != "tokens"} for turn in item["turns"]]}
        for item in found["chats"]
    ]  # fmt: skip
    return found | {"chats": sorted(chats, key=repr)}


def test_an_export_read_back_elsewhere_is_the_same(vault, other, folder):
    done = imported(other, folder)
    assert done.skipped == ()
    assert done.new["chats"] == {"chats": 4, "turns": 7}
    assert without_tokens(contents(other)) == without_tokens(contents(vault))
    (asked,) = [chat for chat in Conversations(other).list() if chat.title == "With a file"]
    question = Conversations(other).branch(asked.id)[0]
    assert [file.text for file in Conversations(other).attached(question.id)] == ["Word for word"]
    assert other.check() == []
    before = contents(other)
    again = imported(other, folder)
    assert not any(number for room in again.new.values() for number in room.values())
    assert contents(other) == before


def test_an_export_can_be_read_with_nothing_of_ours(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"]) == ("freehold-export", 1)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {file["path"] for file in manifest["files"]} | {"manifest.json"}
    for file in manifest["files"]:
        content = (folder / file["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    chats = [json.loads(line) for line in (folder / "chats.jsonl").read_text().splitlines()]
    assert {chat["title"] for chat in chats} == {"Heat pumps", "In the trash", "Empty", "With a file"}
    assert "A pump, but for" in (folder / "chats" / "Heat pumps.md").read_text()
    (text,) = (folder / "documents").iterdir()
    assert text.name == "lease.txt.txt"
    assert text.read_text() == "The lease begins in May.The rent is due on the first."
    assert json.loads((folder / "settings.json").read_text()) == {"theme": "dark"}
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*")} == {0}


def test_names_that_are_no_file_names_are_made_into_some(vault, tmp_path):
    for title in ("../../etc/passwd", "CON", "a/b\\c:d", "\u202egpj.exe", "x" * 500, "...", "\n", "Größe ✓"):
        say(vault, title, "Hello")
    shelve(vault, "/papers/..", "text")
    shelve(vault, "/papers/weird\n\udcff:name", "text")
    done = exported(vault, tmp_path / "names", tmp_path)
    for path in (tmp_path / "names").rglob("*"):
        assert path.resolve().is_relative_to(tmp_path / "names")
    assert done.files > 12
    with opened(tmp_path / "third", WORKER) as third:
        assert imported(third, tmp_path / "names").new["chats"]["chats"] == 12
        assert contents(third)["library"] == contents(vault)["library"]


def test_an_export_of_before_that_named_its_files_otherwise_is_read_back(other, folder):
    """Their names were "lease md 3.txt" then; what is read back never hung on them."""
    (folder / "documents" / "lease.txt.txt").rename(folder / "documents" / "lease txt 1.txt")
    manifest = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(manifest.replace("documents/lease.txt.txt", "documents/lease txt 1.txt"))
    assert imported(other, folder).new["library"]["documents"] == 1


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("lease.md", "lease.md"), ("Rent & taxes: 2031", "Rent taxes 2031"), (".bashrc", "bashrc"), ("..", "unnamed"),
        ("con", "con_"), ("NUL.txt", "NUL_.txt"), ("console.log", "console.log"), ("a/../b", "a .. b"), ("", "unnamed"),
        ("x" * 80 + ".pdf", "x" * 56 + ".pdf"), ("end. ", "end"), ("v1.2 of the whole plan", "v1.2 of the whole plan"),
        ("\u202egpj.exe", "gpj.exe"), ("Größe ✓.ods", "Größe.ods"), ("e\u0301t\u00e9.txt", "\u00e9t\u00e9.txt"),
    ],
)  # fmt: skip
def test_a_name_stays_recognisable_and_is_one_on_every_system(title, name):
    assert safe_name(title) == name


def test_names_that_differ_in_case_alone_do_not_take_each_other_s_place(vault, tmp_path):
    for title in ("Notes", "notes", "NOTES"):
        say(vault, title, title)
    exported(vault, tmp_path / "cases", tmp_path)
    names = {path.stem for path in (tmp_path / "cases" / "chats").iterdir()}
    assert len({name.casefold() for name in names if name.lower().startswith("notes")}) == 3


def test_nothing_is_written_over_and_nothing_half(vault, folder, tmp_path):
    with pytest.raises(PlaceUnusable):
        exported(vault, folder, tmp_path)
    with pytest.raises(PlaceUnusable):
        exported(vault, tmp_path / "no" / "where", tmp_path)
    steps = export_all(vault, Conversations(vault), tmp_path / "half", profile_in(tmp_path).settings)
    next(steps)
    vault.lock()
    with pytest.raises(FreeholdError):
        drained(steps)
    assert [path.name for path in tmp_path.iterdir() if "half" in path.name] == []


@pytest.mark.parametrize(
    "name",
    ["../outside.jsonl", "/etc/passwd", "..", ".", "", "a/../../b", "..\\x", "C:\\x", "C:x", "\\\\server\\share",
     "a//b", "chats.jsonl\0", "chats/\n.md", "a/./b", "con|x", 5, None, ["chats.jsonl"]],
)  # fmt: skip
def test_a_manifest_that_names_a_file_elsewhere_is_refused(other, folder, name):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].append({"path": name, "bytes": 1, "sha256": "00" * 32})
    (folder.parent / "outside.jsonl").write_text("{}")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "outside" in refusal(other, folder)


def test_a_link_in_an_export_is_not_followed(other, folder):
    target = folder.parent / "secret.jsonl"
    (folder / "ledger.jsonl").rename(target)
    (folder / "ledger.jsonl").symlink_to(target)
    assert "leads elsewhere" in refusal(other, folder)
    (folder / "ledger.jsonl").unlink()
    target.rename(folder / "ledger.jsonl")
    (folder / "chats").rename(folder.parent / "moved")
    (folder / "chats").symlink_to(folder.parent / "moved")
    assert "leads elsewhere" in refusal(other, folder)


def test_an_altered_or_missing_file_is_refused_before_anything_is_taken(other, folder):
    path = folder / "settings.jsonl"
    good = path.read_bytes()
    path.write_bytes(good + b" ")
    assert "not as it was written" in refusal(other, folder)
    path.unlink()
    assert "missing" in refusal(other, folder)
    path.mkdir()
    assert "missing" in refusal(other, folder)


@pytest.mark.parametrize(
    "manifest",
    ["", "[]", "{}", "null", "[" * 100_000, '{"format": "freehold-export", "version": 2, "files": []}',
     '{"format": "freehold-export", "version": true, "files": []}', '{"format": "freehold-export", "version": 1}',
     '{"format": "freehold-export", "version": 1, "files": [1, null]}'],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(other, folder, manifest):
    (folder / "manifest.json").write_text(manifest)
    refusal(other, folder)


def test_a_folder_that_is_no_export_is_refused(other, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "missing", Path(__file__)):
        refusal(other, place)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ledger.jsonl", b'{"time": "soon"}'),
        ("ledger.jsonl", b"[]"),
        ("ledger.jsonl", b'{"time": NaN'),
        ("settings.jsonl", b'{"value": 1}'),
        ("library.jsonl", b'{"source": {"path": "zz", "collection": "x", "watched": 1, "first": 0, "excluded": "[]"}}'),
        ("library.jsonl", b'{"at": 0}'),
        ("library.jsonl", b'{"document": {"path": "00"}, "at": 0, "chunks": [], "vectors": [], "is_last": true}'),
    ],
)
def test_a_line_of_another_form_is_refused_in_words_and_what_is_here_stays(other, folder, name, line):
    with_line(folder, name, line)
    say(other, "Mine", "Hello")
    with pytest.raises(ImportFailed):
        imported(other, folder)
    assert "Mine" in {chat.title for chat in Conversations(other).list()}
    assert other.check() == []
    for chat in Conversations(other).list():
        Conversations(other).branch(chat.id)


def test_a_damaged_chat_is_left_out_and_named(other, folder):
    with_line(
        folder, "chats.jsonl", b'{"source": "freehold", "id": "x", "title": "Odd", "turns": [{"role": "system"}]}'
    )
    with_line(
        folder, "chats.jsonl", b'{"source": "freehold", "id": "y", "title": 5, "draft": 7, "deleted": "x", "turns": []}'
    )
    done = imported(other, folder)
    assert (done.skipped[0].item, done.skipped[0].reason) == ("Odd", "one of its turns is damaged")
    assert {"Heat pumps", "Empty"} <= {chat.title for chat in Conversations(other).list()}


def test_an_export_onto_a_full_disk_leaves_nothing(vault, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k,mode=700", "tmpfs", str(stick)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk of its own needs the right to mount one (root)")
    try:
        with pytest.raises(FreeholdError) as full:
            exported(vault, stick / "export", tmp_path)
        assert full.value.code == "disk-full"
        assert list(stick.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(stick)], check=True)


def test_an_import_that_is_killed_is_completed_by_the_next(folder, tmp_path):
    killed = vault_in(tmp_path / "killed", WORKER)
    killed.create(raw=RAW_KEY)
    steps = import_all(killed, Conversations(killed), folder)
    next(steps)
    next(steps)
    killed.lock()
    with pytest.raises(FreeholdError):
        drained(steps)
    killed.unlock(raw=RAW_KEY)
    imported(killed, folder)
    assert len(Conversations(killed).list()) == 3
    killed.lock()
