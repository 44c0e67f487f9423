"""What is read once is not read again, and the bookkeeping never disagrees with the model's memory."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.engine.cache import MOST_CHATS, WORTH_KEEPING, PromptCache, common


class Cells:
    """A model's memory: the ids that it has read. `trims` False is a model with a running state."""

    def __init__(self, *, trims: bool = True, restores: bool = True) -> None:
        self.trims, self.restores = trims, restores
        self.ids: list[int] = []
        self.copies = 0

    def trim(self, keep: int) -> bool:
        if keep == len(self.ids):
            return True
        self.ids = self.ids[:keep] if self.trims else []
        return self.trims

    def clear(self) -> None:
        self.ids = []

    def snapshot(self):
        self.copies += 1
        return np.frombuffer(np.array(self.ids, np.int32).tobytes(), np.uint8)

    def restore(self, state) -> bool:
        self.ids = np.frombuffer(state.tobytes(), np.int32).tolist() if self.restores else []
        return self.restores


def chat(number: int, length: int = 500) -> list[int]:
    return [0, *(number * 10_000 + place for place in range(length))]


def read(cache: PromptCache, cells: Cells, prompt: list[int], replayed: int = 0) -> int:
    """What an answer does: recall, then compute the rest. Returns how many tokens were computed."""
    reused = cache.recall(prompt, replayed)
    assert cells.ids == cache.ids == prompt[:reused]
    rest = prompt[reused:]
    assert rest, "the last token is always read again"
    begun = max(len(rest) - replayed, 0)
    for step in (rest[:begun], *([one] for one in rest[begun:])):
        cells.ids.extend(step)
        cache.add(step)
    return len(rest)


def made(**options) -> tuple[PromptCache, Cells]:
    cells = Cells(**options)
    return PromptCache(cells, budget=100_000, token_bytes=4), cells


def test_a_longer_prompt_of_the_same_chat_reads_only_the_rest():
    cache, cells = made()
    assert read(cache, cells, chat(1)) == 501
    assert read(cache, cells, [*chat(1), 7, 8]) == 2
    assert cells.copies == 0


def test_the_same_prompt_again_reads_its_last_token():
    cache, cells = made()
    read(cache, cells, chat(1))
    assert read(cache, cells, chat(1)) == 1


def test_returning_to_a_chat_left_before_reads_only_what_is_new():
    cache, cells = made()
    for number in (1, 2, 3):
        read(cache, cells, chat(number))
    assert read(cache, cells, [*chat(2), 7]) == 1
    assert read(cache, cells, [*chat(3), 7]) == 1
    assert read(cache, cells, [*chat(1), 7]) == 1
    assert read(cache, cells, [*chat(2), 7, 8]) == 1


def test_only_a_few_chats_are_kept_the_oldest_go_first():
    cache, cells = made()
    for number in range(1, MOST_CHATS + 3):
        read(cache, cells, chat(number))
    assert read(cache, cells, chat(1)) == 500
    assert read(cache, cells, chat(MOST_CHATS + 1)) == 1


def test_states_stay_within_their_budget():
    cells = Cells()
    cache = PromptCache(cells, budget=4 * 501 * 2, token_bytes=4)
    for number in range(1, 6):
        read(cache, cells, chat(number))
        assert cache.stashed <= 4 * 501 * 2
    assert read(cache, cells, chat(3)) == 1
    assert read(cache, cells, chat(1)) == 500


def test_a_chat_too_large_for_the_budget_is_not_copied():
    cells = Cells()
    cache = PromptCache(cells, budget=100, token_bytes=4)
    read(cache, cells, chat(1))
    read(cache, cells, chat(2))
    assert cells.copies == 0


def test_a_short_chat_is_not_worth_a_copy():
    cache, cells = made()
    read(cache, cells, chat(1, WORTH_KEEPING // 2))
    read(cache, cells, chat(2))
    assert cells.copies == 0


def test_a_model_that_cannot_trim_reads_everything_again():
    cache, cells = made(trims=False)
    read(cache, cells, chat(1))
    assert read(cache, cells, [*chat(1), 7]) == 1
    assert read(cache, cells, [*chat(1)[:-100], 7]) == 402


def test_a_state_that_cannot_be_restored_is_read_again():
    cache, cells = made(restores=False)
    read(cache, cells, chat(1))
    read(cache, cells, chat(2))
    assert read(cache, cells, chat(1)) == 501


def test_after_forgetting_nothing_is_reused_from_the_cells():
    cache, cells = made()
    read(cache, cells, chat(1))
    cache.forget()
    assert cells.ids == []
    assert read(cache, cells, chat(1)) == 501


def test_what_two_prompts_share_is_counted_from_the_start():
    assert common([1, 2, 3], [1, 2, 4, 5]) == 2
    assert common([1, 2], [1, 2, 3]) == 2
    assert common([], [1]) == 0
    assert common((9,), [1]) == 0


def test_of_an_answer_begun_elsewhere_only_what_was_computed_alone_is_known():
    cache, cells = made()
    answer = [7, 8, 9]
    read(cache, cells, [*chat(1), *answer])
    assert read(cache, cells, [*chat(1), *answer], replayed=3) == 3
    assert read(cache, cells, [*chat(1), *answer], replayed=3) == 1
    assert read(cache, cells, [*chat(1), *answer, 10], replayed=4) == 1


def test_an_answer_written_here_goes_on_from_its_own_cells_even_when_its_chat_was_left():
    cache, cells = made()
    read(cache, cells, chat(1))
    for one in (7, 8, 9):
        cells.ids.append(one)
        cache.add([one])
    read(cache, cells, chat(2))
    assert read(cache, cells, [*chat(1), 7, 8, 9, 10], replayed=4) == 1


ids = st.integers(0, 2)


@settings(max_examples=150, deadline=None)
@given(
    prompts=st.lists(st.tuples(st.lists(ids, min_size=1, max_size=12), st.integers(0, 12)), min_size=1, max_size=12),
    budget=st.sampled_from([0, 40, 400]),
    trims=st.booleans(),
    restores=st.booleans(),
)
def test_whatever_is_asked_in_whatever_order_the_cells_hold_the_prompt(prompts, budget, trims, restores):
    cells = Cells(trims=trims, restores=restores)
    cache = PromptCache(cells, budget=budget, token_bytes=4, worth=2)
    for prompt, replayed in prompts:
        read(cache, cells, prompt, min(replayed, len(prompt)))
        assert cells.ids == cache.ids == prompt
        assert cache.stashed <= budget
