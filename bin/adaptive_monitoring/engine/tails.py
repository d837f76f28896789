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


def counts_of(knots: Floats, weight: Floats) -> Floats:
    """Counts that have about these tails: for learning on after a model was read.

    knots: (..., 2, KNOT_COUNT); weight: (...), counts of both sides together. Returns (..., 2, BINS).
    """
    median, u, begins, excess = (knots[..., i, None] for i in range(KNOT_COUNT))
    known = excess > 0
    tail = np.where(known, 10.0**-begins, 0.0)
    low, middle, start = (np.log2(np.maximum(v, EDGES[0])) for v in (np.full(u.shape, EDGES[0]), median, u))
    edges = np.log2(EDGES)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = 1.0 - 0.5 * np.clip(np.nan_to_num((edges - low) / (middle - low), nan=1.0, posinf=1.0), 0.0, 1.0)
        upper = np.clip(np.nan_to_num((edges - middle) / (start - middle), nan=1.0, posinf=1.0), 0.0, 1.0)
    beyond = tail * np.exp(-np.maximum(EDGES - u, 0.0) / np.where(known, excess, 1.0))
    share = np.where(edges < middle, lower, np.where(edges < start, 0.5 + (tail - 0.5) * upper, beyond))
    counts = np.where(known, np.maximum(share[..., :-1] - share[..., 1:], 0.0), 0.0)
    both = counts.sum(axis=(-1, -2))[..., None, None]
    return np.where(both > 0, counts / np.where(both > 0, both, 1.0), 0.0) * weight[..., None, None]
