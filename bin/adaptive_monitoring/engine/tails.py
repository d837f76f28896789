"""Tail probabilities: how rare a deviation is against the metric's own past.

Each deviation is counted in a histogram of half-octave bins, one per side. From the size on that only 15 % of the
deviations reach, the rest is taken as exponential (peaks over threshold: Pickands 1975; the exponential is the GPD
with shape 0), so evidence, −log10 of the share of past deviations at least as large, is a straight line in the size.
The early start makes the line steady: a few past incidents are among many ordinary exceedances and hardly move it.

A side that was never seen borrows a tenth of the other side's counts: the first small step down of a metric that
only ever rose is not an alarm.

Limits: sizes below the tail's start say nothing. Heavier tails than an exponential's get more evidence than they
deserve; the alert level, solved from what the evidence really did, makes up for it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints

BINS = 48
_PER_OCTAVE, _LOWEST = 2.0, -8.0  # two, because a square is cheaper than a logarithm: see place()
_MANTISSA_BITS, _EXPONENT_BIAS = 52, 1023  # of a float64
EDGES: Floats = 2.0 ** (_LOWEST + np.arange(BINS + 1) / _PER_OCTAVE)
_MIDDLES: Floats = EDGES[:-1] * 2.0 ** (0.5 / _PER_OCTAVE)
TAIL_SHARE = 0.15  # the exponential tail begins at the 85 % point
_PRIOR_EXCEEDANCES, _PRIOR_SLOPE = 3.0, 0.5  # three imagined exceedances with a mean of half the tail's start
BORROWED = 0.1  # a side that was never seen takes a tenth of the other side's counts
_BODY_OCTAVES = 2.0  # below the start of a tail, where only the knots are known
_LOG10E = 0.4342944819032518
KNOT_COUNT = 4  # kept of each tail: median, start, evidence at the start, mean excess beyond it


def place(size: Floats, unit: Floats) -> Ints:
    """Bin of each deviation, whatever its sign (0 … BINS − 1); what is not a number goes into bin 0. unit: > 0.

    Bins are half octaves, so the number of one is the binary exponent of the square.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        ratio = size / unit
        ratio *= ratio
    np.fmax(ratio, 0.0, out=ratio)
    at = ratio.view(np.int64) >> _MANTISSA_BITS
    at -= _EXPONENT_BIAS + round(_LOWEST * _PER_OCTAVE)
    np.maximum(at, 0, out=at)
    np.minimum(at, BINS - 1, out=at)
    return at


def knots_of(counts: Floats, lends: Floats | None = None) -> Floats:
    """What describes the tails of both sides. counts: (..., 2, BINS). (..., 2, KNOT_COUNT), zeros without counts.

    Half a count is added to each tail, so that the evidence at its start stays finite.
    lends: (..., 2), 0 = a side whose sizes mean something else than the other's, so it lends nothing.
    """
    lent = counts[..., ::-1, :] * BORROWED
    if lends is not None:
        lent *= lends[..., ::-1, None]
    counts = counts + lent
    total = counts.sum(axis=(-1, -2))[..., None]
    above = np.zeros((*counts.shape[:-1], BINS + 1))  # counts from each edge up
    np.cumsum(counts[..., ::-1], axis=-1, out=above[..., -2::-1])
    start, middle = (
        np.sum(above > share * (total[..., None] + 1.0) - 0.5, axis=-1) % (BINS + 1)  # 0 where counts are too few
        for share in (TAIL_SHARE, 0.5)
    )
    u = EDGES[start]
    weight = np.take_along_axis(above, start[..., None], -1)[..., 0]
    inside = np.arange(BINS) >= start[..., None]
    size = np.sum(counts * _MIDDLES, axis=-1, where=inside)
    excess = (np.maximum(size - weight * u, 0.0) + _PRIOR_EXCEEDANCES * _PRIOR_SLOPE * u) / (
        weight + _PRIOR_EXCEEDANCES
    )
    begins = -np.log10((weight + 0.5) / (total + 1.0))
    knots = np.stack([EDGES[middle], u, begins, excess], axis=-1)
    return np.where(total[..., None] > 0, knots, 0.0)


def lines_of(knots: Floats, unit: Floats) -> tuple[Floats, Floats, Floats]:
    """Evidence as a line: height + rate · size from size = start on. Without a tail: 0, 0, inf, which says nothing.

    knots: (..., 2, KNOT_COUNT) in units; unit: (..., 1), what one of them is. Returns three arrays (..., 2).
    """
    u, begins, excess = (knots[..., i] for i in (1, 2, 3))
    known = (excess > 0) & (unit > 0)
    rate = np.where(known, _LOG10E / np.where(known, excess, 1.0), 0.0)
    height = np.where(known, begins - rate * u, 0.0)
    return height, rate / np.where(unit > 0, unit, 1.0), np.where(known, u * unit, np.inf)


def size_at(height: Floats, rate: Floats, start: Floats, target: Floats) -> Floats:
    """Smallest deviation whose evidence reaches target; inf where none does."""
    known = rate > 0
    size = np.maximum((target - height) / np.where(known, rate, 1.0), start)
    return np.where(known, size, np.inf)


def counts_of(knots: Floats, weight: Floats, lends: Floats | None = None) -> Floats:
    """Counts that have these tails: knots_of() gives the knots again, within a few per cent.

    For learning on after a model was read. knots: (..., 2, KNOT_COUNT); weight: (...), counts of both sides together.
    Below the start of a tail the counts are spread over two octaves: where exactly they lie is not known, and matters
    little. Returns (..., 2, BINS).
    """
    u, begins, excess = (knots[..., i, None] for i in (1, 2, 3))
    known = excess > 0
    total = (1.0 + BORROWED) * weight[..., None, None] + 1.0
    tail = np.where(known, np.maximum(10.0**-begins * total - 0.5, 0.0), 0.0)
    mean = np.maximum(excess * (tail + _PRIOR_EXCEEDANCES) - _PRIOR_EXCEEDANCES * _PRIOR_SLOPE * u, 0.0)
    size = np.where(known, u * np.interp(mean / np.maximum(tail * u, 1e-9), *_excesses()), 1.0)
    beyond = tail * np.exp(-np.maximum(EDGES - u, 0.0) / size)
    body = np.maximum(total - 1.0 - tail.sum(axis=-2, keepdims=True), 0.0)
    has = known & (u > EDGES[0])  # a tail that begins with the first bin has nothing below
    body = np.where(has, body / np.maximum(has.sum(axis=-2, keepdims=True), 1), 0.0)
    below = body * np.clip(np.log2(np.maximum(u, EDGES[0]) / EDGES) / _BODY_OCTAVES, 0.0, 1.0)
    above = beyond + below
    counts = np.maximum(above[..., :-1] - above[..., 1:], 0.0)
    counts[..., 0] += np.where(known[..., 0], (beyond + body)[..., 0] - above[..., 0], 0.0)
    lent = np.full(2, BORROWED) if lends is None else BORROWED * lends
    lent = lent[..., ::-1, None]
    counts = np.maximum(counts - lent * counts[..., ::-1, :], 0.0) / (1.0 - lent * lent[..., ::-1, :])
    both = counts.sum(axis=(-1, -2))[..., None, None]
    return np.where(both > 0, counts / np.where(both > 0, both, 1.0), 0.0) * weight[..., None, None]


@lru_cache(maxsize=1)
def _excesses() -> tuple[Floats, Floats]:
    """Mean excess that half-octave bins show, in starts of the tail, and that of the exponential behind it."""
    size: Floats = 2.0 ** np.arange(-12.0, 12.0, 0.125)
    edges = 2.0 ** (np.arange(2 * BINS) / _PER_OCTAVE)  # from the start on
    share = np.exp(-(edges - 1.0) / size[:, None])
    seen = (share[:, :-1] - share[:, 1:]) @ (edges[:-1] * 2.0 ** (0.5 / _PER_OCTAVE)) - 1.0
    return seen, size
