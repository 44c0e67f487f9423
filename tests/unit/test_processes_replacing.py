"""One process takes the place of another: what is handed over, and what is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from freehold.processes.replacing import Handed, take

pytestmark = pytest.mark.skipif(os.name != "posix", reason="exec")

LEAVE = """
from freehold.processes.replacing import Handed, replace_process
replace_process(["--home", "/nowhere"], Handed(None, "the-chat", "AdnQ"))
"""


def pipe_with(content: bytes) -> str:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return str(reading)


def test_nothing_but_a_number_stands_in_the_arguments_and_no_secret_in_the_environment(tmp_path):
    """The next program is the interpreter under another name, which only tells what it was given."""
    teller = tmp_path / "teller"
    teller.write_text(f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps(sys.argv[1:]))\n"
                      "print(sorted(n for n in os.environ if n.startswith('FREEHOLD_')))\n"
                      "print(os.fdopen(int(sys.argv[-1])).read())\n")  # fmt: skip
    teller.chmod(0o700)
    source = f"import sys; sys.executable = {str(teller)!r}\n{LEAVE}"
    said = subprocess.run(
        [sys.executable, "-c", source], check=True, capture_output=True, text=True, timeout=60,
        env={**os.environ, "FREEHOLD_PASSPHRASE": "secret", "FREEHOLD_HOME": "/elsewhere"},
    ).stdout.splitlines()  # fmt: skip
    assert "the-chat" not in said[0]
    assert '"--home", "/nowhere", "--locked"' in said[0]
    assert said[1] == "[]"
    assert '"the-chat"' in said[2]


def test_a_program_that_is_gone_ends_in_words(tmp_path):
    source = f"import sys; sys.executable = {str(tmp_path / 'gone')!r}\n{LEAVE}"
    done = subprocess.run([sys.executable, "-c", source], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Freehold is locked and has ended" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_was_handed_over_is_taken_once():
    pipe = pipe_with(b'{"lock": null, "chat": "c1", "geometry": "AdnQ"}')
    assert take(pipe) == Handed(None, "c1", "AdnQ")
    assert take(pipe) == Handed()


@pytest.mark.parametrize("content", [b"", b"junk", b"[]", b'{"other": 1}', b'{"lock": 999}', b'{"lock": "x"}'])
def test_junk_in_the_pipe_hands_over_nothing(content):
    assert take(pipe_with(content)) == Handed()


@pytest.mark.parametrize("pipe", ["", "-1", "x", "12345"])
def test_no_pipe_hands_over_nothing(pipe):
    assert take(pipe) == Handed()
