"""Chats that leave as files and come in from other programs."""

from __future__ import annotations

import json
import zipfile

import pytest

from freehold.chats.conversations import Conversations
from freehold.chats.exchange import Skipped, export_chats, import_chats
from freehold.chats.values import Attachment, Ending, Provenance, Role, Scope
from freehold.foundation.errors import ImportFailed
from support.vaults import InProcess, open_safe


@pytest.fixture
def conversations(tmp_path):
    safe = open_safe(tmp_path)
    yield Conversations(InProcess(safe))
    safe.close()


@pytest.fixture
def elsewhere(tmp_path):
    """Another person's vault, or the same one's next machine."""
    safe = open_safe(tmp_path / "elsewhere")
    yield Conversations(InProcess(safe))
    safe.close()


def some_chat(conversations):
    """A chat of two branches; the older one is in view."""
    chat = conversations.create("Bread")
    conversations.change(chat.id, system_prompt="Be a baker.", sampling={"temperature": 0.2}, model="tiny")
    conversations.change(chat.id, scope=Scope(True, ("recipes",)), where="peer")
    recipe = Attachment("recipe.pdf", 10, "Bake. Eat.", ((6, 1), (4, 2)))
    question = conversations.ask(chat.id, "How long?", None, [recipe])
    first = conversations.begin_answer(chat.id, question.id)
    made = Provenance(model="tiny", model_sha256="ab" * 32, sampler={"temperature": 0.2}, seed=7, notes=("slow",))
    conversations.seal(first.id, Ending.COMPLETE, made, [5, 6], text="<think>hm</think>An **hour**.")
    again = conversations.begin_answer(chat.id, question.id)
    error = {"code": "engine-stopped", "title": "t", "advice": "a", "detail": "d"}
    conversations.seal(again.id, Ending.BROKEN, error=error, text="Two h")
    conversations.show(first.id)
    return conversations.get(chat.id)


def saved(path, content):
    path.write_text(json.dumps(content) if not isinstance(content, str) else content)
    return path


def spoken(conversations, chat):
    return [(turn.role.value, turn.text) for turn in conversations.branch(chat.id)]


# Freehold's own


def test_an_export_comes_back_whole_in_another_vault(conversations, elsewhere, tmp_path):
    chat = some_chat(conversations)
    file = tmp_path / "chats.json"
    export_chats(conversations, file)
    assert file.stat().st_mode & 0o077 == 0
    assert import_chats(elsewhere, file).imported == 1
    (there,) = elsewhere.list()
    names = "id title created updated leaf system_prompt sampling model turns scope where"
    for name in names.split():
        assert getattr(there, name) == getattr(chat, name), name
    kept = [turn.to_wire() | {"tokens": ""} for turn in conversations.tree(chat.id)]
    assert [turn.to_wire() for turn in elsewhere.tree(chat.id)] == kept
    (asked, *_) = elsewhere.branch(chat.id)
    assert elsewhere.attached(asked.id) == [Attachment("recipe.pdf", 10, "Bake. Eat.", ((6, 1), (4, 2)))]
    assert [hit.chat for hit in elsewhere.search("two h")] == [chat.id]


def test_importing_the_same_export_twice_adds_nothing_twice(conversations, tmp_path):
    chat = some_chat(conversations)
    file = tmp_path / "chats.json"
    export_chats(conversations, file, chat.id)
    done = import_chats(conversations, file)
    assert (done.imported, done.skipped) == (0, (Skipped("Bread", "it is here already"),))
    assert len(conversations.tree(chat.id)) == 3
    conversations.move_to_trash(chat.id)
    assert import_chats(conversations, file).skipped == (Skipped("Bread", "it is in the trash"),)


def test_a_chat_that_went_on_elsewhere_grows_and_loses_nothing_here(conversations, elsewhere, tmp_path):
    chat = some_chat(conversations)
    file = tmp_path / "chats.json"
    export_chats(conversations, file)
    import_chats(elsewhere, file)
    there = elsewhere.ask(chat.id, "And rye?", chat.leaf)
    here = conversations.ask(chat.id, "And spelt?", chat.leaf)
    export_chats(elsewhere, file)
    assert import_chats(conversations, file).imported == 1
    assert set(conversations.siblings(here.id)) == {here.id, there.id}
    assert spoken(conversations, chat)[-1] == ("user", "And rye?")


def test_an_export_cannot_change_a_turn_that_is_here(conversations, tmp_path):
    chat = some_chat(conversations)
    file = tmp_path / "chats.json"
    export_chats(conversations, file)
    document = json.loads(file.read_text())
    for turn in document["chats"][0]["turns"]:
        turn["text"] = "something I never said"
    saved(file, document)
    assert import_chats(conversations, file).imported == 0
    assert spoken(conversations, chat)[0] == ("user", "How long?")


def test_an_export_cannot_take_turns_from_another_chat(conversations, tmp_path):
    some_chat(conversations)
    file = tmp_path / "chats.json"
    export_chats(conversations, file)
    document = json.loads(file.read_text())
    document["chats"][0]["id"] = "f" * 32
    done = import_chats(conversations, saved(file, document))
    assert (done.imported, len(done.skipped)) == (0, 1)
    assert len(conversations.list()) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda chat: chat["turns"][1].update(role="system"), "damaged"),
        (lambda chat: chat["turns"].pop(0), "missing"),
        (lambda chat: chat["turns"].append(chat["turns"][0]), "twice"),
        (lambda chat: chat["turns"][0].update(parent=chat["turns"][1]["id"]), "circle"),
        (lambda chat: chat.update(turns=[[]]), "damaged"),
    ],
)
def test_a_damaged_chat_is_left_out_with_a_reason(conversations, elsewhere, tmp_path, change, reason):
    some_chat(conversations)
    file = tmp_path / "chats.json"
    export_chats(conversations, file)
    document = json.loads(file.read_text())
    change(document["chats"][0])
    done = import_chats(elsewhere, saved(file, document))
    assert done.imported == 0
    assert reason in done.skipped[0].reason
    assert elsewhere.list() == []


def test_provenance_that_is_none_is_left_out_and_the_rest_is_kept(conversations, elsewhere, tmp_path):
    some_chat(conversations)
    file = tmp_path / "chats.json"
    export_chats(conversations, file)
    document = json.loads(file.read_text())
    document["chats"][0]["turns"][1]["provenance"] = {
        "where": "here", "model": 5, "seed": [], "context": 7, "sampler": {"a": float("nan"), "b": 2, "c": {}},
        "notes": [1, "fine"], "tokens": True, "tokens_per_s": 1e999, "first_token_s": 2, "__class__": "x",
    }  # fmt: skip
    document["chats"][0]["sampling"] = {"temperature": "hot", "top_p": 1}
    document["chats"][0]["turns"][2]["error"] = {"code": 1, "title": "t"}
    assert import_chats(elsewhere, saved(file, document)).imported == 1
    (chat,) = elsewhere.list()
    assert chat.sampling == {"top_p": 1}
    _, first, broken = elsewhere.tree(chat.id)
    assert first.provenance == Provenance(sampler={"b": 2}, notes=("fine",), first_token_s=2.0)
    assert broken.error == {"title": "t"}


def test_an_export_of_a_newer_version_is_refused_in_words(conversations, tmp_path):
    with pytest.raises(ImportFailed, match="newer"):
        import_chats(conversations, saved(tmp_path / "x.json", {"format": "freehold-chats", "version": 2, "chats": []}))


def test_markdown_tells_the_branch_in_view(conversations, tmp_path):
    chat = some_chat(conversations)
    file = tmp_path / "chat.md"
    export_chats(conversations, file, chat.id)
    assert (
        file.read_text()
        == "# Bread\n\n## You\n\nHow long?\n\nAttached: recipe.pdf\n\n## tiny\n\n> hm\n\nAn **hour**.\n\n"
    )
    conversations.create("Other")
    export_chats(conversations, file)
    assert file.read_text().startswith("# Other\n\n\n---\n\n# Bread\n")


# ChatGPT


def chatgpt(**changes):
    def node(id, parent, role, *parts, **more):
        message = {"author": {"role": role}, "content": {"content_type": "text", "parts": list(parts)}, **more}
        return {"id": id, "parent": parent, "children": [], "message": message if role else None}

    nodes = [
        node("root", None, None),
        node("sys", "root", "system", "You are helpful", metadata={"is_visually_hidden_from_conversation": True}),
        node("q", "sys", "user", "What is this?", {"content_type": "image_asset_pointer"}, create_time=1700000000.5),
        node("tool", "q", "assistant", "search()", recipient="browser"),
        node("result", "tool", "tool", "a page"),
        node("a1", "result", "assistant", "A cat.", create_time=1700000002),
        node("a2", "result", "assistant", "A dog.", create_time=1700000003),
        node("q2", "a1", "user", "Sure?", create_time=1700000004),
        node("empty", "q2", "assistant", ""),
    ]
    return {
        "title": "Animals", "create_time": 1700000000.0, "update_time": 1700000005.0, "conversation_id": "c-1",
        "current_node": "empty", "mapping": {one["id"]: one for one in nodes},
    } | changes  # fmt: skip


def test_a_chatgpt_export_keeps_its_branches_and_leaves_out_what_nobody_saw(conversations, tmp_path):
    done = import_chats(conversations, saved(tmp_path / "conversations.json", [chatgpt()]))
    assert (done.imported, done.skipped) == (1, ())
    (chat,) = conversations.list()
    assert (chat.title, chat.created, chat.updated) == ("Animals", 1700000000.0, 1700000005.0)
    assert spoken(conversations, chat) == [
        ("user", "What is this?\n\n[image]"), ("assistant", "A cat."), ("user", "Sure?"),
    ]  # fmt: skip
    assert {turn.text for turn in conversations.tree(chat.id)} >= {"A dog."}
    marks = conversations.outline(chat.id)
    assert [mark.siblings for mark in marks] == [1, 2, 1]
    assert conversations.branch(chat.id)[1].ending is Ending.COMPLETE


def test_any_export_imported_twice_adds_nothing(conversations, tmp_path):
    for item in (chatgpt(), claude(), open_webui()):
        file = saved(tmp_path / "conversations.json", [item])
        assert import_chats(conversations, file).imported == 1
        assert import_chats(conversations, file).imported == 0
    assert len(conversations.list()) == 3


def test_a_zip_with_split_conversations_and_pictures_is_read(conversations, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations-000.json", json.dumps([chatgpt()]))
        archive.writestr("conversations-001.json", json.dumps([chatgpt(title="More", conversation_id="c-2")]))
        archive.writestr("user.json", json.dumps({"email": "me"}))
        archive.writestr("file-cat.jpg", b"\xff\xd8")
    done = import_chats(conversations, tmp_path / "export.zip")
    assert (done.imported, done.skipped) == (2, ())


def test_an_unpacked_folder_is_read(conversations, tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    saved(folder / "conversations-000.json", [chatgpt()])
    saved(folder / "user.json", {})
    (folder / "conversations-001.json").symlink_to(saved(tmp_path / "other.json", [chatgpt(conversation_id="c-2")]))
    assert import_chats(conversations, folder).imported == 1


# Claude


def claude(**changes):
    def said(uuid, sender, text, parent=None, **more):
        content = [{"type": "text", "text": text}, {"type": "tool_use", "input": {}}]
        return {"uuid": uuid, "sender": sender, "content": content, "parent_message_uuid": parent, **more}

    return {
        "uuid": "u-1", "name": "Trees", "created_at": "2024-05-01T10:00:00.000000Z",
        "updated_at": "2024-05-01T11:00:00.000000Z",
        "chat_messages": [
            said("m1", "human", "Oak?", attachments=[{"file_name": "oak.txt", "extracted_content": "Quercus"}]),
            said("m2", "assistant", "Yes.", "m1"),
            said("m3", "assistant", "No.", "m1"),
        ],
    } | changes  # fmt: skip


def test_a_claude_export_is_read_as_the_tree_it_is(conversations, tmp_path):
    import_chats(conversations, saved(tmp_path / "conversations.json", [claude()]))
    (chat,) = conversations.list()
    assert (chat.title, chat.created) == ("Trees", 1714557600.0)
    assert spoken(conversations, chat) == [("user", "Oak?\n\n[oak.txt]\nQuercus"), ("assistant", "No.")]
    assert len(conversations.siblings(chat.leaf)) == 2


def test_an_older_claude_export_is_a_plain_list(conversations, tmp_path):
    messages = [
        {"uuid": "1", "sender": "human", "text": "a"}, {"uuid": "2", "sender": "assistant", "text": "b"},
        {"uuid": "3", "sender": "human", "text": "c"},
    ]  # fmt: skip
    import_chats(conversations, saved(tmp_path / "conversations.json", [claude(chat_messages=messages)]))
    (chat,) = conversations.list()
    assert [text for _, text in spoken(conversations, chat)] == ["a", "b", "c"]


# Open WebUI


def open_webui(**changes):
    def said(id, parent, role, content, **more):
        return {"id": id, "parentId": parent, "childrenIds": [], "role": role, "content": content, **more}

    messages = [
        said("1", None, "user", "Hi", timestamp=1700000000),
        said("2", "1", "assistant", "Hello", model="qwen", timestamp=1700000001),
        said("3", "1", "assistant", "Hey", model="qwen", timestamp=1700000002),
    ]
    history = {"messages": {one["id"]: one for one in messages}, "currentId": "2"}
    chat = {"title": "Greeting", "models": ["qwen"], "history": history, "messages": []}
    times = {"created_at": 1700000000, "updated_at": 1700000005}
    return {"id": "w-1", "title": "Greeting", "chat": chat} | times | changes


def test_an_open_webui_export_shows_the_branch_that_was_open(conversations, tmp_path):
    import_chats(conversations, saved(tmp_path / "chat-export.json", [open_webui()]))
    (chat,) = conversations.list()
    assert (chat.title, spoken(conversations, chat)) == ("Greeting", [("user", "Hi"), ("assistant", "Hello")])
    assert conversations.branch(chat.id)[1].provenance == Provenance(where=("elsewhere",), model="qwen")
    assert len(conversations.siblings(chat.leaf)) == 2


# What is unknown, hostile or too much


def test_one_file_may_hold_several_kinds_and_what_is_unknown_is_named(conversations, tmp_path):
    junk = [5, None, {"title": "A recipe"}, {"mapping": 7}, chatgpt(mapping={}, title="Empty"), {"chat_messages": [1]}]
    done = import_chats(conversations, saved(tmp_path / "x.json", [chatgpt(), *junk, claude(), open_webui()]))
    assert done.imported == 3
    assert [one.item for one in done.skipped] == [
        "conversation 2", "conversation 3", "A recipe", "conversation 5", "Empty", "conversation 7",
    ]  # fmt: skip
    assert all(one.reason for one in done.skipped)


@pytest.mark.parametrize(
    "content",
    ["", "not json", "[", "{}", "[]", "5", "null", '"text"', "[" * 100_000, "<!doctype html><title>Log in</title>",
     "[" + "9" * 5000 + "]", '{"format": "freehold-chats", "version": "new"}', "[{}]"],
)  # fmt: skip
def test_a_file_that_holds_no_chats_is_refused(conversations, tmp_path, content):
    with pytest.raises(ImportFailed):
        import_chats(conversations, saved(tmp_path / "x.json", content))


def test_what_is_not_there_or_no_file_is_refused(conversations, tmp_path):
    import os

    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "missing.json", tmp_path / "fifo", tmp_path):
        with pytest.raises(ImportFailed):
            import_chats(conversations, path)


def test_too_many_values_are_refused_before_they_are_made(conversations, tmp_path, monkeypatch):
    monkeypatch.setattr("freehold.chats.archives.MOST_VALUES", 1000)
    with pytest.raises(ImportFailed, match="values"):
        import_chats(conversations, saved(tmp_path / "x.json", "[" + "[]," * 2000 + "[]]"))


def test_an_archive_that_unpacks_to_far_more_is_refused(conversations, tmp_path, monkeypatch):
    monkeypatch.setattr("freehold.chats.archives.MOST_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b" " * (2 << 20))
    with pytest.raises(ImportFailed, match="larger"):
        import_chats(conversations, tmp_path / "bomb.zip")


def test_an_archive_of_many_large_documents_is_refused(conversations, tmp_path, monkeypatch):
    monkeypatch.setattr("freehold.chats.archives.MOST_TOGETHER", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"conversations-{number:03}.json", b"[" + b" " * (1 << 19) + b"]")
    with pytest.raises(ImportFailed, match="unpacks"):
        import_chats(conversations, tmp_path / "bomb.zip")


@pytest.mark.parametrize("cut", [1, 2, 10, 50, -1, -10, -30])
def test_a_damaged_archive_is_refused(conversations, tmp_path, cut):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([chatgpt()]))
    content = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "x.zip").write_bytes(content[:cut])
    with pytest.raises(ImportFailed):
        import_chats(conversations, tmp_path / "x.zip")


def test_an_archive_without_json_is_refused(conversations, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../../etc/passwd", "root")
    with pytest.raises(ImportFailed):
        import_chats(conversations, tmp_path / "x.zip")


def test_messages_in_a_circle_without_a_role_end_somewhere(conversations, tmp_path):
    item = chatgpt()
    item["mapping"]["root"]["parent"] = "result"
    item["mapping"]["sys"]["parent"] = "tool"
    done = import_chats(conversations, saved(tmp_path / "x.json", [item]))
    assert done.imported + len(done.skipped) == 1


def test_a_chain_of_twenty_thousand_messages_is_no_trouble(conversations, tmp_path):
    nodes = {
        str(n): {"parent": str(n - 1), "message": {"author": {"role": "user" if n % 50 == 0 else "tool"},
                 "content": {"content_type": "text", "parts": [f"m{n}"]}}}
        for n in range(20_000)
    }  # fmt: skip
    import_chats(conversations, saved(tmp_path / "x.json", [chatgpt(mapping=nodes, current_node="19999")]))
    (chat,) = conversations.list()
    assert chat.turns == 400


def test_halves_of_characters_and_huge_times_do_no_harm(conversations, tmp_path):
    item = claude(name="\ud800", created_at="9999-99-99", updated_at=1e300)
    item["chat_messages"][0]["content"][0]["text"] = "a\ud800\x00b"
    import_chats(conversations, saved(tmp_path / "x.json", [item]))
    (chat,) = conversations.list()
    assert conversations.branch(chat.id)[0].text.startswith("a\ufffd\ufffdb")
    assert conversations.branch(chat.id)[0].role is Role.USER
