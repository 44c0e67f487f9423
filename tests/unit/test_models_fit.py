"""Whether a model fits this machine, and which one to begin with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.engine import catalogue
from freehold.engine.fit import USUAL_CONTEXT, judge, memory_needed, tokens_per_second
from freehold.engine.listing import Unread, first_choice
from freehold.engine.machine import Machine, read_machine

OFFERED = catalogue.load()
GB = 1_000_000_000


def machine(memory, cores=8, available=None, gpu_memory=None):
    return Machine(memory, memory * 3 // 4 if available is None else available, cores, "", gpu_memory)


sizes = st.builds(
    Unread,
    weights=st.integers(1, 200 * GB),
    architecture=st.sampled_from(["llama", "gemma3", "qwen2"]),
    window=st.sampled_from([0, 512, 4096]),
    context=st.sampled_from([0, 2048, 8192, 131_072]),
    vocabulary=st.integers(0, 300_000),
)
machines = st.builds(
    Machine,
    memory=st.integers(GB // 2, 512 * GB),
    available=st.integers(0, 512 * GB),
    cores=st.integers(1, 128),
    gpu=st.just(""),
    gpu_memory=st.none() | st.integers(0, 192 * GB),
)
RANK = {"no": 0, "slow": 1, "fits": 2}


def fit_of(entry, here):
    return judge(memory_needed(entry, USUAL_CONTEXT), entry.weights, here)


@given(sizes, st.integers(1, 200_000), st.integers(1, 200_000))
def test_more_context_never_needs_less_memory(size, one, other):
    low, high = sorted((one, other))
    assert size.weights < memory_needed(size, low) <= memory_needed(size, high)


@given(sizes, st.integers(1, 500_000))
def test_a_context_beyond_the_model_s_own_costs_nothing_more(size, context):
    if size.context:
        assert memory_needed(size, size.context + context) == memory_needed(size, size.context)


@given(sizes, machines, st.integers(0, 64 * GB), st.integers(0, 64))
def test_a_better_machine_never_makes_the_fit_worse(size, here, more, cores):
    needed = memory_needed(size, USUAL_CONTEXT)
    better = replace(here, memory=here.memory + more, available=here.available + more, cores=here.cores + cores)
    assert RANK[judge(needed, size.weights, better)] >= RANK[judge(needed, size.weights, here)]


@given(sizes, machines)
def test_what_fits_leaves_memory_for_everything_else(size, here):
    needed = memory_needed(size, USUAL_CONTEXT)
    if judge(needed, size.weights, replace(here, gpu_memory=None)) != "no":
        assert needed < here.memory


def test_the_starter_needs_about_what_was_measured():
    """llama.cpp said: weights 92 MiB, cache 180 MiB, compute buffers 98 MiB; the process took 383 MB in all."""
    assert 350_000_000 < memory_needed(OFFERED.starter, 8192) < 600_000_000


def test_a_sliding_window_makes_the_cache_of_a_long_chat_smaller():
    gemma = OFFERED.entry("gemma-3-12b")
    assert gemma is not None
    full = replace(gemma, window=0)
    assert memory_needed(gemma, 32_768) < memory_needed(full, 32_768) - 5 * GB
    assert memory_needed(gemma, 1000) == memory_needed(full, 1000)


def test_a_model_larger_than_memory_does_not_fit():
    large = OFFERED.entry("qwen2.5-32b")
    assert large is not None
    assert fit_of(large, machine(16 * GB)) == "no"
    assert fit_of(large, machine(64 * GB, cores=16)) == "slow"
    assert fit_of(large, machine(16 * GB, gpu_memory=48 * GB)) == "fits"


def test_a_model_that_would_crowd_out_what_runs_now_is_slow():
    middle = OFFERED.entry("qwen2.5-7b")
    assert middle is not None
    assert fit_of(middle, machine(8 * GB, cores=16, available=7 * GB)) == "fits"
    assert fit_of(middle, machine(8 * GB, cores=16, available=2 * GB)) == "slow"


def test_few_cores_make_a_large_model_slow():
    middle = OFFERED.entry("qwen2.5-7b")
    assert middle is not None
    assert tokens_per_second(middle.weights, machine(32 * GB, cores=2)) < 3
    assert fit_of(middle, machine(32 * GB, cores=2)) == "slow"
    assert fit_of(middle, machine(32 * GB, cores=8)) == "fits"


@pytest.mark.parametrize(
    ("memory", "cores", "expected"),
    [
        (2 * GB, 2, "qwen2.5-1.5b"),
        (4 * GB, 2, "qwen2.5-1.5b"),
        (8 * GB, 4, "qwen3-4b"),
        (16 * GB, 8, "qwen2.5-7b"),
        (16 * GB, 2, "qwen3-4b"),
        (64 * GB, 16, "qwen2.5-7b"),
        (512 * GB, 128, "qwen2.5-7b"),
    ],
)
def test_the_first_choice_follows_memory_and_pace(memory, cores, expected):
    assert first_choice(OFFERED.entries, machine(memory, cores)).id == expected


def test_this_machine_can_be_read():
    here = read_machine()
    assert here.memory > 100_000_000
    assert 0 <= here.available <= here.memory
    assert here.cores >= 1


def test_a_container_s_limit_counts_as_its_memory(tmp_path):
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("500000000\n")
    (group / "memory.current").write_text("200000000\n")
    here = read_machine(tmp_path)
    assert (here.memory, here.available) == (500_000_000, 300_000_000)
    (group / "memory.max").write_text("max\n")
    assert read_machine(tmp_path).memory > 500_000_000


def test_a_graphics_card_is_named_where_its_driver_tells(tmp_path):
    card = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t Example GPU 9000\nIRQ: 5\n")
    assert read_machine(tmp_path).gpu == "Example GPU 9000"
