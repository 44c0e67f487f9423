"""The check before the install: says what is missing, with the command that installs it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "check.py"


@pytest.fixture
def check():
    spec = importlib.util.spec_from_file_location("packaging_check", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that has never been installed: the script alone."""
    (tmp_path / "packaging").mkdir()
    shutil.copy(SCRIPT, tmp_path / "packaging")
    return tmp_path


def run(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"], "HOME": str(checkout / "home"), "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, str(checkout / "packaging" / "check.py")],
        env={**bare, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_system_without_a_compiler_is_told_so_and_nothing_goes_on(checkout):
    done = run(checkout, PATH=str(checkout))
    assert done.returncode == 1
    assert "Missing: a C++ compiler" in done.stdout
    assert done.stderr == ""


def test_a_compiler_without_its_headers_counts_as_missing(checkout):
    broken = checkout / "c++"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    done = run(checkout, PATH=str(checkout))
    assert done.returncode == 1
    assert "a C++ compiler" in done.stdout


def test_a_compiler_that_works_is_enough(checkout):
    for name in ("c++", "cc"):
        (checkout / name).write_text("#!/bin/sh\nexit 0\n")
        (checkout / name).chmod(0o755)
    done = run(checkout, PATH=f"{checkout}:/bin")
    assert done.returncode == 0, done.stdout
    assert done.stdout == "Everything that the installation needs is here.\n"


def test_what_pip_has_built_before_needs_no_compiler(checkout):
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    kept = checkout / "cache" / "wheels" / "ab" / "cd" / f"llama_cpp_python-0.3.36-{tag}-{tag}-linux_x86_64.whl"
    kept.parent.mkdir(parents=True)
    kept.touch()
    done = run(checkout, PATH=str(checkout), PIP_CACHE_DIR=str(checkout / "cache"))
    assert done.returncode == 0, done.stdout


def test_an_index_of_one_s_own_makes_a_missing_compiler_a_note(checkout):
    config = checkout / "pip.conf"
    config.write_text("[global]\nindex-url = https://index.example/simple\n")
    done = run(checkout, PATH=str(checkout), PIP_CONFIG_FILE=str(config))
    assert done.returncode == 0
    assert "Note: a C++ compiler" in done.stdout


def test_an_installed_checkout_asks_for_neither_compiler_nor_room(checkout, check):
    (checkout / ".venv" / "lib" / "python3.11" / "site-packages" / "llama_cpp").mkdir(parents=True)
    assert run(checkout, PATH=str(checkout)).returncode == 0


def test_an_old_python_is_told_which_one_is_needed(check):
    assert check.python_version((3, 11, 0)) == ("", True)
    words, is_certain = check.python_version((3, 9, 2))
    assert is_certain
    assert words.startswith("Freehold needs Python 3.11 or newer, 64 bit; this is 3.9.2.")


def test_a_python_without_venv_is_told_the_package(check, monkeypatch):
    monkeypatch.setattr(check, "find_spec", lambda name: None if name == "ensurepip" else object())
    words, is_certain = check.venv()
    assert is_certain
    assert words.startswith("Python cannot make a virtual environment here.")


@pytest.mark.parametrize(
    ("os_release", "family"),
    [
        ("ID=debian\n", "debian"),
        ('ID=ubuntu\nID_LIKE=debian\nNAME="Ubuntu"\n', "debian"),
        ('ID="linuxmint"\nID_LIKE="ubuntu debian"\n', "debian"),
        ("ID=fedora\n", "fedora"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"),
        ("ID=arch\n", "arch"),
        ("ID=manjaro\nID_LIKE=arch\n", "arch"),
        ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "suse"),
        ("ID=plan9\n", ""),
        ("", ""),
    ],
)
def test_the_family_of_a_system_is_known_by_its_name_or_its_kin(check, os_release, family):
    assert check.family_of_system(os_release) == family


def test_each_family_has_a_command_for_each_thing_that_may_be_missing(check):
    assert check.how("compiler", "debian") == " Install it with: sudo apt install build-essential"
    for commands in check.COMMANDS.values():
        assert set(commands) == {"python", "venv", "compiler"}
    assert check.how("compiler", "plan9") == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has several C libraries")
@pytest.mark.parametrize(
    ("found", "is_enough"),
    [(("glibc", "2.36"), True), (("glibc", "2.28"), True), (("glibc", "2.27"), False), (("", ""), False)],
)
def test_a_c_library_that_no_wheel_fits_is_told(check, found, is_enough):
    assert (check.libc(found)[0] == "") is is_enough


def test_a_disk_with_too_little_room_is_told_how_much_there_is(check, checkout, monkeypatch):
    monkeypatch.setattr(check, "TOP", checkout)
    words, is_certain = check.disk(lambda folder: 1_250_000_000)
    assert is_certain
    assert "has 1.2 GB, 3 GB are needed" in words
    assert check.disk(lambda folder: 4_000_000_000) == ("", True)
