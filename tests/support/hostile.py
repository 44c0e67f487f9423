"""Markdown that tries to load, to lead astray or to hide, and a strict reader of the HTML we make of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

CORPUS: tuple[str, ...] = (
    "![x](http://203.0.113.7/p.png) ![y](//host/share/x.png) ![z](\\\\host\\share\\x.png)",
    "![a][r]\n\n[r]: http://203.0.113.7/p.png 'title'\n",
    "[![alt *em*](http://203.0.113.7/p.png)](http://example.com/a?b=c&d=e)",
    "![d](data:image/png;base64,iVBORw0KGgo=) ![f](file:///etc/passwd) ![s](x.svg)",
    "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,<script>x</script>) [d](vbscript:x)",
    "[a](file:///etc/passwd) [b](ms-settings:x) [c](\\\\host\\share) [d](//host/x) [e](smb://h/s) [f](/etc/passwd)",
    "[a](java\nscript:alert(1)) [b](&#106;avascript:alert(1)) [c](jav&#x09;ascript:x) [d](<java script:x>)",
    "<javascript:alert(1)> <file:///etc/passwd> <http://example.com/x> <me@example.com> <ftp://h/x>",
    "<script>alert(1)</script> <img src=//h/x onerror=alert(1)> <svg onload=x> <iframe src='http://h'>",
    "<!-- <img src=x> --> <![CDATA[ <img src=x> ]]> <?php x ?> <style>@import 'http://h/x.css'</style>",
    "<div style=\"background:url(http://h/x)\">\n\n**a**\n\n</div>\n<a href='http://h'>x</a>",
    "&lt;img src=x&gt; &#60;img src=x&#62; &amp;lt;img&amp;gt; &quot; onclick=&quot;x",
    '[a](http://h/"onmouseover="alert(1)) [b](http://h/ "ti\\"tle" onclick=x) [c](http://h/\'><img src=x>)',
    "[pay](http://paypal.com@evil.example/login) http://user:pass@evil.example/ <http://a%40b@c.example>",
    "[bank](http://xn--pple-43d.com) https://аpple.com/ [x](https://раураl.com) http://ⓔⓧⓐⓜⓟⓛⓔ.com",
    "[https://bank.example](https://evil.example) http://evil.example\\@good.example http://good.example%2fevil",
    "mailto:me@example.com?attach=/etc/passwd [m](mailto:a@b.example?subject=x&attachment=/x) [n](mailto:)",
    "http://[::1]/x http://[bad/x http://0x7f.1/ http://127.0.0.1:99999/ http://h:80/ https:/x https:x",
    "> > > > > > > > > > > > > > > > > > deep\n> - > - > - > - > - > - x",
    "- a\n  - b\n    - c\n      - d\n        - e\n          - f\n            - g\n              - h\n",
    "| a | b |\n|---|:-:|\n| ![x](http://h/x) | <img src=x> |\n| [l](javascript:x) | `|` \\| |\n",
    "```html\n<img src='http://h/x'>\n```\n~~~\"><script>\nx\n~~~\n    <img src=x>\n",
    "`<img src=x>` ``a`b`` **bold *both* ~~gone~~** ***x*** __y__ *unclosed **marks ~~of `style",
    "safe\u202eexe.gpj \u2066x\u2069 zero\u200bwidth \ufeff \U000e0041\U000e0042 \ue000 \x00\x1b[31mred\x07 \x9b",
    "👨‍👩‍👧 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣ 🇫🇷 می‌خواهم क्‍ष e" + "\u0301" * 40,
    "\ufdd0\ufdd1\ufffc\ufffe\ud800 \u2028para\u2029graph\u0085next",
    "[a]: http://one.example\n[a]\n\n[a]: javascript:x\n\n[b]:\n  /u\n  'ti\ntle'\n[b]",
    "$x_1*y*z$ \\(a_1\\) \\[b*c*d\\] $$\\frac{<img>}{2}$$ costs $5 or $6",
    "line one  \nline two\\\nline three\r\nfour\rfive\n\n\n***\n---\n# h1\nh2\n--\n####### no\n",
    "1. one\n\n   ```py\n   x = '<b>'\n   ```\n2. two\n7) other\n\n- loose\n\n- list\n",
    "www.example.com example.com me@example.com ftp://x.example //x.example tel:123 HTTP://EXAMPLE.COM/A",
    "<br> <br/> <BR /> <br onload=x> a<br>b",
)

_ATTRIBUTES = {
    "p": {"style"}, "h1": {"style"}, "h2": {"style"}, "h3": {"style"}, "h4": {"style"}, "h5": {"style"},
    "h6": {"style"}, "pre": {"style"}, "span": {"style"}, "blockquote": {"style"}, "b": set(), "i": set(),
    "s": set(), "br": set(), "hr": set(), "ul": set(), "ol": {"start"}, "li": {"style"}, "a": {"href", "style"},
    "table": {"border", "cellspacing", "cellpadding", "style"}, "thead": set(), "tbody": set(), "tr": set(),
    "th": {"align"}, "td": {"align"},
}  # fmt: skip
_VOID = {"br", "hr"}
_STYLE = re.compile(r"[a-z-]+:[ \w#%.,'-]+(;[a-z -]+:[ \w#%.,'-]+)*", re.ASCII)


class StrictReader(HTMLParser):
    """Raises AssertionError on anything that is not one of our own tags and attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _ATTRIBUTES, f"<{tag}>"
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)) and set(names) <= _ATTRIBUTES[tag], f"<{tag}> with {names}"
        for name, value in attrs:
            assert value is not None
            if name == "style":
                assert _STYLE.fullmatch(value) and "url" not in value, value
            elif name == "href":
                self._check_link(value)
            else:
                assert re.fullmatch(r"\w{0,10}", value, re.ASCII), value
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    handle_decl = handle_pi = unknown_decl = handle_comment

    def _check_link(self, value: str) -> None:
        assert value.isascii() and value.isprintable() and " " not in value and "\\" not in value, value
        parts = urlsplit(value)
        assert parts.scheme in ("http", "https", "mailto"), value
        if parts.scheme == "mailto":
            assert re.fullmatch(r"mailto:[^?@]+@[^?@]+", value), value
        else:
            assert parts.hostname and "@" not in parts.netloc, value
        self.links.append(value)


def read_strictly(page: str) -> StrictReader:
    """`page`, read to its end; AssertionError when anything in it is not ours."""
    reader = StrictReader()
    reader.feed(page)
    reader.close()
    assert not reader.open, f"never closed: {reader.open}"
    return reader
