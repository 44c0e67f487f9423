"""The palette and type of design/desktop.md. One idea carries the colour: it says where your words are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #RRGGBB. `here`: on this computer; `away`: may leave it; `failed`: only for what failed."""

    name: str
    paper: str
    panel: str
    card: str
    ink: str
    muted: str
    line: str
    selected: str
    here: str
    here_soft: str
    away: str
    away_soft: str
    failed: str


LIGHT = Theme(
    "light", "#FBFAF6", "#F3F1EA", "#FFFFFF", "#1E2421", "#6A716C", "#E4E1D7", "#E9E6DC",
    "#2F6B4F", "#E3EFE8", "#A85E0A", "#FAEBD7", "#A3342B",
)  # fmt: skip
DARK = Theme(
    "dark", "#151917", "#1B201E", "#212725", "#E8EBE8", "#98A19B", "#2C3330", "#28302C",
    "#7CC29F", "#20352B", "#E4A558", "#3A2B17", "#E07F76",
)  # fmt: skip
