"""Whether a file is a model that may be shown to native code, and what it says about itself.

Everything here is checked in plain Python before llama.cpp sees the file: its own parser has had memory bugs every
year, and a failed GGML_ASSERT ends the process.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from freehold.engine.gguf_checks import Shape, check_embedding_table, check_tensors, check_vocabulary, string
from freehold.engine.gguf_foreign import what_else
from freehold.engine.gguf_parse import Array, Field, Header, Kind, Malformed, Tensor, read_header
from freehold.engine.gguf_tables import FILE_TYPES, OTHER_ARCHITECTURES, TENSOR_TYPES, TEXT_ARCHITECTURES
from freehold.foundation.errors import ModelMalformed

MOST_TEMPLATE_BYTES = 64 * 1024

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class VocabularyFacts:
    """What a GGUF file without tensors says, checked: the fields mean what they mean in `GgufFacts`."""

    vocabulary: int
    context: int
    template: str | None
    notes: tuple[str, ...] = ()


def inspect(path: Path) -> GgufFacts:
    """The facts of the model file `path`. Raises ModelMalformed with a reason, and nothing else."""
    return looked_at(path, lambda _, header, size: _facts(header, size, path.name))


def inspect_vocabulary(path: Path) -> VocabularyFacts:
    """The facts of a file as `vocabulary_file.write_vocabulary` makes them. Raises ModelMalformed with a reason."""
    return looked_at(path, lambda _, header, __: _vocabulary_facts(header, path.name))


def looked_at(path: Path, see: Callable[[BinaryIO, Header, int], T]) -> T:
    """What `see` makes of the open file `path`, its header and its size in bytes. Raises ModelMalformed."""
    try:
        with _open(path) as file:
            size = os.fstat(file.fileno()).st_size
            return see(file, _header(file, size), size)
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
    weights = check_tensors(header, size, alignment(fields))
    shape = Shape(architecture, fields)
    vocabulary, notes = check_vocabulary(fields)
    check_embedding_table(header.tensors, shape.embedding, vocabulary)
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


def _vocabulary_facts(header: Header, file_name: str) -> VocabularyFacts:
    """The same metadata as a whole model's, so the same checks of it: llama.cpp reads most of it either way."""
    fields = header.fields
    if header.tensors:
        raise Malformed("it is a vocabulary that holds weights too")
    shape = Shape(_architecture(fields, file_name), fields)
    alignment(fields)
    vocabulary, notes = check_vocabulary(fields)
    template, more = _template(fields)
    return VocabularyFacts(vocabulary, shape.context, template, (*notes, *more))


def _architecture(fields: Mapping[str, Field], file_name: str) -> str:
    architecture = string(fields, "general.architecture")
    kind = string(fields, "general.type") or "model"
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


def alignment(fields: Mapping[str, Field]) -> int:
    """To how many bytes the tensor data are aligned."""
    field = fields.get("general.alignment")
    if field is None:
        return 32
    value = field.value
    if field.kind is not Kind.UINT32 or not isinstance(value, int):
        raise Malformed("its alignment is not a UINT32")
    if not 8 <= value <= 65_536 or value & (value - 1):
        raise Malformed(f"its alignment {value} is not a power of two between 8 and 65536")
    return value


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


def _plain(text: str) -> str:
    """Without control and formatting characters: these words come from a stranger's file."""
    return "".join(c for c in text if unicodedata.category(c)[0] != "C")[:500]
