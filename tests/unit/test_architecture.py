"""The house keeps its rules: who imports whom, one door for each library, nothing heavy in the app's process."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from support.house import DOORS, IN_A_WORKER, LATE, NETS, NOT_IN_THE_APP, PACKAGE, STEP, faults, sources

SOURCES = dict(sources())


@pytest.mark.parametrize("path", SOURCES)
def test_every_file_keeps_the_rules_of_the_house(path):
    assert faults(path, SOURCES[path]) == []


def test_every_folder_of_the_package_is_a_room_that_says_what_it_is_for():
    for folder in PACKAGE.iterdir():
        if folder.is_dir() and folder.name not in ("__pycache__", "resources"):
            assert folder.name in STEP
            assert '"""' in SOURCES[f"{folder.name}/__init__.py"]


def test_the_tables_of_exceptions_name_files_that_exist():
    assert set(SOURCES) >= {*NETS, *IN_A_WORKER}
    assert set(DOORS) >= LATE


def test_the_document_for_people_names_the_same_doors():
    page = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|$", page, re.MULTILINE)
    told = {library: room for room, libraries in rows for library in libraries.split(", ")}
    assert {library: room for library, room in told.items() if DOORS.get(library, room) != room} == {}
    every_import = "\n".join(SOURCES.values())
    in_use = {top for top in DOORS if re.search(rf"^\s*(import|from) {top}\b", every_import, re.MULTILINE)}
    assert in_use - set(told) == set()


@pytest.mark.parametrize(
    ("path", "source", "words"),
    [
        ("foundation/x.py", "import freehold.processes", "foundation may not import processes"),
        ("chats/x.py", "from freehold.engine.values import Model", "chats may not import engine"),
        ("chats/x.py", "def f():\n    from freehold.desktop import window", "chats may not import desktop"),
        ("vault/x.py", "from freehold import network", "vault may not import network"),
        ("vault/deep/x.py", "from ...network import door", "vault may not import network"),
        ("vault/x.py", "from ..network import door", "vault may not import network"),
        ("vault/x.py", "from .. import network", "vault may not import network"),
        ("terminal/x.py", "import freehold.desktop.window as w", "terminal may not import desktop"),
        ("desktop/x.py", "from freehold.app import build", "desktop may not import app"),
        ("desktop/x.py", "import importlib\nimportlib.import_module('freehold.terminal')", "desktop may not import"),
        ("chats/x.py", "import freehold.helpers", "helpers is no room"),
        ("helpers/x.py", "import freehold.foundation.errors", "helpers is no room"),
        ("chats/x.py", "from freehold.market import lease", "chats may not import market"),
        ("chats/x.py", "def f():\n    import sqlcipher3", "sqlcipher3 enters through vault only"),
        ("engine/x.py", "from PySide6.QtCore import QObject", "PySide6 enters through desktop only"),
        ("chats/x.py", "__import__('llama_cpp')", "llama_cpp enters through engine only"),
        ("desktop/x.py", "from urllib.request import urlopen", "way out of the machine"),
        ("engine/x.py", "import http.client", "way out of the machine"),
        ("engine/x.py", "import pickle", "runs code that it reads"),
        ("engine/x.py", "import llama_cpp", "imported by the function that needs it"),
        ("vault/x.py", "class A:\n    import keyring", "imported by the function that needs it"),
        ("vault/x.py", "try:\n    import keyring\nexcept ImportError:\n    keyring = None", "imported by the function"),
        ("chats/x.py", "try:\n    f()\nexcept Exception:\n    pass", "a net that catches everything"),
        ("chats/x.py", "try:\n    f()\nexcept:\n    pass", "a net that catches everything"),
        ("chats/x.py", "try:\n    f()\nexcept (OSError, BaseException) as e:\n    print(e)", "a net that catches"),
        ("chats/x.py", "with contextlib.suppress(Exception):\n    f()", "suppressing everything"),
        ("chats/x.py", "Q = 'SELECT * FROM turn'", "SQL stands in"),
        ("chats/x.py", "def f(x):\n    return f'INSERT INTO turn VALUES ({x})'", "SQL stands in"),
        ("chats/x.py", "Q = '''\n  UPDATE turn SET text = ?'''", "SQL stands in"),
        ("chats/x.py", "Q = 'WITH RECURSIVE up(id) AS (SELECT 1)'", "SQL stands in"),
        ("chats/x.py", "class Lost(FreeholdError):\n    code = 'lost'\n    title = 'Lost'", "stands in errors.py"),
    ],
)
def test_a_file_that_breaks_a_rule_is_found(path, source, words):
    found = faults(path, source)
    assert len(found) >= 1
    assert any(words in fault for fault in found), found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("processes/x.py", "from freehold import __version__\nfrom freehold.foundation.stop import Stop"),
        ("chats/x.py", "from freehold.chats.values import Turn\nfrom . import values\nfrom ..vault import keeper"),
        ("vault/x.py", "def f():\n    import sqlcipher3"),
        ("vault/worker.py", "import sqlcipher3"),
        ("vault/x.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sqlcipher3"),
        ("engine/x.py", "try:\n    f()\nexcept BaseException:\n    undo()\n    raise"),
        ("engine/x.py", "try:\n    f()\nexcept Exception as error:\n    raise ValueError('words') from error"),
        ("chats/store.py", "Q = 'SELECT * FROM turn'"),
        ("chats/x.py", "WORDS = 'Select a chat', 'UPDATE', 'Begin here', 'with love as (you) see'"),
        ("app.py", "from freehold.desktop.main import run\nfrom freehold.vault.worker import serve_vault"),
        ("__main__.py", "from freehold import app"),
        ("library/errors.py", "class Lost(FreeholdError):\n    code = 'lost'\n    title = 'Lost'"),
    ],
)
def test_a_file_that_keeps_the_rules_is_left_alone(path, source):
    assert faults(path, source) == []


LOOK = """
import importlib, pkgutil, sys
for name in sys.argv[1].split(","):
    module = importlib.import_module(name)
    for found in pkgutil.iter_modules(getattr(module, "__path__", []), f"{name}."):
        importlib.import_module(found.name)
print(" ".join(sorted(name for name in sys.modules if name in sys.argv[2].split(","))))
"""


def imported(*rooms: str) -> list[str]:
    """Which of the heavy libraries are loaded after all modules of `rooms` were imported."""
    command = [sys.executable, "-c", LOOK, ",".join(f"freehold.{room}" for room in rooms), ",".join(NOT_IN_THE_APP)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("room", ["desktop", "terminal", "app", "assistant", "chats"])
def test_the_app_s_process_loads_nothing_heavy(room):
    assert imported(room) == []


def test_the_look_for_heavy_libraries_sees_one_that_is_there():
    found = subprocess.run(
        [sys.executable, "-c", "import httpx2\n" + LOOK, "freehold.foundation", "httpx2,torch"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["httpx2"]
