"""Can a window be opened here? Asked before Qt starts, because Qt aborts, uncatchably, when it cannot.

Importable without PySide6. Sonames were read from Qt's xcb and wayland plugins and QtGui (6.8 to 6.12).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from freehold.foundation.errors import DisplayMissing


class Library(NamedTuple):
    """A shared library that Qt links to, and the package that carries it."""

    soname: str
    debian: str
    fedora: str
    arch: str


_QT = (
    Library("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
    Library("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
    Library("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
    Library("libfreetype.so.6", "libfreetype6", "freetype", "freetype2"),
    Library("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Library("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
    Library("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
    Library("libX11.so.6", "libx11-6", "libX11", "libx11"),
)
_XCB = (
    Library("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    Library("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    Library("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    Library("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image"),
    Library("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    Library("libxcb-util.so.1", "libxcb-util1", "xcb-util", "xcb-util"),
    Library("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb"),
    Library("libxcb-render.so.0", "libxcb-render0", "libxcb", "libxcb"),
    Library("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
    Library("libxcb-shm.so.0", "libxcb-shm0", "libxcb", "libxcb"),
    Library("libxcb-sync.so.1", "libxcb-sync1", "libxcb", "libxcb"),
    Library("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb", "libxcb"),
    Library("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb"),
    Library("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
    Library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
)
_WAYLAND = (
    Library("libwayland-client.so.0", "libwayland-client0", "libwayland-client", "wayland"),
    Library("libwayland-cursor.so.0", "libwayland-cursor0", "libwayland-cursor", "wayland"),
)
# Platforms of Qt that need no display, chosen by tests and by people who know what they do.
_NO_DISPLAY_NEEDED = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")


def can_load(soname: str) -> bool:
    """Whether the dynamic linker finds `soname` and what it needs in turn."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def missing_display(
    environment: Mapping[str, str] = os.environ,
    *,
    loads: Callable[[str], bool] = can_load,
    answers: Callable[[str], bool] | None = None,
    system: str = sys.platform,
) -> DisplayMissing | None:
    """None when Qt can open a window, else the error that says what is missing and which command installs it.

    `loads` tells whether a library loads, `answers` whether an X server answers at a display name.
    """
    if not system.startswith("linux"):
        return None
    chosen = environment.get("QT_QPA_PLATFORM", "").split(":")[0]
    if chosen in _NO_DISPLAY_NEEDED:
        return _missing(_QT, loads)
    wayland, x11 = _wayland_socket(environment), environment.get("DISPLAY", "")
    if not wayland and not x11:
        return DisplayMissing("No display: neither DISPLAY nor WAYLAND_DISPLAY is set.")
    if wayland and chosen != "xcb" and _missing(_QT + _WAYLAND, loads) is None:
        return None
    if not x11:
        return _missing(_QT + _WAYLAND, loads)
    return _missing(_QT + _XCB, loads) or _silent(x11, answers or x_server_answers)


def missing_buses(
    environment: Mapping[str, str] = os.environ, *, system_bus: Path = Path("/run/dbus/system_bus_socket")
) -> tuple[str, ...]:
    """Of the two buses on which Linux tells that the screen is locked or the machine goes to sleep, those not here."""
    own = Path(environment.get("XDG_RUNTIME_DIR", "")) / "bus"
    has_session = bool(environment.get("DBUS_SESSION_BUS_ADDRESS")) or (own.is_absolute() and own.exists())
    has_system = bool(environment.get("DBUS_SYSTEM_BUS_ADDRESS")) or system_bus.exists()
    return tuple(name for name, there in (("session", has_session), ("system", has_system)) if not there)


def has_login1(run: Path = Path("/run")) -> bool:
    """Whether what holds a sleep off seems to run here: systemd-logind, elogind. Looked up on disk, nobody is asked."""
    return any((run / name).is_dir() for name in ("systemd/seats", "systemd/sessions", "elogind"))


def platform_order(environment: Mapping[str, str] = os.environ, *, loads: Callable[[str], bool] = can_load) -> str:
    """What QT_QPA_PLATFORM should say after `missing_display` found nothing wrong; empty leaves the choice to Qt."""
    if environment.get("QT_QPA_PLATFORM") or not sys.platform.startswith("linux"):
        return ""
    has_wayland = bool(_wayland_socket(environment)) and _missing(_WAYLAND, loads) is None
    has_x11 = bool(environment.get("DISPLAY")) and _missing(_XCB, loads) is None
    return ";".join(name for name, there in (("wayland", has_wayland), ("xcb", has_x11)) if there)


def x_server_answers(display: str) -> bool:
    """Whether a connection to the X server can be made; Qt would abort when it cannot."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XCloseDisplay.argtypes = (ctypes.c_void_p,)
    handle = x11.XOpenDisplay(display.encode())
    if not handle:
        return False
    x11.XCloseDisplay(handle)
    return True


def install_command(missing: Iterable[Library], finds: Callable[[str], object] | None = None) -> str:
    """The command that installs what carries `missing`, for the package tool that is here."""
    import shutil  # only where something is missing: the way to a first frame is short

    finds = finds or shutil.which
    for tool, command, kind in (
        ("apt-get", "sudo apt-get install", "debian"),
        ("dnf", "sudo dnf install", "fedora"),
        ("pacman", "sudo pacman -S", "arch"),
    ):
        if finds(tool):
            return f"{command} {_packages(missing, kind)}"
    missing = list(missing)
    return "; ".join(
        f"{name}: {_packages(missing, kind)}"
        for name, kind in (("Debian, Ubuntu", "debian"), ("Fedora", "fedora"), ("Arch", "arch"))
    )


def _packages(missing: Iterable[Library], kind: str) -> str:
    return " ".join(dict.fromkeys(str(getattr(library, kind)) for library in missing))


def _missing(needed: tuple[Library, ...], loads: Callable[[str], bool]) -> DisplayMissing | None:
    missing = [library for library in needed if not loads(library.soname)]
    if not missing:
        return None
    names = ", ".join(library.soname for library in missing)
    return DisplayMissing(
        f"Qt needs {names}, which is not installed.",
        advice=f"Install it with: {install_command(missing)}\nUntil then the chat opens in this terminal.",
    )


def _silent(display: str, answers: Callable[[str], bool]) -> DisplayMissing | None:
    if answers(display):
        return None
    return DisplayMissing(f"Nothing answers at DISPLAY={display}.")


def _wayland_socket(environment: Mapping[str, str]) -> str:
    """The compositor's socket, where one is named and there; empty otherwise."""
    name = environment.get("WAYLAND_DISPLAY", "")
    path = Path(environment.get("XDG_RUNTIME_DIR", "")) / name
    return str(path) if name and path.is_absolute() and path.exists() else ""
