"""Cuts a document into prose and code, so that a page can give code blocks a box of their own wherever they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from freehold.rendering.values import Block, Code, Item, Listing, Quote


@dataclass(frozen=True, slots=True)
class Prose:
    """Blocks without any code block among or inside them."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Boxed:
    """A code block, `depth` lists or quotes deep."""

    code: Code
    depth: int = 0


Piece = Prose | Boxed


def pieces(blocks: Iterable[Block]) -> tuple[Piece, ...]:
    """`blocks` in order, as prose and code by turns; a list around a code block goes on after it."""
    found: list[Piece] = []
    run: list[Block] = []
    for part in _parts(blocks, 0):
        if not isinstance(part, Boxed):
            run.append(part)
            continue
        if run:
            found.append(Prose(tuple(run)))
            run = []
        found.append(part)
    if run:
        found.append(Prose(tuple(run)))
    return tuple(found)


def _parts(blocks: Iterable[Block], depth: int) -> Iterator[Block | Boxed]:
    for block in blocks:
        match block:
            case Code():
                yield Boxed(block, depth)
            case Quote() if _holds_code(block):
                for part in _grouped(_parts(block.blocks, depth + 1)):
                    yield part if isinstance(part, Boxed) else Quote(part)
            case Listing() if _holds_code(block):
                yield from _list_parts(block, depth)
            case _:
                yield block


def _list_parts(listing: Listing, depth: int) -> Iterator[Block | Boxed]:
    """The list in sections that end where a code block stands."""
    items: list[Item] = []
    number = listing.start
    for item in listing.items:
        continues = item.continues
        for part in _grouped(_parts(item.blocks, depth + 1)) if item.blocks else [()]:
            if isinstance(part, Boxed):
                if not continues:  # an item that begins with code still shows its mark
                    items.append(Item(()))
                    continues = True
                if items:
                    yield replace(listing, items=tuple(items), start=number)
                    number = _after(number, items)
                    items = []
                yield part
            else:
                items.append(Item(part, continues))
                continues = True
    if items:
        yield replace(listing, items=tuple(items), start=number)


def _grouped(parts: Iterable[Block | Boxed]) -> Iterator[tuple[Block, ...] | Boxed]:
    run: list[Block] = []
    for part in parts:
        if not isinstance(part, Boxed):
            run.append(part)
            continue
        if run:
            yield tuple(run)
            run = []
        yield part
    if run:
        yield tuple(run)


def _after(number: int | None, items: list[Item]) -> int | None:
    return None if number is None else number + sum(not item.continues for item in items)


def _holds_code(block: Block) -> bool:
    match block:
        case Code():
            return True
        case Quote():
            return any(map(_holds_code, block.blocks))
        case Listing():
            return any(_holds_code(inner) for item in block.items for inner in item.blocks)
        case _:
            return False
