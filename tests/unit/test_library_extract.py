"""Readers: what stands in a file is told in order, with its place."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import pytest

from freehold.library.errors import DocumentNeedsPassword, DocumentTooLarge, DocumentUnreadable, DocumentUnsupported
from freehold.library.extract.blocks import Block, Kind, Source, limited, rows
from freehold.library.extract.formats import BY_SUFFIX, suffix_of
from freehold.library.extract.pdf import pdf_pages, read_pdf
from freehold.library.extract.pictures import picture_pages, read_picture
from support.libraries import a_pdf, a_zip, drawn, scanned


def blocks(path: Path, password: str | None = None) -> list[Block]:
    suffix = suffix_of(path)
    return list(limited(BY_SUFFIX[suffix](Source(path, suffix, password))))


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def told(path: Path) -> list[tuple[str, str]]:
    return [(block.kind.value, block.text) for block in blocks(path)]


def test_markdown_is_kept_as_it_stands_and_its_headings_are_known(tmp_path):
    note = written(
        tmp_path / "n.md", "# Boat\n\nThe *hull* is blue.\n\n- oars\n- rope\n\nSails\n-----\n\n```\n# no\n```\n"
    )
    assert told(note) == [
        ("heading", "# Boat"), ("paragraph", "The *hull* is blue."), ("item", "- oars"), ("item", "- rope"),
        ("heading", "Sails"), ("code", "```\n# no\n```"),
    ]  # fmt: skip


def test_a_markdown_tables_rows_know_their_header(tmp_path):
    note = written(tmp_path / "n.md", "| name | age |\n|---|---|\n| Ada | 36 |\n")
    assert blocks(note)[-1] == Block(Kind.ROW, "| Ada | 36 |", header="| name | age |")


def test_restructured_headings_take_their_level_from_the_order_of_their_underlines(tmp_path):
    note = written(tmp_path / "n.rst", "Top\n===\n\nwords\n\nInner\n-----\n\nmore\n\nNext\n====\n")
    assert [(b.text, b.level) for b in blocks(note) if b.kind is Kind.HEADING] == [
        ("Top", 1),
        ("Inner", 2),
        ("Next", 1),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_is_read_in_whatever_encoding_it_was_written(tmp_path, encoding):
    words = "Die Küche riecht nach Äpfeln, und die Tür steht offen. " * 5
    assert told(written(tmp_path / "n.txt", words.encode(encoding))) == [("paragraph", words.strip())]


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path):
    with pytest.raises(DocumentUnsupported):
        blocks(written(tmp_path / "notes.txt", bytes(range(256)) * 40))


def test_a_pdf_tells_each_line_of_text_with_its_page(tmp_path):
    told_blocks = blocks(a_pdf(tmp_path / "a.pdf", "The first page.", "On the second", ""))
    assert [(block.text, block.page) for block in told_blocks] == [
        ("The first page.", 1),
        ("On the second", 2),
        ("", 3),
    ]


def test_a_pdf_without_its_name_is_still_a_pdf(tmp_path):
    assert suffix_of(a_pdf(tmp_path / "scan.bin", "words")) == ".pdf"


def test_a_page_is_painted_with_a_box_around_the_passage(tmp_path):
    with pdf_pages(Source(a_pdf(tmp_path / "a.pdf", "The hull is blue.\nThe sail is red."), ".pdf")) as pages:
        picture = pages.picture(1, 306)
        assert (picture.width, picture.height, len(picture.rgb)) == (306, 396, 306 * 396 * 3)
        ((left, top, _, bottom),) = pages.boxes(1, "The sail is red.")
    assert 0.11 < left < 0.13 and 0.08 < top < bottom < 0.12


def test_sizes_of_pages_are_told_without_painting_them(tmp_path):
    with pdf_pages(Source(a_pdf(tmp_path / "a.pdf", *["words"] * 300), ".pdf")) as pages:
        assert pages.sizes() == [(612.0, 792.0)] * 300
        with pytest.raises(DocumentUnreadable, match="no page 301"):
            pages.picture(301, 100)


def test_a_picture_is_not_read_where_recognition_is_off_and_says_what_to_do(tmp_path):
    with pytest.raises(DocumentUnsupported, match="a picture") as told_words:
        list(read_picture(Source(drawn(tmp_path / "a.png", "words"), ".png", recognises=False)))
    assert "settings" in told_words.value.next_step and "library retry" in told_words.value.next_step


def test_a_scan_is_not_read_where_recognition_is_off_and_its_note_says_so(tmp_path):
    scan = Source(scanned(tmp_path / "a.pdf", "words", "more"), ".pdf", recognises=False)
    _, *pages, note = read_pdf(scan)
    assert [(block.text, block.page) for block in pages] == [("", 1), ("", 2)]
    assert note.kind is Kind.NOTE and note.text.startswith("There is no text on 2 pages, which may be pictures")


def test_an_empty_page_is_no_picture(tmp_path):
    assert [b.kind for b in read_pdf(Source(a_pdf(tmp_path / "a.pdf", "words", ""), ".pdf", recognises=False))] == [
        Kind.PARAGRAPH, Kind.PARAGRAPH,
    ]  # fmt: skip


def test_a_picture_is_shown_itself_on_white_paper_and_turned_as_it_was_taken(tmp_path):
    from PIL import Image

    glass = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    turned = Image.Exif()
    turned[0x0112] = 6
    glass.save(tmp_path / "a.png", exif=turned)
    with picture_pages(Source(tmp_path / "a.png", ".png")) as pages:
        picture = pages.picture(1, 100)
    assert (picture.width, picture.height, set(picture.rgb)) == (100, 200, {255})


def test_a_picture_of_too_many_points_is_not_unpacked(tmp_path):
    from PIL import Image

    Image.new("1", (40_000, 40_000)).save(tmp_path / "a.png")
    with picture_pages(Source(tmp_path / "a.png", ".png")) as pages, pytest.raises(DocumentTooLarge):
        pages.picture(1, 100)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(40), b"words"])
def test_what_only_claims_to_be_a_picture_is_unreadable(tmp_path, content):
    with pytest.raises(DocumentUnreadable), picture_pages(Source(written(tmp_path / "a.png", content), ".png")):
        pass


def test_a_word_document_tells_headings_lists_tables_and_notes(tmp_path):
    import docx

    document = docx.Document()
    document.add_heading("Boat", 1)
    document.add_paragraph("The hull is blue.")
    document.add_paragraph("oars", style="List Number")
    table = document.add_table(2, 2)
    for cell, words in zip([c for row in table.rows for c in row.cells], ["name", "age", "Ada", "36"], strict=True):
        cell.text = words
    document.save(str(tmp_path / "a.docx"))
    assert told(tmp_path / "a.docx") == [
        ("heading", "Boat"), ("paragraph", "The hull is blue."),
        ("item", "1. oars"), ("row", "name | age"), ("row", "Ada | 36"),
    ]  # fmt: skip


def test_a_formula_is_written_on_one_line(tmp_path):
    import docx
    from lxml import etree

    def part(name: str, inner: str) -> str:
        return f"<m:{name}>{inner}</m:{name}>"

    def run(text: str) -> str:
        return part("r", part("t", text))

    root = part("rad", part("e", part("sSup", part("e", run("b")) + part("sup", run("2"))) + run("-c")))
    formula = (
        run("x=")
        + part("f", part("num", run("a+") + root) + part("den", run("2")))
        + part("sSub", part("e", run("y")) + part("sub", run("i")))
    )
    space = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    document = docx.Document()
    math = etree.fromstring(f'<m:oMath xmlns:m="{space}">{formula}</m:oMath>')
    document.add_paragraph("with ")._p.append(math)
    document.save(str(tmp_path / "a.docx"))
    assert told(tmp_path / "a.docx") == [("paragraph", "with x=(a+√(b^2-c))/2y_i")]


def test_each_slide_is_a_page(tmp_path):
    import pptx

    show = pptx.Presentation()
    for words in ("First", "Second"):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = words
        slide.placeholders[1].text = f"body of {words}"
    show.save(str(tmp_path / "a.pptx"))
    assert [(b.text, b.page) for b in blocks(tmp_path / "a.pptx") if b.kind is not Kind.TITLE] == [
        ("First", 1), ("body of First", 1), ("Second", 2), ("body of Second", 2),
    ]  # fmt: skip


def test_rows_of_a_table_keep_its_header():
    table = list(rows([["name", "age"], ["", ""], ["Ada", "36"]]))
    assert table == [Block(Kind.ROW, "name | age"), Block(Kind.ROW, "Ada | 36", header="name | age")]


def test_columns_are_told_apart_by_what_divides_them(tmp_path):
    assert told(written(tmp_path / "a.csv", "name;town\nAda;London, UK\n"))[-1] == ("row", "Ada | London, UK")


def test_a_page_of_html_is_its_text_without_scripts(tmp_path):
    page = "<title>T</title><script>evil()</script><h2>Boat</h2>The <b>hull</b><br>is blue<ol><li>oars<li>rope</ol>"
    assert told(written(tmp_path / "a.html", page)) == [
        ("title", "T"), ("heading", "Boat"), ("paragraph", "The hull\nis blue"),
        ("item", "1. oars"), ("item", "2. rope"),
    ]  # fmt: skip


def test_a_books_pages_come_in_the_order_of_its_spine(tmp_path):
    container = '<container><rootfiles><rootfile full-path="o/b.opf"/></rootfiles></container>'
    book = (
        '<package><metadata><title>Tides</title></metadata><manifest><item id="a" href="one.html"/>'
        '<item id="b" href="two%20.html"/></manifest><spine><itemref idref="b"/><itemref idref="a"/></spine>'
        "</package>"
    )
    path = tmp_path / "a.epub"
    a_zip(path, mimetype="application/epub+zip", **{"META-INF__container_dot_xml": container, "o__b_dot_opf": book,
          "o__one_dot_html": "<p>later</p>", "o__two _dot_html": "<p>first</p>"})  # fmt: skip
    assert told(path) == [("title", "Tides"), ("paragraph", "first"), ("paragraph", "later")]


def test_records_are_told_as_paths_and_values(tmp_path):
    record = {"name": "Ada", "born": {"year": 1815}, "tags": ["a", "b"]}
    assert told(written(tmp_path / "a.json", json.dumps([record]))) == [
        ("paragraph", "name: Ada\nborn.year: 1815\ntags: a, b")
    ]


def test_a_message_tells_who_wrote_it_and_what(tmp_path):
    mail = "From: ada@example.org\nTo: bob@example.org\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nSee you at the boat.\n"
    assert told(written(tmp_path / "a.eml", mail)) == [
        ("title", "Grüße"), ("heading", "Grüße"),
        ("paragraph", "From: ada@example.org\nTo: bob@example.org\nSubject: Grüße"),
        ("paragraph", "See you at the boat."),
    ]  # fmt: skip


def test_events_and_cards_are_paragraphs(tmp_path):
    lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "SUMMARY:Paint the hull", "LOCATION:Harbour", "END:VEVENT"]
    event = "\r\n".join([*lines, "END:VCALENDAR", ""])
    assert told(written(tmp_path / "a.ics", event)) == [("paragraph", "Summary: Paint the hull\nLocation: Harbour")]


def test_a_notebook_tells_its_words_code_and_results(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# Tide\n", "\n", "High at noon."]},
        {"cell_type": "code", "source": "1 + 1", "outputs": [{"data": {"text/plain": "2"}}]},
    ]
    assert told(written(tmp_path / "a.ipynb", json.dumps({"cells": cells}))) == [
        ("heading", "# Tide"), ("paragraph", "High at noon."), ("code", "1 + 1"), ("paragraph", "2"),
    ]  # fmt: skip


def test_rich_text_is_told_without_its_codes(tmp_path):
    assert told(written(tmp_path / "a.rtf", r"{\rtf1\ansi The {\b hull} is bl\'fce.\par Next.}"))[0] == (
        "paragraph", "The hull is blüe.",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["a.docx", "a.pptx", "a.xlsx", "a.odt", "a.epub", "a.pdf", "a.ipynb", "a.rtf", "a.msg"]
)
def test_a_cut_file_is_called_unreadable(tmp_path, name):
    start = b"%PDF-1.7\n1 0 obj" if name == "a.pdf" else b"PK\x03\x04" + b"\x00" * 200
    with pytest.raises((DocumentUnreadable, DocumentUnsupported)):
        blocks(written(tmp_path / name, start))


def locked(path: Path, password: str) -> Path:
    import msoffcrypto

    with path.open("rb") as file:
        content = io.BytesIO()
        msoffcrypto.OfficeFile(file).encrypt(password, content)
    path.write_bytes(content.getvalue())
    return path


@pytest.mark.parametrize("name", ["a.docx", "a.pptx"])
def test_a_protected_office_file_is_read_with_its_password_and_asks_for_it_without(tmp_path, name):
    import docx
    import pptx

    letter, show = docx.Document(), pptx.Presentation()
    letter.add_paragraph("The hull is blue.")
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = "The hull is blue."
    (letter if name == "a.docx" else show).save(str(tmp_path / name))
    locked(tmp_path / name, "sesame")
    with pytest.raises(DocumentNeedsPassword) as asked:
        blocks(tmp_path / name)
    assert "library retry" in asked.value.next_step
    with pytest.raises(DocumentNeedsPassword, match="does not open it"):
        blocks(tmp_path / name, "something else")
    assert "The hull is blue." in [block.text for block in blocks(tmp_path / name, "sesame")]


def test_a_protected_sheet_is_read_with_its_password(tmp_path):
    sheet = "".join(f'<c r="{column}1" t="inlineStr"><is><t>{words}</t></is></c>' for column, words in
                    (("A", "hull"), ("B", "blue")))  # fmt: skip
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = "http://schemas.openxmlformats.org/package/2006/relationships"
    a_zip(tmp_path / "a.xlsx", **{
        "docProps__thumbnail_dot_png": random.Random(1).randbytes(5000),  # msoffcrypto protects nothing smaller
        "[Content_Types]_dot_xml": f'<Types xmlns="{links.replace("relationships", "content-types")}"><Override '
                                   'PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
                                   'officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels___dot_rels": f'<Relationships xmlns="{links}"><Relationship Id="r1" Type="{rel}/officeDocument" '
                            'Target="xl/workbook.xml"/></Relationships>',
        "xl__workbook_dot_xml": f'<workbook {space} xmlns:r="{rel}"><sheets><sheet name="S" sheetId="1" r:id="r1"/>'
                                "</sheets></workbook>",
        "xl___rels__workbook_dot_xml_dot_rels": f'<Relationships xmlns="{links}"><Relationship Id="r1" '
                                                f'Type="{rel}/worksheet" Target="worksheets/s.xml"/></Relationships>',
        "xl__worksheets__s_dot_xml": f'<worksheet {space}><sheetData><row r="1">{sheet}</row></sheetData></worksheet>',
    })  # fmt: skip
    assert told(tmp_path / "a.xlsx")[-1] == ("row", "hull | blue")
    locked(tmp_path / "a.xlsx", "sesame")
    with pytest.raises(DocumentNeedsPassword):
        blocks(tmp_path / "a.xlsx")
    assert [block.text for block in blocks(tmp_path / "a.xlsx", "sesame")] == ["S", "hull | blue"]


def test_a_container_that_is_no_office_file_is_unreadable(tmp_path):
    with pytest.raises(DocumentUnreadable):
        blocks(written(tmp_path / "a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)))


def test_no_more_text_is_taken_than_is_allowed():
    endless = (Block(Kind.PARAGRAPH, "ten chars.") for _ in range(10**9))
    taken: list[str] = []
    with pytest.raises(DocumentTooLarge, match="only the first 25 characters"):
        taken.extend(block.text for block in limited(endless, 25))
    assert taken == ["ten chars.", "ten chars.", "ten c"]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    bomb = a_zip(tmp_path / "a.docx", **{"word__document_dot_xml": b"0" * 30_000_000, "_rels___dot_rels": b"x"})
    with pytest.raises(DocumentTooLarge):
        blocks(bomb)
