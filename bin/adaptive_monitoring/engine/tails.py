"""Tail probabilities: how rare a deviation is against the metric's own past.

Each deviation is counted in a histogram of half-octave bins, one per side. Evidence is −log10 of the share of
past deviations at least as large: the counts themselves up to the 98 % point, an exponential tail above it
(peaks over threshold: Pickands 1975; the exponential is the GPD with shape 0).

A side that was never seen borrows a tenth of the other side's counts: the first small step down of a metric that
only ever rose is not an alarm.

Limits: the resolution is half an octave, interpolated; deviations below 2**-8 units say nothing.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints

BINS = 48
_PER_OCTAVE, _LOWEST = 2.0, -8.0
EDGES: Floats = 2.0 ** (_LOWEST + np.arange(BINS + 1) / _PER_OCTAVE)
_MIDDLES: Floats = EDGES[:-1] * 2.0 ** (0.5 / _PER_OCTAVE)
TAIL_SHARE = 0.02  # the exponential tail begins at the 98 % point
_PRIOR_EXCEEDANCES, _PRIOR_SLOPE = 3.0, 0.5  # three imagined exceedances with a mean of half the 98 % point
BORROWED = 0.1  # a side that was never seen takes a tenth of the other side's counts
_LOG10E = 0.4342944819032518
KNOTS = (0.5, 0.1)  # tail shares kept in a stored row; behind them the start of the tail, its evidence and its slope
KNOT_COUNT = len(KNOTS) + 3


def position(size: Floats, unit: Floats) -> Floats:
    """Place on the bin axis (0 … BINS), −1 for nothing to say. size: deviations ≥ 0; NaN = missing; unit > 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        place = (np.log2(size / unit) - _LOWEST) * _PER_OCTAVE
    place = np.where(np.isnan(place) | (place < 0), -1.0, place)
    return np.minimum(place, BINS - 1e-6)


def evidence(table: Floats, row: Ints, place: Floats) -> Floats:
    """−log10 of the tail probability. table: (k, BINS + 1); row: which line of it; place: from position()."""
    left = np.maximum(place, 0.0).astype(np.int64)
    flat = table.ravel()
    at = row * (BINS + 1) + left
    low = flat[at]
    return np.where(place < 0, 0.0, low + (flat[at + 1] - low) * (place - left))


def evidence_tables(counts: Floats) -> Floats:
    """Evidence at every bin edge. counts: (..., 2, BINS), both sides of one deviation. Returns (..., 2, BINS + 1).

    A row without counts gives zeros. Half a count is added to each tail, so that evidence stays finite
    and grows with what was seen: −log10(0.5 / (n + 1)) at the largest deviation so far.
    """
    counts = counts + BORROWED * counts[..., ::-1, :]
    total = counts.sum(axis=(-1, -2))[..., None, None]
    above = _from_the_top(counts)
    share = (above + 0.5) / (total + 1.0)
    start = np.argmax(share <= TAIL_SHARE, axis=-1)[..., None]
    u = EDGES[start]
    weight = np.take_along_axis(above, start, -1)
    size = np.take_along_axis(_from_the_top(counts * _MIDDLES), start, -1)
    slope = (np.maximum(size - weight * u, 0.0) + _PRIOR_EXCEEDANCES * _PRIOR_SLOPE * u) / (weight + _PRIOR_EXCEEDANCES)
    tail = -np.log10(np.take_along_axis(share, start, -1)) + _LOG10E * (EDGES - u) / slope
    table = np.where(np.arange(BINS + 1) >= start, tail, -np.log10(share))
    return np.where(total > 0, np.maximum(table, 0.0), 0.0)


def _from_the_top(counts: Floats) -> Floats:
    summed = np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([summed, np.zeros_like(summed[..., :1])], axis=-1)


def deviation_at(tables: Floats, target: Floats) -> Floats:
    """Smallest deviation (in units) whose evidence reaches target; inf where none does. tables: (..., BINS + 1)."""
    reached = tables >= target[..., None]
    right = np.argmax(reached, axis=-1)
    left = np.maximum(right - 1, 0)
    high = np.take_along_axis(tables, right[..., None], -1)[..., 0]
    low = np.take_along_axis(tables, left[..., None], -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(high > low, (target - low) / (high - low), 1.0)
    place = np.where(right > 0, left + part, 0.0)
    return np.where(reached.any(axis=-1), 2.0 ** (_LOWEST + place / _PER_OCTAVE), np.inf)


def knots_of(tables: Floats) -> Floats:
    """What a stored row keeps (..., KNOT_COUNT): two quantiles; start, evidence and mean excess of the tail."""
    shape = tables.shape[:-1]
    points = [deviation_at(tables, np.full(shape, -np.log10(share))) for share in KNOTS]
    start = np.argmax(tables >= -np.log10(TAIL_SHARE) - 1e-9, axis=-1)
    begins = np.take_along_axis(tables, start[..., None], -1)[..., 0]
    top = tables[..., -1] - tables[..., -2]
    slope = np.where(top > 0, _LOG10E * (EDGES[-1] - EDGES[-2]) / np.where(top > 0, top, 1.0), 0.0)
    known = (top > 0).astype(np.float64)
    return np.stack(
        [np.where(np.isfinite(p), p, 0.0) * known for p in points] + [EDGES[start] * known, begins * known, slope],
        axis=-1,
    )


def tables_of(knots: Floats) -> Floats:
    """Evidence tables back from knots; all-zero knots give a table that says nothing."""
    n = len(KNOTS)
    u, begins, slope = knots[..., n], knots[..., n + 1], knots[..., n + 2]
    known = (u > 0) & (slope > 0)
    heights = [np.full(u.shape, -np.log10(share)) for share in KNOTS] + [begins]
    places = np.log2(np.maximum(knots[..., : n + 1], EDGES[0] / 2))
    edges = np.log2(EDGES)
    out = np.zeros((*u.shape, BINS + 1))
    left, value = np.full(u.shape, edges[0] - 1.0), np.zeros(u.shape)
    for i, height in enumerate(heights):
        right = np.maximum(places[..., i], left)
        inside = (edges >= left[..., None]) & (edges <= right[..., None])
        part = (edges - left[..., None]) / np.maximum(right - left, 1e-9)[..., None]
        out = np.where(inside, value[..., None] + (height - value)[..., None] * part, out)
        left, value = right, height
    tail = begins[..., None] + _LOG10E * (EDGES - u[..., None]) / np.where(known, slope, 1.0)[..., None]
    out = np.where(u[..., None] * (1 - 1e-9) <= EDGES, tail, out)
    return np.where(known[..., None], out, 0.0)


def counts_of(tables: Floats, weight: Floats) -> Floats:
    """Counts that give about these tables: for learning on after a model was read. tables: (..., 2, BINS + 1)."""
    share = np.where(tables[..., -1:] > 0, 10.0**-tables, 0.0)
    counts = np.maximum(share[..., :-1] - share[..., 1:], 0.0)
    both = counts.sum(axis=(-1, -2))[..., None, None]
    return np.where(both > 0, counts / np.where(both > 0, both, 1.0), 0.0) * weight[..., None, None]
