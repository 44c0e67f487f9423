"""Frames: what may travel on a pipe, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.processes import frames
from freehold.processes.frames import (
    JunkOnPipe,
    decode,
    encode,
    pack_floats,
    pack_ids,
    read_frames,
    unpack_floats,
    unpack_ids,
)

TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates included
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_every_json_object_comes_back_as_it_was_on_one_line(frame):
    line = encode(frame)
    assert line.count(b"\n") == 1
    assert decode(line) == frame


@given(st.lists(st.dictionaries(TEXT, JSON, max_size=3), max_size=6))
def test_frames_come_out_of_a_stream_in_order(sent):
    assert list(read_frames(io.BytesIO(b"".join(map(encode, sent))))) == sent


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_be_refused(noise):
    try:
        list(read_frames(io.BytesIO(noise)))
    except JunkOnPipe:
        pass


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes", 1j])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(JunkOnPipe):
        encode({"value": value})


def test_a_frame_may_be_64_mebibytes_and_no_longer():
    room = frames.MOST_BYTES - len(encode({"id": 1, "done": ""}))
    line = encode({"id": 1, "done": "x" * room})
    assert len(decode(line)["done"]) == room
    with pytest.raises(JunkOnPipe):
        encode({"id": 1, "done": "x" * (room + 1)})
    assert len(list(read_frames(io.BytesIO(line)))) == 1


def test_an_endless_line_is_refused_without_reading_it_all():
    class Endless(io.RawIOBase):
        given = 0

        def readinto(self, buffer):
            buffer[:] = b"x" * len(buffer)
            self.given += len(buffer)
            return len(buffer)

        def readable(self):
            return True

    source = Endless()
    with pytest.raises(JunkOnPipe, match="longer"):
        list(read_frames(io.BufferedReader(source)))
    assert source.given < 2 * frames.MOST_BYTES


def test_half_a_line_at_the_end_is_silence_not_junk():
    assert list(read_frames(io.BytesIO(b'{"id":1,"done":2}\n{"id":1,"do'))) == [{"id": 1, "done": 2}]


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=50))
def test_token_ids_come_back_as_they_were(ids):
    assert unpack_ids(pack_ids(ids)) == ids


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=50))
def test_vectors_come_back_as_they_were(numbers):
    vector = np.array(numbers, dtype=np.float32)
    assert np.array_equal(unpack_floats(pack_floats(vector)), vector)


@pytest.mark.parametrize("text", ["!", "AAA", "AAAAAAA=", "é"])
@pytest.mark.parametrize("unpack", [unpack_ids, unpack_floats])
def test_what_is_no_packed_vector_is_refused(unpack, text):
    with pytest.raises(JunkOnPipe):
        unpack(text)
