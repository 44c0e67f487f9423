"""One message from start to finish: the question first, every word kept, how it ended told."""

import time

import pytest

from freehold.assistant.reply import Assistant, Wish
from freehold.assistant.saving import EVERY_SECONDS
from freehold.assistant.values import Answered, Asked, Began, LeftOut, Notice, Reading, Words
from freehold.chats.values import Ending, Role
from freehold.engine.values import LoadingStopped
from freehold.foundation.errors import DiskFull, EngineStopped, ModelMissing, PromptTooLong
from freehold.foundation.settings import SettingsFile
from freehold.foundation.stop import Stop
from support.answering import MODEL, MemoryConversations, OneModel, PlainPrivate, ScriptedEngine, librarian


@pytest.fixture
def conversations():
    return MemoryConversations()


@pytest.fixture
def assistant_of(conversations, tmp_path):
    def make(engine, **private):
        return Assistant(
            conversations, engine, OneModel(), SettingsFile(tmp_path / "settings.json"), PlainPrivate(private),
            librarian=librarian(conversations),
        )  # fmt: skip

    return make


def until_error(flow, kind):
    """The steps up to the error that ends the flow."""
    steps = []
    with pytest.raises(kind):
        for step in flow:
            steps.append(step)  # noqa: PERF402 - the steps before the error are what we want
    return steps


def test_the_question_is_saved_before_the_model_is_even_looked_for(assistant_of, conversations):
    flow = assistant_of(ScriptedEngine("Hi")).reply("c", "Hello there", Stop())
    assert next(flow) == Asked(conversations.all_turns["t0"])
    assert conversations.all_turns["t0"].text == "Hello there"
    flow.close()


def test_an_answer_is_kept_with_its_ending_tokens_and_provenance(assistant_of, conversations):
    steps = list(assistant_of(ScriptedEngine("Good ", "day.")).reply("c", "Hello", Stop(), Wish(sampling={"seed": 7})))
    answer = conversations.all_turns["t1"]
    assert steps[-1] == Answered(answer)
    assert (answer.text, answer.ending, answer.tokens) == ("Good day.", Ending.COMPLETE, (0, 1))
    made = answer.provenance
    assert made is not None
    assert (made.where, made.model, made.model_sha256, made.seed) == (("here",), "Tiny", MODEL.sha256, 7)
    assert (made.tokens, made.context.tokens, made.context.limit) == (2, 4, 100)
    assert made.sampler["temperature"] == 0.7
    assert made.notes == ("Loaded on the processor.",)


def test_before_the_first_word_it_is_written_down_where_and_by_which_model_and_seed(assistant_of, conversations):
    flow = assistant_of(ScriptedEngine("Good ", "day.")).reply("c", "Hello", Stop(), Wish(sampling={"seed": 7}))
    while not isinstance(next(flow), Reading):
        pass
    unsealed = conversations.all_turns["t1"]
    assert unsealed.ending is None, "a kill now would leave it so"
    made = unsealed.provenance
    assert (made.where, made.model, made.model_sha256, made.seed) == (("here",), "Tiny", MODEL.sha256, 7)
    assert (made.context.tokens, made.context.limit, made.tokens) == (4, 100, 0)
    assert made.notes == ("Loaded on the processor.",)
    flow.close()


def test_the_chat_takes_its_title_from_its_first_question(assistant_of, conversations):
    list(assistant_of(ScriptedEngine("Hi")).reply("c", "When does the lease end?\nIt matters.", Stop()))
    list(assistant_of(ScriptedEngine("Hi")).reply("c", "And then?", Stop()))
    assert conversations.chats["c"].title == "When does the lease end?"


def test_an_answer_cut_short_by_a_crash_is_still_kept(assistant_of, conversations):
    engine = ScriptedEngine("Hel", EngineStopped("killed"))
    steps = until_error(assistant_of(engine).reply("c", "hi", Stop()), EngineStopped)
    answer = conversations.all_turns["t1"]
    assert steps[-1] == Answered(answer)
    assert (answer.text, answer.ending) == ("Hel", Ending.BROKEN)
    assert answer.error is not None
    assert answer.error["code"] == "engine-stopped"


def test_stop_seals_what_was_said_so_far(assistant_of, conversations):
    stop = Stop()
    for step in assistant_of(ScriptedEngine("One ", "two ", "three")).reply("c", "count", stop):
        if isinstance(step, Words):
            stop.set()
    answer = conversations.all_turns["t1"]
    assert (answer.text, answer.ending) == ("One ", Ending.STOPPED)


def test_stopping_while_the_model_loads_is_a_stop_and_no_failure(assistant_of, conversations):
    class Reluctant(ScriptedEngine):
        def prepare(self, model, **_):
            yield Notice("Trying with less.")
            raise LoadingStopped

    list(assistant_of(Reluctant("never")).reply("c", "hi", Stop()))
    assert conversations.all_turns["t1"].ending is Ending.STOPPED


def test_a_flow_that_is_dropped_leaves_a_sealed_answer(assistant_of, conversations):
    flow = assistant_of(ScriptedEngine("One ", "two")).reply("c", "count", Stop())
    while not isinstance(next(flow), Words):
        pass
    flow.close()
    answer = conversations.all_turns["t1"]
    assert (answer.text, answer.ending) == ("One ", Ending.STOPPED)


def test_a_disk_that_fills_while_answering_ends_the_answer_in_words(assistant_of, conversations):
    conversations.full = DiskFull("the vault")
    until_error(assistant_of(ScriptedEngine("One ", "two")).reply("c", "count", Stop()), DiskFull)
    assert conversations.all_turns["t0"].text == "count"
    assert conversations.all_turns["t1"].ending is Ending.BROKEN


def test_an_answer_that_cannot_be_saved_leaves_the_engine_free_at_once(assistant_of, conversations):
    engine = ScriptedEngine("One ", "two ", "three")
    flow = assistant_of(engine).reply("c", "count", Stop())
    conversations.full = DiskFull("the vault")
    kept = None
    try:
        for step in flow:
            if isinstance(step, Words):
                time.sleep(2 * EVERY_SECONDS)  # the saver meets the full disk between two words
    except DiskFull as error:
        kept = error  # whoever shows the error keeps it, and its frames, alive
    assert kept is not None
    assert not engine.is_busy


def test_a_missing_model_breaks_the_answer_and_keeps_the_question(assistant_of, conversations):
    flow = assistant_of(ScriptedEngine("Hi")).reply("c", "hi", Stop(), Wish(model="gone"))
    until_error(flow, ModelMissing)
    assert conversations.all_turns["t1"].provenance is None
    assert conversations.all_turns["t1"].ending is Ending.BROKEN


def test_retry_answers_the_same_question_beside_the_first_answer(assistant_of, conversations):
    assistant = assistant_of(ScriptedEngine("Hi"))
    list(assistant.reply("c", "hello", Stop()))
    list(assistant.retry("t1", Stop()))
    assert [conversations.all_turns[t].parent for t in ("t1", "t2")] == ["t0", "t0"]
    assert conversations.chats["c"].leaf == "t2"


def test_a_question_left_alone_by_a_crash_can_be_answered(assistant_of, conversations):
    conversations.ask("c", "hello", None)
    list(assistant_of(ScriptedEngine("Hi")).retry("t0", Stop()))
    assert conversations.all_turns["t1"].parent == "t0"


def test_editing_a_question_makes_a_branch_and_keeps_the_old_one(assistant_of, conversations):
    assistant = assistant_of(ScriptedEngine("Hi"))
    list(assistant.reply("c", "helo", Stop()))
    list(assistant.edit("t0", "hello", Stop()))
    assert [turn.text for turn in conversations.branch("c")] == ["hello", "Hi"]
    assert conversations.all_turns["t0"].text == "helo"


def test_the_chats_own_instructions_come_before_the_general_ones(assistant_of, conversations):
    engine = ScriptedEngine("Oui")
    assistant = assistant_of(engine, system_prompt="Be brief.")
    list(assistant.reply("c", "hello", Stop()))
    assert engine.shown[0].text == "Be brief."
    chat = conversations.chats["c"]
    conversations.chats["c"] = type(chat).from_wire({**chat.to_wire(), "system_prompt": "Speak French."})
    list(assistant.reply("c", "hello", Stop()))
    assert engine.shown[0].text == "Speak French."


def test_a_chat_that_outgrows_the_context_says_what_was_left_out(assistant_of, conversations):
    engine = ScriptedEngine("word " * 9, limit=60)
    assistant = assistant_of(engine)
    told = []
    for number in range(12):
        told += [s for s in assistant.reply("c", f"question {number} of many", Stop()) if isinstance(s, LeftOut)]
    assert told
    assert told[-1].turns % 2 == 0
    assert engine.shown[0].role == "user"
    assert conversations.branch("c")[-1].provenance.context.dropped_turns == told[-1].turns
    assert len(engine.prompts[-1]) <= 60 - 15
    dropped = [step.turns for step in told]
    assert dropped == sorted(dropped)
    assert len(set(dropped)) < len(dropped), "what is left out stays the same for some turns"


def test_a_message_longer_than_the_context_is_refused_in_words(assistant_of, conversations):
    until_error(assistant_of(ScriptedEngine("Hi", limit=20)).reply("c", "long " * 50, Stop()), PromptTooLong)
    assert conversations.all_turns["t1"].error["code"] == "prompt-too-long"


def test_the_meter_counts_the_last_prompt_and_its_answer(assistant_of):
    assistant = assistant_of(ScriptedEngine("Good ", "day."))
    assert assistant.measure("c").tokens == 0
    list(assistant.reply("c", "Hello", Stop()))
    assert (assistant.measure("c").tokens, assistant.measure("c").limit) == (6, 100)


def test_steps_come_in_the_order_a_person_sees_them(assistant_of):
    kinds = [type(step) for step in assistant_of(ScriptedEngine("Hi")).reply("c", "hello", Stop())]
    assert kinds[:2] == [Asked, Began]
    assert kinds.index(Notice) < kinds.index(Words)
    assert kinds[-1] is Answered


def test_what_was_asked_is_what_the_model_is_shown(assistant_of, conversations):
    engine = ScriptedEngine("Hi")
    list(assistant_of(engine).reply("c", "hello", Stop()))
    assert [(m.role, m.text) for m in engine.shown] == [("user", "hello")]
    assert conversations.all_turns["t0"].role is Role.USER
