"""Rendering a model's chat template, which is a program from a stranger, in a sandbox with limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from jinja2 import Template, TemplateError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, LoopControlExtension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from freehold.engine.bounds import within
from freehold.engine.gguf import MOST_TEMPLATE_BYTES
from freehold.foundation.errors import TemplateFailed

T = TypeVar("T")

RENDER_SECONDS = 0.25  # of processor time
COMPILE_SECONDS = 1.0
MEMORY = 256 * 1024 * 1024
MOST_OUTPUT = 1_000_000  # characters, on top of what the messages themselves hold
MOST_SIZE = 1_000_000  # of one string or list that an operator makes
MOST_BITS = 4096  # of one whole number

# The filters that real chat templates use. What is left out pads, formats or repeats to any length, or is random.
_FILTERS = frozenset(
    """
    abs capitalize count d default dictsort e escape first float forceescape groupby int items join last length list
    lower map max min reject rejectattr replace reverse safe select selectattr sort string striptags sum title trim
    unique upper wordcount
    """.split()  # noqa: SIM905 - forty quoted names read worse
)
_PADDING = frozenset({"center", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"})


class ChatTemplate:
    """A compiled template. Raises TemplateFailed on everything that goes wrong, whatever it is."""

    def __init__(self, source: str) -> None:
        if len(source.encode("utf-8", "replace")) > MOST_TEMPLATE_BYTES:
            raise TemplateFailed(f"it is longer than {MOST_TEMPLATE_BYTES} bytes")
        self._environment = _Sandbox()
        self._template: Template = _failing_in_words(COMPILE_SECONDS, lambda: self._environment.from_string(source))

    def render(self, messages: Sequence[Mapping[str, str]], *, now: datetime, bos: str = "", eos: str = "") -> str:
        """The prompt for `messages` (role, content), up to where the answer begins. `now` is all the clock it sees."""
        most = MOST_OUTPUT + 2 * sum(len(message["content"]) for message in messages)
        names = {
            "messages": [dict(message) for message in messages], "add_generation_prompt": True,
            "bos_token": bos, "eos_token": eos, "tools": None, "documents": None,
            "strftime_now": lambda form: _strftime(now, form),
        }  # fmt: skip
        return _failing_in_words(RENDER_SECONDS, lambda: self._render(names, most))

    def _render(self, names: Mapping[str, Any], most: int) -> str:
        pieces, size = [], 0
        for piece in self._template.generate(**names):
            size += len(piece)
            if size > most:
                raise TemplateFailed("it writes without end")
            pieces.append(piece)
        return "".join(pieces)


def _failing_in_words(seconds: float, work: Callable[[], T]) -> T:
    try:
        return within(seconds, MEMORY, work)
    except TemplateFailed:
        raise
    except TemplateError as error:
        raise TemplateFailed(_one_line(f"{type(error).__name__}: {error.message or ''}")) from error
    except Exception as error:
        # A template runs arbitrary expressions: any exception type can come out of one, and each means the same.
        raise TemplateFailed(f"it fails with {type(error).__name__}") from error


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja as chat templates expect it, without what could grow without bound."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[LoopControlExtension, _Generation])
        self.filters = {name: made for name, made in self.filters.items() if name in _FILTERS}
        self.filters["tojson"] = _to_json
        self.filters["indent"] = _indent
        for name in ("lipsum", "cycler", "joiner"):
            self.globals.pop(name, None)
        self.globals["raise_exception"] = _raise_exception

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _check_size(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str | bytes) and attr in _PADDING:
            return False
        return super().is_safe_attribute(obj, attr, value)


class _Generation(Extension):
    """`{% generation %}` marks an answer for training; here its content simply counts."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own shape

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _check_size(operator: str, left: Any, right: Any) -> None:
    """Refuse an operation whose result could be huge, before it is computed."""
    size = 0
    if operator == "%" and isinstance(left, str):
        if re.search(r"%[^a-zA-Z%]*(\d{4,}|\*)", left):
            raise SecurityError("a width in % is too large")
    elif isinstance(left, int) and isinstance(right, int):
        bits = {"*": left.bit_length() + right.bit_length(), "**": left.bit_length() * max(right, 0)}
        size = bits.get(operator, 0) * (MOST_SIZE // MOST_BITS)
    elif operator == "*":
        size = _length(left) * _number(right) + _length(right) * _number(left)
    elif operator == "+":
        size = _length(left) + _length(right)
    if size > MOST_SIZE:
        raise SecurityError(f"the result of {operator} is too large")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple) else 0


def _number(value: Any) -> int:
    return max(int(value), 0) if isinstance(value, int) else 0


def _raise_exception(words: object = "") -> None:
    raise TemplateError(str(words))


def _to_json(value: Any, indent: int | None = None, **_: Any) -> str:
    if isinstance(value, Undefined):
        raise TemplateError("tojson of something undefined")
    return json.dumps(value, ensure_ascii=False, indent=None if indent is None else min(int(indent), 16))


def _indent(text: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    margin = width[:64] if isinstance(width, str) else " " * min(int(width), 64)
    lines = str(text).split("\n")
    rest = [margin + line if blank or line else line for line in lines[1:]]
    return "\n".join([margin + lines[0] if first else lines[0], *rest])


def _strftime(now: datetime, form: object) -> str:
    words = str(form)
    # glibc pads a field to any width that the format asks for.
    if len(words) > 100 or re.search(r"%(?!-?[a-zA-Z%])", words):
        raise TemplateError("that is no date format")
    return now.strftime(words)
