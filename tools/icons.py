"""Draws the app's icons (static/*.png): a band, a line inside it, one point outside: `python -m tools.icons`.

Limits: no text, no fonts, no library; four samples per pixel and direction make the edges smooth.
"""

from __future__ import annotations

import math
import struct
import sys
import zlib
from pathlib import Path

#: name -> (width, height), as Splunk looks them up.
ICONS = {
    "appIcon.png": (36, 36),
    "appIcon_2x.png": (72, 72),
    "appIconAlt.png": (36, 36),
    "appIconAlt_2x.png": (72, 72),
    "appLogo.png": (160, 40),
    "appLogo_2x.png": (320, 80),
}
GROUND, BAND, LINE, POINT = (16, 58, 79, 255), (58, 142, 168, 255), (232, 244, 248, 255), (255, 138, 61, 255)
SAMPLES = 4


def png(width: int, height: int) -> bytes:
    """One icon as a PNG file, eight bits per channel with transparency."""
    rows = b"".join(b"\0" + b"".join(_pixel(x, y, width, height) for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pixel(x: int, y: int, width: int, height: int) -> bytes:
    """The mean colour of the samples in one pixel."""
    steps = [(i + 0.5) / SAMPLES for i in range(SAMPLES)]
    colours = [_colour((x + a) / height, (y + b) / height, width / height) for a in steps for b in steps]
    return bytes(round(sum(channel) / len(colours)) for channel in zip(*colours))


def _colour(x: float, y: float, right: float) -> tuple[int, int, int, int]:
    """The colour at a place, in units of the height; the drawing repeats its wave up to `right`."""
    corner = math.hypot(max(0.2 - x, x - right + 0.2, 0), max(0.2 - y, y - 0.8, 0))
    if corner > 0.2:
        return (0, 0, 0, 0)
    middle = 0.58 + 0.12 * math.sin(2 * math.pi * x / 0.9)
    if math.hypot(x - right + 0.33, y - 0.22) < 0.085:
        return POINT
    if abs(y - middle - 0.03 * math.sin(23 * x)) < 0.035:
        return LINE
    return BAND if abs(y - middle) < 0.15 else GROUND


def main(folder: Path) -> None:
    """Writes every icon into `folder`."""
    for name, (width, height) in ICONS.items():
        (folder / name).write_bytes(png(width, height))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "static"))
