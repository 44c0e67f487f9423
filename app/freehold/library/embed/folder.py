"""What lies in a model's folder: settings and weights that hold numbers only, or a refusal in words."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from freehold.library.embed.catalogue import Kind
from freehold.library.errors import EmbedderUnfit

WEIGHTS = "model.safetensors"
NOTE = "freehold.json"  # what Freehold itself wrote beside them
_MODULES = {f"sentence_transformers.models.{name}" for name in ("Transformer", "Pooling", "Normalize")} | {
    f"sentence_transformers.{place}" for place in (
        "base.modules.transformer.Transformer", "sentence_transformer.modules.pooling.Pooling",
        "sentence_transformer.modules.normalize.Normalize",
    )
}  # fmt: skip
_PICKLED = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".msgpack", ".h5"}
_SETTINGS = {".json", ".txt", ".model"}
_LARGEST_SETTINGS = 64 * 1024 * 1024


def files_of(folder: Path) -> list[str]:
    """The names of the files that are used of the model in `folder`. Raises EmbedderUnfit with the reason."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    _refuse_code(found)
    if not (folder / WEIGHTS).is_file():
        pickled = next((path.name for path in found if path.suffix in _PICKLED), None)
        if pickled:
            raise EmbedderUnfit(
                f"its weights are in {pickled}, a format that can run programs; only safetensors are read"
            )
        raise EmbedderUnfit(f"there is no {WEIGHTS} in it")
    modules = _modules(folder)
    used = {"", *(str(one["path"]) for one in modules)}
    kept = [path.relative_to(folder) for path in found if path.suffix in _SETTINGS or path.name == WEIGHTS]
    return [path.as_posix() for path in kept if path.parent.as_posix().replace(".", "") in used and path.name != NOTE]


def kind_of(folder: Path) -> Kind:
    """An embedder says of what parts it is made; a reranker has one number as its answer. Raises EmbedderUnfit."""
    if _modules(folder):
        return "embedder"
    if any(
        "SequenceClassification" in str(name) for name in _settings(folder / "config.json").get("architectures", ())
    ):
        return "reranker"
    raise EmbedderUnfit("it is no model of sentence-transformers: there is no modules.json in it")


def prompts_of(folder: Path) -> tuple[str, str]:
    """What the model wants before a question and before a text, where its folder says so."""
    said = _settings(folder / "config_sentence_transformers.json").get("prompts") or {}
    prompts = {str(name): str(text) for name, text in said.items() if isinstance(text, str)}
    return prompts.get("query", ""), prompts.get("passage", "") or prompts.get("document", "")


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_code(found: list[Path]) -> None:
    program = next((path for path in found if path.suffix in (".py", ".so", ".dll", ".pyd")), None)
    if program is not None:
        raise EmbedderUnfit(f"it brings a program of its own ({program.name}), and Freehold runs none")
    for path in found:
        if path.name.endswith("config.json") and _wants_code(_settings(path, object)):
            raise EmbedderUnfit(f"{path.name} asks to run a program of its own, and Freehold runs none")


def _wants_code(settings: Any) -> bool:
    if not isinstance(settings, dict):
        return False
    return "auto_map" in settings or any("auto_map" in one for one in settings.values() if isinstance(one, dict))


def _modules(folder: Path) -> list[dict[str, Any]]:
    """The parts that modules.json names: known ones, in folders of their own. Raises EmbedderUnfit."""
    said = _settings(folder / "modules.json", list)
    for one in said:
        path, kind = (str(one.get(name)) if isinstance(one, dict) else "?" for name in ("path", "type"))
        if kind not in _MODULES:
            raise EmbedderUnfit(f"it is made of a part that Freehold does not know ({kind[:80]})")
        if "/" in path or "\\" in path or path.startswith("."):
            raise EmbedderUnfit("it points out of its own folder")
    return list(said)


def _settings(path: Path, kind: type[Any] = dict) -> Any:
    """What a file of settings says; nothing where there is none. Raises EmbedderUnfit."""
    try:
        if path.stat().st_size > _LARGEST_SETTINGS:
            raise EmbedderUnfit(f"{path.name} is too large")
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        return kind()
    except (OSError, ValueError, RecursionError) as error:
        raise EmbedderUnfit(f"{path.name} cannot be read") from error
    if not isinstance(said, kind):
        raise EmbedderUnfit(f"{path.name} is not as it should be")
    return said
