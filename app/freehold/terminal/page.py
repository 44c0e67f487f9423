"""How commands are declared: a name, a docstring, and examples that its help ends with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from freehold.terminal.arguments import EVERYWHERE

_Function = TypeVar("_Function", bound=Callable[..., Any])
_HEADING = re.compile(r"^( {0,2})(Usage|Arguments|Options|Commands|Examples):", re.MULTILINE)
# Typer writes {FILE}... and FILE <list[str]>; the metavar says as much.
_BRACES = re.compile(r"\{([^{}]+)\}(?:\.\.\.)?")
_TYPES = re.compile(r" <(?:str|list\[str\])>(?= )")
_FORM = {"help_option_names": ["-h", "--help"], "max_content_width": 90}


class Page:
    """A group of commands. `app` is what Typer wants."""

    def __init__(self, name: str, help: str, examples: Sequence[str], *, is_root: bool = False) -> None:
        self.name = name
        self.app = typer.Typer(
            cls=Group,
            help=help,
            epilog=_epilog(examples),
            rich_markup_mode=None,
            context_settings=_FORM,
            add_completion=is_root,
        )

    def command(self, name: str, examples: Sequence[str], json: str = "") -> Callable[[_Function], _Function]:
        """Declare a command; `json` is the form of its result with --json, as its help tells it."""
        return self.app.command(name, cls=Command, epilog=_epilog(examples, json), context_settings=_FORM)


def _epilog(examples: Sequence[str], json: str = "") -> str:
    r"""The end of a help text; the \b keeps its lines as they are."""
    told = ["", f"With --json: {json}"] if json else []
    return "\n".join(["\b", "Examples:", *(f"  {example}" for example in examples), *told, "", EVERYWHERE])


class Command(TyperCommand):
    """A command whose help has headings that stand out, or is a JSON document where that was asked for."""

    def get_help(self, ctx: Any) -> str:
        return _in_form(super().get_help(ctx), ctx)


class Group(TyperGroup):
    """The same for a group of commands."""

    def get_help(self, ctx: Any) -> str:
        return _in_form(super().get_help(ctx), ctx)


def _in_form(help: str, context: Any) -> str:
    usage, blank, rest = help.partition("\n\n")
    help = _BRACES.sub(r"\1", usage) + blank + _TYPES.sub(lambda found: " " * len(found[0]), rest)
    output = getattr(context.obj, "output", None)
    if output is None:
        return help
    if output.json:
        return json.dumps({"help": help})
    if output.out_screen.moves:
        return _HEADING.sub("\\1\x1b[1m\\2\x1b[0m:", help)
    return help
