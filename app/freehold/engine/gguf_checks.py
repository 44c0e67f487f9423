"""Whether the parts of a GGUF header agree with each other and with the file: sizes, tensors, tokenizer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from freehold.engine.gguf_parse import Array, Field, Header, Kind, Malformed, Tensor
from freehold.engine.gguf_tables import HEADLESS, TENSOR_TYPES

MOST_LAYERS = 512  # llama.cpp's LLAMA_MAX_LAYERS
MOST_VOCABULARY = 1 << 21


def check_tensors(header: Header, size: int, alignment: int) -> int:
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


class Shape:
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
        experts = self._whole("expert_count", 0, 1 << 16, 0)
        self._whole("expert_used_count", 1 if experts else 0, max(experts, 1), 0 if not experts else None)
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


def check_vocabulary(fields: Mapping[str, Field]) -> tuple[int, tuple[str, ...]]:
    """The tokenizer's arrays are there and agree. Returns the number of tokens, and notes."""
    model = string(fields, "tokenizer.ggml.model")
    tokens = array(fields, "tokenizer.ggml.tokens", Kind.STRING)
    if not model or model in ("none", "no_vocab", "bert") or tokens is None:
        raise Malformed("it brings no tokenizer that can write")
    if not 1 <= tokens.length <= MOST_VOCABULARY:
        raise Malformed(f"its vocabulary has {tokens.length} tokens")
    for key, kinds in (("scores", (Kind.FLOAT32,)), ("token_type", (Kind.INT32, Kind.UINT32))):
        found = array(fields, f"tokenizer.ggml.{key}", *kinds)
        if found is not None and found.length != tokens.length:
            raise Malformed(f"its tokenizer has {tokens.length} tokens and {found.length} of {key}")
    merges = array(fields, "tokenizer.ggml.merges", Kind.STRING)
    if model == "gpt2" and merges is None:
        raise Malformed("its tokenizer lacks the merges that it needs")
    size = fields.get(f"{string(fields, 'general.architecture')}.vocab_size")
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


def check_embedding_table(tensors: Sequence[Tensor], embedding: int, vocabulary: int) -> None:
    table = next((tensor for tensor in tensors if tensor.name == "token_embd.weight"), None)
    if table is None:
        raise Malformed("it has no table of token embeddings")
    if table.shape[:2] != (embedding, vocabulary) or math.prod(table.shape[2:]) != 1:
        raise Malformed(
            f"its token embeddings have the shape {table.shape}, not {embedding} for each of {vocabulary} tokens"
        )


def string(fields: Mapping[str, Field], key: str) -> str:
    field = fields.get(key)
    if field is None:
        return ""
    if not isinstance(field.value, str):
        raise Malformed(f"{key} is not text")
    return field.value


def array(fields: Mapping[str, Field], key: str, *kinds: Kind) -> Array | None:
    field = fields.get(key)
    if field is None:
        return None
    if not isinstance(field.value, Array) or field.value.kind not in kinds:
        raise Malformed(f"{key} is not an array of {' or '.join(kind.name for kind in kinds)}")
    return field.value
