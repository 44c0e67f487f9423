"""Files made of records: JSON, JSON lines, notebooks, calendars and contacts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from freehold.library.errors import DocumentUnreadable
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, paragraph, title
from freehold.library.extract.encoding import read_text
from freehold.library.extract.text import markdown_blocks

_DEEPEST = 60
_LONG = 200  # characters from which a value stands as a paragraph of its own


def read_json(source: Source) -> Blocks:
    """`path: value` lines, one record of a list after the other; what is no JSON is kept as it stands."""
    text = read_text(source.path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        yield from _lines_or_text(text)
        return
    records = content if isinstance(content, list) else [content]
    for record in records:
        yield from _record(record)


def _lines_or_text(text: str) -> Blocks:
    for line in text.split("\n"):
        try:
            yield from _record(json.loads(line))
        except (ValueError, RecursionError):
            for start in range(0, len(line), 100_000):
                yield from paragraph(line[start : start + 100_000])


def _record(value: Any) -> Blocks:
    waiting: list[str] = []
    for path, leaf in _leaves(value, ""):
        line = f"{path}: {leaf}" if path else leaf
        if len(leaf) > _LONG:
            yield from paragraph("\n".join(waiting))
            waiting.clear()
            yield from paragraph(line)
        else:
            waiting.append(line)
    yield from paragraph("\n".join(waiting))


def _leaves(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        yield path, json.dumps(value, ensure_ascii=False)[:10_000]
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, list):
        if value and not any(isinstance(inner, dict | list) for inner in value):
            yield path, ", ".join(_plain(inner) for inner in value)
            return
        for inner in value:
            yield from _leaves(inner, path, depth + 1)
    else:
        yield path, _plain(value)


def _plain(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    return str(value)


def read_notebook(source: Source) -> Blocks:
    """A notebook's cells, and the text that running them gave."""
    try:
        cells = json.loads(read_text(source.path))["cells"]
        pairs = [(str(cell["cell_type"]), _source(cell["source"]), cell.get("outputs", [])) for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DocumentUnreadable("it is not a whole notebook") from error
    for kind, text, outputs in pairs:
        if kind == "markdown":
            yield from markdown_blocks(text)
        elif text.strip():
            yield Block(Kind.CODE, text.strip("\n"))
        for output in outputs if isinstance(outputs, list) else []:
            yield from _output(output)


def _output(output: Any) -> Blocks:
    if isinstance(output, dict):
        plain = output.get("data", {}).get("text/plain") if isinstance(output.get("data"), dict) else None
        yield from paragraph(_source(output.get("text") or plain or "")[:20_000])


def _source(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def read_calendar(source: Source) -> Blocks:
    """Events of an .ics file and cards of a .vcf file, each a paragraph."""
    import vobject

    text = read_text(source.path)
    try:
        for component in vobject.readComponents(text, ignoreUnreadable=True, allowQP=True):
            for inner in component.components() if component.name == "VCALENDAR" else [component]:
                if inner.name != "VTIMEZONE":
                    yield from paragraph(_card(inner))
    except (vobject.base.ParseError, ValueError, AttributeError, TypeError) as error:
        raise DocumentUnreadable("its entries cannot be told apart") from error


def _card(component: Any) -> str:
    skipped = {"UID", "DTSTAMP", "SEQUENCE", "PRODID", "VERSION", "PHOTO", "KEY", "REV", "N"}
    lines = []
    for line in component.getChildren():
        value = getattr(line, "value", None)
        if line.name not in skipped and value is not None:
            words = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            lines.append(f"{line.name.capitalize()}: {words.strip()}")
    return "\n".join(lines)


def read_name(source: Source) -> Blocks:
    """A file of which only the name can be told."""
    yield from title(source.path.stem)
