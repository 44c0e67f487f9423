"""One at a time at an engine, and the background behind everybody who waits."""

from __future__ import annotations

import threading

from freehold.engine.turns import Turns
from freehold.foundation.stop import Stop
from support.workers import wait_until


def test_whoever_comes_in_front_makes_the_background_step_back_and_goes_first():
    turns, order = Turns(), []
    has_begun, may_ask = threading.Event(), threading.Event()

    def background() -> None:
        for number in range(2):
            with turns.behind(Stop()) as way:
                order.append(f"check {number}")
                has_begun.set()
                if number == 0:
                    assert way.wait(20)
                    may_ask.wait(20)

    thread = threading.Thread(target=background)
    thread.start()
    has_begun.wait(20)
    assert not turns.is_taken
    may_ask.set()
    with turns.front(None) as is_mine:
        assert is_mine
        assert turns.is_taken
        order.append("answer")
    thread.join(20)
    assert order == ["check 0", "answer", "check 1"]


def test_nothing_begins_in_the_background_while_somebody_is_ahead_and_waiting_may_be_stopped():
    turns, stop, heard = Turns(), Stop(), []

    def background() -> None:
        with turns.behind(stop) as way:
            heard.append(way)

    with turns.ahead():
        thread = threading.Thread(target=background)
        thread.start()
        stop.set()
        thread.join(20)
    assert heard == [None]


def test_a_stop_of_the_background_reaches_what_it_was_given():
    turns, stop = Turns(), Stop()
    with turns.behind(stop) as way:
        assert not way.is_set()
        stop.set()
        assert way.is_set()
    with turns.behind(Stop()) as way:
        assert not way.is_set()


def test_the_turn_is_given_at_once_or_not_at_all():
    turns = Turns()
    with turns.behind(Stop()), turns.now() as is_mine:
        assert not is_mine
    with turns.now() as is_mine:
        assert is_mine
    with turns.front(Stop()) as is_mine:
        assert is_mine


def test_one_who_waits_in_front_may_give_up():
    turns, stop, heard = Turns(), Stop(), []

    def second() -> None:
        with turns.front(stop) as is_mine:
            heard.append(is_mine)

    with turns.front(None):
        thread = threading.Thread(target=second)
        thread.start()
        stop.set()
        wait_until(lambda: heard)
    thread.join(20)
    assert heard == [False]
    with turns.front(None) as is_mine:
        assert is_mine
