"""Colours code by Pygments, bounded: known languages and moderate sizes only, anything else stays plain."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MOST_CHARACTERS = 12_000  # some of Pygments' rules are quadratic in unclosed strings and comments


class Tone(StrEnum):
    """What a run of code is, as far as its colour goes."""

    PLAIN = "plain"
    KEYWORD = "keyword"
    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    COMMENT = "comment"
    ADDED = "added"
    REMOVED = "removed"


# Quiet colours that keep a contrast of 4.5 to 1 on the soft background of either palette.
LIGHT: Mapping[Tone, str] = MappingProxyType({
    Tone.KEYWORD: "#7A3E6D", Tone.NAME: "#1F5C8A", Tone.TEXT: "#2F6B4F", Tone.NUMBER: "#8A4B12",
    Tone.COMMENT: "#6A6F69", Tone.ADDED: "#2F6B4F", Tone.REMOVED: "#A3342B",
})  # fmt: skip
DARK: Mapping[Tone, str] = MappingProxyType({
    Tone.KEYWORD: "#D7A3CB", Tone.NAME: "#8FBFE3", Tone.TEXT: "#8CCBA9", Tone.NUMBER: "#E0B07C",
    Tone.COMMENT: "#929B94", Tone.ADDED: "#8CCBA9", Tone.REMOVED: "#E07F76",
})  # fmt: skip

# A language as people write it after the fence, and its name as shown. Only these are coloured.
LANGUAGES: Mapping[str, str] = MappingProxyType({
    "asm": "Assembly", "nasm": "Assembly", "bash": "Bash", "sh": "Shell", "shell": "Shell", "zsh": "Zsh",
    "console": "Console", "bat": "Batch", "c": "C", "h": "C", "cpp": "C++", "c++": "C++", "csharp": "C#", "cs": "C#",
    "c#": "C#", "clojure": "Clojure", "cmake": "CMake", "css": "CSS", "scss": "SCSS", "dart": "Dart", "diff": "Diff",
    "patch": "Diff", "docker": "Dockerfile", "dockerfile": "Dockerfile", "elixir": "Elixir", "erlang": "Erlang",
    "fortran": "Fortran", "fsharp": "F#", "go": "Go", "golang": "Go", "graphql": "GraphQL", "groovy": "Groovy",
    "haskell": "Haskell", "hs": "Haskell", "html": "HTML", "http": "HTTP", "ini": "INI", "java": "Java",
    "javascript": "JavaScript", "js": "JavaScript", "jsx": "JSX", "json": "JSON", "jsonc": "JSON", "julia": "Julia",
    "kotlin": "Kotlin", "kt": "Kotlin", "tex": "LaTeX", "latex": "LaTeX", "lisp": "Lisp", "lua": "Lua",
    "make": "Makefile", "makefile": "Makefile", "markdown": "Markdown", "md": "Markdown", "matlab": "MATLAB",
    "nginx": "nginx", "nim": "Nim", "nix": "Nix", "objc": "Objective-C", "objective-c": "Objective-C",
    "ocaml": "OCaml", "pascal": "Pascal", "perl": "Perl", "php": "PHP", "powershell": "PowerShell",
    "ps1": "PowerShell", "prolog": "Prolog", "proto": "Protobuf", "protobuf": "Protobuf", "python": "Python",
    "py": "Python", "python3": "Python", "pycon": "Python", "r": "R", "ruby": "Ruby", "rb": "Ruby", "rust": "Rust",
    "rs": "Rust", "scala": "Scala", "scheme": "Scheme", "solidity": "Solidity", "sql": "SQL", "postgresql": "SQL",
    "sqlite3": "SQL", "swift": "Swift", "terraform": "Terraform", "toml": "TOML", "typescript": "TypeScript",
    "ts": "TypeScript", "tsx": "TSX", "vim": "Vim", "vb.net": "VB.NET", "verilog": "Verilog", "vhdl": "VHDL",
    "xml": "XML", "svg": "SVG", "yaml": "YAML", "yml": "YAML", "zig": "Zig",
})  # fmt: skip
_ALIASES: Mapping[str, str] = MappingProxyType({"h": "c", "svg": "xml", "jsonc": "json", "vb.net": "vbnet"})


def language_name(language: str) -> str:
    """What to call a code block's language: its proper name, the word itself when unknown, or empty."""
    return LANGUAGES.get(language, language)


def tones(code: str, language: str) -> tuple[tuple[Tone, str], ...]:
    """`code` in runs of one tone; their texts joined are `code`."""
    lexer = _lexer(language) if len(code) <= MOST_CHARACTERS else None
    if lexer is None or not code:
        return ((Tone.PLAIN, code),) if code else ()
    runs: list[tuple[Tone, str]] = []
    end = 0
    for start, kind, text in lexer.get_tokens_unprocessed(code):
        if start != end:  # a lexer of lexers may jump; the code is shown as it is, not as it was understood
            return ((Tone.PLAIN, code),)
        end += len(text)
        tone = _tone(str(kind))
        if runs and runs[-1][0] is tone:
            runs[-1] = (tone, runs[-1][1] + text)
        elif text:
            runs.append((tone, text))
    return tuple(runs) if end == len(code) else ((Tone.PLAIN, code),)


@cache
def _lexer(language: str) -> Lexer | None:
    if language not in LANGUAGES:
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer: Lexer = get_lexer_by_name(_ALIASES.get(language, language))
    except ClassNotFound:  # an older or newer Pygments may lack one
        return None
    return lexer


@cache
def _tone(kind: str) -> Tone:
    """Pygments' token type, by name, as a tone."""
    for part, tone in _TONES:
        if kind.startswith(f"Token.{part}"):
            return tone
    return Tone.PLAIN


_TONES: tuple[tuple[str, Tone], ...] = (
    ("Comment", Tone.COMMENT), ("Keyword", Tone.KEYWORD), ("Operator.Word", Tone.KEYWORD),
    ("Literal.String", Tone.TEXT), ("Literal.Number", Tone.NUMBER), ("Name.Function", Tone.NAME),
    ("Name.Class", Tone.NAME), ("Name.Namespace", Tone.NAME), ("Name.Decorator", Tone.NAME),
    ("Name.Builtin", Tone.NAME), ("Name.Exception", Tone.NAME), ("Name.Tag", Tone.KEYWORD),
    ("Name.Attribute", Tone.NAME), ("Generic.Inserted", Tone.ADDED), ("Generic.Deleted", Tone.REMOVED),
    ("Generic.Heading", Tone.NAME), ("Generic.Subheading", Tone.NAME), ("Generic.Prompt", Tone.COMMENT),
)  # fmt: skip
