"""The rules of the house as a reader of source code: who may import whom, and where dangerous things may stand.

`faults("chats/store.py", source)` gives sentences; an empty list means the file keeps the rules. docs/architecture.md
states the same rules for people.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "app" / "freehold"

# Rooms import from lower steps only; rooms on one step do not import each other.
STEPS = (
    ("foundation",),
    ("processes",),
    ("network", "vault", "rendering"),
    ("chats", "engine", "library", "identity", "chain"),
    ("market",),
    ("assistant",),
    ("desktop", "terminal"),
    ("app", "__main__"),
)
STEP = {room: number for number, rooms in enumerate(STEPS) for room in rooms}

# Each heavy or dangerous library enters through exactly one room, but for `cryptography` (see _AT_HOME_IN).
DOORS = {
    "llama_cpp": "engine",
    "gguf": "engine",
    "jinja2": "engine",
    "sqlcipher3": "vault",
    "sqlite3": "vault",
    "keyring": "vault",
    "cryptography": "vault",
    "httpx": "network",
    "httpx2": "network",
    "huggingface_hub": "network",
    "PySide6": "desktop",
    "shiboken6": "desktop",
    "markdown_it": "rendering",
    "linkify_it": "rendering",
    "pygments": "rendering",
    "typer": "terminal",
    "torch": "library",
    "transformers": "library",
    "sentence_transformers": "library",
    "watchfiles": "library",
    "pypdfium2": "library",
    "docx": "library",
    "pptx": "library",
    "python_calamine": "library",
    "odfdo": "library",
    "lxml": "library",
    "striprtf": "library",
    "charset_normalizer": "library",
    "vobject": "library",
    "oxmsg": "library",
    "PIL": "library",
    "rapidocr": "library",
    "onnxruntime": "library",
    "msoffcrypto": "library",
    "chromadb": "library",
    "web3": "chain",
    "eth_account": "identity",
    "eth_keys": "identity",
    "eth_keyfile": "identity",
    "eth_utils": "identity",
    "http_message_signatures": "identity",
    "spake2": "identity",
    "zeroconf": "network",
    "starlette": "market",
    "uvicorn": "market",
    "x402": "market",
}
# Both rooms that hold keys need it, and neither may import the other.
_AT_HOME_IN = {"cryptography": {"vault", "identity"}}
# Other ways out of the machine: only the room that keeps the ledger has them.
WAYS_OUT = {"urllib.request", "urllib3", "http.client", "requests", "aiohttp", "ftplib", "smtplib", "websockets"}
# Run code when they read data.
NEVER = {"pickle", "marshal", "shelve", "dill", "joblib"}
# Slow to import, large in memory or able to reach secrets: imported by what runs in a worker, when it runs.
LATE = {
    "llama_cpp", "sqlcipher3", "keyring", "cryptography", "httpx", "httpx2", "huggingface_hub", "torch", "transformers",
    "sentence_transformers", "chromadb", "web3", "eth_account", "eth_keys", "eth_keyfile", "eth_utils", "x402",
    "http_message_signatures", "spake2", "zeroconf", "starlette", "uvicorn",
}  # fmt: skip
# What the window's or the terminal's own process must never hold.
NOT_IN_THE_APP = (
    "torch", "llama_cpp", "chromadb", "web3", "eth_account", "transformers", "sqlcipher3", "keyring", "httpx", "httpx2",
    "huggingface_hub", "cryptography", "sentence_transformers", "watchfiles", "pypdfium2", "docx", "pptx", "lxml",
    "odfdo", "PIL", "rapidocr", "onnxruntime", "http_message_signatures", "spake2", "zeroconf", "starlette", "uvicorn",
)  # fmt: skip

# Files that only ever run in a worker, beside those that have `worker` in their name.
IN_A_WORKER = {"network/hub.py", "network/transport.py", "network/peer_wire.py"}
# Files of a room that run inside the vault, where SQL is spoken.
IN_THE_VAULT = {"store.py", "schema.py", "rows.py", "search.py", "wording.py", "moving.py"}

# A net that catches everything and lets nothing rise, with the reason why it may.
NETS = {
    "processes/worker.py": "the worker loop",
    "desktop/bridge.py": "the drain",
    "terminal/perform.py": "the terminal's last net",
    "terminal/main.py": "the terminal's last net, around a command that another process runs",
    "engine/worker.py": "carries an error from the engine's thread to the op that raises it",
    "network/worker.py": "carries an error from a connection's thread to the op that raises it",
    "network/watched.py": "carries an error from an exchange's thread to the op that raises it",
}

_SQL = re.compile(
    r"\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|REPLACE\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|PRAGMA\s+\w|"
    r"CREATE\s+(UNIQUE\s+)?(TEMP\s+)?(TABLE|INDEX|VIRTUAL|TRIGGER|VIEW)\s|ALTER\s+TABLE\s|"
    r"DROP\s+(TABLE|INDEX|TRIGGER|VIEW)\s|WITH\s+(RECURSIVE\s+)?\w+\s*(\(.*\)\s*)?AS\s*\(|"
    r"BEGIN(\s+(IMMEDIATE|EXCLUSIVE|DEFERRED))?;?\s*$|COMMIT;?\s*$|ROLLBACK;?\s*$|ATTACH\s+DATABASE|VACUUM\b)"
)


def sources() -> Iterator[tuple[str, str]]:
    """Every file of the package: its path inside it, and its text."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")


def faults(path: str, source: str) -> list[str]:
    """What `source` does that a file at `path` (inside the package) may not, one sentence each."""
    tree = ast.parse(source)
    found = [*_imports_out_of_place(path, tree), *_late_imports_too_early(path, tree)]
    found += [*_nets_out_of_place(path, tree), *_sql_out_of_place(path, tree), *_errors_out_of_place(path, tree)]
    return [f"{path}:{line}: {words}" for line, words in sorted(found)]


def room_of(path: str) -> str:
    first, _, rest = path.partition("/")
    return first if rest else first.removesuffix(".py")


Fault = tuple[int, str]


def _imported(node: ast.AST, path: str) -> list[str]:
    """The full names that an import statement brings in, or [] for anything else."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = ["freehold", *path.split("/")[:-1]]
            base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = ast.unparse(node.func)
        if called in ("__import__", "import_module", "importlib.import_module"):
            return [str(node.args[0].value)]
    return []


def _imports_out_of_place(path: str, tree: ast.Module) -> Iterator[Fault]:
    room = room_of(path)
    for node in ast.walk(tree):
        for name in _imported(node, path):
            top = name.partition(".")[0]
            line = getattr(node, "lineno", 0)
            if top == "freehold":
                if words := _not_below(room, name.split(".")[1:2]):
                    yield line, words
            elif top in DOORS and room not in _AT_HOME_IN.get(top, {DOORS[top]}):
                yield line, f"{top} enters through {DOORS[top]} only"
            elif top in NEVER:
                yield line, f"{top} runs code that it reads"
            elif room != "network" and any(name == way or name.startswith(f"{way}.") for way in WAYS_OUT):
                yield line, f"{name} is a way out of the machine, and those belong to network"


def _not_below(room: str, target: list[str]) -> str:
    """Why `room` may not import from the room `target`; empty when it may."""
    if not target or target[0] in ("__version__", room) or room == "__init__":
        return ""
    if target[0] not in STEP:
        return f"{target[0]} is no room of the house"
    if room not in STEP:
        return f"{room} is no room of the house"
    if room == "__main__" or STEP[target[0]] < STEP[room]:
        return ""
    return f"{room} may not import {target[0]}"


def _late_imports_too_early(path: str, tree: ast.Module) -> Iterator[Fault]:
    if "worker" in path.rpartition("/")[2] or path in IN_A_WORKER:
        return
    for node in _at_import_time(tree):
        for name in _imported(node, path):
            top = name.partition(".")[0]
            if top in LATE:
                yield (
                    getattr(node, "lineno", 0),
                    f"{top} is imported by the function that needs it",
                )


def _at_import_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run when the module is imported: all but function bodies and what is for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _at_import_time(node)


def _nets_out_of_place(path: str, tree: ast.Module) -> Iterator[Fault]:
    if path in NETS:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type) and not isinstance(node.body[-1], ast.Raise):
            yield node.lineno, "a net that catches everything stands in the drain, the worker loop and the excepthook"
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress") and _catches_all(*node.args):
            yield node.lineno, "suppressing everything hides bugs"


def _catches_all(*caught: ast.expr | None) -> bool:
    names = {ast.unparse(one) for kind in caught for one in _each(kind)}
    return bool(names & {"", "Exception", "BaseException"})


def _each(kind: ast.expr | None) -> list[ast.AST]:
    if kind is None:
        return [ast.parse("")]
    return list(kind.elts) if isinstance(kind, ast.Tuple) else [kind]


def _sql_out_of_place(path: str, tree: ast.Module) -> Iterator[Fault]:
    if path.startswith("vault/") or path.rpartition("/")[2] in IN_THE_VAULT:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.match(node.value):
            yield node.lineno, "SQL stands in a room's store.py and schema.py, and in the vault"


def _errors_out_of_place(path: str, tree: ast.Module) -> Iterator[Fault]:
    """A code must mean the same class in every process, so the classes stand where every process finds them."""
    if path.rpartition("/")[2] in ("errors.py", "values.py"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            names = [getattr(item.targets[0], "id", "") for item in node.body if isinstance(item, ast.Assign)]
            if {"code", "title"} <= set(names):
                yield node.lineno, "an error with a code stands in errors.py or values.py, which every process imports"
