"""Logs: what the program did, never what its owner wrote. Small, rotating, readable by the owner alone."""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _FactsOnly(logging.Formatter):
    """Leaves out exception messages, which may quote user words; type and place stay."""

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's own name
        assert isinstance(ei, tuple)
        kind, _, trace = ei
        lines = [kind.__name__ if isinstance(kind, type) else "error"]
        while trace is not None:
            code = trace.tb_frame.f_code
            lines.append(f"  {Path(code.co_filename).name}:{trace.tb_lineno} in {code.co_name}")
            trace = trace.tb_next
        return "\n".join(lines)


def start_logging(folder: Path) -> None:
    """Log to `folder`/freehold.log (two files of 1 MB at most). Safe to call when the disk is full."""
    root = logging.getLogger("freehold")
    root.propagate = False
    if root.handlers:
        return
    try:
        old_mask = os.umask(0o077)
        try:
            handler: logging.Handler = RotatingFileHandler(
                folder / "freehold.log", maxBytes=1_000_000, backupCount=1, delay=True, encoding="utf-8"
            )
        finally:
            os.umask(old_mask)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(_FactsOnly(_FORMAT))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.raiseExceptions = False  # a full disk must not print over an answer
