"""What may be logged: fixed words and facts of the program's own. Read from the source."""

from __future__ import annotations

import ast
from pathlib import Path

import freehold

HOUSE = Path(freehold.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
# Codes of errors, names of workers, how a process ended, the header's own file names, which part of the vault is old.
FACTS = {"error.code", "self.name", "child.exit_words()", "path.name", "self._older"}


def logged() -> list[tuple[str, ast.Call]]:
    found = []
    for path in sorted(HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                whom = ast.unparse(node.func.value)
                if whom == "_log" or whom.startswith("logging"):
                    found.append((f"{path.relative_to(HOUSE)}:{node.lineno}", node))
    return found


def test_every_line_of_a_log_is_fixed_words_and_known_facts():
    assert len(logged()) >= 6
    for place, call in logged():
        words, *facts = call.args
        assert isinstance(words, ast.Constant), f"{place}: the words of a log line are fixed"
        assert {ast.unparse(fact) for fact in facts} <= FACTS, f"{place}: may this be logged?"
        assert {keyword.arg for keyword in call.keywords} <= {"exc_info"}, place


def test_path_names_are_logged_of_the_header_s_files_alone():
    assert {place.split(":")[0] for place, call in logged() if "path.name" in map(ast.unparse, call.args[1:])} == {
        "vault/header.py"
    }
