"""Numbers as people read them. Pure but for Qt's translation of the words between the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

if TYPE_CHECKING:
    from datetime import date

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def _tr(text: str) -> str:
    return QCoreApplication.translate("words", text)


def count_words(number: int) -> str:
    """1204 as "1,204"."""
    return f"{number:,}"


def size_words(size: float) -> str:
    """Bytes in decimal units, two or three digits: "98 MB", "2.6 GB"."""
    unit = 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    if unit == 0:
        return f"{size:.0f} {_tr('bytes')}"
    return f"{size:.1f} {_UNITS[unit]}" if size < 9.95 else f"{size:.0f} {_UNITS[unit]}"


def time_left_words(seconds: float) -> str:
    """A rough time to wait: "40 s left", "12 min left", "2 h 5 min left"."""
    if seconds < 60:
        return _tr("{0} s left").format(max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return _tr("{0} min left").format(minutes)
    return _tr("{0} h {1} min left").format(minutes // 60, minutes % 60)


def parameters_words(count: int) -> str:
    """A model's size in parameters: "135M", "4.0B"; empty when unknown."""
    if count <= 0:
        return ""
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"


def long_day_words(seconds: float) -> str:
    """The day of a moment (seconds since 1970), written out as this system does."""
    from PySide6.QtCore import QDateTime, QLocale

    return QLocale().toString(QDateTime.fromSecsSinceEpoch(int(seconds)).date(), QLocale.FormatType.LongFormat)


def day_words(day: date, today: date) -> str:
    """The group of the chat list that `day` belongs to."""
    age = (today - day).days
    if age <= 0:
        return _tr("Today")
    if age == 1:
        return _tr("Yesterday")
    return _tr("This week") if age < 7 else _tr("Earlier")


def meter_words(tokens: int, limit: int) -> str:
    """What the context meter says beside its bar."""
    return _tr("Context {0} of {1}").format(count_words(tokens), count_words(limit))


def left_out_words(turns: int) -> str:
    """What is said when a chat has outgrown the model's context."""
    if turns == 1:
        return _tr("The oldest message no longer fits. The model did not see it; it is still saved here.")
    return _tr("The oldest {0} messages no longer fit. The model did not see them; they are still saved here.").format(
        count_words(turns)
    )
