"""The palette and type of design/desktop.md. One idea carries the colour: it says where your words are."""

from __future__ import annotations

from dataclasses import dataclass, replace

TEXT_FAMILY = "Inter"
CODE_FAMILY = "JetBrains Mono"


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

    @property
    def is_dark(self) -> bool:
        return self.name.startswith("dark")


LIGHT = Theme(
    "light", "#FBFAF6", "#F3F1EA", "#FFFFFF", "#1E2421", "#6A716C", "#E4E1D7", "#E9E6DC",
    "#2F6B4F", "#E3EFE8", "#A85E0A", "#FAEBD7", "#A3342B",
)  # fmt: skip
DARK = Theme(
    "dark", "#151917", "#1B201E", "#212725", "#E8EBE8", "#98A19B", "#2C3330", "#28302C",
    "#7CC29F", "#20352B", "#E4A558", "#3A2B17", "#E07F76",
)  # fmt: skip


def theme_for(*, dark: bool, high_contrast: bool = False) -> Theme:
    """The theme for what the system, or its owner, asks for. In high contrast every line can be seen."""
    if not high_contrast:
        return DARK if dark else LIGHT
    if dark:
        return replace(
            DARK, name="dark, high contrast", paper="#000000", panel="#0A0D0B", card="#101412", ink="#FFFFFF",
            muted="#D5DBD7", line="#A9B2AC", here="#9BE3BF", away="#FFC27A", failed="#FFA39B",
        )  # fmt: skip
    return replace(
        LIGHT, name="light, high contrast", paper="#FFFFFF", panel="#FAF9F5", ink="#000000", muted="#333A36",
        line="#5A615C", selected="#DDD9CB", here="#154D34", away="#7A4200", failed="#8A1F17",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TextSizes:
    """Type sizes in pixels, all in proportion to the body text."""

    body: int

    @property
    def note(self) -> int:
        return max(9, round(self.body * 12 / 14))

    @property
    def title(self) -> int:
        return round(self.body * 20 / 14)

    @property
    def large(self) -> int:
        return round(self.body * 30 / 14)

    @property
    def mark(self) -> int:
        return round(self.body * 16 / 14)
