"""Rows for people: side by side where there is room, one below the other where there is not."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from freehold.rendering.visible import visible

_SPACE = 2
_LEAST_WIDE = 14  # columns the column that gives way must have left, or the rows are stacked


class Rows:
    """Rows under muted headings, without lines. The column called `wide` gives way: cut when `cuts`, else folded."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], wide: str, *, cuts: bool = False) -> None:
        self._columns, self._cuts = columns, cuts
        self._wide = list(columns).index(wide)
        self._rows = [[visible(cell).replace("\n", " ") for cell in row] for row in rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        fixed = sum(width + _SPACE for place, width in enumerate(self._widths()) if place != self._wide)
        widest = max(cell_len(row[self._wide]) for row in self._rows)
        if fixed + min(widest, _LEAST_WIDE) > options.max_width:
            yield from self._stacked()
        else:
            yield self._side_by_side(options.max_width - fixed)

    def _widths(self) -> list[int]:
        cells = zip(self._columns, *self._rows, strict=True)
        return [max(cell_len(cell) for cell in column) for column in cells]

    def _side_by_side(self, room: int) -> Table:
        drawn = Table(
            box=None, padding=(0, _SPACE, 0, 0), header_style="dim", show_edge=False, pad_edge=False,
            show_header=any(self._columns),
        )  # fmt: skip
        for place, (column, width) in enumerate(zip(self._columns, self._widths(), strict=True)):
            if place == self._wide:
                drawn.add_column(column, overflow="fold")
            else:
                drawn.add_column(column, no_wrap=True, min_width=width)
        for row in self._rows:
            cells = [Text(cell) for cell in row]
            if self._cuts:
                cells[self._wide].truncate(room, overflow="ellipsis")
            drawn.add_row(*cells)
        return drawn

    def _stacked(self) -> RenderResult:
        for row in self._rows:
            yield Text(row[self._wide])
            others = [cell for place, cell in enumerate(row) if place != self._wide and cell]
            yield Text("  " + ", ".join(others), style="dim")


def table(*columns: str, rows: Sequence[Sequence[str]], wide: str, cuts: bool = False) -> Rows:
    """`rows` (one at least) under `columns`, as something that Output.show takes."""
    return Rows(columns, rows, wide, cuts=cuts)
