"""One page of a document, painted from its picture, with the passage marked. Nothing here reads a document."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from freehold.desktop.theme import LIGHT, Theme
from freehold.library.values import Box, PagePicture

LEAST_ZOOM, MOST_ZOOM = 0.25, 5.0
_STEP = 1.25
_MARGIN = 16
_KEPT = 8  # pictures: the page in view, its neighbours, and some that were just seen
_COARSE = 32  # pixels: a picture is asked for in widths of so many, so that a drag of the edge asks for few
_MOST_WIDTH = 4_000
_MARK = QColor("#BFE3CF")  # multiplied into the page, which is paper in every theme
_RESIZE_MS = 150


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page's picture, so many pixels wide."""

    page: int
    width: int


class PageView(QAbstractScrollArea):
    """Shows page `at` of so many. `wanted` says which picture is missing; `put` brings it.

    Keys: Page Up and Down scroll and turn, Left and Right turn, + and - zoom, 0 fits the width.
    """

    turned = Signal(int)
    zoomed = Signal(float)
    missing = Signal()  # something is to be fetched: see `wanted`

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Page"))
        self._theme = LIGHT
        self._sizes: Sequence[tuple[float, float]] = ()
        self._at, self._zoom = 1, 1.0
        self._marked = 0  # the page that the passage stands on
        self._pictures: OrderedDict[tuple[int, int], QImage] = OrderedDict()
        self._boxes: dict[int, tuple[QRectF, ...]] = {}
        self._failed: dict[int, str] = {}
        self._goes_to_mark = False
        self._drag: QPoint | None = None
        self._settle = QTimer(self, singleShot=True, interval=_RESIZE_MS)
        self._settle.timeout.connect(self.missing)

    def dress(self, theme: Theme) -> None:
        self._theme = theme
        self.viewport().update()

    def open(self, sizes: Sequence[tuple[float, float]], at: int, *, is_marked: bool) -> None:
        """Show another document at page `at`; `is_marked`: a passage stands there."""
        self.clear()
        self._sizes, self._marked = sizes, at if is_marked else 0
        self._goes_to_mark = is_marked
        self._go(at)

    def clear(self) -> None:
        """Forget the document."""
        self._sizes, self._at, self._marked = (), 1, 0
        self._pictures.clear()
        self._boxes.clear()
        self._failed.clear()
        self._settle.stop()
        self.viewport().update()

    @property
    def at(self) -> int:
        return self._at

    @property
    def count(self) -> int:
        return len(self._sizes)

    @property
    def zoom(self) -> float:
        return self._zoom

    def is_marked(self, page: int) -> bool:
        """Whether the passage stands on `page`."""
        return page == self._marked

    @property
    def is_away(self) -> bool:
        """The passage stands on another page."""
        return self._marked not in (0, self._at)

    def go_to_passage(self) -> None:
        if self._marked:
            self._goes_to_mark = True
            self._go(self._marked)

    def turn_to(self, page: int) -> None:
        if self._sizes and 1 <= page <= len(self._sizes) and page != self._at:
            self._goes_to_mark = False
            self._go(page)

    def set_zoom(self, zoom: float) -> None:
        zoom = min(max(zoom, LEAST_ZOOM), MOST_ZOOM)
        if zoom == self._zoom:
            return
        middle = self._share_in_the_middle()
        self._zoom = zoom
        self._fit()
        self.verticalScrollBar().setValue(round(middle * self._page_size()[1] - self.viewport().height() / 2))
        self.zoomed.emit(zoom)
        self._settle.start()

    def zoom_in(self) -> None:
        self.set_zoom(self._zoom * _STEP)

    def zoom_out(self) -> None:
        self.set_zoom(self._zoom / _STEP)

    def wanted(self) -> Wanted | None:
        """The picture that is missing most: of the page in view, then of the next and the one before."""
        for page in (self._at, self._at + 1, self._at - 1):
            if not 1 <= page <= len(self._sizes) or page in self._failed:
                continue
            width = self._pixels()
            if (page, width) not in self._pictures:
                return Wanted(page, width)
        return None

    def put(self, wanted: Wanted, picture: PagePicture) -> None:
        """The picture that was wanted, and where the passage stands on it."""
        image = QImage(picture.rgb, picture.width, picture.height, 3 * picture.width, QImage.Format.Format_RGB888)
        for key in [key for key in self._pictures if key[0] == wanted.page]:
            del self._pictures[key]
        self._pictures[wanted.page, wanted.width] = image.copy()  # Qt does not keep the bytes alive
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        if wanted.page == self._marked:
            self.mark(picture.boxes)
        if wanted.page == self._at:
            self._go_to_mark()
        self.viewport().update()

    def mark(self, boxes: Sequence[Box]) -> None:
        """Where the passage stands on its page."""
        if boxes:
            self._boxes[self._marked] = tuple(
                QRectF(box.left, box.top, box.right - box.left, box.bottom - box.top) for box in boxes
            )
            if self._at == self._marked:
                self._go_to_mark()
            self.viewport().update()

    def fail(self, page: int, words: str) -> None:
        """Say on the page why it cannot be shown."""
        self._failed[page] = words
        self.viewport().update()

    def _go(self, page: int) -> None:
        self._at = page
        self._fit()
        self.verticalScrollBar().setValue(0)
        self.horizontalScrollBar().setValue(0)
        self._go_to_mark()
        self.setAccessibleName(self.tr("Page {0} of {1}").format(page, len(self._sizes)))
        self.turned.emit(page)
        self.missing.emit()
        self.viewport().update()

    def _go_to_mark(self) -> None:
        """Bring the passage to a third of the window's height, once, when it is known where it stands."""
        boxes = self._boxes.get(self._at)
        if not (self._goes_to_mark and boxes):
            return
        self._goes_to_mark = False
        page = self._page_rect(scrolled=False)
        top = page.top() + min(box.top() for box in boxes) * page.height()
        left = page.left() + min(box.left() for box in boxes) * page.width()
        self.verticalScrollBar().setValue(round(top - self.viewport().height() / 3))
        self.horizontalScrollBar().setValue(round(left - self.viewport().width() / 3))

    # Where the page lies.

    def _page_size(self) -> tuple[int, int]:
        """Logical pixels of the page in view."""
        across, down = self._sizes[self._at - 1] if self._sizes else (1.0, 1.0)
        width = max(64, round((self.viewport().width() - 2 * _MARGIN) * self._zoom))
        return width, max(1, round(width * down / max(across, 1.0)))

    def _pixels(self) -> int:
        """How wide a picture is asked for, in the screen's own pixels."""
        logical = max(64, (self.viewport().width() - 2 * _MARGIN) * self._zoom)
        return min(_MOST_WIDTH, -(-round(logical * self.devicePixelRatioF()) // _COARSE) * _COARSE)

    def _page_rect(self, *, scrolled: bool = True) -> QRect:
        wide, high = self._page_size()
        left = max(_MARGIN, (self.viewport().width() - wide) // 2)
        top = max(_MARGIN, (self.viewport().height() - high) // 2)
        x = self.horizontalScrollBar().value() if scrolled else 0
        y = self.verticalScrollBar().value() if scrolled else 0
        return QRect(left - x, top - y, wide, high)

    def _share_in_the_middle(self) -> float:
        """Which part of the page's height is in the middle of the window."""
        return (self.verticalScrollBar().value() + self.viewport().height() / 2) / self._page_size()[1]

    def _fit(self) -> None:
        wide, high = self._page_size()
        down, across = self.verticalScrollBar(), self.horizontalScrollBar()
        down.setRange(0, max(0, high + 2 * _MARGIN - self.viewport().height()))
        down.setPageStep(self.viewport().height())
        down.setSingleStep(24)
        across.setRange(0, max(0, wide + 2 * _MARGIN - self.viewport().width()))
        across.setPageStep(self.viewport().width())
        self.viewport().update()

    # What Qt says.

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        middle = self._share_in_the_middle()
        self._fit()
        if event.oldSize().width() > 0 and event.oldSize().width() != event.size().width():
            self.verticalScrollBar().setValue(round(middle * self._page_size()[1] - self.viewport().height() / 2))
        self._settle.start()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(self._theme.panel))
        if not self._sizes:
            return
        page = self._page_rect()
        painter.fillRect(page, QColor(LIGHT.card))
        picture = next((image for (at, _), image in self._pictures.items() if at == self._at), None)
        if picture is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(page, picture)
            self._paint_marks(painter, page)
        else:
            words = self._failed.get(self._at) or self.tr("Painting page {0}").format(self._at)
            painter.setPen(QColor(LIGHT.muted))
            flags = Qt.AlignmentFlag.AlignHCenter.value | Qt.TextFlag.TextWordWrap.value
            painter.drawText(page.adjusted(40, min(page.height() // 4, 160), -40, 0), flags, words)
        painter.setPen(QColor(self._theme.line))
        painter.drawRect(page.adjusted(-1, -1, 0, 0))

    def _paint_marks(self, painter: QPainter, page: QRect) -> None:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Multiply)
        for box in self._boxes.get(self._at, ()):
            where = QRectF(
                page.left() + box.left() * page.width(), page.top() + box.top() * page.height(),
                box.width() * page.width(), box.height() * page.height(),
            )  # fmt: skip
            painter.fillRect(where.adjusted(-2, -1, 2, 1), _MARK)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:  # noqa: N802 - Qt's name
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        bar, key = self.verticalScrollBar(), event.key()
        if key in (Qt.Key.Key_PageDown, Qt.Key.Key_Space) and bar.value() >= bar.maximum():
            self.turn_to(self._at + 1)
        elif key == Qt.Key.Key_PageUp and bar.value() <= 0 and self._at > 1:
            self.turn_to(self._at - 1)
            bar.setValue(bar.maximum())
        elif key in (Qt.Key.Key_PageDown, Qt.Key.Key_Space):
            bar.setValue(bar.value() + bar.pageStep() - 40)
        elif key == Qt.Key.Key_PageUp:
            bar.setValue(bar.value() - bar.pageStep() + 40)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key == Qt.Key.Key_Minus:
            self.zoom_out()
        elif key == Qt.Key.Key_0:
            self.set_zoom(1.0)
        elif page := self._page_for(key):
            self.turn_to(page)
        else:
            super().keyPressEvent(event)

    def _page_for(self, key: int) -> int:
        pages = {
            Qt.Key.Key_Right: self._at + 1, Qt.Key.Key_Left: self._at - 1, Qt.Key.Key_Home: 1,
            Qt.Key.Key_End: len(self._sizes),
        }  # fmt: skip
        return pages.get(Qt.Key(key), 0)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        turn = event.angleDelta().y()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and turn:
            self.set_zoom(self._zoom * (_STEP if turn > 0 else 1 / _STEP))
            event.accept()
        else:
            super().wheelEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if self._drag is not None:
            step = event.position().toPoint() - self._drag
            self._drag = event.position().toPoint()
            self.horizontalScrollBar().setValue(self.horizontalScrollBar().value() - step.x())
            self.verticalScrollBar().setValue(self.verticalScrollBar().value() - step.y())

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        self._drag = None
