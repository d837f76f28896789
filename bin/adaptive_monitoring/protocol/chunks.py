"""Framing of the chunked protocol: `chunked 1.0,<metadata bytes>,<body bytes>\\n`, JSON metadata, CSV body.

Limits: lengths are bytes; a header line is at most 64 bytes, metadata 64 MiB, a body 4 GiB.
"""

from __future__ import annotations

import json

from adaptive_monitoring.errors import BadHeader, Truncated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

HEADER_LIMIT = 64
METADATA_LIMIT = 64 * 1024 * 1024
BODY_LIMIT = 4 * 1024 * 1024 * 1024
PIECE = 64 * 1024 * 1024
SMALL = 64 * 1024
PREFIX = b"chunked 1.0,"
PLAIN_REPLY = b'{"finished":false}'


def read_chunk(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next chunk, or None at the end of the stream. Raises Truncated, BadHeader."""
    line = stream.readline(HEADER_LIMIT)
    if not line:
        return None
    metadata_length, body_length = _lengths(line)
    metadata = _metadata(_exactly(stream, metadata_length, "metadata")) if metadata_length else {}
    return metadata, _exactly(stream, body_length, "body")


def write_chunk(stream: BinaryIO, metadata: dict[str, Any], body: bytes = b"") -> None:
    """Writes and flushes one chunk."""
    text = PLAIN_REPLY if metadata == {"finished": False} else _encoded(metadata)
    head = PREFIX + b"%d,%d\n" % (len(text), len(body)) + text
    if len(body) < SMALL:  # one system call, and one time that the reader wakes up
        stream.write(head + body)
    else:
        stream.write(head)
        stream.write(body)
    stream.flush()


def _encoded(metadata: dict[str, Any]) -> bytes:
    return json.dumps(metadata, separators=(",", ":")).encode("ascii")


def _lengths(line: bytes) -> tuple[int, int]:
    if not line.endswith(b"\n"):
        if len(line) < HEADER_LIMIT:
            raise Truncated(f"protocol: the stream ended inside a chunk header; got {line!r}")
        raise BadHeader(f"protocol: a chunk header must be a line of at most {HEADER_LIMIT} bytes; got {line!r}")
    parts = line[len(PREFIX) :].rstrip(b"\r\n").split(b",")
    if not line.startswith(PREFIX) or len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise BadHeader(f'protocol: a chunk header must be "chunked 1.0,<bytes>,<bytes>"; got {line!r}')
    lengths = int(parts[0]), int(parts[1])
    if lengths[0] > METADATA_LIMIT or lengths[1] > BODY_LIMIT:
        raise BadHeader(f"protocol: at most {METADATA_LIMIT} bytes of metadata and {BODY_LIMIT} of body; got {lengths}")
    return lengths


def _metadata(data: bytes) -> dict[str, Any]:
    try:
        metadata = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadHeader(f"protocol: metadata must be JSON; {error}") from None
    if not isinstance(metadata, dict):
        raise BadHeader(f"protocol: metadata must be a JSON object; got {type(metadata).__name__}")
    return metadata


def _exactly(stream: BinaryIO, length: int, what: str) -> bytes:
    """length bytes, also from a stream that returns less than asked; a false length reserves no memory."""
    data = stream.read(min(length, PIECE)) if length else b""
    if len(data) == length:
        return data
    parts, missing = [data], length - len(data)
    while data and missing:
        data = stream.read(min(missing, PIECE))
        parts.append(data)
        missing -= len(data)
    if missing:
        raise Truncated(
            f"protocol: the stream ended inside the {what} of a chunk; {missing} of {length} bytes are missing"
        )
    return b"".join(parts)
