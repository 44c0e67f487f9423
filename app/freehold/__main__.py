"""The only entry: the window, the terminal's commands, and the workers that Freehold starts of itself."""

from __future__ import annotations

import sys


def main() -> int:
    """Run what the command line asks for; the value is the exit code."""
    from freehold import app

    if sys.argv[1:2] == ["--worker"]:
        return app.work(sys.argv[2], sys.argv[3:])
    return app.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
