"""Runs of numbers and short windows, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints


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


def kth_largest(columns: Sequence[Floats], k: int) -> Floats:
    """The k-th largest of each cell; columns: arrays of one shape. Bubbles the k largest to the front."""
    columns = list(columns)
    for i in range(k):
        for j in range(i + 1, len(columns)):
            columns[i], columns[j] = np.maximum(columns[i], columns[j]), np.minimum(columns[i], columns[j])
    return columns[k - 1]
