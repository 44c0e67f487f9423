"""Where an answer is made: nothing leaves unless it may, and what was made from documents counts as documents."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.assistant.placing import (
    ASKS_FIRST,
    KEPT,
    NOBODY_ON,
    NOBODY_PAIRED,
    Here,
    Placed,
    class_of,
    place,
)
from freehold.assistant.reply import Assistant, Wish
from freehold.assistant.values import Notice, Preview
from freehold.chats.values import ALL_DOCUMENTS, Attachment, Provenance, Role, Turn
from freehold.foundation.errors import ModelMissing, OffloadOff, PeerUnreachable
from freehold.foundation.settings import SettingsFile
from freehold.foundation.stop import Stop
from freehold.library.values import Passage
from freehold.market.values import Allowed, Device
from support.answering import (
    DESK,
    MODEL,
    ON,
    Desk,
    FewDocuments,
    MemoryConversations,
    OneModel,
    OnePeer,
    PlainPrivate,
    ScriptedEngine,
    librarian,
)

OFF = Allowed()
SHELF = Device("s", "Shelf", "Small", parameters=135_000_000, tokens_per_s=300.0)
TINY = Here(parameters=135_000_000, tokens_per_s=80.0)

DEVICES = st.lists(
    st.builds(
        Device, st.text("abc", min_size=1), st.just("N"), parameters=st.integers(0, 10**10),
        tokens_per_s=st.floats(0, 500), takes_documents=st.booleans(),
    ), max_size=4,
)  # fmt: skip
HERE = st.builds(Here, st.integers(0, 10**10), st.floats(0, 500), st.booleans())
ALLOWED = st.builds(Allowed, st.booleans(), st.booleans())


@given(st.sampled_from(["auto", "here", "peer"]), st.sampled_from(["words", "documents"]), ALLOWED, HERE, DEVICES)
def test_nothing_is_placed_elsewhere_that_may_not_go_there(where, data, allowed, here, devices):
    placed = place(where, data, allowed, here, devices)
    if where == "here" or not allowed.is_on:
        assert placed.devices == ()
    if data == "documents":
        assert all(one.takes_documents for one in placed.devices)
    if allowed.asks_first and where != "peer":
        assert placed.devices == ()
    assert set(placed.devices) <= set(devices)
    assert placed.why or not placed.devices, "what goes away says why"
    assert placed.or_here or where == "peer"


@pytest.mark.parametrize(
    ("placed", "expected"),
    [
        (place("auto", "words", OFF, TINY, [DESK]), Placed()),
        (place("peer", "words", OFF, TINY, [DESK]), Placed(why=NOBODY_ON)),
        (place("peer", "words", ON, TINY, []), Placed(why=NOBODY_PAIRED)),
        (place("auto", "documents", ON, TINY, [DESK]), Placed(why=KEPT)),
        (place("auto", "words", Allowed(True, True), TINY, [DESK]), Placed(why=ASKS_FIRST)),
        (place("auto", "words", ON, TINY, [SHELF, DESK]).devices, (DESK, SHELF)),
        (place("auto", "words", ON, replace(TINY, tokens_per_s=250.0), [SHELF]).devices, ()),
        (place("auto", "words", ON, Here(fits=False), [SHELF]).devices, (SHELF,)),
        (place("peer", "words", ON, replace(TINY, tokens_per_s=250.0), [SHELF]).devices, (SHELF,)),
    ],
)
def test_who_is_asked(placed, expected):
    assert placed == expected


def test_documents_that_stay_say_for_whom_they_could_be_released():
    placed = place("peer", "documents", ON, TINY, [DESK])
    assert placed.why == f"{KEPT} Release them for Desk to let it answer."
    released = replace(DESK, takes_documents=True)
    assert place("peer", "documents", ON, TINY, [SHELF, released]).devices == (released,)


def said(role, **made):
    return Turn("t", "c", None, role, "…", 0.0, provenance=Provenance(**made) if made else None)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (said(Role.USER), "words"),
        (replace(said(Role.USER), attachments=(Attachment("a.pdf", 3),)), "documents"),
        (said(Role.ASSISTANT), "words"),
        (said(Role.ASSISTANT, data_class="words"), "words"),
        (said(Role.ASSISTANT, data_class="documents"), "documents"),
        (said(Role.ASSISTANT, grounded=True), "documents"),
        (said(Role.ASSISTANT, grounded=False), "documents"),
    ],
)
def test_the_class_of_a_turn(turn, expected):
    assert class_of([turn]) == expected
    assert class_of([said(Role.USER), turn, said(Role.ASSISTANT)]) == expected, "it is inherited"
    assert class_of([turn], reads_documents=True) == "documents"


@pytest.fixture
def conversations():
    return MemoryConversations()


@pytest.fixture
def house(conversations, tmp_path):
    def make(peers, documents=None, models=None):
        engine = ScriptedEngine("From here.")
        assistant = Assistant(
            conversations, engine, models or OneModel(), SettingsFile(tmp_path / "settings.json"), PlainPrivate(),
            librarian=librarian(conversations, documents), peers=peers,
        )  # fmt: skip
        return assistant, engine

    return make


def test_an_answer_of_two_makers_names_both_and_keeps_the_jobs(house, conversations):
    peers = OnePeer()
    assistant, here = house(peers)
    steps = list(assistant.reply("c", "Hello", Stop(), Wish(where="peer")))
    answer = conversations.all_turns["t1"]
    assert (answer.text, answer.tokens) == ("Good day.", (7, 8))
    assert answer.provenance.where == ("Desk", "here")
    assert answer.provenance.jobs == ("j1",)
    assert answer.provenance.data_class == "words"
    assert "Desk went away; this computer went on." in answer.provenance.notes
    assert Notice("Desk went away; this computer went on.") in steps
    assert peers.given == [(("d",), here, "words", True)]


def test_ids_of_two_vocabularies_are_not_kept(house, conversations):
    desk = Desk("Good ", "day.")
    desk.is_one_model = False
    assistant, _ = house(OnePeer(engine=desk))
    list(assistant.reply("c", "Hello", Stop(), Wish(where="peer")))
    assert conversations.all_turns["t1"].tokens == ()


def test_with_the_toggle_off_a_wish_for_a_device_is_refused_and_auto_answers_here(house, conversations):
    assistant, _ = house(OnePeer(allowed=OFF))
    with pytest.raises(OffloadOff):
        list(assistant.reply("c", "Hello", Stop(), Wish(where="peer")))
    list(assistant.reply("c", "Hello", Stop()))
    last = conversations.all_turns["t3"]
    assert (last.text, last.provenance.where, last.provenance.notes) == (
        "From here.", ("here",), ("Loaded on the processor.",),
    )  # fmt: skip


def test_nobody_paired_is_said(house):
    assistant, _ = house(None)
    with pytest.raises(OffloadOff):
        list(assistant.reply("c", "Hello", Stop(), Wish(where="peer")))
    lonely = OnePeer()
    lonely.devices = lambda: []
    assistant, _ = house(lonely)
    with pytest.raises(PeerUnreachable):
        list(assistant.reply("c", "Hello", Stop(), Wish(where="peer")))


LEASE = Passage(1, "/lease.pdf", 1, 0, 26, "The lease ends on 3 March.", 0.9, "lease.pdf")


def test_passages_stay_here_and_so_does_all_that_was_made_from_them(house, conversations):
    peers = OnePeer()
    assistant, _ = house(peers, FewDocuments(LEASE))
    list(assistant.reply("c", "When does the lease end?", Stop(), Wish(scope=ALL_DOCUMENTS, where="peer")))
    first = conversations.all_turns["t1"].provenance
    assert (first.where, first.data_class) == (("here",), "documents")
    assert any(KEPT in note for note in first.notes)
    list(assistant.reply("c", "Put it in other words.", Stop(), Wish(where="peer")))
    second = conversations.all_turns["t3"].provenance
    assert (second.where, second.data_class) == (("here",), "documents"), "no document was looked into this time"
    assert peers.given == []
    peers.device = replace(DESK, takes_documents=True)
    list(assistant.reply("c", "Once more.", Stop(), Wish(where="peer")))
    assert peers.given[0][2] == "documents"


def test_without_a_model_here_a_device_answers(house, conversations):
    class NoModel(OneModel):
        def in_use(self):
            raise ModelMissing

    peers = OnePeer()
    assistant, _ = house(peers, models=NoModel())
    list(assistant.reply("c", "Hello", Stop()))
    assert conversations.all_turns["t1"].provenance.where == ("Desk", "here")
    assert peers.given == [(("d",), None, "words", False)]


def preview_of(flow):
    while True:
        try:
            next(flow)
        except StopIteration as end:
            assert isinstance(end.value, Preview)
            return end.value


def test_a_preview_shows_every_word_a_device_would_read_and_keeps_nothing(house, conversations):
    peers = OnePeer()
    assistant, _ = house(peers)
    list(assistant.reply("c", "Hello", Stop(), Wish(where="here")))
    turns, chat = dict(conversations.all_turns), conversations.get("c")
    preview = preview_of(assistant.preview(chat, "And now?", Stop(), Wish(where="peer")))
    assert preview.where == ("Desk",)
    assert [(one.role, one.text) for one in preview.messages] == [
        ("user", "Hello"), ("assistant", "From here."), ("user", "And now?"),
    ]  # fmt: skip
    assert preview.size == len("Hello") + len("From here.") + len("And now?")
    assert (preview.messages, peers.desk.prompts) == (tuple(peers.desk.shown), []), "shown what would be read, no more"
    assert conversations.all_turns == turns
    assert assistant.placed(chat, Wish(where="peer"))[0].devices == (DESK,)


def test_a_preview_of_what_stays_says_so(house, conversations):
    assistant, _ = house(OnePeer(), FewDocuments(LEASE))
    chat = conversations.get("c")
    wish = Wish(scope=ALL_DOCUMENTS, where="peer")
    preview = preview_of(assistant.preview(chat, "When does the lease end?", Stop(), wish))
    assert (preview.where, preview.data_class, preview.messages) == (("here",), "documents", ())
    assert assistant.placed(chat, wish) == (Placed(why=preview.why), "documents")


def test_a_device_with_the_same_model_is_compared_with_how_fast_it_went_here(house, conversations):
    fast = replace(SHELF, parameters=MODEL.parameters, tokens_per_s=10**9)
    assistant, _ = house(OnePeer(fast))
    chat = conversations.get("c")
    assert assistant.placed(chat, Wish())[0].devices == (), "nothing is known of this computer yet"
    assistant._makers.note_speed(MODEL.sha256, 50.0)
    assert assistant.placed(chat, Wish())[0].devices == (fast,)
