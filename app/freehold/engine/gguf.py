"""Whether a file is a model that may be shown to native code, and what it says about itself.

Everything here is checked in plain Python before llama.cpp sees the file: its own parser has had memory bugs every
year, and a failed GGML_ASSERT ends the process.
"""

from __future__ import annotations

import math
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from freehold.engine.gguf_foreign import what_else
from freehold.engine.gguf_parse import Array, Field, Header, Kind, Malformed, Tensor, read_header
from freehold.engine.gguf_tables import FILE_TYPES, HEADLESS, OTHER_ARCHITECTURES, TENSOR_TYPES, TEXT_ARCHITECTURES
from freehold.foundation.errors import ModelMalformed

MOST_TEMPLATE_BYTES = 64 * 1024
MOST_LAYERS = 512  # llama.cpp's LLAMA_MAX_LAYERS
MOST_VOCABULARY = 1 << 21


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """What a GGUF file says about itself, checked.

    `context` is in tokens (as trained), `parameters` counts weights, `weights` is the bytes of the tensors and
    `bytes` those of the file. `kv_width` is the number of key and value elements that one token of context takes, all
    layers together: a cache of n tokens in half precision needs n * kv_width * 2 bytes. `kv_heads` is the most any
    layer has; `window` is the sliding attention window in tokens, 0 where there is none. `template` is the chat
    template, None where there is none or it is too large to be trusted. `notes` are for people.
    """

    architecture: str
    name: str
    layers: int
    context: int
    quantisation: str
    parameters: int
    licence: str
    template: str | None
    embedding: int
    heads: int
    kv_heads: int
    key_length: int
    value_length: int
    kv_width: int
    window: int
    vocabulary: int
    weights: int
    bytes: int
    notes: tuple[str, ...] = ()


def inspect(path: Path) -> GgufFacts:
    """The facts of the model file `path`. Raises ModelMalformed with a reason, and nothing else."""
    try:
        with _open(path) as file:
            size = os.fstat(file.fileno()).st_size
            header = _header(file, size)
        return _facts(header, size, path.name)
    except Malformed as error:
        raise ModelMalformed(f"{_plain(path.name)}: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = error.strerror if isinstance(error, OSError) else None
        raise ModelMalformed(f"{_plain(path.name)}: it cannot be read ({reason or 'no such name'})") from error


def _open(path: Path) -> BinaryIO:
    # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever. It means nothing for regular files.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Malformed("it is not a file")
    return os.fdopen(handle, "rb", buffering=1 << 20)


def _header(file: BinaryIO, size: int) -> Header:
    foreign = what_else(file.read(512), size)
    if foreign:
        raise Malformed(foreign)
    file.seek(0)
    return read_header(file, size)


def _facts(header: Header, size: int, file_name: str) -> GgufFacts:
    fields = header.fields
    architecture = _architecture(fields, file_name)
    alignment = _alignment(fields)
    weights = _check_tensors(header, size, alignment)
    shape = _Shape(architecture, fields)
    vocabulary, notes = _check_vocabulary(fields)
    _check_embedding_table(header.tensors, shape.embedding, vocabulary)
    template, more = _template(fields)
    return GgufFacts(
        architecture=architecture,
        name=_name(fields, file_name),
        layers=shape.layers,
        context=shape.context,
        quantisation=_quantisation(fields, header.tensors),
        parameters=sum(tensor.elements for tensor in header.tensors),
        licence=_licence(fields),
        template=template,
        embedding=shape.embedding,
        heads=max(shape.heads, default=0),
        kv_heads=max(shape.kv_heads, default=0),
        key_length=shape.key_length,
        value_length=shape.value_length,
        kv_width=sum(shape.kv_heads) * (shape.key_length + shape.value_length),
        window=shape.window,
        vocabulary=vocabulary,
        weights=weights,
        bytes=size,
        notes=(*notes, *more),
    )


def _architecture(fields: Mapping[str, Field], file_name: str) -> str:
    architecture = _string(fields, "general.architecture")
    kind = _string(fields, "general.type") or "model"
    if kind == "mmproj":
        raise Malformed(OTHER_ARCHITECTURES["clip"])
    if kind != "model":
        raise Malformed(f"it is not a model but of the kind {_plain(kind)!r} (an adapter, a vocabulary or the like)")
    parts = fields.get("split.count")
    is_part = parts is not None and isinstance(parts.value, int) and parts.value > 1
    if is_part or re.search(r"-\d{5}-of-(?!00001)\d{5}\.gguf$", file_name):
        raise Malformed("it is one part of a model that was split into several files; look for it as one file")
    if not architecture:
        raise Malformed("it does not say what architecture it has")
    if architecture in OTHER_ARCHITECTURES:
        raise Malformed(OTHER_ARCHITECTURES[architecture])
    if architecture not in TEXT_ARCHITECTURES:
        raise Malformed(f"its architecture {_plain(architecture)!r} is unknown; a newer Freehold may know it")
    return architecture


def _alignment(fields: Mapping[str, Field]) -> int:
    field = fields.get("general.alignment")
    if field is None:
        return 32
    value = field.value
    if field.kind is not Kind.UINT32 or not isinstance(value, int):
        raise Malformed("its alignment is not a UINT32")
    if not 8 <= value <= 65_536 or value & (value - 1):
        raise Malformed(f"its alignment {value} is not a power of two between 8 and 65536")
    return value


def _check_tensors(header: Header, size: int, alignment: int) -> int:
    """Every tensor lies inside the file, aligned, and apart from the others. Returns the bytes of all of them."""
    if not header.tensors:
        raise Malformed("it holds no weights")
    start = -(-header.end // alignment) * alignment
    names: set[str] = set()
    for tensor in header.tensors:
        _check_shape(tensor)
        if not tensor.name or tensor.name in names:
            raise Malformed(f"the tensor {tensor.name!r} is there twice or has no name")
        names.add(tensor.name)
        if tensor.offset % alignment:
            raise Malformed(f"the tensor {tensor.name!r} is not aligned")
        if tensor.offset + tensor.bytes > size - start:
            raise Malformed(
                f"the tensor {tensor.name!r} ends after the end of the file: it is cut short "
                f"({size} bytes here, at least {start + tensor.offset + tensor.bytes} needed)"
            )
    end = 0
    for tensor in sorted(header.tensors, key=lambda one: one.offset):
        if tensor.offset < end:
            raise Malformed(f"the tensor {tensor.name!r} lies over another one")
        end = tensor.offset + tensor.bytes
    return sum(tensor.bytes for tensor in header.tensors)


def _check_shape(tensor: Tensor) -> None:
    if min(tensor.shape) < 1 or max(tensor.shape) >= 1 << 40 or tensor.elements >= 1 << 50:
        raise Malformed(f"the tensor {tensor.name!r} has the impossible shape {tensor.shape}")
    if tensor.shape[0] % TENSOR_TYPES[tensor.type][1]:
        raise Malformed(f"the tensor {tensor.name!r} has rows that are no whole number of blocks")


class _Shape:
    """The hyperparameters that every loader needs, each there, of the right type and sane."""

    def __init__(self, architecture: str, fields: Mapping[str, Field]) -> None:
        self._fields, self._prefix = fields, architecture
        self.layers = self._whole("block_count", 1, MOST_LAYERS)
        self.context = self._whole("context_length", 1, 1 << 27)
        self.embedding = self._whole("embedding_length", 1, 1 << 20)
        self._per_layer("feed_forward_length", 1 << 24, needed=False)
        headless = architecture in HEADLESS
        self.heads = self._per_layer("attention.head_count", 1 << 16, needed=not headless)
        self.kv_heads = self._per_layer("attention.head_count_kv", 1 << 16, needed=False) or self.heads
        if not headless and not any(self.heads):
            raise Malformed("it has no attention heads")
        head = self.embedding // max(self.heads, default=1) if any(self.heads) else 0
        self.key_length = self._whole("attention.key_length", 0, 1 << 16, head)
        self.value_length = self._whole("attention.value_length", 0, 1 << 16, head)
        self.window = self._whole("attention.sliding_window", 0, 1 << 31, 0)
        self._whole("rope.dimension_count", 0, 1 << 16, 0)
        self._whole("expert_count", 0, 1 << 16, 0)
        self._real("rope.freq_base")
        self._real("attention.layer_norm_rms_epsilon")

    def _whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        field = self._fields.get(f"{self._prefix}.{key}")
        if field is None and default is not None:
            return default
        if field is None:
            raise Malformed(f"it does not say its {key}")
        if isinstance(field.value, Array) and default is not None:
            return max(self._per_layer(key, most, needed=False), default=default)
        if field.kind is not Kind.UINT32 or not isinstance(field.value, int):
            raise Malformed(f"its {key} is not a UINT32")
        if not least <= field.value <= most:
            raise Malformed(f"its {key} is {field.value}, which cannot be")
        return field.value

    def _per_layer(self, key: str, most: int, *, needed: bool) -> tuple[int, ...]:
        """One number a layer: either the same for all, or an array."""
        field = self._fields.get(f"{self._prefix}.{key}")
        if field is None and not needed:
            return ()
        if field is None or not isinstance(field.value, Array):
            return (self._whole(key, 0 if not needed else 1, most),) * self.layers
        array = field.value
        if array.kind not in (Kind.UINT32, Kind.INT32, Kind.BOOL) or array.length < self.layers:
            raise Malformed(f"its {key} is not one whole number for each layer")
        items = tuple(int(item) for item in array.items[: self.layers])
        if not all(0 <= item <= most for item in items):
            raise Malformed(f"its {key} holds a number that cannot be")
        return items

    def _real(self, key: str) -> None:
        field = self._fields.get(f"{self._prefix}.{key}")
        if field is None:
            return
        value = field.value
        if field.kind is not Kind.FLOAT32 or not isinstance(value, float) or not math.isfinite(value) or value < 0:
            raise Malformed(f"its {key} is not a positive number")


def _check_vocabulary(fields: Mapping[str, Field]) -> tuple[int, tuple[str, ...]]:
    """The tokenizer's arrays are there and agree. Returns the number of tokens, and notes."""
    model = _string(fields, "tokenizer.ggml.model")
    tokens = _array(fields, "tokenizer.ggml.tokens", Kind.STRING)
    if not model or model in ("none", "no_vocab") or tokens is None:
        raise Malformed("it brings no tokenizer")
    if not 1 <= tokens.length <= MOST_VOCABULARY:
        raise Malformed(f"its vocabulary has {tokens.length} tokens")
    for key, kinds in (("scores", (Kind.FLOAT32,)), ("token_type", (Kind.INT32, Kind.UINT32))):
        array = _array(fields, f"tokenizer.ggml.{key}", *kinds)
        if array is not None and array.length != tokens.length:
            raise Malformed(f"its tokenizer has {tokens.length} tokens and {array.length} of {key}")
    merges = _array(fields, "tokenizer.ggml.merges", Kind.STRING)
    if model == "gpt2" and merges is None:
        raise Malformed("its tokenizer lacks the merges that it needs")
    size = fields.get(f"{_string(fields, 'general.architecture')}.vocab_size")
    if size is not None and (size.kind is not Kind.UINT32 or size.value == 0):
        raise Malformed("its vocab_size is not a positive UINT32")
    return tokens.length, _special_ids(fields, tokens.length)


def _special_ids(fields: Mapping[str, Field], vocabulary: int) -> tuple[str, ...]:
    notes = []
    for key, field in fields.items():
        if key.startswith("tokenizer.ggml.") and key.endswith("_token_id"):
            if field.kind is not Kind.UINT32 or not isinstance(field.value, int):
                raise Malformed(f"{key} is not a UINT32")
            if field.value >= vocabulary:
                notes.append(f"{key} is outside the vocabulary and is ignored")
    return tuple(notes)


def _check_embedding_table(tensors: Sequence[Tensor], embedding: int, vocabulary: int) -> None:
    table = next((tensor for tensor in tensors if tensor.name == "token_embd.weight"), None)
    if table is None:
        raise Malformed("it has no table of token embeddings")
    if table.shape[:2] != (embedding, vocabulary) or math.prod(table.shape[2:]) != 1:
        raise Malformed(
            f"its token embeddings have the shape {table.shape}, not {embedding} for each of {vocabulary} tokens"
        )


def _template(fields: Mapping[str, Field]) -> tuple[str | None, tuple[str, ...]]:
    field = fields.get("tokenizer.chat_template")
    if field is None:
        return None, ("It brings no chat template.",)
    if not isinstance(field.value, str):
        raise Malformed("its chat template is not text")
    if len(field.value.encode()) > MOST_TEMPLATE_BYTES:
        return None, (f"Its chat template is longer than {MOST_TEMPLATE_BYTES} bytes and is not used.",)
    return field.value, ()


def _quantisation(fields: Mapping[str, Field], tensors: Sequence[Tensor]) -> str:
    field = fields.get("general.file_type")
    if field is not None and isinstance(field.value, int) and field.value in FILE_TYPES:
        return FILE_TYPES[field.value]
    bytes_by_type: Counter[int] = Counter()
    for tensor in tensors:
        bytes_by_type[tensor.type] += tensor.bytes
    return TENSOR_TYPES[bytes_by_type.most_common(1)[0][0]][0]


def _licence(fields: Mapping[str, Field]) -> str:
    field = fields.get("general.license")
    if field is None:
        return ""
    words = ", ".join(map(str, field.value.items)) if isinstance(field.value, Array) else str(field.value)
    return _plain(words)[:200]


def _name(fields: Mapping[str, Field], file_name: str) -> str:
    field = fields.get("general.name")
    name = _plain(field.value).strip() if field is not None and isinstance(field.value, str) else ""
    return (name or _plain(file_name.removesuffix(".gguf")))[:200]


def _string(fields: Mapping[str, Field], key: str) -> str:
    field = fields.get(key)
    if field is None:
        return ""
    if not isinstance(field.value, str):
        raise Malformed(f"{key} is not text")
    return field.value


def _array(fields: Mapping[str, Field], key: str, *kinds: Kind) -> Array | None:
    field = fields.get(key)
    if field is None:
        return None
    if not isinstance(field.value, Array) or field.value.kind not in kinds:
        raise Malformed(f"{key} is not an array of {' or '.join(kind.name for kind in kinds)}")
    return field.value


def _plain(text: str) -> str:
    """Without control and formatting characters: these words come from a stranger's file."""
    return "".join(c for c in text if unicodedata.category(c)[0] != "C")[:500]
