"""Write docs/errors.md and docs/settings.md from the code they describe.

    python packaging/write_docs.py           writes both
    python packaging/write_docs.py --check   changes nothing; exit code 1 when they have drifted

A test runs the check.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

from freehold.foundation.errors import FreeholdError, all_errors
from freehold.foundation.settings import SETTINGS, Setting

TOP = Path(__file__).resolve().parents[1]
PACKAGE = TOP / "app" / "freehold"


def main() -> int:
    drifted = [path for path, text in pages() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in drifted:
            sys.stdout.write(f"{path.relative_to(TOP)} has drifted: run `python packaging/write_docs.py`\n")
        return 1 if drifted else 0
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
    return 0


def pages() -> Iterator[tuple[Path, str]]:
    """Each page's place and what it should say."""
    import_all_errors()
    yield TOP / "docs" / "errors.md", errors_page([kind for kind in all_errors() if is_promised(kind)])
    yield TOP / "docs" / "settings.md", settings_page(SETTINGS)


def import_all_errors() -> None:
    """Import the files that may hold error classes, so that `all_errors` knows every one."""
    for name in ("errors.py", "values.py"):
        for path in sorted(PACKAGE.glob(f"*/{name}")):
            if "(FreeholdError)" in path.read_text(encoding="utf-8"):
                importlib.import_module(f"freehold.{path.parent.name}.{path.stem}")


def is_promised(kind: type[FreeholdError]) -> bool:
    """Whether scripts may rely on this class's code: private ones, and those that tests made up, are not listed."""
    return kind.__module__.startswith("freehold.") and not kind.__name__.startswith("_")


def errors_page(kinds: list[type[FreeholdError]]) -> str:
    rows = "\n".join(f"| `{kind.code}` | {kind.title} | {kind.advice} |" for kind in kinds)
    return f"""# Errors

What can go wrong in the world (not in the program), with the code that scripts may rely on. A command that meets one
exits with 3 and, with `--json`, prints `{{"error": {{"code", "title", "advice", "detail"}}}}`. Written by
`packaging/write_docs.py`; a test compares.

| code | what happened | what to do |
|---|---|---|
{rows}
"""


def settings_page(settings: tuple[Setting, ...]) -> str:
    rows = "\n".join(
        f"| `{one.name}` | {one.title} | {one.words} | {allowed(one)} | {shown(one.default)} | {place(one)} |"
        for one in sorted(settings, key=lambda one: one.group)
    )
    return f"""# Settings

Everything the owner may choose. The settings page shows the same table. Written by `packaging/write_docs.py`; a test
compares.

| name | title | meaning | allowed | default | kept in |
|---|---|---|---|---|---|
{rows}
"""


def allowed(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    if setting.least is not None and setting.most is not None:
        return f"{setting.least:g} to {setting.most:g}"
    return "on, off" if isinstance(setting.default, bool) else "text"


def shown(default: bool | int | float | str) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"`{default}`" if default != "" else "(empty)"


def place(setting: Setting) -> str:
    return "the vault" if setting.private else "`settings.json`"


if __name__ == "__main__":
    sys.exit(main())
