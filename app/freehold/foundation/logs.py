"""Logs: what the program did, never what its owner wrote. Small, rotating, readable by the owner alone."""

from __future__ import annotations

import logging
import os
from copy import copy
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _FactsOnly(logging.Formatter):
    """Leaves out exception messages, which may quote user words; type and place stay."""

    def format(self, record: logging.LogRecord) -> str:
        own = copy(record)  # another handler's formatter may have left its own text of the exception in the record
        own.exc_text = None
        return super().format(own)

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's own name
        assert isinstance(ei, tuple)
        kind, _, trace = ei
        lines = [kind.__name__ if isinstance(kind, type) else "error"]
        while trace is not None:
            code = trace.tb_frame.f_code
            lines.append(f"  {Path(code.co_filename).name}:{trace.tb_lineno} in {code.co_name}")
            trace = trace.tb_next
        return "\n".join(lines)


class _OwnersFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        """Opened with mode 0600 from the first byte on, the files after a rotation too."""
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return TextIOWrapper(os.fdopen(handle, "ab"), encoding="utf-8", errors="backslashreplace")


def start_logging(folder: Path) -> None:
    """Log to `folder`/freehold.log (two files of 1 MB at most). Never raises: a full disk loses lines, no more."""
    root = logging.getLogger("freehold")
    root.propagate = False
    if root.handlers:
        return
    handler = _OwnersFile(folder / "freehold.log", maxBytes=1_000_000, backupCount=1, delay=True, encoding="utf-8")
    handler.setFormatter(_FactsOnly(_FORMAT))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.raiseExceptions = False  # a full disk must not print over an answer
