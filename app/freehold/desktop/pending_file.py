"""A file that goes with the next message, while it is read and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from freehold.chats.values import Attachment
from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentNeedsPassword


@dataclass(eq=False, slots=True)
class PendingFile:
    """`file` once it is read, `error` when it could not be; `stop` ends the reading."""

    name: str
    path: Path | None = None
    file: Attachment | None = None
    error: FreeholdError | None = None
    stop: Stop | None = None

    @property
    def needs_password(self) -> bool:
        return isinstance(self.error, DocumentNeedsPassword)

    @property
    def is_being_read(self) -> bool:
        return self.file is None and self.error is None
