"""Whether a window can be opened is known before Qt starts, and what is missing is named with its package."""

from __future__ import annotations

import subprocess
import sys

import pytest

from freehold.desktop import platform_check
from freehold.desktop.platform_check import install_command, missing_display

X11 = {"DISPLAY": ":0"}
BUT_CURSOR = {"libxcb-cursor.so.0"}


def loads_all_but(missing: set[str]):
    return lambda soname: soname not in missing


def yes(_display: str) -> bool:
    return True


def test_a_display_with_all_libraries_is_fine():
    assert missing_display(X11, loads=loads_all_but(set()), answers=yes, system="linux") is None


def test_no_display_is_said_in_words():
    error = missing_display({}, loads=loads_all_but(set()), system="linux")
    assert error is not None
    assert error.code == "display-missing"
    assert "DISPLAY" in error.detail


def test_a_missing_library_is_named_with_the_package_that_brings_it(monkeypatch):
    error = missing_display(X11, loads=loads_all_but(BUT_CURSOR), answers=yes, system="linux")
    assert error is not None
    assert "libxcb-cursor.so.0" in error.detail
    assert "xcb" in error.next_step


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("apt-get", "sudo apt-get install libxcb-cursor0"),
        ("dnf", "sudo dnf install xcb-util-cursor"),
        ("pacman", "sudo pacman -S xcb-util-cursor"),
    ],
)
def test_the_command_is_the_systems_own(tool, command):
    cursor = platform_check.Library("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor")
    assert install_command([cursor], finds=lambda name: name == tool) == command


def test_an_unknown_system_gets_all_three():
    cursor = platform_check.Library("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor")
    words = install_command([cursor], finds=lambda _name: None)
    assert "Debian, Ubuntu: libxcb-cursor0" in words
    assert "Fedora: xcb-util-cursor" in words


def test_all_that_is_missing_is_named_at_once():
    gone = {"libEGL.so.1", "libxcb-cursor.so.0", "libxcb-icccm.so.4"}
    error = missing_display(X11, loads=loads_all_but(gone), answers=yes, system="linux")
    assert error is not None
    assert all(name in error.detail for name in gone)


def test_an_x_server_that_does_not_answer_is_not_a_display():
    error = missing_display(X11, loads=loads_all_but(set()), answers=lambda _display: False, system="linux")
    assert error is not None
    assert ":0" in error.detail


def test_wayland_needs_its_socket_and_its_libraries(tmp_path):
    (tmp_path / "wayland-0").touch()
    wayland = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert missing_display(wayland, loads=loads_all_but(BUT_CURSOR), system="linux") is None
    error = missing_display(wayland, loads=loads_all_but({"libwayland-cursor.so.0"}), system="linux")
    assert error is not None
    assert "libwayland-cursor.so.0" in error.detail
    assert missing_display({**wayland, "XDG_RUNTIME_DIR": ""}, loads=loads_all_but(set()), system="linux") is not None


def test_a_wayland_desktop_without_its_libraries_falls_back_to_x11(tmp_path):
    (tmp_path / "wayland-0").touch()
    both = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":0"}
    gone = loads_all_but({"libwayland-cursor.so.0"})
    assert missing_display(both, loads=gone, answers=yes, system="linux") is None
    assert platform_check.platform_order(both, loads=gone) == "xcb"


def test_offscreen_needs_no_display():
    assert missing_display({"QT_QPA_PLATFORM": "offscreen"}, loads=loads_all_but(set()), system="linux") is None


def test_other_systems_have_a_display():
    assert missing_display({}, system="darwin") is None


def test_the_check_itself_does_not_import_qt():
    code = "import sys, freehold.desktop.platform_check; sys.exit('PySide6' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
