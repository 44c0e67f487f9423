"""The window's style sheet, made of a theme and a text size. Widgets say what they are (`kind`); looks are here."""

from __future__ import annotations

from collections.abc import Mapping

from freehold.desktop.theme import CODE_FAMILY, TextSizes, Theme
from freehold.foundation.paths import resources

_TEXT = """
QLabel { color: $ink; background: transparent; border: 0; }
QLabel[kind="title"] { font-size: ${title}px; font-weight: 600; }
QLabel[kind="brand"] { font-size: ${mark}px; font-weight: 600; }
QLabel[kind="heading"] { font-weight: 600; }
QLabel[kind="muted"] { color: $muted; }
QLabel[kind="note"] { color: $muted; font-size: ${note}px; }
QLabel[kind="group"] { color: $muted; font-size: ${note}px; font-weight: 600; }
QLabel[kind="hint"] { color: $muted; font-size: ${note}px; }
QLabel[kind="code"] { font-family: "$code"; }
QLabel[kind="smallcode"] { font-family: "$code"; font-size: ${note}px; color: $muted; }
QLabel[kind="digits"] { font-family: "$code"; font-size: ${large}px; font-weight: 600; }
QLabel[kind="secret"] { font-family: "$code"; font-size: ${mark}px; }
QLabel[tone="failed"] { color: $failed; }
QLabel[tone="here"] { color: $here; }
QLabel[tone="away"] { color: $away; }
QLabel:disabled { color: $muted; }
"""

_SURFACES = """
#window, #house, #page, #entry, QStackedWidget { background: $paper; }
#sidebar, #status { background: $panel; border: 0; }
#sidebar { border-right: 1px solid $line; }
#status { border-top: 1px solid $line; }
#status QLabel { font-size: ${note}px; color: $muted; }
#status QLabel[tone="away"] { color: $away; }
#status QLabel[kind="strong"] { color: $ink; font-weight: 500; }
#notice { background: $selected; border: 0; border-bottom: 1px solid $line; }
#chatHeader { background: $paper; border: 0; border-bottom: 1px solid $line; }
#sidePanel { background: $paper; border: 0; border-left: 1px solid $line; }
#viewer { background: $paper; border: 0; border-left: 1px solid $line; }
#viewerTools { background: $paper; border: 0; border-bottom: 1px solid $line; }
#viewerTools QLineEdit { padding: 2px 6px; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: 0; }
QFrame[kind="card"] { background: $card; border: 1px solid $line; border-radius: 12px; }
QFrame[kind="choice"] { background: $card; border: 1px solid $line; border-radius: 12px; margin: 1px; }
QFrame[kind="choice"][chosen="true"] { border: 2px solid $muted; margin: 0; }
QFrame[kind="choice"][focused="true"] { border: 2px solid $ink; margin: 0; }
QFrame[kind="overlay"] { background: $card; border: 1px solid $line; border-radius: 12px; }
QFrame[kind="line"] { background: $line; border: 0; min-height: 1px; max-height: 1px; }
QFrame[kind="strip"] { background: $selected; border: 0; border-radius: 8px; }
QFrame[kind="trouble"] { background: $card; border: 1px solid $failed; border-radius: 8px; }
QFrame[kind="secretbox"] { background: $paper; border: 1px dashed $muted; border-radius: 8px; }
QFrame[kind="mark"] { background: $here; border: 0; }
QFrame[kind="room"] { background: $paper; border: 0; }
QFrame[kind="dot"] { background: $muted; border: 0; border-radius: 4px; }
QFrame[kind="dot"][tone="here"] { background: $here; }
QFrame[kind="dot"][tone="away"] { background: $away; }
QFrame[kind="dot"][tone="failed"] { background: $failed; }
QFrame[kind="dot"][tone="none"] { background: transparent; }
QFrame[kind="pill"] { background: $selected; border: 0; border-radius: ${half_pill}px; min-height: ${pill}px;
  max-height: ${pill}px; }
QFrame[kind="pill"] QLabel { color: $muted; font-size: ${note}px; font-weight: 500; }
QFrame[kind="pill"][tone="here"] { background: $here_soft; }
QFrame[kind="pill"][tone="here"] QLabel { color: $here; }
QFrame[kind="pill"][tone="away"] { background: $away_soft; }
QFrame[kind="pill"][tone="away"] QLabel { color: $away; }
QFrame[kind="toast"] { background: $ink; border: 0; border-radius: 8px; }
QFrame[kind="toast"] QLabel { color: $paper; }
QFrame[kind="toast"] QPushButton { background: transparent; border: 1px solid $muted; color: $paper;
  padding: 3px 12px; }
QFrame[kind="toast"] QPushButton:hover, QFrame[kind="toast"] QPushButton:focus { border-color: $paper; }
QFrame[kind="filechip"] { background: $paper; border: 1px solid $line; border-radius: 8px; }
QFrame[kind="filechip"] QLabel { font-size: ${note}px; }
QFrame[kind="filechip"] QLineEdit { padding: 2px 6px; font-size: ${note}px; }
#shade { background: rgba(0, 0, 0, 90); }
"""

_BUTTONS = """
QPushButton { background: $card; border: 1px solid $edge; border-radius: 8px; padding: 6px 14px; color: $ink;
  font-weight: 500; }
QPushButton:hover { background: $selected; }
QPushButton:pressed { background: $line; }
QPushButton:focus { border-color: $ink; }
QPushButton:disabled { color: $muted; background: transparent; }
QPushButton[kind="primary"] { background: $ink; border-color: $ink; color: $paper; font-weight: 600; }
QPushButton[kind="primary"]:hover { background: $muted; border-color: $muted; }
QPushButton[kind="primary"]:focus { border: 2px solid $muted; padding: 5px 13px; }
QPushButton[kind="primary"][tone="away"] { border: 2px solid $away; padding: 5px 13px; }
QPushButton[kind="primary"]:disabled { background: $selected; border-color: $selected; color: $muted; }
QPushButton[kind="plain"] { background: transparent; border-color: transparent; color: $muted; padding: 4px 8px;
  font-size: ${note}px; }
QPushButton[kind="plain"]:hover { color: $ink; background: $selected; }
QPushButton[kind="plain"]:focus { border-color: $ink; color: $ink; }
QPushButton[kind="plain"]:checked { color: $ink; background: $selected; }
QPushButton[kind="small"] { padding: 4px 12px; font-size: ${note}px; }
QPushButton[kind="smallprimary"] { padding: 4px 12px; font-size: ${note}px; background: $ink; border-color: $ink;
  color: $paper; }
QPushButton[kind="smallprimary"]:hover { background: $muted; border-color: $muted; }
QPushButton[kind="smallprimary"]:disabled { background: $selected; border-color: $selected; color: $muted; }
QPushButton[kind="chip"] { background: $selected; border: 1px solid $selected; border-radius: ${half_pill}px;
  padding: 0 8px 0 10px; min-height: ${chip}px; max-height: ${chip}px; font-size: ${note}px; color: $muted; }
QPushButton[kind="chip"]:hover { color: $ink; }
QPushButton[kind="chip"]:focus { border-color: $ink; color: $ink; }
QPushButton[kind="where"] { border: 1px solid $here_soft; background: $here_soft; border-radius: ${half_pill}px;
  padding: 0; min-height: ${chip}px; max-height: ${chip}px; }
QPushButton[kind="where"] QLabel { color: $here; font-size: ${note}px; font-weight: 500; }
QPushButton[kind="where"]:hover, QPushButton[kind="where"]:focus { border-color: $here; }
QPushButton[kind="where"][tone="away"] { border-color: $away_soft; background: $away_soft; }
QPushButton[kind="where"][tone="away"] QLabel { color: $away; }
QPushButton[kind="where"][tone="away"]:hover, QPushButton[kind="where"][tone="away"]:focus { border-color: $away; }
QPushButton[kind="where"]:disabled { border-color: $here_soft; }
QPushButton[kind="wide"] { text-align: left; padding: 9px 11px; }
QPushButton[kind="search"] { text-align: left; padding: 9px 11px; color: $muted; font-weight: 400; }
QPushButton[kind="page"] { text-align: left; background: transparent; border-color: transparent; padding: 7px 8px;
  font-weight: 400; }
QPushButton[kind="page"]:hover { background: $selected; }
QPushButton[kind="page"]:checked { background: $selected; font-weight: 500; }
QPushButton[kind="page"]:focus { border-color: $ink; }
QPushButton[kind="segment"] { border-radius: 0; padding: 5px 14px; font-weight: 400; margin-left: -1px; }
QPushButton[kind="segment"][place="first"] { border-top-left-radius: 8px; border-bottom-left-radius: 8px;
  margin-left: 0; }
QPushButton[kind="segment"][place="last"] { border-top-right-radius: 8px; border-bottom-right-radius: 8px; }
QPushButton[kind="segment"]:checked { background: $selected; font-weight: 600; }
QPushButton[kind="link"] { background: transparent; border: 1px solid transparent; padding: 2px 4px; color: $ink;
  text-decoration: underline; font-weight: 400; }
QPushButton[kind="link"]:focus { border-color: $ink; }
"""

_FIELDS = """
QLineEdit, QPlainTextEdit, QSpinBox, QDoubleSpinBox, QComboBox { background: $card; border: 1px solid $edge;
  border-radius: 8px; padding: 6px 10px; color: $ink; selection-background-color: $here_soft; selection-color: $ink; }
QLineEdit:focus, QPlainTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus { border-color: $muted; }
QLineEdit:disabled, QPlainTextEdit:disabled, QComboBox:disabled { color: $muted; background: $paper; }
QLineEdit[kind="bare"], QPlainTextEdit[kind="bare"] { background: transparent; border: 0; padding: 0; }
QLineEdit[kind="code"] { font-family: "$code"; font-size: ${mark}px; }
QLineEdit[kind="title"] { font-weight: 600; padding: 3px 7px; }
QPlainTextEdit[kind="peerview"] { background: $paper; border: 1px dashed $away; font-size: ${note}px; }
QPlainTextEdit[kind="peerview"]:focus { border: 1px solid $away; }
QAbstractSpinBox { padding: 6px 0; }
QAbstractSpinBox QLineEdit { background: transparent; border: 0; padding: 0; border-radius: 0; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: 0; }
QComboBox::drop-down { border: 0; width: 24px; }
QComboBox::down-arrow { image: url("$chevron"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $card; border: 1px solid $line; color: $ink; outline: 0;
  selection-background-color: $selected; selection-color: $ink; padding: 4px; }
QProgressBar { background: $line; border: 0; border-radius: 2px; max-height: 5px; min-height: 5px; }
QProgressBar::chunk { background: $here; border-radius: 2px; }
QProgressBar[tone="away"]::chunk { background: $away; }
QProgressBar[tone="quiet"]::chunk { background: $muted; }
QRadioButton { color: $ink; spacing: 10px; background: transparent; font-weight: 500; }
QRadioButton:disabled { color: $muted; }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid $muted; border-radius: 8px; background: $card; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $ink; }
QRadioButton::indicator:disabled { border-color: $line; }
"""

_LISTS = """
QListView, QTableView { background: transparent; border: 0; outline: 0; color: $ink; }
QTableView { gridline-color: transparent; font-size: ${note}px; }
QHeaderView { background: transparent; border: 0; }
QHeaderView::section { background: transparent; border: 0; border-bottom: 1px solid $line; color: $muted;
  font-size: ${note}px; padding: 6px 10px; }
QTableView::item { padding: 6px 8px; border-bottom: 1px solid $line; }
QTableView::item:selected { background: $selected; }
QListView QLineEdit { border-radius: 4px; padding: 2px 6px; }
QMenu { background: $card; border: 1px solid $line; padding: 4px; color: $ink; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QToolTip { background: $ink; color: $paper; border: 0; padding: 4px 8px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar::handle:vertical { background: $line; border-radius: 3px; min-height: 32px; }
QScrollBar::handle:vertical:hover { background: $muted; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle:horizontal { background: $line; border-radius: 3px; min-width: 32px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""

_SHEET = _TEXT + _SURFACES + _BUTTONS + _FIELDS + _LISTS


def stylesheet(theme: Theme, text_size: int) -> str:
    """The whole sheet for `theme` at `text_size` pixels of body text."""
    sizes = TextSizes(text_size)
    chevron = resources() / "icons" / ("chevron-dark.svg" if theme.is_dark else "chevron-light.svg")
    values: dict[str, object] = {name: getattr(theme, name) for name in Theme.__slots__}
    # Qt draws no round corner whose radius is more than half the height.
    pill = 2 * round((sizes.note + 12) / 2)
    values |= {"edge": blend(theme.line, theme.muted, 0.25), "pill": pill, "half_pill": pill // 2, "chip": pill - 2}
    values |= {"note": sizes.note, "title": sizes.title, "mark": sizes.mark, "large": sizes.large}
    values |= {"code": CODE_FAMILY, "chevron": chevron.as_posix()}
    return _filled(_SHEET, values)


def _filled(sheet: str, values: Mapping[str, object]) -> str:
    """`sheet` with each $name or ${name} replaced; longer names first, as $here begins $here_soft."""
    for name in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"${{{name}}}", str(values[name])).replace(f"${name}", str(values[name]))
    return sheet


def blend(one: str, other: str, share: float) -> str:
    """#RRGGBB between two others: `share` of the way from the first to the second."""
    parts = [round(int(one[at : at + 2], 16) * (1 - share) + int(other[at : at + 2], 16) * share) for at in (1, 3, 5)]
    return "#" + "".join(f"{part:02X}" for part in parts)
