"""Small documents made on the spot, the extract worker as a real process, and a library over a vault in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from freehold.foundation.stop import Stop
from freehold.library.chunk import Chunk
from freehold.library.embed.client import Embedder
from freehold.library.errors import DocumentGone, DocumentNeedsPassword, DocumentUnsupported
from freehold.library.extract.client import Document as Read
from freehold.library.extract.client import Extractor, Viewer
from freehold.processes.frames import pack_floats
from freehold.processes.spawn import spawn
from freehold.processes.worker import _argument_types, check_arguments

EXTRACT = [sys.executable, "-E", "-P", "-B", "-X", "utf8", "-c",
           "from freehold.library.extract.worker import serve_extract; serve_extract()"]  # fmt: skip


def extractor(scratch: Path, **limits: float) -> Extractor:
    """The real worker, started the way the app starts it."""
    return Extractor(lambda: spawn(EXTRACT, scratch), **limits)


def viewer(scratch: Path, **limits: float) -> Viewer:
    """The real worker again, as the one that shows pages."""
    return Viewer(lambda _: spawn(EXTRACT, scratch), **limits)


def worker_saying(code: str, scratch: Path) -> subprocess.Popen[bytes]:
    """A worker that runs `code` in place of reading documents."""
    return spawn([sys.executable, "-E", "-P", "-B", "-X", "utf8", "-c", code], scratch)


def read_all(reader: Extractor, path: Path) -> tuple[str, Any]:
    """The document's whole text, and what is known of it."""
    parts, texts = reader.read(path), []
    while True:
        try:
            texts.extend(chunk.text for chunk in next(parts))
        except StopIteration as end:
            return "".join(texts), end.value


def a_pdf(path: Path, *pages: str) -> Path:
    """A PDF with one line of Helvetica for each line of a page's text."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for page in pages:
        lines = [line.replace("\\", "").replace("(", "").replace(")", "") for line in page.split("\n")]
        drawn = "".join(f"({line}) Tj 0 -14 Td " for line in lines)
        stream = f"BT /F1 12 Tf 72 720 Td {drawn} ET"
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {len(objects)} 0 R"
                       "/Resources<</Font<</F1 3 0 R>>>>>>")  # fmt: skip
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>"
    content, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj{one}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(objects) + 1
    end = (
        f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer<</Size {count}/Root 1 0 R>>\nstartxref\n{len(content)}\n"
    )
    path.write_bytes((content + end + "%%EOF").encode("latin-1"))
    return path


def a_picture(words: str) -> Any:
    """A sheet of paper with `words` printed on it in letters that any engine reads."""
    from PIL import Image, ImageDraw, ImageFont

    paper = Image.new("RGB", (1000, 1400), "white")
    ImageDraw.Draw(paper).multiline_text((80, 80), words, "black", ImageFont.load_default(36), spacing=20)
    return paper


def drawn(path: Path, words: str) -> Path:
    a_picture(words).save(path)
    return path


def scanned(path: Path, *pages: str) -> Path:
    """A PDF (or TIFF) whose pages are pictures of text."""
    first, *others = (a_picture(words) for words in pages)
    first.save(path, save_all=True, append_images=others)
    return path


def a_zip(path: Path, **members: str | bytes) -> Path:
    """A zip file; `__` in a name stands for a slash and `_dot_` for a dot."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return path


class VaultInMemory:
    """The library's store over a real encrypted database, asked by name and with JSON, as the vault process is."""

    def __init__(self, folder: Path) -> None:
        from freehold.library.store import LibraryStore
        from freehold.vault.database import Database
        from freehold.vault.migrations import lay_out, pending, upgrade

        self.path = folder / "vault.db"
        fresh = not self.path.exists()
        self.database = Database(self.path, bytes(32))
        if fresh:
            lay_out(self.database)
            upgrade(self.database, pending({}, [LibraryStore]))
        self.store = LibraryStore(self.database)
        self.calls: list[str] = []

    def call(self, op: str, **args: Any) -> Any:
        result = self._ask(op, args)
        if isinstance(result, Generator):
            return _drained(result)
        return json.loads(json.dumps(result))

    def stream(self, op: str, *, stop: Stop | None = None, **args: Any) -> Generator[Any, None, Any]:
        result = yield from self._ask(op, args)
        return result

    def _ask(self, op: str, args: dict[str, Any]) -> Any:
        room, _, name = op.partition(".")
        assert room == "library"
        self.calls.append(name)
        method = getattr(self.store, name)
        args = json.loads(json.dumps(args))
        check_arguments(op, _argument_types(method), args)
        return method(**args)


def _drained(parts: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            json.dumps(next(parts))
        except StopIteration as end:
            return end.value


def embedding(text: str) -> list[float]:
    """A stand-in for meaning: each letter's share, so that words made of the same letters mean the same."""
    letters = [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]
    length = sum(value * value for value in letters) ** 0.5 or 1.0
    return [value / length for value in letters]


def shelve(
    vault: VaultInMemory, path: str, *texts: str, collection: str = "documents", title: str = "", kind: str = "",
    modified: int = 1,
) -> int:  # fmt: skip
    """A document whose chunks are `texts`, read and found by its words. `modified` in seconds since 1970."""
    source = vault.call("library.add_source", path=path, collection=collection)["id"]
    vault.call("library.enqueue", source=source, files=[[path, 10, modified * 10**9, 1, 1]])
    document = next(row for row in vault.call("library.stamps", source=source) if row[1] == path)[0]
    vault.call("library.renew", document=document)
    chunks = [[text, None, "", 10] for text in texts]
    vault.call("library.write", document=document, place=0, start=0, chunks=chunks)
    vault.call("library.sweep", document=document)
    vault.call("library.finish", document=document, state="words", title=title, kind=kind)
    return int(document)


def embed_all(vault: VaultInMemory, embedder: str = "letters") -> int:
    """Give every chunk its vector; returns how many texts were embedded."""
    rows = vault.call("library.unembedded", embedder=embedder, after=0, limit=10_000)
    texts = {digest: text for _, digest, text in rows}
    pairs = [[digest, pack_floats(embedding(text))] for digest, text in texts.items()]
    vault.call("library.put_vectors", embedder=embedder, vectors=pairs)
    vault.call("library.settle", embedder=embedder)
    return len(pairs)


def found(vault: VaultInMemory, query: str, mode: str = "words", **wishes: Any) -> list[dict[str, Any]]:
    vector = None if mode == "words" else pack_floats(embedding(query))
    answer = vault.call("library.search", query=query, vector=vector, embedder="letters", mode=mode, **wishes)
    return answer["passages"]


class PlainExtractor:
    """Reads text files in this process, a chunk a line. `deeds` are run while a file of that name is read."""

    def __init__(self) -> None:
        self.read_paths: list[str] = []
        self.deeds: dict[str, Callable[[], None]] = {}

    def read(self, path: Path, password: str | None = None, stop: Stop | None = None, *, unless: str = ""):
        self.read_paths.append(path.name)
        self.deeds.get(path.name, lambda: None)()
        if not path.exists():
            raise DocumentGone("No such file or directory")
        text = path.read_text()
        if text == unless:
            return Read("", 0, "", "", text, same=True)
        if path.suffix == ".locked" and password != "open":
            raise DocumentNeedsPassword()
        if path.suffix == ".bin":
            raise DocumentUnsupported("it is not text")
        yield [Chunk(line, None, "", 5) for line in text.splitlines(keepends=True)]
        if stop is not None and stop.is_set():
            return None
        return Read(path.stem, 0, "", path.suffix, text)

    def close(self) -> None: ...


class NoViewer:
    """For a library whose pages nobody looks at."""

    def end_when_idle(self) -> None: ...
    def close(self) -> None: ...


class LetterEmbedder:
    """Embeds by letters; `is_up` as the test says."""

    def __init__(self, name: str = "letters") -> None:
        self.id, self.is_up = name, True
        self.embedded: list[str] = []

    def embed(self, texts, stop: Stop | None = None) -> list[str]:
        self.embedded.extend(texts)
        return [pack_floats(embedding(text)) for text in texts]

    coming = None

    def change(self, id: str) -> None: ...
    def changed(self) -> None: ...

    def embed_question(self, text: str) -> str:
        return self.embed([text])[0]

    def warm_soon(self) -> None: ...
    def end_when_idle(self) -> None: ...
    def close(self) -> None: ...


class OneEmbedder(Embedder):
    """A library's only one: none takes its place."""

    coming = None

    def change(self, id: str) -> None: ...
    def changed(self) -> None: ...


def embedder_process(scratch: Path) -> Callable[[], subprocess.Popen[bytes]]:
    """How to start the real embedder worker."""
    code = "from freehold.library.embed.worker import serve_embedder; serve_embedder()"
    return lambda: spawn([sys.executable, "-E", "-P", "-B", "-X", "utf8", "-c", code], scratch)
