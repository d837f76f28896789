"""Lagged windows: each row with the rows of its entity that came before it, across chunk borders."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine.base import Panel
from adaptive_monitoring.engine.numbers import Floats, Ints

Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
REACH_S = 6 * 3600.0  # a row older than this is no context: after a gap a window starts afresh


@dataclass(frozen=True)
class Windows:
    """Rows with their lags.

    values: (n, lags, d) the row itself first, then the rows before it; where there is none, the row itself again.
    fresh: (n,) newer than the entity's clock and than every row before it in the panel, so it may be learned.
    before: (n,) seconds, the newest time known before the row (its own time when there is none).
    """

    values: Floats
    fresh: Bools
    before: Floats


def lagged(panel: Panel, clock: Floats, tail_t: Floats, tail_x: Floats) -> Windows:
    """Windows of every row; rows not newer than the clock see only such rows as context.

    Limits: rows of equal time do not see each other. clock: (g,) seconds, NaN = nothing seen yet.
    tail_t: (g, lags - 1) and tail_x: (g, lags - 1, d), newest first, NaN = none: the last rows learned.
    """
    n, lags, g = len(panel.t), tail_t.shape[1] + 1, panel.g
    previous = np.concatenate([[np.nan], panel.t[:-1]]) if n else panel.t
    previous = np.where(np.arange(n) == panel.indptr[g], np.nan, previous)
    old = panel.t <= clock[g]
    twin = panel.t == previous
    source, at = _line(panel, old, twin, tail_t)
    line_t = np.concatenate([panel.t, tail_t.ravel()])[source]
    line_x = np.concatenate([panel.x, tail_x.reshape(-1, panel.x.shape[1])])[source]
    owner = np.concatenate([g, np.repeat(np.arange(len(clock)), lags - 1)])[source]
    era = np.concatenate([old, np.zeros(tail_t.size, dtype=bool)])[source]
    values = np.repeat(panel.x[:, None, :], lags, axis=1)
    for lag in range(1, lags):
        j = np.maximum(at - lag, 0)
        if n:
            good = (at >= lag) & (owner[j] == g) & (era[j] == old) & (panel.t - line_t[j] <= REACH_S)
            values[:, lag] = np.where(good[:, None], line_x[j], values[:, lag])
    before = np.fmax(previous, clock[g])
    return Windows(values, ~old & ~twin, np.where(np.isnan(before), panel.t, np.where(old, clock[g], before)))


def _line(panel: Panel, old: Bools, twin: Bools, tail_t: Floats) -> tuple[Ints, Ints]:
    """All rows that may be context, entity by entity: old rows, the tail, new rows; without twins.

    Returns (source, at): source: where each comes from (below n: a row of the panel, else n + index into the tail);
    at: (n,) number of context rows before each row of the panel, its own twin not counted.
    """
    n, entities, width = len(panel.t), *tail_t.shape
    g = np.concatenate([panel.g, np.repeat(np.arange(entities), width)])
    part = np.concatenate([np.where(old, 0, 2), np.full(tail_t.size, 1)])
    place = np.concatenate([np.arange(n), -np.arange(tail_t.size)])  # the tail is newest first
    order = np.lexsort((place, part, g))
    is_context = np.concatenate([~twin, np.isfinite(tail_t).ravel()])[order]
    before = np.cumsum(is_context) - is_context
    at = np.empty(len(order), dtype=np.int64)
    at[order] = before
    return order[is_context], at[:n] - twin


def new_tail(panel: Panel, fresh: Bools, tail_t: Floats, tail_x: Floats) -> tuple[Floats, Floats]:
    """The last lags - 1 rows of each entity after these rows were learned, newest first."""
    width, (entities, _, d) = tail_t.shape[1], tail_x.shape
    rows = np.flatnonzero(fresh)
    g = np.concatenate([np.repeat(np.arange(entities), width), panel.g[rows]])
    t = np.concatenate([tail_t[:, ::-1].ravel(), panel.t[rows]])
    x = np.concatenate([tail_x[:, ::-1].reshape(-1, d), panel.x[rows]])
    order = np.argsort(g, kind="stable")
    ends = np.cumsum(np.bincount(g, minlength=entities))[:, None] - 1
    last = order[ends - np.arange(width)] if width else np.zeros((entities, 0), dtype=np.int64)
    return t[last], x[last]
