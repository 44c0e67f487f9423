"""Files made to harm: each ends in a state with words, and the honest file after them is read."""

from __future__ import annotations

import json
import os
import socket
import threading
import zipfile
from pathlib import Path

import pytest

from freehold.foundation.stop import Stop
from freehold.library.library import Library
from freehold.library.values import Document, State
from support.libraries import LetterEmbedder, NoViewer, VaultInMemory, a_pdf, a_zip, extractor

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a '" + "ha" * 50 + "'>"
    + "".join(f"<!ENTITY {new} '{f'&{old};' * 30}'>" for old, new in zip("abcdef", "bcdefg", strict=True)) + "]>"
)  # fmt: skip


def office(path: Path, main: str, content: str, kind: str) -> Path:
    """A package whose one part is `content`, at `main`."""
    return a_zip(path, **{
        "[Content_Types]_dot_xml": f'<Types xmlns="{_TYPES}"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/{main}" '
            f'ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/></Types>',
        "_rels___dot_rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="r1" Type="{_REL}/officeDocument" '
            f'Target="{main}"/></Relationships>',
        main.replace("/", "__").replace(".", "_dot_"): content,
    })  # fmt: skip


def word(path: Path, body: str, before: str = "") -> Path:
    content = f'{before}<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>'
    return office(path, "word/document.xml", content, "wordprocessingml.document")


def sheet(path: Path, cells: str, before: str = "") -> Path:
    office(path, "xl/workbook.xml", f'<workbook xmlns="{_S}" xmlns:r="{_REL}"><sheets>'
           '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>', "spreadsheetml.sheet")  # fmt: skip
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_LINKS}"><Relationship Id="r1" '
                         f'Type="{_REL}/worksheet" Target="worksheets/s.xml"/></Relationships>')  # fmt: skip
        archive.writestr("xl/worksheets/s.xml", f'{before}<worksheet xmlns="{_S}"><sheetData>{cells}</sheetData>'
                         "</worksheet>")  # fmt: skip
    return path


def bombs(folder: Path) -> None:
    zeros = bytes(300_000_000)
    a_zip(folder / "zip.docx", word__document_dot_xml=zeros)
    a_zip(folder / "many.epub", **{f"p{n}": b"" for n in range(25_000)})
    inner = a_zip(folder / "inner.zip", **{"a.txt": zeros[:50_000_000]})
    a_zip(folder / "nested.docx", **{f"word__{n}_dot_zip": inner.read_bytes() for n in range(200)})
    word(folder / "laughs.docx", "<w:p><w:r><w:t>&g;</w:t></w:r></w:p>", _LAUGHS)
    word(folder / "deep.docx", "<w:tbl><w:tr><w:tc>" * 5_000)
    sheet(folder / "laughs.xlsx", '<row r="1"><c r="A1" t="inlineStr"><is><t>&g;</t></is></c></row>', _LAUGHS)
    corners = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    sheet(folder / "corners.xlsx", corners)
    row = "".join(f'<c r="{chr(65 + n // 26)}{chr(65 + n % 26)}@"><v>1</v></c>' for n in range(500))
    sheet(folder / "million.xlsx", "".join(f'<row r="{n}">{row.replace("@", str(n))}</row>' for n in range(1, 2001)))
    (folder / "laughs.html").write_text(f"{_LAUGHS}<p>&g;</p>")
    (folder / "laughs.svg.xml").write_text(f"{_LAUGHS}<x>&g;</x>")
    (folder / "deep.json").write_text("[" * 100_000 + "]" * 100_000)
    (folder / "wide.json").write_text(json.dumps({str(n): {"k": n} for n in range(100_000)}))
    (folder / "deep.ipynb").write_text('{"cells":' * 50_000)
    (folder / "deep.eml").write_text(
        "".join(f"Content-Type: multipart/mixed; boundary={n}\n\n--{n}\n" for n in range(3_000))
    )
    a_pdf(folder / "pages.pdf", *["words"] * 10_000)
    one = a_pdf(folder / "one.pdf", "words").read_bytes()
    (folder / "loop.pdf").write_bytes(one.replace(b"Kids[5 0 R]", b"Kids[2 0 R]"))
    (folder / "count.pdf").write_bytes(one.replace(b"Count 1/", b"Count 2147483647/"))
    with (folder / "sparse.txt").open("wb") as file:
        file.write(b"the beginning of much\n" * 1000)
        file.truncate(10_000_000_000)
    (folder / "bomb.png").write_bytes(picture_of(60_000, 60_000))
    (folder / "cut.gif").write_bytes(b"GIF89a\xff\xff\xff\xff\xf0\x00\x00")


def picture_of(wide: int, high: int) -> bytes:
    """A PNG that claims to be large and holds nothing."""
    import struct
    import zlib

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = part(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(bytes(1000))) + part(b"IEND", b"")


class Desk:
    """A folder, and a library that reads it with the real process and little memory."""

    def __init__(self, top: Path) -> None:
        self.folder, home = top / "papers", top / "home"
        self.folder.mkdir()
        home.mkdir()
        self.vault = VaultInMemory(home)
        self.library = Library(
            self.vault, extractor(home, silence=30.0, most_memory=700_000_000), LetterEmbedder(""), NoViewer()
        )

    def read(self) -> dict[str, Document]:
        self.library.add([self.folder])
        list(self.library.work(Stop()))
        found = {Path(one.path).name: one for one in self.library.status()}
        assert [one for one in found.values() if one.state is State.WAITING] == []
        assert [one for one in found.values() if one.state is not State.WORDS and not one.reason] == []
        return found

    def close(self) -> None:
        self.library.close()
        self.vault.database.close()


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.mark.timeout(600)
def test_every_bomb_ends_in_a_state_with_words_and_an_honest_file_is_read(desk):
    bombs(desk.folder)
    (desk.folder / "honest.txt").write_text("the hull is blue")
    found = desk.read()
    assert found["honest.txt"].state is State.WORDS
    states = {name: one.state for name, one in found.items()}
    failed = {"zip.docx", "nested.docx", "laughs.docx", "deep.docx", "corners.xlsx", "deep.eml", "bomb.png", "cut.gif"}
    assert {name for name in failed if states[name] is not State.FAILED} == set()
    assert states["many.epub"] is states["sparse.txt"] is State.UNSUPPORTED
    assert states["pages.pdf"] is State.WORDS and found["pages.pdf"].pages == 10_000
    assert states["million.xlsx"] is State.WORDS and states["wide.json"] is State.WORDS
    assert all(len(desk.library.text(desk.folder / name).text) < 17_000_000 for name in found)
    assert not any("hahaha" in desk.library.text(desk.folder / name).text for name in found if "laughs" in name)


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx", "odt", "epub", "pdf", "png"])
def test_a_file_cut_anywhere_ends_in_a_state_with_words(desk, kind):
    import docx
    import pptx
    from PIL import Image

    whole = desk.folder / f"whole.{kind}"
    if kind == "docx":
        docx.Document().save(str(whole))
    elif kind == "pptx":
        pptx.Presentation().save(str(whole))
    elif kind == "xlsx":
        sheet(whole, '<row r="1"><c r="A1"><v>1</v></c></row>')
    elif kind == "pdf":
        a_pdf(whole, "words", "more")
    elif kind == "png":
        Image.new("RGB", (300, 300), "white").save(whole)
    else:
        mimetype = {"odt": "application/vnd.oasis.opendocument.text", "epub": "application/epub+zip"}[kind]
        a_zip(whole, mimetype=mimetype, **{"META-INF__container_dot_xml": "<container/>", "content_dot_xml": "<x/>"})
    content = whole.read_bytes()
    for part in range(12):
        (desk.folder / f"cut{part}.{kind}").write_bytes(content[: len(content) * part // 12])
    for part in range(4):
        at = len(content) * (part + 1) // 5
        (desk.folder / f"burnt{part}.{kind}").write_bytes(content[:at] + bytes(40) + content[at + 40 :])
    desk.read()


def test_a_file_that_grows_and_shrinks_while_it_is_read_ends_in_a_state(desk):
    log, done = desk.folder / "growing.log", threading.Event()
    log.write_text("a line\n" * 100_000)

    def restless() -> None:
        size = 0
        while not done.is_set():
            size += 1
            with log.open("a") as file:
                file.write("one more line\n" * 1000)
            if size % 5 == 0:
                os.truncate(log, 1000)

    writer = threading.Thread(target=restless)
    writer.start()
    try:
        desk.read()
    finally:
        done.set()
        writer.join()
    assert desk.read()["growing.log"].state is State.WORDS, "once it is left alone it is read whole"


def test_what_is_no_file_is_left_out_and_what_became_none_is_said_to_be_none(desk):
    os.mkfifo(desk.folder / "pipe.txt")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(desk.folder / "socket.txt"))
    (desk.folder / "turned.txt").write_text("words")
    (desk.folder / "again.txt").symlink_to(desk.folder)
    desk.library.add([desk.folder, Path("/dev/zero"), desk.folder / "pipe.txt"])
    (desk.folder / "turned.txt").unlink()
    os.mkfifo(desk.folder / "turned.txt")
    list(desk.library.work(Stop()))
    server.close()
    ((name, reason),) = [(Path(one.path).name, one.reason) for one in desk.library.status()]
    assert name == "turned.txt" and "not a file" in reason


@pytest.mark.parametrize("name", [
    "two\nlines.txt", "\u202egnp.txt", "😀" * 62 + ".txt", " .txt", "a'\"$(x)`.txt", "-rf.txt",
    os.fsdecode(b"no utf \xff\xfe.txt"),
])  # fmt: skip
def test_a_file_of_any_name_is_read_by_the_real_process(desk, name):
    (desk.folder / name).write_text("the hull is blue")
    assert {one.state for one in desk.read().values()} == {State.WORDS}
    assert desk.library.search("hull", mode="words").passages[0].path == str(desk.folder / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_file_that_may_not_be_read_says_so(desk):
    (desk.folder / "closed.txt").write_text("words")
    (desk.folder / "closed.txt").chmod(0)
    assert "may not be opened" in desk.read()["closed.txt"].reason
