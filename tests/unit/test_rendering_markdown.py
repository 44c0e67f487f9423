"""What Markdown means here, and what the printers make of it."""

from __future__ import annotations

import pytest

from freehold.desktop.theme import DARK as DARK_THEME
from freehold.desktop.theme import LIGHT as LIGHT_THEME
from freehold.rendering.export import as_markdown, as_page
from freehold.rendering.highlight import DARK, LIGHT, Tone, language_name, tones
from freehold.rendering.html import html
from freehold.rendering.links import safe_link
from freehold.rendering.pieces import Boxed, Prose, pieces
from freehold.rendering.plain import plain
from freehold.rendering.stream import render
from freehold.rendering.values import (
    Code,
    Heading,
    Item,
    Link,
    Listing,
    Look,
    Paragraph,
    Quote,
    Rule,
    Span,
    Table,
)

LOOK = Look("#111111", "#666666", "#CCCCCC", "#EEEEEE", "#226644")


def blocks(text):
    return render(text).blocks


def paragraph(text):
    return Paragraph((Span(text),))


def test_each_kind_of_block_becomes_its_value():
    assert blocks("## Two\n\nwords\n\n---\n\n> said") == (
        Heading(2, (Span("Two"),)), paragraph("words"), Rule(), Quote((paragraph("said"),)),
    )  # fmt: skip
    assert blocks("```Python title=x\na = 1\n```") == (Code("a = 1", "python"),)
    assert blocks("3. a\n4. b") == (Listing((Item((paragraph("a"),)), Item((paragraph("b"),))), start=3),)
    assert blocks("- a\n\n- b")[0].tight is False
    assert blocks("|a|b|\n|-|-:|\n|1|") == (
        Table(("", "right"), ((Span("a"),), (Span("b"),)), (((Span("1"),), ()),)),
    )  # fmt: skip


def test_styles_nest_and_neighbours_join():
    assert blocks("a **b *c*** ~~d~~ `e`")[0].spans == (
        Span("a "), Span("b ", strong=True), Span("c", strong=True, emphasis=True), Span(" "), Span("d", strike=True),
        Span(" "), Span("e", code=True),
    )  # fmt: skip


def test_the_models_line_ends_and_br_tags_are_kept():
    assert blocks("To the landlord,\nI give notice<br>now") == (paragraph("To the landlord,\nI give notice\nnow"),)


@pytest.mark.parametrize(
    "formula", [r"\(a_1*b*c\)", r"\[x_{1}\]", "$$a*b*c$$", "$x_1*y*z$", "$5 and $6", "$5-$6 a day"]
)
def test_formulas_and_prices_stay_as_they_were_written(formula):
    assert plain(render(f"see {formula} here")) == f"see {formula} here"


def test_only_web_and_mail_addresses_become_links():
    links = {
        "https://example.com/a?b=1#c": Link("https://example.com/a?b=1#c", "example.com"),
        "HTTP://EXAMPLE.com": Link("http://example.com", "example.com"),
        "http://u:p@example.com:8080/": Link("http://example.com:8080/", "example.com"),
        "https://bücher.example/ü": Link("https://xn--bcher-kva.example/%C3%BC", "xn--bcher-kva.example"),
        "mailto:a@b.example?subject=x": Link("mailto:a@b.example", "b.example"),
        "http://[2001:db8::1]/x": Link("http://[2001:db8::1]/x", "[2001:db8::1]"),
    }
    for target, link in links.items():
        assert blocks(f"[l](<{target}>)")[0].spans[0] == Span("l", link=link)
    for target in ("ftp://h/x", "tel:1", "x.md", "//h/x", "http:/x", "http://", "http://h:99999/", "http://a b/"):
        assert all(span.link is None for span in blocks(f"[l](<{target}>)")[0].spans)


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("https://bank.example@evil.example/", "evil.example"), ("https://me:word@evil.example/", "evil.example"),
        ("https://a@b@evil.example/", "evil.example"), ("https://xn--pple-43d.com/", "xn--pple-43d.com"),
        ("https://\u0430pple.com/", "xn--pple-43d.com"),
        ("file:///etc/passwd", ""), ("file://host/share", ""), ("FILE:c:/x", ""), ("javascript:alert(1)", ""),
        ("JaVaScRiPt:alert(1)", ""), ("\tjavascript:alert(1)", ""), ("java\nscript:alert(1)", ""),
        ("\\\\host\\share", ""), ("//host/share", ""), ("http:\\\\host\\share", ""), ("https:\\host", ""),
        ("https://good.example\\@evil.example/", ""), ("data:text/html,x", ""), ("vbscript:x", ""),
        ("smb://host/share", ""), ("ms-officecmd:x", ""),
    ],
)  # fmt: skip
def test_whatever_an_address_pretends_its_host_is_the_one_it_leads_to_or_it_is_no_link(target, leads_to):
    link = safe_link(target)
    assert (link.host if link else "") == leads_to
    assert link is None or "@" not in link.url


def test_a_list_around_code_goes_on_after_it_with_its_numbers():
    prose, code, rest = pieces(blocks("1. one\n2. two\n\n   ```py\n   x\n   ```\n\n   more\n3. three"))
    assert code == Boxed(Code("x", "py"), depth=1)
    assert isinstance(prose, Prose) and plain_of(prose) == "1. one\n\n2. two"
    assert isinstance(rest, Prose) and rest.blocks[0].items[0].continues
    assert "3. three" in plain_of(rest)


def plain_of(prose):
    from freehold.rendering.values import Document

    return plain(Document(prose.blocks))


def test_code_is_coloured_where_the_language_is_known_and_kept_to_the_letter():
    code = 'def f(x):\n    return "a" + x  # why\n'
    runs = tones(code, "python")
    assert "".join(text for _, text in runs) == code
    assert (Tone.COMMENT, "# why") in runs and (Tone.KEYWORD, "return") in runs
    assert tones(code, "no-such-language") == ((Tone.PLAIN, code),)
    assert tones("x = 1\n" * 10_000, "python")[0][0] is Tone.PLAIN
    assert language_name("py") == "Python" and language_name("brainfog") == "brainfog"


@pytest.mark.parametrize(("colours", "theme"), [(LIGHT, LIGHT_THEME), (DARK, DARK_THEME)])
def test_code_colours_can_be_read_on_either_palette(colours, theme):
    for colour in colours.values():
        assert contrast(colour, theme.panel) >= 4.5


def contrast(one, other):
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "text",
    [
        "# Head\n\nwords with *stars* and 1. no list\n\n- a\n- b\n  - c\n\n> q\n>\n> > r",
        "a * b _ c [d] <e> & f # g\n\n1\\. x\n\n```md\n``` x\n````\n```\n",
        "|a|b|\n|:-|-:|\n|`x`|**y** <br> z|",
        "[l](https://example.com/(a)) `` ` `` **bold** ~~gone~~ \\\nnext",
    ],
)
def test_exported_markdown_reads_back_as_the_same_text(text):
    document = render(text)
    assert plain(render(as_markdown(document))) == plain(document)


def test_an_exported_page_loads_nothing():
    page = as_page("A & B", [("You", render("hi <b>")), ("Answer", render("*ok*"))])
    assert "default-src &#x27;none&#x27;" in page and "<title>A &amp; B</title>" in page
    assert "hi &lt;b&gt;" in page and "<i>ok</i>" in page


def test_html_uses_the_colours_it_was_given():
    assert 'color:#226644"' in html(blocks("https://example.com"), LOOK)
    assert "color:#666666" in html(blocks("![x](y)"), LOOK)
