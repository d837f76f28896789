"""span=: the rows of an entity (and metric) within a bucket of time become one row with their means.

Sums are exact: a number counts with 15 significant digits and at most 12 decimals (packed.scaled), so that any split of
the rows over indexers, in any order, gives the same means bit for bit. A bucket's time is its start; buckets begin at
multiples of the span since 1970 (UTC). A metric without a number in a bucket is missing there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.commands.packed import DECIMALS, EXACT, FEWER, ONE, TENS, scaled
from adaptive_monitoring.commands.rows import Batch
from adaptive_monitoring.engine.numbers import Floats, Ints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMPACT = 1_000_000  # rows of parts that are merged at once
SAFE = 2**62


@dataclass(frozen=True)
class Sums:
    """Buckets in any order, also the same one several times.

    entity, metric (0 in wide rows), t: (n,). counts, parts: (n, d) integers; whole: (n, d) integers, Python's own
    where 64 bits are too few. The sum is whole + parts × 10^-12.
    """

    entity: Ints
    metric: Ints
    t: Floats
    counts: Ints
    whole: Any
    parts: Ints


class Buckets:
    """Gathers rows and sums; memory grows with buckets, not with rows. span: seconds."""

    def __init__(self, span: int) -> None:
        self.span = span
        self.parts: list[Sums] = []
        self.waiting = 0
        self.compact = COMPACT

    def add(self, batch: Batch) -> None:
        """Rows as they came; those without time, entity or metric are left out."""
        good = np.isfinite(batch.t) & (batch.entity >= 0)
        if batch.metric is not None:
            good &= batch.metric >= 0
        metric = np.zeros(len(good), dtype=np.int64) if batch.metric is None else batch.metric
        t = np.floor(batch.t[good]) // self.span * self.span
        counts, whole, parts = decimal(batch.x[good])
        self.add_sums(merged([Sums(batch.entity[good], metric[good], t, counts, whole, parts)]))

    def add_sums(self, sums: Sums) -> None:
        """Buckets that were gathered elsewhere."""
        self.parts.append(sums)
        self.waiting += len(sums.t)
        if self.waiting > self.compact:
            self.parts = [merged(self.parts)]
            self.waiting = 0
            self.compact = max(COMPACT, 2 * len(self.parts[0].t))

    def batch(self, long: bool) -> Batch:
        """All buckets as rows, by entity, metric and time."""
        sums = merged(self.parts)
        x = means(sums.counts, sums.whole, sums.parts)
        return Batch(sums.t, sums.entity, x, sums.metric if long else None)


def decimal(x: Floats) -> tuple[Ints, Any, Ints]:
    """packed.scaled() of each number, as counts (0 or 1), whole and parts. x: (n, d), NaN = missing."""
    counts = (~np.isnan(x)).astype(np.int64)
    x = np.where(counts > 0, x, 0.0)
    size = np.searchsorted(np.array(FEWER), np.abs(x), side="right")
    k = np.maximum(DECIMALS - size, 0)
    small = np.where(size <= DECIMALS, x, 0.0)
    units = np.rint(small * np.array(TENS)[k]).astype(np.int64)
    tens = 10 ** np.arange(DECIMALS + 1, dtype=np.int64)
    whole, rest = np.divmod(units, tens[k])
    parts = rest * tens[DECIMALS - k]
    if not (size > DECIMALS).any():
        return counts, whole, parts
    large = whole.astype(object)
    for place in zip(*np.nonzero(size > DECIMALS)):
        large[place] = scaled(float(x[place])) // ONE
    return counts, large, parts


def merged(parts: list[Sums]) -> Sums:
    """Each bucket once, by entity, metric and time."""
    entity, metric, t, counts, whole, rest = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("entity", "metric", "t", "counts", "whole", "parts")
    )
    order = np.lexsort((t, metric, entity))
    entity, metric, t = entity[order], metric[order], t[order]
    new = np.ones(len(t), dtype=bool)
    new[1:] = (entity[1:] != entity[:-1]) | (metric[1:] != metric[:-1]) | (t[1:] != t[:-1])
    first = np.flatnonzero(new)
    if not len(first):
        return Sums(entity, metric, t, counts, whole, rest)
    whole, rest = _sum(whole[order], first), _sum(rest[order], first)
    carry, rest = np.divmod(rest, ONE)
    counts = np.add.reduceat(counts[order], first, axis=0)
    return Sums(entity[first], metric[first], t[first], counts, whole + carry, rest.astype(np.int64))


def _sum(values: Any, first: Ints) -> Any:
    """Sums of segments along the first axis, in Python's own integers where 64 bits may be too few."""
    if values.dtype != object and values.size:
        longest = int(np.diff(np.append(first, len(values))).max())
        if max(abs(int(values.max())), abs(int(values.min()))) * longest >= SAFE:
            values = values.astype(object)
    return np.add.reduceat(values, first, axis=0)


def means(counts: Ints, whole: Any, parts: Ints) -> Floats:
    """The double nearest to each mean; NaN where there is no number. All (n, d)."""
    decimals = next(k for k in range(DECIMALS + 1) if not (parts % 10 ** (DECIMALS - k)).any())
    unit = 10**decimals
    simple = (np.abs(whole) < EXACT // unit - 1) & (counts < EXACT // unit)
    sums = np.where(simple, whole, 0).astype(np.int64) * unit + parts // 10 ** (DECIMALS - decimals)
    with np.errstate(invalid="ignore"):
        x: Floats = np.where(counts > 0, sums / (counts * unit).astype(np.float64), np.nan)
    for place in zip(*np.nonzero(~simple & (counts > 0))):
        x[place] = (int(whole[place]) * ONE + int(parts[place])) / (int(counts[place]) * ONE)
    return x
