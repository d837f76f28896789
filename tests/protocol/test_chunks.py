"""Framing: exact reads, and a defined answer to every broken frame."""

from __future__ import annotations

import io

import pytest

from adaptive_monitoring.errors import BadHeader, Truncated
from adaptive_monitoring.protocol.chunks import read_chunk, write_chunk


class Dribble(io.BytesIO):
    """A pipe that gives at most 7 bytes per read."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(7 if size is None or size < 0 else min(size, 7))


def frame(metadata: dict, body: bytes = b"") -> bytes:
    stream = io.BytesIO()
    write_chunk(stream, metadata, body)
    return stream.getvalue()


def test_frame_is_header_line_metadata_and_body_without_a_line_end() -> None:
    assert frame({"finished": True}, b"a\n1\n") == b'chunked 1.0,17,4\n{"finished":true}a\n1\n'


@pytest.mark.parametrize("body", [b"", b"a\n1\n", bytes(range(256)) * 300], ids=["empty", "small", "binary"])
def test_what_is_written_is_read(body: bytes) -> None:
    metadata = {"action": "execute", "text": "é\ud800 \x00", "n": [1, None]}
    stream = io.BytesIO(frame(metadata, body) * 2)
    assert [read_chunk(stream), read_chunk(stream), read_chunk(stream)] == [(metadata, body), (metadata, body), None]


def test_a_pipe_that_delivers_in_pieces_is_read_whole() -> None:
    assert read_chunk(Dribble(frame({"a": 1}, b"x" * 100))) == ({"a": 1}, b"x" * 100)


def test_metadata_of_one_megabyte() -> None:
    metadata = {"search": "x" * 1_000_000}
    assert read_chunk(io.BytesIO(frame(metadata))) == (metadata, b"")


def test_no_metadata_is_an_empty_object() -> None:
    assert read_chunk(io.BytesIO(b"chunked 1.0,0,2\nab")) == ({}, b"ab")


def test_header_line_may_end_as_windows_ends_lines() -> None:
    assert read_chunk(io.BytesIO(b"chunked 1.0,2,1\r\n{}x")) == ({}, b"x")


@pytest.mark.parametrize(
    "data",
    [b"chunked 1.0,5", b"c", b'chunked 1.0,10,0\n{"a"', b"chunked 1.0,2,5\n{}abc", b"chunked 1.0,2,4000000000\n{}abc"],
    ids=["header", "header start", "metadata", "body", "huge body"],
)
def test_a_stream_that_ends_inside_a_chunk_is_truncated(data: bytes) -> None:
    with pytest.raises(Truncated, match="ended inside"):
        read_chunk(io.BytesIO(data))


@pytest.mark.parametrize(
    "header",
    [
        b"chunked 2.0,1,1",
        b"chunked 1.0,-1,1",
        b"chunked 1.0,1",
        b"chunked 1.0,a,b",
        b"",
        b"x" * 5000,
        b"chunked 1.0,1,1,1",
    ]
    + [b"chunked 1.0,99999999999,0", b"chunked 1.0,0,99999999999", b"chunked 1.0, 1,1"],
)
def test_a_header_of_another_protocol_is_refused(header: bytes) -> None:
    with pytest.raises(BadHeader):
        read_chunk(io.BytesIO(header + b"\n{}"))


@pytest.mark.parametrize("metadata", [b"[1]", b"{", b'"a"', b"null", b"\xff\xfe", b"[" * 100_000])
def test_metadata_that_is_no_json_object_is_refused(metadata: bytes) -> None:
    with pytest.raises(BadHeader, match="metadata"):
        read_chunk(io.BytesIO(b"chunked 1.0,%d,0\n" % len(metadata) + metadata))
