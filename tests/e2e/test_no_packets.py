"""The proof that nothing leaves can fail: what reaches out is counted, and said where it went."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "bench" / "security_packets.py"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif("FREEHOLD_COUNTED" in os.environ, reason="this run is being counted already"),
]


def count(tests: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, str(SCRIPT), tests], capture_output=True, text=True, check=False)
    if done.returncode == 2:
        pytest.skip(done.stdout.strip())
    return done


def test_tests_that_keep_to_themselves_are_proved_to(tmp_path):
    quiet = tmp_path / "test_quiet.py"
    quiet.write_text(
        "import socket\n"
        "def test_it():\n"
        "    server = socket.create_server(('127.0.0.1', 0))\n"
        "    socket.create_connection(server.getsockname()).close()\n"
    )
    done = count(str(quiet))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  0 packets left" in done.stdout
    assert "198.51.100.7 port 443" in done.stdout, "the control was counted"


def test_a_test_that_reaches_out_by_any_means_is_caught(tmp_path):
    loud = tmp_path / "test_loud.py"
    loud.write_text(
        "import socket, subprocess, sys\n"
        "def test_it():\n"
        "    subprocess.run([sys.executable, '-c', 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
        '.sendto(b"x", ("203.0.113.99", 4444))\'], check=True)\n'
        "    try: socket.getaddrinfo('example.org', 80)\n"
        "    except OSError: pass\n"
    )
    done = count(str(loud))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "udp 203.0.113.99 port 4444" in done.stdout
    assert "udp 192.0.2.53 port 53" in done.stdout.partition("Then, on purpose")[0]


def test_tests_that_fail_prove_nothing(tmp_path):
    broken = tmp_path / "test_broken.py"
    broken.write_text("def test_it():\n    raise ValueError\n")
    assert count(str(broken)).returncode == 1
