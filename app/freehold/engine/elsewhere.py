"""GGUF files that other programs have on this disk already, so that a first model costs zero bytes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SMALLEST = 1_000_000  # bytes: below this it is no model, whatever it is called
MOST_ENTRIES = 20_000  # folder entries looked at for each program
DEEPEST = 8
_LAYER = "application/vnd.ollama.image.model"


@dataclass(frozen=True, slots=True)
class Found:
    """A model file of another program: `app` is the program's name, `name` a label made of file names."""

    app: str
    name: str
    path: str
    bytes: int


def find(home: Path, environment: Mapping[str, str] | None = None, system: Path = Path("/")) -> list[Found]:
    """Every GGUF of LM Studio, Jan, GPT4All, Ollama and the Hugging Face cache below `home`, smallest first.

    Only names, sizes and the first four bytes are looked at; links are followed to files, never to folders.
    """
    known: dict[str, Found] = {}
    for one in (*_in_folders(home, environment or {}), *_of_ollama(home, environment or {}, system)):
        known.setdefault(os.path.realpath(one.path), one)
    return sorted(known.values(), key=lambda one: (one.bytes, one.name))


def _in_folders(home: Path, environment: Mapping[str, str]) -> Iterator[Found]:
    for app, folder in _folders(home, environment):
        for path in _gguf_files(folder):
            found = _look(app, path.stem, path)
            if found is not None:
                yield found


def _folders(home: Path, environment: Mapping[str, str]) -> list[tuple[str, Path]]:
    share, support, roaming = home / ".local/share", home / "Library/Application Support", home / "AppData/Roaming"
    hub = Path(
        environment.get("HF_HUB_CACHE") or Path(environment.get("HF_HOME") or home / ".cache/huggingface") / "hub"
    )
    return [
        ("LM Studio", home / ".lmstudio/models"),
        ("LM Studio", home / ".cache/lm-studio/models"),
        ("Jan", home / "jan/models"),
        ("Jan", share / "Jan/data/llamacpp/models"),
        ("Jan", share / "Jan/data/models"),
        ("Jan", home / ".config/Jan/data/llamacpp/models"),
        ("Jan", home / ".config/Jan/data/models"),
        ("Jan", support / "Jan/data/llamacpp/models"),
        ("Jan", roaming / "Jan/data/llamacpp/models"),
        ("GPT4All", share / "nomic.ai/GPT4All"),
        ("GPT4All", support / "nomic.ai/GPT4All"),
        ("GPT4All", home / "AppData/Local/nomic.ai/GPT4All"),
        ("Hugging Face", hub),
    ]


def _gguf_files(folder: Path) -> Iterator[Path]:
    left = MOST_ENTRIES
    for here, below, names in os.walk(folder, followlinks=False):
        depth = len(Path(here).relative_to(folder).parts)
        below[:] = sorted(below) if depth < DEEPEST else []
        left -= len(names) + len(below)
        if left < 0:
            return
        yield from (Path(here) / name for name in sorted(names) if name.lower().endswith(".gguf"))


def _of_ollama(home: Path, environment: Mapping[str, str], system: Path) -> Iterator[Found]:
    """Ollama keeps files by digest and their names in manifests: manifests/HOST/OWNER/NAME/TAG."""
    own = environment.get("OLLAMA_MODELS")
    for models in (*([Path(own)] if own else []), home / ".ollama/models", system / "usr/share/ollama/.ollama/models"):
        for manifest in _manifests(models / "manifests"):
            digest = _model_digest(manifest)
            if digest is None:
                continue
            name, tag = manifest.parts[-2:]
            found = _look("Ollama", f"{name}:{tag}", models / "blobs" / f"sha256-{digest}")
            if found is not None:
                yield found


def _manifests(folder: Path) -> Iterator[Path]:
    left = MOST_ENTRIES
    for here, below, names in os.walk(folder, followlinks=False):
        depth = len(Path(here).relative_to(folder).parts)
        below[:] = sorted(below) if depth < 4 else []
        left -= len(names) + len(below)
        if left < 0:
            return
        yield from (Path(here) / name for name in sorted(names) if depth >= 1)


def _model_digest(manifest: Path) -> str | None:
    try:
        if manifest.stat().st_size > 1_000_000:
            return None
        layers = json.loads(manifest.read_bytes())["layers"]
        digests = [str(one["digest"]) for one in layers if one["mediaType"] == _LAYER]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    match = re.fullmatch(r"sha256:([0-9a-f]{64})", digests[0]) if len(digests) == 1 else None
    return match[1] if match else None


def _look(app: str, label: str, path: Path) -> Found | None:
    """What lies at `path`, if it can be a model: not a projector, not a later part of a split one."""
    if re.search(r"mmproj|-\d{5}-of-\d{5}", label, re.IGNORECASE):
        return None
    try:
        size = path.stat().st_size
        if size < SMALLEST or not path.is_file():
            return None
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                return None
    except (OSError, ValueError):
        return None
    return Found(app, _plain(label), str(path), size)


def _plain(label: str) -> str:
    """A file name as a label: what cannot be seen or turns text around is made visible."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in label)
    return shown.encode("utf-8", "replace").decode("utf-8")[:100]
