"""Exit codes (design: cli.md)."""

from __future__ import annotations

OK = 0
BUG = 1
USAGE = 2
FAILED = 3
INTERRUPTED = 130
