"""Small documents made on the spot, the extract worker as a real process, and a library over a vault in memory."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from freehold.library.extract.client import Extractor
from freehold.processes.spawn import spawn

EXTRACT = [sys.executable, "-E", "-P", "-B", "-X", "utf8", "-c",
           "from freehold.library.extract.worker import serve_extract; serve_extract()"]  # fmt: skip


def extractor(scratch: Path, **limits: float) -> Extractor:
    """The real worker, started the way the app starts it."""
    return Extractor(lambda: spawn(EXTRACT, scratch), **limits)


def worker_saying(code: str, scratch: Path) -> subprocess.Popen[bytes]:
    """A worker that runs `code` in place of reading documents."""
    return spawn([sys.executable, "-E", "-P", "-B", "-X", "utf8", "-c", code], scratch)


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


def a_zip(path: Path, **members: str | bytes) -> Path:
    """A zip file; `__` in a name stands for a slash and `_dot_` for a dot."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return path
