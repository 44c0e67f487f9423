"""One writer per profile, and the socket on which it serves later commands."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.foundation.errors import ProfileBusy, ProfileUnusable, WorkerStopped
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.processes.holder import Holder, ask_holder
from support.workers import wait_until

HOLD = """
import sys, time
from pathlib import Path
from freehold.foundation.errors import ProfileBusy
from freehold.foundation.paths import Profile
from freehold.processes.holder import Holder
profile = Profile(Path(sys.argv[1]))
profile.prepare()
holder = Holder(profile)
try:
    holder.claim()
except ProfileBusy:
    print("busy", flush=True)
    sys.exit(3)
{then}
print("held", flush=True)
sys.stdin.read()
"""


def start_holder(profile: Profile, then: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD.format(then=then), str(profile.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile(tmp_path / "home")
    profile.prepare()
    return profile


@pytest.fixture
def holder(profile: Profile) -> Iterator[Holder]:
    holder = Holder(profile)
    holder.claim()
    yield holder
    holder.release()


def ask(profile: Profile, request: dict, stop: Stop | None = None) -> list[dict]:
    return list(ask_holder(profile, request, stop or Stop()))


def count(request, reply, stop):
    for number in range(request["last"]):
        reply({"part": number})
    reply({"done": True})


def test_the_second_claim_is_refused_until_the_first_is_released(profile, holder):
    second = Holder(profile)
    with pytest.raises(ProfileBusy):
        second.claim()
    assert holder.is_held
    assert not second.is_held
    holder.release()
    second.claim()
    second.release()


def test_a_claim_is_released_by_death_however_it_came(profile):
    first = start_holder(profile)
    assert first.stdout.readline() == "held\n"
    second = Holder(profile)
    with pytest.raises(ProfileBusy):
        second.claim()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    second.claim()
    second.release()


def test_of_twenty_that_start_at_once_exactly_one_holds_the_profile(profile):
    started = [start_holder(profile) for _ in range(20)]
    said = sorted(process.stdout.readline().strip() for process in started)
    for process in started:
        process.communicate()
    assert said == ["busy"] * 19 + ["held"]


def test_a_profile_that_cannot_be_locked_says_so_in_words(tmp_path):
    with pytest.raises(ProfileUnusable, match="No such file"):
        Holder(Profile(tmp_path / "nowhere")).claim()


def test_claiming_clears_what_a_killed_process_left_half_done(profile):
    (profile.vault / ".header.a.x1.unfinished").write_text("an old key slot")
    (profile.home / ".settings.json.x2.unfinished").write_text("{")
    (profile.scratch / "deep").mkdir()
    (profile.scratch / "deep" / "page.txt").write_text("page")
    (profile.vault / "vault.db").write_text("stays")
    holder = Holder(profile)
    holder.claim()
    holder.release()
    left = sorted(str(path.relative_to(profile.home)) for path in profile.home.rglob("*") if path.is_file())
    assert left == ["lock", "vault/vault.db"]
    assert profile.scratch.is_dir()


def test_frames_stream_to_the_caller_and_end(profile, holder):
    holder.serve(count)
    assert ask(profile, {"last": 3}) == [{"part": 0}, {"part": 1}, {"part": 2}, {"done": True}]


def test_several_commands_are_served_at_once(profile, holder):
    meeting = threading.Barrier(4, timeout=10)

    def meet(_request, reply, _stop):
        meeting.wait()
        reply({"done": True})

    holder.serve(meet)
    answers: list[list[dict]] = []
    callers = [threading.Thread(target=lambda: answers.append(ask(profile, {}))) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)
    assert answers == [[{"done": True}]] * 4


def test_the_caller_s_stop_reaches_the_handler(profile, holder):
    def until_stopped(_request, reply, stop):
        reply({"part": "started"})
        assert stop.wait(10)
        reply({"done": "stopped"})

    holder.serve(until_stopped)
    stop = Stop()
    frames = ask_holder(profile, {}, stop)
    assert next(frames) == {"part": "started"}
    stop.set()
    assert list(frames) == [{"done": "stopped"}]


def test_a_stop_set_before_the_request_reaches_the_handler_too(profile, holder):
    holder.serve(lambda _request, reply, stop: reply({"done": stop.wait(10)}))
    stop = Stop()
    stop.set()
    assert ask(profile, {}, stop) == [{"done": True}]


def test_a_caller_that_hangs_up_sets_the_handler_s_stop(profile, holder):
    stopped = threading.Event()

    def until_stopped(_request, reply, stop):
        reply({"part": 1})
        if stop.wait(10):
            stopped.set()

    holder.serve(until_stopped)
    frames = ask_holder(profile, {}, Stop())
    next(frames)
    frames.close()
    assert stopped.wait(10)


def test_a_handler_that_talks_to_a_caller_who_is_gone_is_told_to_stop(profile, holder):
    stopped = threading.Event()

    def talk(_request, reply, stop):
        while not stop.is_set():
            reply({"part": "x" * 1000})
        stopped.set()

    holder.serve(talk)
    frames = ask_holder(profile, {}, Stop())
    next(frames)
    frames.close()
    assert stopped.wait(10)


def test_nobody_to_ask_is_told_as_a_busy_profile(profile, holder):
    with pytest.raises(ProfileBusy):
        ask(profile, {})


def test_a_socket_left_by_a_killed_holder_is_in_nobody_s_way(profile):
    first = start_holder(profile, "holder.serve(lambda request, reply, stop: None)")
    assert first.stdout.readline() == "held\n"
    first.kill()
    first.communicate()
    assert profile.socket.exists()
    with pytest.raises(ProfileBusy):
        ask(profile, {})
    holder = Holder(profile)
    holder.claim()
    holder.serve(count)
    assert ask(profile, {"last": 0}) == [{"done": True}]
    holder.release()
    assert not profile.socket.exists()


def test_a_holder_that_dies_half_way_is_told_not_taken_for_an_end(profile):
    serve = "holder.serve(lambda request, reply, stop: (reply({'part': 1}), stop.wait(60)))"
    with start_holder(profile, serve) as first:
        assert first.stdout.readline() == "held\n"
        frames = ask_holder(profile, {}, Stop())
        assert next(frames) == {"part": 1}
        first.kill()
        with pytest.raises(WorkerStopped, match="went away"):
            next(frames)


def test_a_very_long_path_to_the_profile_is_served_all_the_same(tmp_path):
    profile = Profile(tmp_path / "/".join(["a-folder-with-a-long-name"] * 8))
    profile.prepare()
    assert len(str(profile.socket)) > 200
    holder = Holder(profile)
    holder.claim()
    holder.serve(count)
    assert ask(profile, {"last": 1}) == [{"part": 0}, {"done": True}]
    holder.release()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b'{"half', b"\xff\n"])
def test_a_caller_who_talks_junk_is_hung_up_on_and_others_are_served(profile, holder, said):
    holder.serve(count)
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(10)
        caller.connect(str(profile.socket))
        caller.sendall(said)
        caller.shutdown(socket.SHUT_WR)
        assert caller.recv(100) == b""
    assert ask(profile, {"last": 0}) == [{"done": True}]


def test_the_socket_and_the_lock_are_the_owner_s_alone(profile, holder):
    holder.serve(count)
    assert stat.S_IMODE(profile.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(profile.lock.stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_is_refused_even_where_the_file_modes_would_let_them_in(profile, holder):
    asked = []
    holder.serve(lambda request, reply, stop: asked.append(request))
    profile.home.chmod(0o711)
    profile.socket.chmod(0o666)
    as_nobody = (
        "import os, socket, sys; os.chdir(sys.argv[1]); os.setgid(65534); os.setuid(65534);"
        "s = socket.socket(socket.AF_UNIX); s.connect('socket'); s.sendall(b'{}\\n');"
        "sys.stdout.write(repr(s.recv(100)))"
    )
    command = [sys.executable, "-c", as_nobody, str(profile.home)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    said = answer.stdout or answer.stderr.splitlines()[-1]
    assert said == "b''" or "BrokenPipeError" in said or "ConnectionResetError" in said
    assert asked == []


def test_release_ends_the_serving_and_may_be_repeated(profile, holder):
    holder.serve(count)
    holder.release()
    holder.release()
    with pytest.raises(ProfileBusy):
        ask(profile, {})
    wait_until(lambda: not any(thread.name == "door for commands" for thread in threading.enumerate()))


def test_callers_who_only_connect_do_not_keep_others_out(profile, holder):
    holder.serve(count)
    silent = []
    for _ in range(30):
        caller = socket.socket(socket.AF_UNIX)
        caller.connect(str(profile.socket))
        silent.append(caller)
    time.sleep(0.05)
    assert ask(profile, {"last": 0}) == [{"done": True}]
    for caller in silent:
        caller.close()


@pytest.mark.skipif(os.name != "posix", reason="a handle passes to the next program of a process by exec")
def test_the_profile_passes_to_the_next_program_of_a_process_without_a_gap(profile):
    """The child claims, hands over, tries to replace itself, and is seen to hold it the whole time."""
    then = (
        "import os\n"
        "handle = holder.hand_over()\n"
        "print('handed', flush=True); sys.stdin.readline()\n"
        "source = 'import sys; from pathlib import Path; from freehold.foundation.paths import Profile;' \\\n"
        "    'from freehold.processes.holder import Holder; h = Holder(Profile(Path(sys.argv[1])));' \\\n"
        "    'h.claim(int(sys.argv[2])); print(\"held\", flush=True); sys.stdin.read()'\n"
        "os.execv(sys.executable, [sys.executable, '-c', source, sys.argv[1], str(handle)])\n"
    )
    with start_holder(profile, then) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "handed\n"
        with pytest.raises(ProfileBusy):
            Holder(profile).claim()
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "held\n"
        with pytest.raises(ProfileBusy):
            Holder(profile).claim()


def test_a_handle_that_is_not_the_lock_s_claims_nothing(profile, holder):
    with (profile.home / "other").open("w") as other, pytest.raises(ProfileBusy):
        Holder(profile).claim(other.fileno())


def test_a_door_that_closes_lets_commands_end_and_stops_those_that_do_not(profile, holder):
    begun = threading.Barrier(3)

    def handle(request, reply, stop):
        begun.wait(30)
        if request["waits"]:
            stop.wait(60)
        reply({"exit": 0})

    holder.serve(handle)
    answers = {}

    def ask(waits):
        answers[waits] = list(ask_holder(profile, {"waits": waits}, Stop()))

    callers = [threading.Thread(target=ask, args=(waits,)) for waits in (True, False)]
    for caller in callers:
        caller.start()
    begun.wait(30)
    holder.close_door(0.3)
    for caller in callers:
        caller.join(30)
    assert answers == {True: [{"exit": 0}], False: [{"exit": 0}]}
    with pytest.raises(ProfileBusy):
        list(ask_holder(profile, {}, Stop()))
    assert holder.is_held
