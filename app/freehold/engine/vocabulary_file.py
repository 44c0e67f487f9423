"""A model's tokenizer and chat template as a file of their own: what one machine hands another to speak its tokens."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import BinaryIO

from freehold.engine import gguf
from freehold.engine.gguf_parse import Header
from freehold.foundation.paths import write_atomically


def write_vocabulary(model: Path, to: Path) -> str:
    """Write the GGUF `model` without its tensors to `to`, whole or not at all, and return its SHA-256 in hex.

    The metadata is copied byte for byte, so everybody who has this model makes the very same file of it.
    Raises ModelMalformed, DiskFull, ProfileUnusable.
    """
    content = gguf.looked_at(model, _without_tensors)
    write_atomically(to, content)
    return hashlib.sha256(content).hexdigest()


def _without_tensors(file: BinaryIO, header: Header, _: int) -> bytes:
    file.seek(0)
    kept = file.read(header.keys_end)
    # The magic and the version, then how many tensors there are, then how many keys and the keys themselves.
    content = kept[:8] + struct.pack("<Q", 0) + kept[16:]
    return content + bytes(-len(content) % gguf.alignment(header.fields))
