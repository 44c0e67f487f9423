"""Reading a GGUF header without trusting a byte of it: every count is checked before anything is allocated.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

from freehold.engine.gguf_tables import TENSOR_TYPES

MOST_KEYS = 4096
MOST_TENSORS = 65_536
MOST_ITEMS = 4_000_000  # of all arrays together: the largest vocabulary today has 262,144 tokens and 514,906 merges
MOST_HEADER = 256 * 1024 * 1024
MOST_KEY_BYTES = 1024
MOST_NAME_BYTES = 63  # GGML_MAX_NAME less its NUL
MOST_STRING_BYTES = 16 * 1024 * 1024
MOST_ITEM_BYTES = 65_536  # one string of an array
SMALL_ARRAY = 4096  # longer numeric arrays are checked, not kept

Scalar = int | float | bool | str


class Malformed(ValueError):
    """Why this is not a GGUF file that can be trusted, in words."""


class Kind(IntEnum):
    UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = range(13)


_PACKED = {
    Kind.UINT8: struct.Struct("<B"), Kind.INT8: struct.Struct("<b"), Kind.UINT16: struct.Struct("<H"),
    Kind.INT16: struct.Struct("<h"), Kind.UINT32: struct.Struct("<I"), Kind.INT32: struct.Struct("<i"),
    Kind.FLOAT32: struct.Struct("<f"), Kind.BOOL: struct.Struct("<B"), Kind.UINT64: struct.Struct("<Q"),
    Kind.INT64: struct.Struct("<q"), Kind.FLOAT64: struct.Struct("<d"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Array:
    """What is kept of an array: its type, its length, and its items where they are few numbers or strings."""

    kind: Kind
    length: int
    items: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    kind: Kind
    value: Scalar | Array


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's description; `offset` counts from the start of the tensor data."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int

    @property
    def elements(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def bytes(self) -> int:
        _, block, block_bytes = TENSOR_TYPES[self.type]
        return self.elements // block * block_bytes


@dataclass(frozen=True, slots=True)
class Header:
    version: int
    fields: dict[str, Field]
    tensors: tuple[Tensor, ...]
    keys_end: int  # bytes of the header up to where the tensors are described
    end: int  # bytes of the whole header, before alignment


def read_header(file: BinaryIO, size: int) -> Header:
    """The header of an open file of `size` bytes, the magic included. Raises Malformed."""
    return _Reader(file, size).header()


class _Reader:
    """Takes bytes in order and knows how many are left.

    Plain reads, no mmap: a file that another program truncates meanwhile gives a short read here, and would be a
    fatal signal with mmap.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, min(size, MOST_HEADER)
        self._place = 0
        self._items = 0

    def header(self) -> Header:
        if self.take(4) != b"GGUF":
            raise Malformed("it does not begin with GGUF")
        version = self._version()
        tensors, keys = self.number(Kind.UINT64), self.number(Kind.UINT64)
        # The least a key takes is 8 + 1 + 4 + 1 bytes, the least a tensor 8 + 1 + 4 + 8 + 4 + 8.
        self._check_count("metadata keys", keys, MOST_KEYS, 14)
        self._check_count("tensors", tensors, MOST_TENSORS, 33)
        fields: dict[str, Field] = {}
        for _ in range(keys):
            key = self.text(MOST_KEY_BYTES, "a metadata key")
            if not key or key in fields:
                raise Malformed(f"the metadata key {key[:80]!r} is " + ("there twice" if key else "empty"))
            fields[key] = self._field(key)
        keys_end = self._place
        found = tuple(self._tensor() for _ in range(tensors))
        return Header(version, fields, found, keys_end, self._place)

    def take(self, count: int) -> bytes:
        if count > self._size - self._place:
            raise Malformed("it ends in the middle of its header: the file is cut short, or a length in it is wrong")
        taken = self._file.read(count)
        if len(taken) != count:
            raise Malformed("it became shorter while it was read")
        self._place += count
        return taken

    def number(self, kind: Kind) -> int:
        packed = _PACKED[kind]
        value: int = packed.unpack(self.take(packed.size))[0]
        return value

    def text(self, most: int, what: str) -> str:
        length = self.number(Kind.UINT64)
        if length > most:
            raise Malformed(f"{what} claims {length} bytes, {most} allowed")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed(f"{what} is not text") from None

    def _version(self) -> int:
        version = self.number(Kind.UINT32)
        if version in (2, 3):
            return version
        if version and version & 0xFFFF == 0:
            raise Malformed("it is written for big-endian machines")
        if version == 1:
            raise Malformed("it is a GGUF file of version 1, which nothing reads any more; look for a newer one")
        raise Malformed(f"it is a GGUF file of the unknown version {version}")

    def _check_count(self, what: str, count: int, most: int, least_bytes: int) -> None:
        if count > most or count * least_bytes > self._size - self._place:
            raise Malformed(f"it claims {count} {what}, more than it can hold")

    def _field(self, key: str) -> Field:
        kind = self._kind(key)
        if kind is Kind.STRING:
            return Field(kind, self.text(MOST_STRING_BYTES, key))
        if kind is Kind.ARRAY:
            return Field(kind, self._array(key))
        return Field(kind, self._scalar(key, kind))

    def _kind(self, key: str) -> Kind:
        number = self.number(Kind.UINT32)
        try:
            return Kind(number)
        except ValueError:
            raise Malformed(f"{key} has the unknown type {number}") from None

    def _scalar(self, key: str, kind: Kind) -> Scalar:
        value = self.number(kind)
        if kind is not Kind.BOOL:
            return value
        if value not in (0, 1):
            raise Malformed(f"{key} is neither yes nor no")
        return bool(value)

    def _array(self, key: str) -> Array:
        kind, length = self._kind(key), self.number(Kind.UINT64)
        if kind is Kind.ARRAY:
            raise Malformed(f"{key} is an array of arrays")
        least = 8 if kind is Kind.STRING else _PACKED[kind].size
        if length > MOST_ITEMS - self._items or length * least > self._size - self._place:
            raise Malformed(f"{key} claims {length} items, more than it can hold")
        self._items += length
        if kind is Kind.STRING:
            return Array(kind, length, self._strings(key, length))
        return self._numbers(key, kind, length)

    def _strings(self, key: str, length: int) -> tuple[str, ...]:
        """Walks over `length` strings. Keeps them only where they are few: a vocabulary is counted, not kept."""
        is_vocabulary = key == "tokenizer.ggml.tokens"
        kept = []
        take, unpack = self.take, struct.Struct("<Q").unpack
        for _ in range(length):
            size = unpack(take(8))[0]
            if size > MOST_ITEM_BYTES:
                raise Malformed(f"{key} holds an item that claims {size} bytes, {MOST_ITEM_BYTES} allowed")
            item = take(size)
            if is_vocabulary and item.startswith(b"<0x"):
                _check_byte_token(item)
            if length <= 64:
                kept.append(item.decode("utf-8", "replace"))
        return tuple(kept)

    def _numbers(self, key: str, kind: Kind, length: int) -> Array:
        packed = _PACKED[kind]
        raw = self.take(length * packed.size)
        if kind is Kind.BOOL and raw.strip(b"\0\1"):
            raise Malformed(f"{key} holds an item that is neither yes nor no")
        items = struct.unpack(f"<{length}{packed.format[1:]}", raw) if length <= SMALL_ARRAY else ()
        return Array(kind, length, items)

    def _tensor(self) -> Tensor:
        name = self.text(MOST_NAME_BYTES, "a tensor's name")
        rank = self.number(Kind.UINT32)
        if not 1 <= rank <= 4:
            raise Malformed(f"the tensor {name!r} has {rank} dimensions")
        shape = tuple(self.number(Kind.UINT64) for _ in range(rank))
        kind, offset = self.number(Kind.UINT32), self.number(Kind.UINT64)
        if kind not in TENSOR_TYPES:
            raise Malformed(f"the tensor {name!r} has the unknown type {kind}; a newer Freehold may know it")
        return Tensor(name, shape, kind, offset)


def _check_byte_token(token: bytes) -> None:
    # llama.cpp parses what follows "<0x" as a number and indexes with it (its issue 25969).
    if len(token) == 6 and not (token.endswith(b">") and _is_hex(token[3:5])):
        raise Malformed(f"the vocabulary holds {token.decode('utf-8', 'replace')!r}, which is no byte")


def _is_hex(digits: bytes) -> bool:
    return all(digit in b"0123456789abcdefABCDEF" for digit in digits)
