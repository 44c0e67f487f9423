"""Lines typed at a real (pseudo) terminal, in a process of their own."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="pseudo terminals"),
    pytest.mark.skipif(find_spec("readline") is None, reason="Python was built without readline"),
]

# The hook runs between the prompt and select(). It is a C function called by C: Python has no chance to look.
_PRESSED_TOO_EARLY = """
import ctypes, functools, readline, signal
from freehold.terminal.lines import TypedLines

press = functools.partial(getattr(ctypes.CDLL(None), "raise"), int(signal.SIGINT))
readline.set_pre_input_hook(press)
lines = TypedLines()
for before in ("", "words"):
    try:
        lines.read("> ", before)
    except KeyboardInterrupt:
        print("heard", flush=True)
readline.set_pre_input_hook(None)
print("read", lines.read("> "), signal.getitimer(signal.ITIMER_REAL))
"""


@pytest.mark.timeout(60)
def test_a_ctrl_c_between_the_prompt_and_the_wait_for_keys_is_heard():
    screen, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _PRESSED_TOO_EARLY],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )  # fmt: skip
    os.close(theirs)
    try:
        seen = until(screen, "", lambda seen: seen.count("heard") == 2 and seen.endswith("> "))
        os.write(screen, b"hello\n")
        assert "read hello (0.0, 0.0)" in until(screen, seen, lambda seen: "read" in seen and seen.endswith("\n"))
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def until(screen, seen, is_enough):
    """What was seen until it is enough; pytest's own time limit ends a wait in vain."""
    while not is_enough(seen):
        seen += os.read(screen, 4096).decode()
    return seen
