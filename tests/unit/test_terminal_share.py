"""What `freehold share` says, with sharing played by a fake."""

from __future__ import annotations

import threading

import pytest

from freehold.foundation.errors import KeyMissing, VaultLocked
from freehold.foundation.paths import Profile
from freehold.market.lending.shared import Happened, LentJob, Shared, Status
from support.terminals import PASSPHRASE, House, MemoryVault, Terminal
from support.workers import wait_until

DEVICE = "0x" + "ab" * 20


class PlainLending:
    """Sharing that happens in memory. `happen` and `jobs` are what a gateway would tell."""

    def __init__(self) -> None:
        self.is_wanted = self.is_on = False
        self.jobs: tuple[LentJob, ...] = ()
        self.code, self.codes, self.recovered = "", 0, 0
        self.told: list[Happened] = []
        self.asked: tuple[int, str] = (0, "")

    def start(self, port, *, host="", stop=None):
        self.asked = (port, host)
        self.is_wanted = self.is_on = True
        return self.new_code()

    def stop(self):
        was_on, self.is_wanted, self.is_on = self.is_on, False, False
        return was_on

    def status(self):
        if not self.is_on:
            return Status()
        return Status(True, "192.168.1.5:47017", "Qwen3", True, self.jobs, 1, 20.0, 300.0, self.code,
                      f"freehold://pair?code={self.code}", 600.0 if self.code else 0.0, 3)  # fmt: skip

    def new_code(self):
        self.codes += 1
        self.code = f"{self.codes:06}"
        return Shared("192.168.1.5:47017", self.code, f"freehold://pair?code={self.code}", 600.0)

    def name_of(self, device):
        return "laptop"

    def news(self, since=0):
        return [one for one in self.told if one.number > since]

    def happen(self, kind, **more):
        self.told.append(Happened(len(self.told) + 1, kind, DEVICE, "laptop", **more))

    def recover(self):
        self.recovered += 1

    def hand_over(self):
        return None


@pytest.fixture
def lending():
    return PlainLending()


@pytest.fixture
def terminal(tmp_path, lending):
    return Terminal(House(Profile(tmp_path / "home"), vault=MemoryVault("locked"), lending=lending), tmp_path)


class Running:
    """`share start` on a thread, until `end`."""

    def __init__(self, terminal, *argv):
        self._terminal, self.said = terminal, None
        self._thread = threading.Thread(target=self._run, args=argv)
        self._thread.start()

    def _run(self, *argv):
        self.said = self._terminal.run("share", "start", *argv, given={"passphrase": PASSPHRASE})

    def end(self):
        self._terminal.stop.set()
        self._thread.join(30)
        return self.said


def test_starting_tells_where_and_how_to_pair_and_stays_until_it_is_stopped(terminal, lending):
    running = Running(terminal)
    wait_until(lambda: lending.is_on)
    said = running.end()
    assert said.code == 130
    assert "Qwen3 answers paired devices at 192.168.1.5:47017." in said.out
    assert "within 10 minutes: 000001" in said.out
    assert not lending.is_on
    assert lending.asked == (47017, "")


def test_programs_get_one_document_whatever_happens_afterwards(terminal, lending):
    running = Running(terminal, "--port", "5000", "--host", "127.0.0.1", "--json")
    wait_until(lambda: lending.is_on)
    lending.happen("paired", words=("orbit", "velvet", "candle", "north"))
    lending.code = ""
    wait_until(lambda: lending.code)
    said = running.end()
    assert said.json == {
        "address": "192.168.1.5:47017", "code": "000001", "invite": "freehold://pair?code=000001",
    }  # fmt: skip
    assert lending.asked == (5000, "127.0.0.1")


def test_who_pairs_and_who_is_answered_is_shown_and_a_new_code_when_one_is_used_up(terminal, lending):
    running = Running(terminal)
    wait_until(lambda: lending.is_on)
    lending.happen("paired", words=("orbit", "velvet", "candle", "north"))
    lending.jobs = (LentJob("j1", DEVICE, "running", 10, 5),)
    lending.code = ""
    wait_until(lambda: lending.code)
    lending.happen("job", tokens_out=128, ending="stopped")
    lending.happen("unpaired")
    lending.happen("anew")
    said = running.end()
    assert "laptop was paired. Its screen must show the same words: orbit velvet candle north" in said.err
    assert "Answering laptop." in said.err
    assert "laptop was answered with 128 tokens (stopped)." in said.err
    assert "laptop is paired no longer" in said.err
    assert "started anew" in said.err
    assert "A new code to pair a device with: 000002" in said.err


def test_sharing_that_ends_by_itself_ends_the_command(terminal, lending):
    running = Running(terminal)
    wait_until(lambda: lending.is_on)
    lending.happen("ended")
    lending.is_wanted = lending.is_on = False
    running._thread.join(30)
    assert running.said.code == 0
    assert "Sharing has ended by itself." in running.said.err


def test_stopping_and_asking_where_nothing_is_shared(terminal):
    assert terminal.run("share", "stop", "--json").json == {"stopped": False}
    said = terminal.run("share", "status", "--json").json
    assert (said["on"], said["jobs"], said["code"]) == (False, [], "")
    assert terminal.run("share", "status").out == "Nothing is shared.\n"


def test_the_standing_in_words(terminal, lending):
    lending.start(1)
    lending.jobs = (LentJob("j1", DEVICE, "running", 10, 5),)
    said = terminal.run("share", "status")
    assert said.out == (
        "Qwen3 is shared at 192.168.1.5:47017: 1 answer open, 1 waiting, 3 given.\n"
        "The code to pair a device with: 000001\n"
    )


@pytest.mark.parametrize("error", [KeyMissing(), VaultLocked()])
def test_what_keeps_it_from_sharing_is_told(terminal, lending, error):
    def refuse(*_, **__):
        raise error

    lending.start = refuse
    said = terminal.run("share", "start", "--json", given={"passphrase": PASSPHRASE})
    assert (said.code, said.error) == (3, error.code)
