"""A real llama model of 60,000 weights that llama.cpp loads in a moment, and the same file taken apart to be broken.

path = write_tiny(tmp_path / "tiny.gguf")
broken = Draft.of(path).with_field("llama.block_count", "UINT32", 2**31).write(tmp_path / "broken.gguf")
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, KV_HEADS, FEED, CONTEXT = 2, 64, 4, 2, 64, 512
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{{ '<|im_start|>assistant\n' }}"
)
WORDS = ["▁", *"abcdefghijklmnopqrstuvwxyz.,!?\n", "▁the", "▁and", "▁is", "▁you", "he", "th", "in", "er", "an"]
TOKENS = [
    "<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", *(f"<0x{byte:02X}>" for byte in range(256)), *WORDS,
]  # fmt: skip
TYPES = [2, 3, 3, 3, 3, *(6 for _ in range(256)), *(1 for _ in WORDS)]
ENDS = (2, 4)


def write_tiny(
    path: Path, *, template: str | None = TEMPLATE, poison: bool = False, name: str = "Tiny", context: int = CONTEXT
) -> Path:
    """Write the model with the `gguf` package. With `poison` its arithmetic gives NaN."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_file_type(0)
    writer.add_block_count(LAYERS)
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([-float(number) for number in range(len(TOKENS))])
    writer.add_token_types(TYPES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    for tensor, values in _weights(poison=poison).items():
        writer.add_tensor(tensor, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(*, poison: bool) -> dict[str, np.ndarray]:
    made = np.random.default_rng(7)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (made.standard_normal((rows, columns)) * 0.2).astype(np.float32)

    output = matrix(len(TOKENS), WIDTH)
    output[list(ENDS)] = 0.0  # an end is never among the likely tokens: answers are as long as they may be
    weights = {"token_embd.weight": matrix(len(TOKENS), WIDTH) * 5, "output.weight": output}
    weights["output_norm.weight"] = np.full(WIDTH, np.nan if poison else 1.0, np.float32)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        weights |= {
            f"{block}.attn_norm.weight": np.ones(WIDTH, np.float32),
            f"{block}.attn_q.weight": matrix(WIDTH, WIDTH),
            f"{block}.attn_k.weight": matrix(WIDTH // HEADS * KV_HEADS, WIDTH),
            f"{block}.attn_v.weight": matrix(WIDTH // HEADS * KV_HEADS, WIDTH),
            f"{block}.attn_output.weight": matrix(WIDTH, WIDTH),
            f"{block}.ffn_norm.weight": np.ones(WIDTH, np.float32),
            f"{block}.ffn_gate.weight": matrix(FEED, WIDTH),
            f"{block}.ffn_up.weight": matrix(FEED, WIDTH),
            f"{block}.ffn_down.weight": matrix(WIDTH, FEED),
        }
    return weights


# --- the same file as parts, so that any one of them can be made wrong ---

KINDS = {
    name: number
    for number, name in enumerate(
        ["UINT8", "INT8", "UINT16", "INT16", "UINT32", "INT32", "FLOAT32", "BOOL", "STRING", "ARRAY", "UINT64",
         "INT64", "FLOAT64"]
    )
}  # fmt: skip
_FORMATS = {
    "UINT8": "<B", "INT8": "<b", "UINT16": "<H", "INT16": "<h", "UINT32": "<I", "INT32": "<i", "FLOAT32": "<f",
    "BOOL": "<B", "UINT64": "<Q", "INT64": "<q", "FLOAT64": "<d",
}  # fmt: skip


def text(value: str | bytes, *, length: int | None = None) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw) if length is None else length) + raw


def scalar(kind: str, value: Any) -> bytes:
    return text(value) if kind == "STRING" else struct.pack(_FORMATS[kind], value)


def array(kind: str | int, items: list[Any], *, length: int | None = None) -> bytes:
    number = kind if isinstance(kind, int) else KINDS[kind]
    body = b"".join(scalar(str(kind), item) for item in items)
    return struct.pack("<IQ", number, len(items) if length is None else length) + body


@dataclass(frozen=True)
class Entry:
    """One tensor's description."""

    name: bytes
    shape: tuple[int, ...]
    type: int
    offset: int
    rank: int | None = None

    def encoded(self) -> bytes:
        rank = len(self.shape) if self.rank is None else self.rank
        sizes = b"".join(struct.pack("<Q", size) for size in self.shape)
        return text(self.name) + struct.pack("<I", rank) + sizes + struct.pack("<IQ", self.type, self.offset)


@dataclass(frozen=True)
class Draft:
    """A GGUF file in parts. `fields` holds (key, type number, encoded value) in order."""

    fields: tuple[tuple[bytes, int, bytes], ...]
    tensors: tuple[Entry, ...]
    data: bytes
    magic: bytes = b"GGUF"
    version: int = 3
    tensor_count: int | None = None
    field_count: int | None = None
    alignment: int = 32

    @classmethod
    def of(cls, path: Path) -> Draft:
        """Take a valid file apart with the `gguf` package's own reader."""
        reader = gguf.GGUFReader(path)
        fields = tuple(
            (field.name.encode(), int(field.types[0]), _raw(field))
            for field in reader.fields.values()
            if not field.name.startswith("GGUF.")
        )
        start = reader.data_offset
        tensors = tuple(
            Entry(t.name.encode(), tuple(map(int, t.shape)), int(t.tensor_type), int(t.data_offset) - start)
            for t in reader.tensors
        )
        return cls(fields, tensors, path.read_bytes()[start:])

    def without(self, key: str) -> Draft:
        return replace(self, fields=tuple(field for field in self.fields if field[0] != key.encode()))

    def with_field(self, key: str, kind: str | int, value: Any = None, *, raw: bytes | None = None) -> Draft:
        """Set a field, in its old place or at the end. `raw` is the encoded value where it is to be wrong."""
        number = kind if isinstance(kind, int) else KINDS[kind]
        encoded = raw if raw is not None else scalar(str(kind), value)
        changed = (key.encode(), number, encoded)
        if not any(field[0] == changed[0] for field in self.fields):
            return replace(self, fields=(*self.fields, changed))
        return replace(self, fields=tuple(changed if one[0] == changed[0] else one for one in self.fields))

    def with_twice(self, key: str) -> Draft:
        return replace(self, fields=(*self.fields, *(one for one in self.fields if one[0] == key.encode())))

    def with_tensor(self, which: str, /, **changes: Any) -> Draft:
        new = tuple(replace(one, **changes) if one.name == which.encode() else one for one in self.tensors)
        assert new != self.tensors
        return replace(self, tensors=new)

    def without_tensor(self, name: str) -> Draft:
        return replace(self, tensors=tuple(one for one in self.tensors if one.name != name.encode()))

    def header(self) -> bytes:
        tensors = len(self.tensors) if self.tensor_count is None else self.tensor_count
        fields = len(self.fields) if self.field_count is None else self.field_count
        parts = [self.magic, struct.pack("<IQQ", self.version, tensors, fields)]
        parts += [text(key) + struct.pack("<I", kind) + value for key, kind, value in self.fields]
        parts += [tensor.encoded() for tensor in self.tensors]
        return b"".join(parts)

    def encoded(self) -> bytes:
        header = self.header()
        return header + bytes(-len(header) % self.alignment) + self.data

    def write(self, path: Path) -> Path:
        path.write_bytes(self.encoded())
        return path


def _raw(field: Any) -> bytes:
    """A field's value as it stands in the file: everything after the key and the type."""
    return b"".join(part.tobytes() for part in field.parts[3:])
