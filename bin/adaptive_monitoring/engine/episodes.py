"""Alert episodes: open after k of n, close after m of n, one episode per problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rolling import ranges

NORMAL, PENDING, OPEN, CLOSING, MISSING = range(5)
HOLD_S = 3600.0  # an episode stays open for an hour after its last alarm: one problem, one alert


@dataclass(frozen=True)
class Verdicts:
    """Per row: state, open (bool), start (seconds UTC of the episode, NaN outside one), changed (bool); all (n,)."""

    state: Ints
    open: np.ndarray
    start: Floats
    changed: np.ndarray


class Tracker:
    """Episodes of many entities; what is needed across chunks is kept here.

    Limits: rows not newer than the entity's newest and rows without a score neither open nor close anything.
    """

    def __init__(self, settings: Settings, entities: int = 0) -> None:
        self.settings = settings
        self.back = max(settings.open_n, settings.close_n) - 1
        self.hot = np.zeros((0, self.back), dtype=bool)  # which of the last rows reached the alert level
        self.hot_at = np.zeros((0, self.back))
        self.alarm, self.clock, self.start = np.zeros(0), np.zeros(0), np.zeros(0)  # last alarm, newest row, open since
        self.state = np.zeros(0, dtype=np.int64)
        self.grow(entities)

    def grow(self, entities: int) -> None:
        """Room for so many entities."""
        more = entities - len(self.clock)
        if more > 0:
            self.hot = np.concatenate([self.hot, np.zeros((more, self.back), dtype=bool)])
            self.hot_at = np.concatenate([self.hot_at, np.full((more, self.back), np.nan)])
            self.alarm = np.r_[self.alarm, np.full(more, -np.inf)]
            self.clock = np.r_[self.clock, np.full(more, -np.inf)]
            self.start = np.r_[self.start, np.full(more, np.nan)]
            self.state = np.r_[self.state, np.zeros(more, dtype=np.int64)]

    def follow(self, t: Floats, score: Floats, indptr: Ints) -> Verdicts:
        """Judge these rows. t, score: (n,), 1.0 is the alert level, NaN = cannot say; indptr as in Panel."""
        n = len(t)
        g = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        newest = np.r_[-np.inf, t[:-1]]
        newest[indptr[:-1][np.diff(indptr) > 0]] = -np.inf
        counts = ~np.isnan(score) & (t > np.maximum(newest, self.clock[g]))
        out = Verdicts(
            np.where(np.isnan(score), MISSING, np.where(score >= 1, PENDING, NORMAL)),
            np.zeros(n, dtype=bool),
            np.full(n, np.nan),
            np.zeros(n, dtype=bool),
        )
        rows = np.flatnonzero(counts)
        if len(rows):
            self._judge(rows, g[rows], t, score, out)
        return out

    def _judge(self, rows: Ints, e: Ints, t: Floats, score: Floats, out: Verdicts) -> None:
        act, first = np.unique(e, return_index=True)
        lengths = np.diff(np.r_[first, len(e)])
        segment = np.repeat(np.arange(len(act)), lengths)
        column = self.back + ranges(np.zeros(len(act), dtype=np.int64), lengths)
        shape = (len(act), self.back + int(lengths.max()))
        hot, at = np.zeros(shape, dtype=bool), np.full(shape, np.nan)
        hot[:, : self.back], at[:, : self.back] = self.hot[act], self.hot_at[act]
        hot[segment, column], at[segment, column] = score[rows] >= 1, t[rows]
        alarm, opened, since = self._latch(act, hot, at)
        last = self.back + lengths - 1
        everyone = np.arange(len(act))
        for i in range(self.back):
            source = last - self.back + 1 + i
            self.hot[act, i], self.hot_at[act, i] = hot[everyone, source], at[everyone, source]
        self.clock[act], self.alarm[act] = at[everyone, last], alarm[everyone, last]
        self.start[act] = np.where(opened[everyone, last], since[everyone, last], np.nan)
        warm, is_open = hot[segment, column], opened[segment, column]
        state = np.where(is_open, np.where(warm, OPEN, CLOSING), np.where(warm, PENDING, NORMAL))
        before = np.r_[0, state[:-1]]
        before[first] = self.state[act]
        out.state[rows], out.open[rows], out.changed[rows] = state, is_open, state != before
        out.start[rows] = np.where(is_open, since[segment, column], np.nan)
        self.state[act] = state[first + lengths - 1]

    def _latch(self, act: Ints, hot: np.ndarray, at: Floats) -> tuple[Floats, np.ndarray, Floats]:
        """Time of the last alarm so far, whether an episode is open and since when, for every column."""
        settings = self.settings
        total = np.cumsum(np.pad(hot, ((0, 0), (1, 0))), axis=1)
        columns = np.arange(hot.shape[1])
        usable = columns >= self.back

        def recent(n: int) -> np.ndarray:
            found: np.ndarray = total[:, columns + 1] - total[:, np.maximum(columns + 1 - n, 0)]
            return found

        alarm = usable & (recent(settings.open_n) >= settings.open_k)
        last_alarm = np.maximum.accumulate(np.where(alarm, at, -np.inf), axis=1)
        last_alarm = np.maximum(last_alarm, self.alarm[act][:, None])
        with np.errstate(invalid="ignore"):
            quiet = (settings.close_n - recent(settings.close_n) >= settings.close_k) & (at - last_alarm >= HOLD_S)
        reset = usable & ~alarm & quiet
        was_open = ~np.isnan(self.start[act])[:, None]
        last_set = np.maximum.accumulate(np.where(alarm, columns, -1), axis=1)
        last_reset = np.maximum.accumulate(np.where(reset, columns, -1), axis=1)
        opened: np.ndarray = np.where(last_set == last_reset, was_open, last_set > last_reset) & usable
        return last_alarm, opened, self._since(act, hot, at, opened, was_open)

    def _since(self, act: Ints, hot: np.ndarray, at: Floats, opened: np.ndarray, was_open: np.ndarray) -> Floats:
        """When the open episode began: the first row at the alert level among the n that opened it."""
        before = np.concatenate([was_open, opened[:, :-1]], axis=1)
        before[:, self.back : self.back + 1] = was_open
        row, column = np.nonzero(opened & ~before)
        window = np.maximum(column[:, None] - np.arange(self.settings.open_n)[::-1], 0)
        first = np.argmax(hot[row[:, None], window], axis=1)
        since = np.full(hot.shape, -np.inf)
        since[row, column] = at[row, window[np.arange(len(row)), first]]
        since[:, self.back] = np.where(was_open[:, 0], self.start[act], since[:, self.back])
        filled: Floats = np.maximum.accumulate(since, axis=1)
        return np.where(np.isfinite(filled), filled, np.nan)
