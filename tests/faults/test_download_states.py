"""Whatever happens to a download on its way, it ends in the same bytes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.foundation.errors import DownloadFailed
from freehold.network.staging import Notes, PartFile, Staging
from freehold.network.values import Patience
from support.hub import outside, result_of

CONTENT = b"GGUF" + os.urandom(200_000)
PLACES = st.integers(0, len(CONTENT))

# What happens during one start of the app: the connection is cut at these bytes, the server behaves so, and
# afterwards the app is killed and its staged bytes may have been cut short by the file system.
starts = st.fixed_dictionaries(
    {
        "cuts": st.lists(PLACES, max_size=3),
        "etag": st.sampled_from(['"a"', '"b"', 'W/"a"', ""]),
        "ignores_range": st.booleans(),
        "ignores_if_range": st.booleans(),
        "wrong_range": st.booleans(),
        "chunked": st.booleans(),
        "to_cdn": st.booleans(),
        "lost": st.integers(0, 5000),
    }
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(starts, max_size=3))
def test_any_sequence_of_cuts_and_bad_manners_ends_in_the_same_bytes(history):
    folder = Path(tempfile.mkdtemp())
    try:
        with outside(folder, patience=Patience(stall=2.0, tries=2, waits=(0.0,))) as world:
            for start in history:
                lost = start["lost"]
                world.hub.offer(CONTENT, **{name: value for name, value in start.items() if name != "lost"})
                world.hub.manners.cuts = [*start["cuts"], 0, 0, 0]
                try:
                    result_of(world.door.hub_file("maker/model", "model.gguf"))
                except DownloadFailed:
                    for part in world.staged:
                        os.truncate(part, max(0, part.stat().st_size - lost))
            world.hub.offer(CONTENT)
            fetched = result_of(world.door.hub_file("maker/model", "model.gguf"))
            assert Path(fetched.path).read_bytes() == CONTENT
            assert list((world.profile.models / "staging").iterdir()) == []
    finally:
        shutil.rmtree(folder)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=3000), max_size=6), st.integers(0, 6))
def test_the_running_digest_is_that_of_the_file_however_it_was_written(pieces, split):
    import hashlib

    folder = Path(tempfile.mkdtemp())
    try:
        for part_of in (pieces[:split], pieces[split:]):
            part = PartFile(folder / "x.part")
            while part.unread:
                part.catch_up()
            for piece in part_of:
                part.append(piece)
            digest = part.seal()
            part.close()
        whole = b"".join(pieces)
        assert (folder / "x.part").read_bytes() == whole
        assert digest == hashlib.sha256(whole).hexdigest()
    finally:
        shutil.rmtree(folder)


@settings(max_examples=30, deadline=None)
@given(
    st.builds(
        Notes,
        source=st.text(max_size=50),
        size=st.integers(0, 2**63),
        sha256=st.text("0123456789abcdef", max_size=64),
        etag=st.text(max_size=20),
    )
)
def test_notes_are_read_as_they_were_written(notes):
    folder = Path(tempfile.mkdtemp())
    try:
        staging = Staging(folder, notes.source)
        staging.write(notes)
        assert staging.read() == notes
    finally:
        shutil.rmtree(folder)
