"""The packed form of rows that indexers send to the search head: what is written and how it is opened.

A packed row has _time (its first time), MARK = `version;span;rows;checksum` and PAYLOAD, base64 of zlib of: the length
of a JSON header (4 bytes), the header, the bytes of every column. One packed row holds many entities, because a chunk
on an indexer may have a hundred rows of a hundred hosts. Rows stand group by group (a group is an entity or, for long
rows, an entity and a metric), inside by time, so that neighbours differ little.

span = 0: the rows as they came, value by value the same double. span > 0: per group and bucket of span seconds the
number of rows and, per metric, count and exact sum of the numbers.

Limits: standard library only; CELLS cells and SIZE bytes a packed row. Nothing in it is executed, and no byte of it is
trusted: whatever does not fit raises BadPacked.
"""

from __future__ import annotations

import binascii
import zlib
from bisect import bisect_right
from operator import sub

from adaptive_monitoring.errors import BadPacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Column = tuple[list[int], list[bytes]]  # how to read it, and its bytes in pieces that are alike

MARK, PAYLOAD = "adaptive_packed", "adaptive_payload"
VERSION = "1"
CELLS = 50_000  # about 100 kB of text in one field
SIZE = 8 * 1024 * 1024  # bytes before compression
EXACT = 2**53  # whole numbers below are exact as doubles
WIDEST = 2**62  # differences of such numbers fit into 64 bits with their sign
LARGEST = 1e100  # as in engine/numbers.py: beyond, a number is missing
LATEST = 1e11  # seconds: the year 5138; larger times are milliseconds or worse
FRACTION = 9  # longer fractions are no rounded measurements, and their digits do not compress
PRESENT, MISSING, ODD = 0, 1, 2

DECIMALS = 12  # of a sum
ONE = 10**DECIMALS
#: |x| below FEWER[i] keeps 12 - i decimals, so that at most 15 digits count: as many as a double holds for sure.
FEWER = [float(10**i) for i in range(3, 16)]
UNITS: list[int] = [10**i for i in range(DECIMALS + 1)]
TENS = [float(unit) for unit in UNITS]


def scaled(x: float) -> int:
    """x in units of 10^-12 for exact sums, with 15 significant digits and at most 12 decimals. |x| <= 1e100.

    Limits: 45.13 is 45.13 exactly; a number with more digits is rounded by less than 1e-15 of itself or 1e-12.
    """
    fewer = bisect_right(FEWER, abs(x))
    return round(x * TENS[DECIMALS - fewer]) * UNITS[fewer] if fewer <= DECIMALS else round(x) * ONE


def number(text: str) -> float:
    """The number of a cell, NaN for anything else, as engine/numbers.py decides."""
    if not text:
        return float("nan")
    try:
        x = float(text)
    except ValueError:
        return float("nan")
    return x if -LARGEST <= x <= LARGEST else float("nan")


def numbers(texts: Sequence[str]) -> list[float]:
    """number() of each text."""
    try:
        values = list(map(float, texts))
    except ValueError:
        return list(map(number, texts))
    good = not values or (min(values) >= -LARGEST and max(values) <= LARGEST)
    return values if good and sum(values) == sum(values) else list(map(number, texts))


def fraction(texts: Sequence[str], values: Sequence[float]) -> int:
    """Most decimals of the texts that are numbers, those with more than FRACTION left aside."""
    found = {len(text.partition(".")[2]) for text, x in zip(texts, values) if x == x}
    return max((n for n in found if n <= FRACTION), default=0)


def whole_column(values: Sequence[int]) -> Column:
    """Whole numbers within ±WIDEST: differences, signs folded in, byte plane after byte plane. Meta: [width, first]."""
    if not values:
        return [0, 0], []
    steps = map(sub, values[1:], values)
    folded = [0, *[2 * step if step >= 0 else -2 * step - 1 for step in steps]]
    width = (max(folded).bit_length() + 7) // 8
    return [width, values[0]], _planes("Q", folded, width)


def double_column(values: Sequence[float], decimals: int) -> Column:
    """Numbers, NaN = missing, each coming back as the same double.

    Whole numbers of 10^-decimals where dividing gives the very number again, else (odd ones) their eight bytes.
    Meta: [width, first, decimals, flags, odd]; flags: 1 when a byte per row says present, missing or odd.
    """
    from array import array

    flags = bytes([PRESENT if x == x else MISSING for x in values])
    present = [x for x in values if x == x] if MISSING in flags else values
    factor = float(10**decimals)
    units = [round(x * factor) for x in present]
    odd: list[float] = []
    again = [unit / factor if -EXACT < unit < EXACT else 1.5 for unit in units]
    if array("d", again).tobytes() != array("d", present).tobytes():  # bytes: 0.0 is not -0.0
        strange = [_bits(a) != _bits(x) for a, x in zip(again, present)]
        odd = [x for x, is_odd in zip(present, strange) if is_odd]
        units = [unit for unit, is_odd in zip(units, strange) if not is_odd]
        marks = iter(strange)
        flags = bytes([MISSING if x != x else ODD if next(marks) else PRESENT for x in values])
    meta, planes = whole_column(units)
    some = any(flags)
    return [*meta, decimals, int(some), len(odd)], [*([flags] if some else []), *planes, *_planes("d", odd, 8)]


def pack(header: dict[str, Any], columns: Sequence[Column], span: int, rows: int) -> list[str] | None:
    """[MARK, PAYLOAD] of a packed row, None when it would be too large. rows: how many it stands for."""
    import json

    text = json.dumps({**header, "columns": [meta for meta, _ in columns]}, separators=(",", ":")).encode("ascii")
    pieces = [len(text).to_bytes(4, "big") + text, *[plane for _, planes in columns for plane in planes]]
    if sum(map(len, pieces)) > SIZE:
        return None
    packer = zlib.compressobj(9)
    packed = [part for piece in pieces for part in (packer.compress(piece), packer.flush(zlib.Z_PARTIAL_FLUSH))]
    data = b"".join([*packed, packer.flush()])  # a block of its own for each plane: they have nothing in common
    return [f"{VERSION};{span};{rows};{zlib.crc32(data):08x}", binascii.b2a_base64(data, newline=False).decode("ascii")]


class Packet:
    """A packed row as it arrived, checked as far as it can be without its numbers.

    span: seconds, 0 = rows as they came. rows: how many events it stands for. names: the fields that the events had.
    """

    __slots__ = ("_data", "names", "rows", "span")

    def __init__(self, mark: str, payload: str) -> None:
        """Raises BadPacked."""
        parts = mark.split(";")
        if parts[0] != VERSION:
            raise BadPacked(
                f'adaptfit: packed rows must be of version {VERSION}; got "{mark[:40]}". An indexer runs another '
                "version of this app: search again when the knowledge bundle has reached all of them"
            )
        if len(parts) != 4 or not all(len(part) <= 15 and part.isascii() and part.isdigit() for part in parts[1:3]):
            raise damaged(f'its mark must be version;span;rows;checksum, got "{mark[:60]}"')
        self.span, self.rows = int(parts[1]), int(parts[2])
        try:
            self._data = binascii.a2b_base64(payload.encode("ascii"))
        except ValueError as error:  # also what is no ASCII, and binascii.Error
            raise damaged(f"its text is no base64 ({error})") from None
        if f"{zlib.crc32(self._data):08x}" != parts[3]:
            raise damaged("its checksum is wrong")
        self.names: list[str] = self.open()[0]["names"]

    def open(self) -> tuple[dict[str, Any], bytes]:
        """Header and the bytes of the columns; decompressed anew each time. Raises BadPacked."""
        import json

        try:
            opener = zlib.decompressobj()
            raw = opener.decompress(self._data, SIZE)
            if not opener.eof:
                raise damaged(f"it is cut off or larger than {SIZE} bytes")
            size = 4 + int.from_bytes(raw[:4], "big")
            header = json.loads(raw[4:size])
        except (zlib.error, ValueError, RecursionError) as error:
            raise damaged(str(error)) from None
        _check(header)
        return header, raw[size:]


def damaged(what: str) -> BadPacked:
    """The error for a packed row that cannot be read."""
    return BadPacked(
        f"adaptfit: a packed row from an indexer is damaged: {what}. Nothing was learned. Search again; "
        "if it stays, train on rows that | stats or mstats has reduced"
    )


def _check(header: Any) -> None:
    """names, by and values: names; long: 0 or 1; keys: one list of texts per key field; sizes: rows of each group."""
    good = isinstance(header, dict)
    good = good and all(_list_of(str, header.get(name)) for name in ("names", "by", "values"))
    good = good and header.get("long") in (0, 1) and _list_of(int, header.get("sizes"))
    good = good and isinstance(header.get("keys"), list) and all(_list_of(str, key) for key in header["keys"])
    good = good and isinstance(header.get("columns"), list) and all(_list_of(int, meta) for meta in header["columns"])
    if not good or min(header["sizes"], default=0) < 0:
        raise damaged("its header is incomplete")
    groups, rows = len(header["sizes"]), sum(header["sizes"])
    if len(header["keys"]) != len(header["by"]) + header["long"] or any(len(key) != groups for key in header["keys"]):
        raise damaged("its groups have no keys")
    if rows > 1 and rows * max(1, len(header["columns"])) > CELLS:
        raise damaged(f"it holds more than {CELLS} cells")


def _list_of(kind: type, found: object) -> bool:
    return isinstance(found, list) and all(type(item) is kind for item in found)


def _planes(code: str, values: Sequence[float], width: int) -> list[bytes]:
    """The first bytes of all numbers, the second ones, …; least significant first."""
    import sys
    from array import array

    found = array(code, values)
    if sys.byteorder == "big":
        found.byteswap()
    data = found.tobytes()
    return [data[i::8] for i in range(width)] if values else []


def _bits(x: float) -> bytes:
    import struct

    return struct.pack("d", x)
