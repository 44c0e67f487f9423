"""Is everything here that installing Freehold needs? Standard library only; run before the install.

Prints one line and exits with 0, or says what is missing with the command that installs it and exits with 1. Written
so that a Python too old for Freehold (3.7 or newer) can still run it and say so.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Callable  # noqa: UP035 - an old Python must get as far as saying that it is too old

TOP = Path(__file__).resolve().parent.parent
PYTHON = (3, 11)
GLIBC = (2, 28)  # what the wheels of Qt and SQLCipher are built for
GIGABYTE = 1_000_000_000
INSTALLED_BYTES = 3 * GIGABYTE
BUILD_BYTES = 1 * GIGABYTE

# How each family of systems installs what may be missing.
COMMANDS = {
    "debian": {
        "python": "sudo apt install python3.11 python3.11-venv",
        "venv": "sudo apt install python3-venv",
        "compiler": "sudo apt install build-essential",
    },
    "fedora": {
        "python": "sudo dnf install python3.12",
        "venv": "sudo dnf install python3-pip",
        "compiler": "sudo dnf install gcc gcc-c++",
    },
    "arch": {
        "python": "sudo pacman -S python",
        "venv": "sudo pacman -S python",
        "compiler": "sudo pacman -S base-devel",
    },
    "suse": {
        "python": "sudo zypper install python312",
        "venv": "sudo zypper install python3-pip",
        "compiler": "sudo zypper install gcc-c++",
    },
    "macos": {
        "python": "brew install python@3.12",
        "venv": "brew install python@3.12",
        "compiler": "xcode-select --install",
    },
}


def main() -> int:
    missing: list[str] = []
    notes: list[str] = []
    for check in (python_version, libc, venv, compiler, disk):
        words, is_certain = check()
        if words:
            (missing if is_certain else notes).append(words)
    lines = [f"Missing: {words}" for words in missing] + [f"Note: {words}" for words in notes]
    if missing:
        lines.append("Nothing was installed. Run the command again when this is there.")
    else:
        lines.append("Everything that the installation needs is here.")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if missing else 0


def python_version(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> tuple[str, bool]:
    if version >= PYTHON and sys.maxsize > 2**32:
        return "", True
    found = ".".join(map(str, version)) + ("" if sys.maxsize > 2**32 else ", 32 bit")
    return f"Freehold needs Python 3.11 or newer, 64 bit; this is {found}.{how('python')}", True


def libc(found: tuple[str, str] | None = None) -> tuple[str, bool]:
    """Qt and SQLCipher come as wheels for glibc; on another C library pip would find none."""
    if not sys.platform.startswith("linux"):
        return "", True
    name, version = platform.libc_ver() if found is None else found
    if name == "glibc" and tuple(map(int, version.split(".")[:2])) >= GLIBC:
        return "", True
    has = f"{name or 'another C library'} {version}".strip()
    return f"Freehold's libraries need glibc 2.28 or newer; this system has {has}.", True


def venv() -> tuple[str, bool]:
    if find_spec("venv") and find_spec("ensurepip"):
        return "", True
    return f"Python cannot make a virtual environment here.{how('venv')}", True


def compiler() -> tuple[str, bool]:
    """llama.cpp is compiled at the first install, unless pip has kept the result or knows another source."""
    if is_built() or compiles():
        return "", True
    words = f"a C++ compiler, to build llama.cpp.{how('compiler')}"
    if has_other_source():
        return f"{words} Not needed if your package index has a built llama-cpp-python.", False
    return words, True


def compiles() -> bool:
    if sys.platform == "win32":
        return True  # the compiler is not on the path there; the build says itself what it lacks
    if sys.platform == "darwin":
        chosen = subprocess.run(["xcode-select", "-p"], capture_output=True, check=False)
        if chosen.returncode != 0:
            return False  # the names exist, but calling them opens a dialog
    return works(os.environ.get("CXX") or first("c++", "g++", "clang++"), "c++", b"#include <vector>\n") and works(
        os.environ.get("CC") or first("cc", "gcc", "clang"), "c", b"#include <stdlib.h>\n"
    )


def first(*names: str) -> str:
    return next((name for name in names if shutil.which(name)), "")


def works(command: str, language: str, program: bytes) -> bool:
    """Whether the compiler is there with its headers."""
    if not command:
        return False
    try:
        check = [*command.split(), "-x", language, "-fsyntax-only", "-"]
        done = subprocess.run(check, input=program, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def is_built() -> bool:
    """Whether llama-cpp-python is installed in this checkout already, or kept by pip from an earlier build."""
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    here = (TOP / ".venv").glob("lib/python*/site-packages/llama_cpp")
    kept = (pip_cache() / "wheels").glob("**/llama_cpp_python-*.whl")
    return any(here) or any(tag in wheel.name or "-py3-" in wheel.name for wheel in kept)


def pip_cache() -> Path:
    if os.environ.get("PIP_CACHE_DIR"):
        return Path(os.environ["PIP_CACHE_DIR"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pip"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pip"


def has_other_source() -> bool:
    """Whether pip is told of an index or folder of its owner's, which may hold a built wheel."""
    if any(os.environ.get(f"PIP_{name}") for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS")):
        return True
    named = os.environ.get("PIP_CONFIG_FILE")
    usual = [Path("/etc/pip.conf"), Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf"]
    for path in [Path(named)] if named else usual:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if "index-url" in text or "find-links" in text:
            return True
    return False


def disk(free: Callable[[Path], int] | None = None) -> tuple[str, bool]:
    if (TOP / ".venv").exists():
        return "", True  # what takes the room is there already
    free = free or free_bytes
    if free(TOP) < INSTALLED_BYTES:
        return f"room on the disk: {TOP} has {gigabytes(free(TOP))}, 3 GB are needed.", True
    temporary = Path(tempfile.gettempdir())
    if not is_built() and free(temporary) < BUILD_BYTES:
        words = f"{temporary} has {gigabytes(free(temporary))}; building llama.cpp needs 1 GB there. "
        return words + "Set TMPDIR to a folder with more room if the build fails.", False
    return "", True


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def gigabytes(size: int) -> str:
    return f"{size / GIGABYTE:.1f} GB"


def how(package: str, family: str | None = None) -> str:
    command = COMMANDS.get(family or family_of_system(), {}).get(package)
    return f" Install it with: {command}" if command else ""


def family_of_system(os_release: str | None = None) -> str:
    """debian, fedora, arch, suse, macos, or nothing that we know."""
    if os_release is None:
        if sys.platform == "darwin":
            return "macos"
        try:
            os_release = Path("/etc/os-release").read_text(encoding="utf-8")
        except OSError:
            return ""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    names = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").lower().split()
    kin = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora", "opensuse": "suse", "sles": "suse"}
    return next((kin.get(name, name) for name in names if kin.get(name, name) in COMMANDS), "")


if __name__ == "__main__":
    sys.exit(main())
