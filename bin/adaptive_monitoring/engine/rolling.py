"""Runs of numbers and short windows, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints


def ranges(first: Ints, lengths: Ints) -> Ints:
    """first[0], first[0] + 1, … for lengths[0] numbers, then the same for the next pair."""
    if len(first) == 1:
        return np.arange(first[0], first[0] + lengths[0])
    ends = np.cumsum(lengths)
    shift = np.repeat(first - (ends - lengths), lengths)
    shift += np.arange(len(shift))
    return shift


def kth_largest(columns: Sequence[Floats], k: int) -> Floats:
    """The k-th largest of each cell; columns: arrays of one shape. Bubbles the k largest to the front."""
    columns = list(columns)
    for i in range(k):
        for j in range(i + 1, len(columns)):
            columns[i], columns[j] = np.maximum(columns[i], columns[j]), np.minimum(columns[i], columns[j])
    return columns[k - 1]
