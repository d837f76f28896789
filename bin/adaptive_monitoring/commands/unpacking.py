"""Packed rows from indexers back to arrays (packed.py has the form). Every byte is checked before it is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.commands.packed import (
    DECIMALS,
    FRACTION,
    MISSING,
    ODD,
    ONE,
    PRESENT,
    WIDEST,
    damaged,
)
from adaptive_monitoring.engine.numbers import LARGEST, Floats, Ints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.commands.packed import Packet

    Bytes = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


SUM = re.compile(r"-?\d{1,130}\Z")


@dataclass(frozen=True)
class Unpacked:
    """The rows of a packet.

    by: names of the by-fields. keys: texts of each group, one list per by-field and, for long rows, the metric.
    sizes: (groups,) rows. t: (n,) seconds, NaN = none. values: their fields. long: whether rows name their metric.
    x: (n, d) with span=0. stands_for: (n,) events; counts, whole, parts: (n, d) per bucket, its numbers and their sum
    whole + parts × 10^-12, 0 <= parts < 10^12. whole may hold Python's own integers.
    """

    by: list[str]
    keys: list[list[str]]
    sizes: Ints
    t: Floats
    values: list[str]
    long: bool
    x: Floats
    stands_for: Ints
    counts: Ints
    whole: Any
    parts: Ints


def unpack(packet: Packet) -> Unpacked:
    """Raises BadPacked."""
    header, data = packet.open()
    sizes = np.array(header["sizes"], dtype=np.int64)
    columns = Columns(header["columns"], data, int(sizes.sum()))
    d = len(header["values"])
    t = columns.doubles()
    none = np.zeros((columns.n, d), dtype=np.int64)
    stands_for, counts, whole, parts = np.ones(columns.n, dtype=np.int64), none, none, none
    x = np.full((columns.n, d), np.nan)
    if not packet.span:
        for i in range(d):
            x[:, i] = columns.doubles()
    else:
        stands_for = columns.wholes()
        counts, whole, parts = _sums(columns, header.get("large"), d)
    columns.end()
    if int(stands_for.sum()) != packet.rows or stands_for.min(initial=1) < 1:
        raise damaged(f"it must stand for {packet.rows} rows, got {int(stands_for.sum())}")
    if counts.min(initial=0) < 0 or bool((counts > stands_for[:, None]).any()):
        raise damaged("its counts are impossible")
    long = header["long"] == 1
    by, keys, values = header["by"], header["keys"], header["values"]
    return Unpacked(by, keys, sizes, t, values, long, x, stands_for, counts, whole, parts)


def _sums(columns: Columns, large: Any, d: int) -> tuple[Ints, Any, Ints]:
    if not isinstance(large, list) or len(large) != d:
        raise damaged("its sums are incomplete")
    counts, wholes, parts = [], [], []
    for texts in large:
        counts.append(columns.wholes())
        whole, part = columns.sums(texts)
        wholes.append(whole)
        parts.append(part)
    if not d:
        none = np.zeros((columns.n, 0), dtype=np.int64)
        return none, none, none
    return np.stack(counts, axis=1), np.stack(wholes, axis=1), np.stack(parts, axis=1)


class Columns:
    """Reads column after column. n: rows of each."""

    def __init__(self, metas: list[list[int]], data: bytes, n: int) -> None:
        self.metas = iter(metas)
        self.data = data
        self.at = 0
        self.n = n

    def wholes(self) -> Ints:
        """Whole numbers."""
        width, first = self._meta(2)
        return self._wholes(width, first, self.n)

    def sums(self, texts: Any) -> tuple[Any, Ints]:
        """Whole part and the rest in units of 10^-12. texts: the sums themselves where they are too large."""
        width, first, decimals = self._meta(3)
        if texts:
            if not isinstance(texts, list) or len(texts) != self.n or not all(map(_is_sum, texts)):
                raise damaged("a sum is no number")
            pairs = [divmod(int(text), ONE) for text in texts]
            return np.array([a for a, _ in pairs], dtype=object), np.array([b for _, b in pairs], dtype=np.int64)
        if not 0 <= decimals <= DECIMALS:
            raise damaged(f"a sum has {decimals} decimals")
        whole, part = np.divmod(self._wholes(width, first, self.n), 10**decimals)
        return whole, part * 10 ** (DECIMALS - decimals)

    def doubles(self) -> Floats:
        """Numbers, NaN = missing."""
        width, first, decimals, some, odd = self._meta(5)
        flags = np.frombuffer(self._take(self.n), np.uint8) if some else np.zeros(self.n, dtype=np.uint8)
        if flags.max(initial=0) > ODD or int(np.count_nonzero(flags == ODD)) != odd or not 0 <= decimals <= FRACTION:
            raise damaged("its flags are impossible")
        present = flags == PRESENT
        out = np.full(self.n, np.nan)
        out[present] = self._wholes(width, first, int(np.count_nonzero(present))) / float(10**decimals)
        out[flags == ODD] = self._planes(8, odd).view("<f8")
        if not bool((np.abs(out[flags != MISSING]) <= LARGEST).all()):
            raise damaged("a number is none")
        return out

    def end(self) -> None:
        """Raises BadPacked when anything is left."""
        if self.at != len(self.data) or next(self.metas, None) is not None:
            raise damaged("more follows its columns")

    def _wholes(self, width: int, first: int, n: int) -> Ints:
        if not (0 <= width <= 8 and -WIDEST <= first <= WIDEST):
            raise damaged("a column is impossible")
        folded = np.zeros((n, 8), dtype=np.uint8)
        if width:
            folded[:, :width] = np.frombuffer(self._take(width * n), np.uint8).reshape(width, n).T
        steps = folded.view("<u8")[:, 0].astype(np.uint64)
        signed = (steps >> np.uint64(1)).astype(np.int64) ^ -(steps & np.uint64(1)).astype(np.int64)
        signed[:1] += first
        return np.cumsum(signed)

    def _planes(self, width: int, n: int) -> Bytes:
        return np.ascontiguousarray(np.frombuffer(self._take(width * n), np.uint8).reshape(width, n).T).reshape(-1)

    def _take(self, size: int) -> bytes:
        self.at += size
        if self.at > len(self.data):
            raise damaged("its columns are cut off")
        return self.data[self.at - size : self.at]

    def _meta(self, length: int) -> list[int]:
        meta = next(self.metas, [])
        if len(meta) != length:
            raise damaged("a column is missing")
        return meta


def _is_sum(text: object) -> bool:
    return isinstance(text, str) and SUM.match(text) is not None
