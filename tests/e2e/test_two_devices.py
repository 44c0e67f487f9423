"""Two Freeholds on one machine, with every process there is: paired, asked, killed in the middle, forgotten."""

from __future__ import annotations

import os
import signal

import pytest

from freehold.app import build
from freehold.assistant.reply import Wish
from freehold.assistant.values import Answered, Words
from freehold.chats.values import Ending
from freehold.foundation.stop import Stop
from freehold.market import pairing
from freehold.processes.frames import unpack_ids
from support.steps import drained
from support.vaults import RAW_KEY, profile_in

pytestmark = pytest.mark.e2e
QUESTION = "Say hello in one sentence"


def opened_home(folder):
    house = build(profile_in(folder))
    house.vault.create(raw=RAW_KEY)
    return house


@pytest.fixture(scope="module")
def desks(tmp_path_factory):
    """One that shares its model, and one that was paired with it and may ask."""
    studio, desk = (opened_home(tmp_path_factory.mktemp(name)) for name in ("studio", "desk"))
    try:
        studio.keys.create()
        shared = studio.lending.start(0, host="127.0.0.1")
        steps = desk.peers.pair(shared.invite)
        words = [step for step in steps if isinstance(step, pairing.Words)]
        assert len(words[0].words) == 4
        desk.peers.turn("on")
        yield studio, desk
    finally:
        desk.close()
        studio.close()


def answer(desk, where, *, tokens=60, when=lambda words: None, stop=None):
    """The sealed turn; `when` is told each word as it comes."""
    chat, said, turn = desk.conversations.create(), [], None
    wish = Wish(where=where, sampling={"max_tokens": tokens, "seed": 7, "temperature": 0.9})
    for step in desk.assistant.reply(chat.id, QUESTION, stop or Stop(), wish):
        if isinstance(step, Words):
            said.append(step.text)
            when(said)
        turn = step.turn if isinstance(step, Answered) else turn
    return turn


def test_a_device_answers_and_what_it_signed_holds(desks, tmp_path):
    _, desk = desks
    (device,) = desk.peers.devices()
    turn = answer(desk, "peer")
    assert turn.ending in (Ending.COMPLETE, Ending.LENGTH)
    assert turn.provenance.where == (device.name,)
    (job,) = turn.provenance.jobs
    kept = desk.receipts.find(job)
    assert tuple(unpack_ids(kept.answer)) == turn.tokens
    desk.receipts.export(job, tmp_path / "one.receipt")
    verdict = drained(desk.receipts.verify(tmp_path / "one.receipt"))
    assert (verdict.valid, verdict.checked_tokens) == (True, len(turn.tokens))
    assert desk.peers.all()[0].score.answers == 1
    desk.conversations.erase(turn.chat)
    assert [one.receipt.job for one in desk.receipts.all()] == []


def test_stopping_ends_the_job_over_there_and_what_was_said_is_signed(desks):
    studio, desk = desks
    stop = Stop()
    turn = answer(desk, "peer", tokens=400, stop=stop, when=lambda said: len(said) < 5 or stop.set())
    assert turn.ending is Ending.STOPPED
    (job,) = turn.provenance.jobs
    receipt = desk.receipts.find(job).receipt
    assert (receipt.ending, receipt.tokens_out) == ("stopped", len(turn.tokens))
    assert studio.lending.status().jobs == ()


def test_killed_in_the_middle_it_goes_on_here_as_the_same_answer(desks):
    studio, desk = desks
    whole = answer(desk, "here")

    def kill(said):
        if len(said) == 8:
            os.kill(studio.lending._link.pid, signal.SIGKILL)

    turn = answer(desk, "peer", when=kill)
    assert turn.ending is whole.ending
    assert turn.provenance.where == (desk.peers.all()[0].device.name, "here")
    assert any("goes on" in note for note in turn.provenance.notes)
    assert turn.tokens == whole.tokens
    assert turn.text == whole.text
    assert desk.peers._books.jobs()[0].ending == "broken"


def test_forgetting_works_though_nobody_is_there_to_hear_it(desks):
    studio, desk = desks
    studio.lending.stop()
    device = desk.peers.all()[0].device
    assert desk.peers.forget(device.id) is False
    assert desk.peers.devices() == []
