"""One form for every JSON value, so that what is hashed or signed is the same bytes on every machine; and reading what
another machine wrote.
"""

from __future__ import annotations

import json
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted names and no spaces, ASCII only: the same value always gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def object_from(content: str | bytes) -> dict[str, Any]:
    """The JSON object in `content`, which anybody may have written. Raises ValueError for anything else."""
    try:
        value = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if isinstance(value, dict):
        return value
    raise ValueError("no object")
