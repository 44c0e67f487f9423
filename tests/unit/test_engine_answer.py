"""Reading and writing with a scripted model: endings, frames, whole characters, and what an abort leaves behind."""

from __future__ import annotations

import numpy as np
import pytest

from freehold.engine.answer import LEAST_STEP, MOST_STEP, Author, Pace
from freehold.engine.cache import PromptCache
from freehold.engine.values import Reading, Sampling
from freehold.foundation.errors import EngineStopped, PromptTooLong
from freehold.foundation.stop import Stop
from support.engines import drain, written

END = 0
COLD = Sampling(temperature=0.0, max_tokens=50)


class Flag:
    def __init__(self) -> None:
        self.is_up = False

    def raise_it(self) -> None:
        self.is_up = True

    def lower(self) -> None:
        self.is_up = False


class Scripted:
    """A model that wants to say `says` after a prompt, one id each; its cells can be looked at.

    `pieces` maps ids to bytes. `abort_at` is the number of the decode that is aborted, with `stop` set.
    """

    def __init__(self, says: list[int], pieces: dict[int, bytes], *, limit: int = 100, undo: bool = True) -> None:
        self.says, self.pieces, self.limit, self.can_undo = says, pieces, limit, undo
        self.flag, self.cells, self.decodes = Flag(), [], 0
        self.prompt, self.calls = 0, []
        self.abort_at: int | None = None
        self.stop = Stop()
        self.bad_at: int | None = None
        self.leads_with_space = False

    def decode(self, ids, scored=(-1,)) -> str:
        self.decodes += 1
        if self.decodes == self.abort_at:
            self.stop.set()
        if self.flag.is_up:
            return "aborted"
        self.cells.extend(ids)
        self.calls.append(len(ids))
        return "done"

    def logits(self):
        scores = np.zeros(300, np.float32)
        place = len(self.cells) - self.prompt
        scores[self.says[place] if place < len(self.says) else END] = 5.0
        if place == self.bad_at:
            scores[7] = np.nan
        return scores

    def trim(self, keep: int) -> bool:
        self.cells = self.cells[:keep]
        return True

    def clear(self) -> None:
        self.cells = []

    def snapshot(self):
        return np.empty(0, np.uint8)

    def restore(self, state) -> bool:
        return False

    def piece(self, number: int) -> bytes:
        return self.pieces.get(number, b"?")

    def is_end(self, number: int) -> bool:
        return number == END


PROMPT = (201, 202, 203)


def answer(model: Scripted, *, sampling: Sampling = COLD, prompt=PROMPT, parameters: int = 1, replayed: int = 0):
    model.prompt = len(prompt) - replayed
    cache = PromptCache(model, budget=0, token_bytes=1)
    author = Author(model, model, cache, Pace(parameters))
    steps, finished = drain(author.answer(prompt, sampling, model.stop, replayed))
    assert model.cells == cache.ids
    return steps, finished


def test_an_answer_ends_with_its_end_token_which_is_not_part_of_it():
    model = Scripted([1, 2], {1: b"Hel", 2: b"lo"})
    steps, finished = answer(model)
    assert written(steps) == ((1, 2), "Hello")
    assert (finished.ending, finished.tail) == ("complete", "")
    assert model.cells == [*PROMPT, 1, 2]


def test_the_first_token_travels_alone_and_the_next_ones_together():
    model = Scripted([*range(1, 41)], dict.fromkeys(range(1, 41), b"x"))
    steps, _ = answer(model)
    frames = [step.ids for step in steps if not isinstance(step, Reading)]
    assert frames[0] == (1,)
    assert len(frames) < 20
    assert [one for frame in frames for one in frame] == [*range(1, 41)]


def test_a_character_whose_bytes_come_in_pieces_arrives_whole():
    smile = "\U0001f600".encode()
    model = Scripted([1, 2, 3, 4], {1: smile[:1], 2: smile[1:3], 3: smile[3:], 4: b"!"})
    steps, _ = answer(model)
    assert written(steps)[1] == "\U0001f600!"


def test_bytes_that_are_no_character_are_shown_as_such():
    assert written(answer(Scripted([1, 2], {1: b"a\xff", 2: b"b"}))[0])[1] == "a\ufffdb"


def test_half_a_character_at_the_end_is_told_when_complete_and_held_back_when_cut():
    half = "\u00e9".encode()[:1]
    assert answer(Scripted([1], {1: half}))[1].tail == "\ufffd"
    cut = answer(Scripted([1, 1, 1], {1: half}), sampling=Sampling(temperature=0.0, max_tokens=1))[1]
    assert (cut.ending, cut.tail) == ("length", "")


def test_the_space_before_the_first_word_is_dropped_where_the_tokenizer_puts_one():
    model = Scripted([1, 1], {1: b" word"})
    model.leads_with_space = True
    assert written(answer(model)[0])[1] == "word word"


def test_an_answer_is_at_most_as_long_as_asked_and_its_last_token_is_not_computed():
    model = Scripted([1] * 20, {1: b"x"})
    steps, finished = answer(model, sampling=Sampling(temperature=0.0, max_tokens=3))
    assert (written(steps)[1], finished.ending) == ("xxx", "length")
    assert model.cells == [*PROMPT, 1, 1]


def test_an_answer_ends_where_the_context_does():
    model = Scripted([1] * 50, {1: b"x"}, limit=10)
    steps, finished = answer(model)
    assert finished.ending == "length"
    assert len(model.cells) == 10
    assert len(written(steps)[0]) == 8


@pytest.mark.parametrize("length", [10, 11, 50])
def test_a_prompt_that_leaves_no_room_for_an_answer_is_refused(length):
    with pytest.raises(PromptTooLong, match="9 fit"):
        answer(Scripted([1], {}, limit=10), prompt=tuple(range(100, 100 + length)))


def test_a_wish_while_reading_leaves_only_what_was_read_for_certain():
    model = Scripted([1], {1: b"x"}, limit=5000)
    model.abort_at = 3
    steps, finished = answer(model, prompt=tuple(number % 200 for number in range(2000)))
    assert (finished.ending, written(steps)[0]) == ("stopped", ())
    assert len(model.cells) == 2 * MOST_STEP


def test_a_wish_while_writing_keeps_every_token_that_was_told():
    model = Scripted([1] * 50, {1: b"x"})
    model.abort_at = 5
    steps, finished = answer(model)
    assert finished.ending == "stopped"
    assert written(steps)[0] == (1, 1, 1, 1)
    assert model.cells == [*PROMPT, 1, 1, 1]


def test_a_model_with_a_running_state_forgets_everything_after_an_abort():
    model = Scripted([1] * 50, {1: b"x"}, undo=False)
    model.abort_at = 5
    assert answer(model)[1].ending == "stopped"
    assert model.cells == []


def test_scores_that_are_not_numbers_end_the_answer_and_are_not_built_on():
    model = Scripted([1] * 50, {1: b"x"})
    model.bad_at = 3
    with pytest.raises(EngineStopped, match="not numbers"):
        answer(model)
    assert model.cells == []


def test_reading_is_told_step_by_step():
    model = Scripted([], {}, limit=5000)
    steps, _ = answer(model, prompt=tuple(number % 200 for number in range(1200)))
    assert [step.done for step in steps if isinstance(step, Reading)] == [0, 512, 1024, 1200]


def test_an_answer_begun_elsewhere_is_computed_one_by_one_and_its_text_goes_on():
    smile = "\U0001f600".encode()
    model = Scripted([1, 2, 3, 4], {1: b" no ", 2: smile[:2], 3: smile[2:], 4: b"!"})
    model.leads_with_space = True
    steps, finished = answer(model, prompt=(*PROMPT, 1, 2), replayed=2)
    assert model.calls == [3, 1, 1, 1, 1]
    assert written(steps) == ((3, 4), "\U0001f600!")
    assert finished.ending == "complete"


def test_a_wish_while_an_answer_is_replayed_ends_it():
    model = Scripted([1], {1: b"x"}, limit=5000)
    model.abort_at = 30
    steps, finished = answer(model, prompt=(*PROMPT, *[1] * 100), replayed=100)
    assert (finished.ending, written(steps)[0]) == ("stopped", ())
    assert model.cells == [*PROMPT, *[1] * 28]


def test_large_models_begin_with_small_steps_and_the_pace_follows_the_machine():
    assert Pace(135_000_000).step == MOST_STEP
    pace = Pace(32_000_000_000)
    assert pace.step == LEAST_STEP
    pace.learn(64, 0.1)
    assert pace.step == 128
    pace.learn(128, 0.1)
    pace.learn(256, 0.1)
    pace.learn(512, 0.1)
    assert pace.step == MOST_STEP
    pace.learn(512, 5.0)
    assert pace.step == 102
    pace.learn(3, 100.0)
    assert pace.step == 102
    pace.learn(102, 1000.0)
    assert pace.step == LEAST_STEP


@pytest.mark.parametrize("parameters", [1, 7_000_000_000, 70_000_000_000])
def test_no_call_of_a_long_prompt_is_short_and_none_is_too_long(parameters):
    pace = Pace(parameters)
    for length in range(1, 1500):
        calls, left = [], length
        while left:
            calls.append(pace.next(left))
            left -= calls[-1]
        assert min(calls) >= min(length, LEAST_STEP)
        assert max(calls) <= MOST_STEP
