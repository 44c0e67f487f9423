"""docs/cli.md, derived from the commands themselves: `python -m freehold.terminal.reference docs/cli.md` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from freehold.terminal.commands import tree

_WIDTH = 84

_INTRODUCTION = """\
# The command line

Derived from the commands by `python -m freehold.terminal.reference docs/cli.md`; a test fails when they differ.

`freehold` without a command opens the window. Where there is no display, or where Qt's platform libraries are missing,
it says so and opens the chat in the terminal.

## For every command

- `--home DIR`, or the variable `FREEHOLD_HOME`: the profile folder. `--home`, `--json` and `--passphrase-fd` may stand
  before the command or after it.
- `--json`: exactly one JSON document on stdout and nothing else, or several, one a line, where the command's help says
  lines. Words and progress go to stderr.
- Ids of chats and models may be shortened to a beginning that is unique.
- Ctrl-C stops cleanly, and what was done until then is kept: an answer is saved as far as it came, a download goes on
  from there the next time.

The passphrase comes from a prompt, from `--passphrase-fd N`, or from `FREEHOLD_PASSPHRASE`; the recovery code is
accepted in its place. A vault that the keyring opens needs neither. The first command on a fresh profile makes the
vault: with the passphrase given, or after asking.

The first process that holds a profile (the window, `freehold chat` or `freehold library watch`) runs later commands
for their callers over a socket that only the same user can open. It uses its own vault as it is: when that is locked,
commands say so until `freehold vault unlock`. Other commands wait their turn, for half a minute at most.

| exit code | meaning |
|---|---|
| 0 | done; an answer that is complete, or as long as it was allowed to be |
| 1 | a mistake in Freehold |
| 2 | wrong usage |
| 3 | a known failure; with `--json`: `{"error": {"code", "title", "advice", "detail"}}` |
| 130 | interrupted |

The codes are listed in [errors.md](errors.md). An answer that broke half-way exits 3, and its JSON carries the partial
answer beside the error.

Shell completion: `freehold --install-completion`.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_sections(tree(), "freehold", None)])


def _sections(command: Any, path: str, parent: Any) -> Iterator[str]:
    form = {**command.context_settings, "terminal_width": _WIDTH}
    context = command.context_class(command, info_name=path.rsplit(maxsplit=1)[-1], parent=parent, **form)
    with context:
        yield f"## {path}\n\n```text\n{command.get_help(context)}\n```\n"
        for name, inner in getattr(command, "commands", {}).items():
            yield from _sections(inner, f"{path} {name}", context)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
