"""Write docs/errors.md, docs/settings.md and docs/promises.md from the code they describe.

    python packaging/write_docs.py           writes them
    python packaging/write_docs.py --check   changes nothing; exit code 1 when they have drifted

A test runs the check.
"""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from freehold.foundation.errors import FreeholdError, all_errors
from freehold.foundation.promises import NOT_PROMISED, PROMISES, Promise
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
    yield TOP / "docs" / "promises.md", promises_page(PROMISES, NOT_PROMISED)


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


def promises_page(promises: tuple[Promise, ...], not_promised: tuple[tuple[str, str], ...]) -> str:
    parts = "\n\n".join(map(promise_part, promises))
    limits = "\n".join(fill(f"- **{title}.** {words}", "  ") for title, words in not_promised)
    return f"""# Promises

What Freehold promises, how each promise is tested, and what is not promised. The window shows the same words
(`Ctrl Alt P`). Commands are run in a clone, after the README's test command has made `.venv`; Linux is meant where
nothing else is said. Written by `packaging/write_docs.py` from `app/freehold/foundation/promises.py`; a test compares.

{parts}

## What is not promised
{limits}

## The proof that nothing leaves
`python tests/bench/security_packets.py` runs all tests in a network namespace of its own; `--quick` runs a part of
them, and names of tests or files run just those. It needs Linux with util-linux and iproute2, and root or
unprivileged user namespaces; where that is not to be had it says so and proves nothing (exit status 2).

1. The namespace's default route, for IPv4 and IPv6, leads into a TUN device that the script reads. Every packet
   meant for another machine comes out there, whichever program or library sent it; loopback does not.
2. The device has no link layer, so there are no ARP and no neighbour questions; multicast and link-local addresses
   are off, so the kernel announces nothing of its own. Nothing is left out of the count.
3. Names are asked of a server behind the device. A resolver on this machine, out of reach in the namespace, would
   hide the attempt.
4. The tests' own guard against the internet is switched off: the counter answers, not the guard.
5. Then the control, in the same namespace with the same counter: a TCP connection, datagrams over IPv4 and IPv6 and
   a name, sent on purpose, and Freehold's own door asked for a model. Each must be counted, or nothing is proved.

What it prints: how many packets left during the tests, where to, and what the controls counted. Not counted are
messages over named sockets to other programs of this machine, which carry no packet; the workers' boxes are there
for those.
"""


def promise_part(promise: Promise) -> str:
    parts = [f"## {promise.name}. {promise.title}", promise.words, f"How it is tested: {promise.proof}"]
    if promise.missing:
        parts.append(f"Not yet: {promise.missing}")
    if promise.tests:
        parts.append("Tests: " + ", ".join(f"[`{Path(test).stem}`](../{test})" for test in promise.tests) + ".")
    if promise.command:
        parts.append(f"```sh\n{promise.command}\n```")
    lines = [part if part.startswith("```") else fill(part) for part in parts]
    return "\n\n".join(lines)


def fill(words: str, after: str = "") -> str:
    return textwrap.fill(words, 120, subsequent_indent=after, break_long_words=False, break_on_hyphens=False)


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
