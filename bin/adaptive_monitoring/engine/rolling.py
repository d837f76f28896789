"""Runs of numbers and short windows, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints

_FEW_CELLS, _EMPTY = 1_000_000, 4  # a table may be small, or have so many cells for each number


def ranges(first: Ints, lengths: Ints) -> Ints:
    """first[0], first[0] + 1, … for lengths[0] numbers, then the same for the next pair."""
    if len(first) == 1:
        return np.arange(first[0], first[0] + lengths[0])
    shift = (first + lengths - lengths.cumsum()).repeat(lengths)
    shift += np.arange(len(shift))
    return shift


def some(mask: np.ndarray) -> bool:
    """Whether any is true: for short arrays three times as fast as mask.any()."""
    return bool(np.count_nonzero(mask))


def every(mask: np.ndarray) -> bool:
    """Whether all are true: for short arrays three times as fast as mask.all()."""
    return bool(np.count_nonzero(mask) == mask.size)


def alike(lengths: Ints) -> list[Ints]:
    """Segments gathered by length: as tables (one line each, as wide as the longest) they take memory like their rows.

    lengths: (segments,). Returns indices of segments, one part where one table is small enough.
    """
    if len(lengths) * int(lengths.max(initial=0)) <= max(_FEW_CELLS, _EMPTY * int(lengths.sum())):
        return [np.arange(len(lengths))]
    size = np.frexp(lengths.astype(np.float64))[1]
    return [np.flatnonzero(size == number) for number in np.unique(size)]


def fill_forward(x: Floats, indptr: Ints) -> Floats:
    """Missing values take the entity's last known one; before the first known one they stay NaN. x: (n, d)."""
    gaps = np.isnan(x)
    if not gaps.any():
        return x
    rows = np.arange(len(x))[:, None]
    start = np.repeat(indptr[:-1], np.diff(indptr))[:, None]
    last = np.maximum.accumulate(np.where(gaps, -1, rows), axis=0)
    known = last >= start
    return np.where(known, np.take_along_axis(x, np.maximum(last, 0), axis=0), np.nan)


def kth_largest(columns: Sequence[Floats], k: int) -> Floats:
    """The k-th largest of each cell; columns: arrays of one shape. Bubbles the k largest to the front."""
    columns = list(columns)
    for i in range(k):
        for j in range(i + 1, len(columns)):
            columns[i], columns[j] = np.maximum(columns[i], columns[j]), np.minimum(columns[i], columns[j])
    return columns[k - 1]
