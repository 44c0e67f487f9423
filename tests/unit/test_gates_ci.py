"""What .ci/run makes of the README: it runs the test command as written and ends as that command ended."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "run"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci" / "run")
    return tmp_path


def run(checkout: Path, *lines: str, marker: str = "<!-- test -->") -> subprocess.CompletedProcess[str]:
    body = "\n".join(lines)
    (checkout / "README.md").write_text(f"# Name\n<!-- run -->\n```sh\nfalse\n```\n{marker}\n```sh\n{body}\n```\nEnd\n")
    return subprocess.run([checkout / ".ci" / "run"], capture_output=True, text=True, check=False, cwd="/")


def test_it_runs_the_readme_s_line_at_the_top_of_the_checkout(checkout):
    done = run(checkout, "pwd && echo '3 passed in 1.00s'")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == [str(checkout.resolve()), "3 passed in 1.00s"]


@pytest.mark.parametrize("line", ["false && echo never", "exit 5", "true | false", "no-such-program-here"])
def test_a_step_that_fails_fails_the_run(checkout, line):
    done = run(checkout, line)
    assert done.returncode not in (0, None)
    assert "exit status" in done.stderr
    assert "never" not in done.stdout.splitlines()


def test_the_exit_status_is_the_command_s_own(checkout):
    assert run(checkout, "exit 5").returncode == 5


@pytest.mark.parametrize("lines", [(), ("true", "true")])
def test_a_readme_without_exactly_one_line_is_refused(checkout, lines):
    assert run(checkout, *lines).returncode == 2
    assert run(checkout, "true", marker="<!-- tests -->").returncode == 2


def test_the_python_it_finds_is_new_enough_and_called_python3(checkout):
    done = run(checkout, "python3 -c 'import sys; print(sys.version_info >= (3, 11))'")
    assert done.stdout.splitlines()[-1] == "True"


def test_a_screen_that_cannot_be_installed_is_said_and_fails_nothing(checkout, monkeypatch):
    tools = checkout / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "dirname", "mktemp", "awk", "wc", "rm", "chmod", "python3", "timeout"):
        (tools / name).symlink_to(shutil.which(name) or name)
    for name, does in (("id", "echo 0"), ("apt-get", 'echo "$@" >>asked; exit 100')):
        (tools / name).write_text(f"#!/bin/sh\n{does}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    (checkout / "tests" / "e2e").mkdir(parents=True)
    (checkout / "tests" / "e2e" / "test_window_real.py").touch()
    done = run(checkout, "echo '3 passed in 1.00s'")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 passed in 1.00s")
    assert "are skipped" in done.stderr
    assert (checkout / "asked").read_text() == "update -q\n"


def test_what_the_owner_of_the_machine_chose_does_not_reach_the_tests(checkout, monkeypatch):
    monkeypatch.setenv("FREEHOLD_HOME", "/somewhere")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    done = run(checkout, "env")
    assert "/somewhere" not in done.stdout
    assert "QT_QPA_PLATFORM=offscreen" in done.stdout
