"""Static thresholds: limits per entity and metric, that hold for a while or at once; which rows are beyond them.

A limit is broken by values strictly beyond it. With a duration, only once every row of that long has been beyond it:
a missing value or a gap in the rows starts the clock anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints


@dataclass(frozen=True)
class Limits:
    """All (g, d). high, low: limits, NaN = none. high_s, low_s: for how many seconds beyond, 0 = one row is enough."""

    high: Floats
    low: Floats
    high_s: Floats
    low_s: Floats

    @classmethod
    def none(cls, entities: int, d: int) -> Limits:
        """No limit anywhere."""
        nan, zero = (np.full((entities, d), number) for number in (np.nan, 0.0))
        return cls(nan, nan.copy(), zero, zero.copy())

    def take(self, entities: slice | Ints) -> Limits:
        """Those of these entities."""
        return Limits(self.high[entities], self.low[entities], self.high_s[entities], self.low_s[entities])

    @property
    def some(self) -> np.ndarray:
        """(g, d) bool: whether there is any limit."""
        known: np.ndarray = ~(np.isnan(self.high) & np.isnan(self.low))
        return known

    def moved(self, centre: Floats, setting: float) -> Limits:
        """Less sensitive limits (setting > 1) or more sensitive ones: the distance to the centre, times the setting.

        centre: (d,) a usual value of each metric. A limit on the wrong side of the centre stays where it is.
        """
        if setting == 1.0:
            return self
        with np.errstate(invalid="ignore"):
            high = np.where(self.high > centre, centre + (self.high - centre) * setting, self.high)
            low = np.where(self.low < centre, centre + (self.low - centre) * setting, self.low)
        return Limits(high, low, self.high_s, self.low_s)


class Watch:
    """The rows of some entities, ready to be held against limits.

    t: (n,) seconds; x: (n, d), NaN = missing; g: (n,) entity, sorted; gap: (g,) seconds after which a row does not
    follow on the one before.
    """

    def __init__(self, t: Floats, x: Floats, g: Ints, gap: Floats) -> None:
        self.t, self.x, self.g = t, x, g
        restart = np.ones(len(t), dtype=bool)
        restart[1:] = (g[1:] != g[:-1]) | (np.diff(t) > gap[g[1:]])
        self.restart = restart

    def broken(self, limits: Limits) -> np.ndarray:
        """(n, d) bool: whether the limit of a metric is broken, its duration included."""
        out = np.zeros(self.x.shape, dtype=bool)
        for bound, hold, sign in ((limits.high, limits.high_s, 1.0), (limits.low, limits.low_s, -1.0)):
            for m in np.flatnonzero(~np.isnan(bound).all(axis=0)).tolist():
                column = self.x[:, m]
                limit = bound[:, m][self.g]
                beyond = column > limit if sign > 0 else column < limit
                if (hold[:, m] > 0).any():
                    beyond = self._held(beyond, hold[:, m][self.g])
                out[:, m] |= beyond
        return out

    def alerts(self, limits: Limits) -> np.ndarray:
        """(n,) bool: whether any metric's limit is broken."""
        hit: np.ndarray = self.broken(limits).any(axis=1)
        return hit

    def _held(self, beyond: np.ndarray, hold: Floats) -> np.ndarray:
        """Beyond in every row since at least hold seconds."""
        place = np.arange(len(beyond))
        begin = np.where(beyond, np.where(self.restart, place, 0), place + 1)
        begin = np.minimum(np.maximum.accumulate(begin), place)
        held: np.ndarray = beyond & (self.t - self.t[begin] >= hold)
        return held
