"""The alert level: solved from the alert budget, not guessed.

The largest evidence of every six-hour block is one peak; an alarm that goes on into the next blocks is one peak
too. Above the 86 % point the peaks are taken as exponential; the level is where their rate falls to the budget.
Evidence is produced before it is learned from, so the peaks are out of sample.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.numbers import Floats
from adaptive_monitoring.engine.timegrid import BLOCKS_PER_WEEK

TAIL_SHARE = 0.14  # share of the peaks that make the tail
FEWEST = 3
_PRIOR_PEAKS, _PRIOR_SLOPE = 5.0, 1.0  # as if five earlier peaks had a mean excess of one decade
_START, _START_BLOCKS = 3.0, 8.0  # while peaks are few the level does not fall below 3 · 8 / (peaks + 1)
LOWEST = 0.5
PEAKS = 112  # peaks kept: blocks in 28 days
RECENT = 0.7  # part of the peaks, the latest, that set the level; at least 12


def latest_peaks(peaks: Floats, count: Floats) -> Floats:
    """The latest share of each entity's peaks, NaN elsewhere. peaks: (g, PEAKS) ring; count: (g,) peaks so far."""
    stored = np.minimum(count, PEAKS)
    used = np.minimum(stored, np.maximum(np.floor(RECENT * stored), 12))
    return np.where(ages_of(count) < used[:, None], peaks, np.nan)


def ages_of(count: Floats) -> Floats:
    """How many peaks ago each place of the ring was written, 0 = the latest. count: (g,) peaks so far. (g, PEAKS)"""
    newest = (count - 1) % PEAKS
    age = newest[:, None] - np.arange(PEAKS)
    out: Floats = age + PEAKS * (age < 0)
    return out


def tail_of(peaks: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Where the tail begins, its mean excess, how many peaks are in it and how many there are.

    peaks: (g, m), NaN = none. Returns four (g,) arrays.
    """
    known = ~np.isnan(peaks)
    m = np.sum(known, axis=1)
    want = np.maximum(FEWEST, np.ceil(TAIL_SHARE * m)).astype(np.int64)
    ordered = np.where(known, -peaks, np.inf)
    most = int(want.max(initial=0)) + 1
    if most < ordered.shape[1]:
        ordered = np.partition(ordered, most, axis=1)[:, : most + 1]
    ordered = -np.sort(ordered, axis=1)  # largest first, −inf last
    k = np.minimum(want, m)
    at = np.where(m > want, want, np.maximum(m - 1, 0))
    u = np.where(m > 0, np.take_along_axis(ordered, at[:, None], axis=1)[:, 0], 0.0)
    inside = np.arange(ordered.shape[1]) < k[:, None]
    excess = np.where(inside, ordered - u[:, None], 0.0).sum(axis=1)
    slope = (excess + _PRIOR_PEAKS * _PRIOR_SLOPE) / (k + _PRIOR_PEAKS)
    return u, slope, k.astype(np.float64), m.astype(np.float64)


def alert_level(peaks: Floats, budget: float) -> Floats:
    """Evidence at which alert episodes become as rare as the budget allows.

    Limits: with fewer than about ten peaks (2.5 days) the prior decides; the tail is taken as exponential.
    peaks: (g, m) largest evidence per block, NaN = none. budget: false alert episodes per entity and week, > 0.
    Returns (g,) levels ≥ LOWEST.
    """
    u, slope, k, m = tail_of(peaks)
    share = np.where(m > 0, (k + 0.5) / (m + 1.0), 1.0)
    level = u + slope * np.log(np.maximum(share * BLOCKS_PER_WEEK / budget, 1.0))
    return np.maximum(np.maximum(level, _START * np.minimum(1.0, _START_BLOCKS / (m + 1.0))), LOWEST)
