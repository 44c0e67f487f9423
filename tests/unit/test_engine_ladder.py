"""What is tried when a model does not load, in which order, and in which words."""

from __future__ import annotations

from freehold.engine.ladder import Rung, gentle, rungs


def plain(made) -> list[tuple[int, int]]:
    return [(rung.context, rung.gpu_layers) for rung in made]


def test_first_as_asked_then_less_of_the_card_then_the_processor_then_smaller_contexts():
    assert plain(rungs(context=16384, gpu_layers=-1, layers=32)) == [
        (16384, -1), (16384, 16), (16384, 0), (8192, 0), (4096, 0), (2048, 0),
    ]  # fmt: skip


def test_without_a_graphics_card_only_the_context_shrinks():
    assert plain(rungs(context=8192, gpu_layers=0, layers=32)) == [(8192, 0), (4096, 0), (2048, 0)]


def test_a_small_context_is_left_as_it_is():
    assert plain(rungs(context=512, gpu_layers=0, layers=32)) == [(512, 0)]


def test_a_context_that_is_no_power_of_two_ends_at_the_smallest_too():
    assert plain(rungs(context=5000, gpu_layers=0, layers=32))[-1] == (2048, 0)


def test_one_layer_has_no_half():
    assert plain(rungs(context=2048, gpu_layers=1, layers=32)) == [(2048, 1), (2048, 0)]
    assert plain(rungs(context=2048, gpu_layers=99, layers=32))[1] == (2048, 16)


def test_each_step_after_the_first_says_what_it_is():
    first, *others = rungs(context=8192, gpu_layers=-1, layers=32)
    assert first.words == ""
    assert others[0].words == "Trying with 16 of 32 layers on the graphics card."
    assert others[-1].words == "Trying with a smaller context of 2,048 tokens."
    assert all(rung.words for rung in others)


def test_a_model_that_ended_the_engine_is_tried_with_care():
    rung = gentle(8192)
    assert (rung.context, rung.gpu_layers) == (2048, 0)
    assert gentle(512) == Rung(512, 0, rung.words)
    assert "ended the engine" in rung.words
