"""Rows of many entities as flat arrays cut by offsets, and what is computed per segment."""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.base import Panel
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rolling import alike, ranges

_ZERO = np.zeros(1, dtype=np.int64)


def panel_of(entity: Ints, t: Floats, x: Floats, entities: int) -> tuple[Panel, Ints]:
    """Rows in any order, as a panel, with the permutation that made it.

    entity: (n,) 0 ≤ entity < entities. Rows of one entity keep their order where times are equal;
    rows without a time (NaN) come last in their entity. Returns (panel, order): panel.t == t[order].
    """
    order = np.lexsort((t, entity))
    indptr = np.zeros(entities + 1, dtype=np.int64)
    np.cumsum(np.bincount(entity, minlength=entities), out=indptr[1:])
    return Panel(t.take(order), x.take(order, axis=0), indptr), order


def first_rows(entity: Ints) -> Ints:
    """Index of the first row of each run of equal numbers. entity: (n,) sorted."""
    if not len(entity):
        return np.zeros(0, dtype=np.int64)
    runs: Ints = np.concatenate([_ZERO, np.flatnonzero(entity[1:] != entity[:-1]) + 1])
    return runs


def lengths_of(first: Ints, n: int) -> Ints:
    """Lengths of segments of n rows. first: (segments,) where they begin. Several times as fast as np.diff."""
    out = np.empty(len(first), dtype=np.int64)
    out[:-1] = first[1:] - first[:-1]
    out[-1:] = n - first[-1:]
    return out


def padded(values: Floats, first: Ints, fill: float = np.nan) -> Floats:
    """Segments as (segments, longest, d), short ones filled up. values: (n, d)."""
    lengths = np.diff(np.r_[first, len(values)])
    longest = int(lengths.max()) if len(lengths) else 0
    if len(values) == longest * len(first):
        return values.reshape(len(first), longest, -1)
    out = np.full((len(first), longest, values.shape[1]), fill)
    segment = np.repeat(np.arange(len(first)), lengths)
    out[segment, np.arange(len(values)) - first[segment]] = values
    return out


def segment_median(values: Floats, first: Ints, complete: bool = False) -> Floats:
    """Median of each segment and column, NaN ignored (all NaN gives NaN). values: (n, d). Returns (segments, d).

    complete: there is no NaN.
    """
    lengths = lengths_of(first, len(values)) if len(first) > 1 else np.zeros(0, dtype=np.int64)
    if complete and (len(first) == 1 or (lengths == lengths[0]).all()):
        return _middle(np.sort(values.reshape(len(first), -1, values.shape[1]), axis=1))
    parts = alike(lengths)
    if len(parts) == 1:
        return _medians(values, first)
    out = np.empty((len(first), values.shape[1]))
    for part in parts:
        chosen = ranges(first[part], lengths[part])
        out[part] = _medians(values[chosen], np.cumsum(lengths[part]) - lengths[part])
    return out


def row_median(values: Floats) -> Floats:
    """Median along the last axis, NaN ignored (all NaN gives NaN)."""
    rows = values.reshape(-1, values.shape[-1], 1)
    return _known_middle(np.sort(rows, axis=1)).reshape(values.shape[:-1])


def _medians(values: Floats, first: Ints) -> Floats:
    """segment_median() by one table."""
    return _known_middle(np.sort(padded(values, first), axis=1))


def _middle(table: Floats) -> Floats:
    """Median of sorted (segments, rows, d) without NaN."""
    n = table.shape[1]
    low, high = table[:, (n - 1) // 2], table[:, n // 2]
    return low + (high - low) / 2 if n % 2 == 0 else low.copy()


def _known_middle(table: Floats) -> Floats:
    """Median of sorted (segments, rows, d), where NaN goes last."""
    if not np.isnan(table[:, -1]).any():
        return _middle(table)
    count = np.sum(~np.isnan(table), axis=1)
    low = np.take_along_axis(table, np.maximum(count - 1, 0)[:, None] // 2, axis=1)[:, 0]
    high = np.take_along_axis(table, np.minimum(count // 2, table.shape[1] - 1)[:, None], axis=1)[:, 0]
    return np.where(count > 0, low + (high - low) / 2, np.nan)


def entity_groups(indptr: Ints, rows: int) -> list[tuple[int, int]]:
    """Neighbouring entities [a, b), together at most about so many rows, at least one entity each.

    An entity counts as 400 rows at least: its state needs as much memory, however few rows it has.
    """
    out, a, entities = [], 0, len(indptr) - 1
    most = max(1, rows // 400)
    while a < entities:
        b = int(np.searchsorted(indptr, indptr[a] + rows, side="right")) - 1
        b = min(max(b, a + 1), a + most, entities)
        out.append((a, b))
        a = b
    return out
