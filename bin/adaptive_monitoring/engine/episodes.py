"""Alert episodes: open after k of n, close after m of n, one episode per problem, and the score that is shown.

The score of an entity is what k of its last n rows reached, so it is at the alert level exactly when an episode may
open. It sinks back with a time constant of an hour instead of flickering, and one row alone shows a part of its
score. After an alert the level is half as high again and sinks back within a day: what follows a problem already
told must be worse to be told anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np

from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.groups import first_rows, lengths_of
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rolling import alike, kth_largest, ranges

NORMAL, PENDING, OPEN, CLOSING, MISSING = range(5)
HOLD_S = 3600.0  # an episode stays open for an hour after its last alarm: one problem, one alert
RAISED, RAISED_S = 0.5, 43200.0  # after an episode the level is so much higher, and sinks back with this time constant
DECAY_S = 3600.0  # time constant with which the shown score sinks
ALONE = 0.6  # part of its score that one row alone shows


@dataclass(frozen=True)
class Verdicts:
    """Per row: state, open (bool), start (seconds UTC of the episode, NaN outside one), changed (bool); all (n,).

    score: (n,) what k of the last n rows reached, raised level and decay included; NaN = cannot say.
    """

    state: Ints
    open: np.ndarray
    start: Floats
    changed: np.ndarray
    score: Floats


class Tracker:
    """Episodes of many entities; what is needed across chunks is kept here.

    Limits: rows not newer than the entity's newest and rows without a score neither open nor close anything.
    """

    def __init__(self, settings: Settings, entities: int = 0) -> None:
        self.settings = settings
        self.back = max(settings.open_n, settings.close_n) - 1
        self.recent = np.zeros((0, self.back))  # scores of the last rows, and when they were
        self.recent_at = np.zeros((0, self.back))
        self.alarm, self.clock, self.start = np.zeros(0), np.zeros(0), np.zeros(0)  # last alarm, newest row, open since
        self.held = np.zeros(0)  # logarithm of the shown score, plus its time / DECAY_S
        self.state = np.zeros(0, dtype=np.int64)
        self.grow(entities)

    def grow(self, entities: int) -> None:
        """Room for so many entities."""
        more = entities - len(self.clock)
        if more > 0:
            self.recent = np.concatenate([self.recent, np.zeros((more, self.back))])
            self.recent_at = np.concatenate([self.recent_at, np.full((more, self.back), np.nan)])
            self.held = np.r_[self.held, np.full(more, -np.inf)]
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
            score.copy(),
        )
        rows = counts.nonzero()[0]
        first = first_rows(g[rows])
        lengths = np.diff(np.r_[first, len(rows)])
        for part in alike(lengths) if len(rows) else []:
            some = rows[ranges(first[part], lengths[part])]
            self._judge(some, g[some], t, score, out)
        has = np.flatnonzero(np.diff(indptr))
        self.clock[has] = np.maximum(self.clock[has], t[indptr[has + 1] - 1])
        return out

    def _judge(self, rows: Ints, e: Ints, t: Floats, score: Floats, out: Verdicts) -> None:
        """Rows that count, as a table: a line per entity, its last rows of earlier calls in front."""
        first = first_rows(e)
        act = e[first]
        lengths = lengths_of(first, len(e))
        table = Table(lengths)
        scores, at = table.of(score[rows], self.recent[act], 0.0), table.of(t[rows], self.recent_at[act], np.nan)
        reached, now = self._reached(scores), at[:, self.back :]
        alarm, last_alarm = self._alarms(act, reached, now)
        shown = self._shown(act, reached, scores[:, self.back :], now, last_alarm, lengths)
        hot = scores >= 1
        was_open = ~np.isnan(self.start[act])
        opened, since = np.zeros(alarm.shape, dtype=bool), np.full(alarm.shape, np.nan)
        busy = (alarm.any(axis=1) | was_open).nonzero()[0]
        if len(busy):
            opened[busy], since[busy] = self._latch(act[busy], hot[busy], at[busy], alarm[busy], last_alarm[busy])
        everyone, last = np.arange(len(act)), lengths - 1
        newest = lengths[:, None] + np.arange(self.back)
        self.recent[act], self.recent_at[act] = scores[everyone[:, None], newest], at[everyone[:, None], newest]
        self.alarm[act] = last_alarm[everyone, last]
        self.start[act] = np.where(opened[everyone, last], since[everyone, last], np.nan)
        warm, is_open = table.rows(hot[:, self.back :]), table.rows(opened)
        state = np.where(is_open, np.where(warm, OPEN, CLOSING), np.where(warm, PENDING, NORMAL))
        before = np.empty_like(state)
        before[1:] = state[:-1]
        before[first] = self.state[act]
        out.score[rows], out.start[rows] = table.rows(shown), np.where(is_open, table.rows(since), np.nan)
        out.state[rows], out.open[rows], out.changed[rows] = state, is_open, state != before
        self.state[act] = state[first + last]

    def _reached(self, scores: Floats) -> Floats:
        """What open_k of the last open_n rows reached, for every new row."""
        width = scores.shape[1] - self.back
        lagged = [scores[:, self.back - i : self.back - i + width] for i in range(self.settings.open_n)]
        return kth_largest(lagged, self.settings.open_k)

    def _alarms(self, act: Ints, reached: Floats, now: Floats) -> tuple[np.ndarray, Floats]:
        """Rows in alarm, and the time of the last alarm up to each row. Only candidates, which are few, are visited."""
        alarm = np.zeros(reached.shape, dtype=bool)
        who, column = np.nonzero((reached >= 1) & ~np.isnan(now))
        if len(who):
            score, t = reached[who, column].tolist(), now[who, column].tolist()
            hit = _hits(who.tolist(), score, t, self.alarm[act].tolist())
            alarm[who[hit], column[hit]] = True
        last_alarm = np.maximum.accumulate(np.where(alarm, now, -np.inf), axis=1)
        return alarm, np.maximum(last_alarm, self.alarm[act][:, None])

    def _shown(
        self, act: Ints, reached: Floats, scores: Floats, now: Floats, last_alarm: Floats, lengths: Ints
    ) -> Floats:
        """The score of every row; remembers the last one. Sinking is a running maximum of log score + time/DECAY_S."""
        clock = np.where(np.isnan(now), np.inf, now) / DECAY_S
        held = np.full(reached.shape, -np.inf)
        some = np.nonzero(((reached > 0) | (scores > 0)) & ~np.isnan(now))
        before = np.concatenate([self.alarm[act][:, None], last_alarm[:, :-1]], axis=1)
        level = raised(now[some] - before[some])
        with np.errstate(divide="ignore"):
            held[some] = np.log(reached[some] / level) + clock[some]
        held = np.maximum.accumulate(np.maximum(held, self.held[act][:, None], out=held), axis=1, out=held)
        self.held[act] = held[np.arange(len(act)), lengths - 1]
        shown: Floats = np.exp(held - clock)
        shown[some] = np.maximum(shown[some], ALONE * scores[some] / level)
        return shown

    def _latch(
        self, act: Ints, hot: np.ndarray, at: Floats, alarm: np.ndarray, last_alarm: Floats
    ) -> tuple[np.ndarray, Floats]:
        """Whether an episode is open and since when, for every new row. hot and at: earlier rows in front."""
        settings, now = self.settings, at[:, self.back :]
        total = np.zeros((hot.shape[0], hot.shape[1] + 1), dtype=np.int32)
        np.cumsum(hot, axis=1, out=total[:, 1:])
        columns = np.arange(self.back, hot.shape[1])
        recent = total[:, columns + 1] - total[:, np.maximum(columns + 1 - settings.close_n, 0)]
        with np.errstate(invalid="ignore"):
            quiet = (settings.close_n - recent >= settings.close_k) & (now - last_alarm >= HOLD_S)
        reset = ~alarm & quiet
        was_open = ~np.isnan(self.start[act])[:, None]
        place = np.arange(alarm.shape[1])
        last_set = np.maximum.accumulate(np.where(alarm, place, -1), axis=1)
        last_reset = np.maximum.accumulate(np.where(reset, place, -1), axis=1)
        opened: np.ndarray = np.where(last_set == last_reset, was_open, last_set > last_reset)
        return opened, self._since(act, hot, at, opened, was_open)

    def _since(self, act: Ints, hot: np.ndarray, at: Floats, opened: np.ndarray, was_open: np.ndarray) -> Floats:
        """When the open episode began: the first row at the alert level among the n that opened it."""
        before = np.concatenate([was_open, opened[:, :-1]], axis=1)
        row, column = np.nonzero(opened & ~before)
        window = np.maximum(self.back + column[:, None] - np.arange(self.settings.open_n)[::-1], 0)
        first = np.argmax(hot[row[:, None], window], axis=1)
        since = np.full(opened.shape, -np.inf)
        since[row, column] = at[row, window[np.arange(len(row)), first]]
        since[:, 0] = np.where(was_open[:, 0], self.start[act], since[:, 0])
        filled: Floats = np.maximum.accumulate(since, axis=1)
        return np.where(np.isfinite(filled), filled, np.nan)


class Table:
    """Rows of several entities as a table, a line per entity. lengths: (k,) rows of each."""

    def __init__(self, lengths: Ints) -> None:
        self.shape = len(lengths), int(lengths.max())
        self.whole = len(lengths) * self.shape[1] == lengths.sum()
        if not self.whole:
            self.segment = np.arange(len(lengths)).repeat(lengths)
            self.column = ranges(np.zeros(len(lengths), dtype=np.int64), lengths)

    def of(self, values: Floats, before: Floats, nothing: float) -> Floats:
        """The table of values (n,), with columns in front of it and nothing where lines are shorter."""
        k, longest = self.shape
        back = before.shape[1]
        out = np.full((k, back + longest), nothing)
        out[:, :back] = before
        if self.whole:
            out[:, back:] = values.reshape(self.shape)
        else:
            out[self.segment, back + self.column] = values
        return out

    def rows(self, table: np.ndarray) -> np.ndarray:
        """What a table of this shape holds for each row. (n,)"""
        return table.ravel() if self.whole else table[self.segment, self.column]


def _hits(who: list[int], reached: list[float], now: list[float], last: list[float]) -> list[int]:
    """Which candidates are alarms. who: entity of each, rising, in time order; last: their last alarms (changed)."""
    hits = []
    for i, entity, score, t in zip(range(len(who)), who, reached, now):
        gap = t - last[entity]
        if score >= (1.0 + RAISED * exp(-gap / RAISED_S) if gap > HOLD_S else 1.0):
            hits.append(i)
            last[entity] = t
    return hits


def raised(gap: Floats) -> Floats:
    """The alert level against its usual height, so many seconds after the last alarm; 1 while the episode goes on."""
    with np.errstate(invalid="ignore", over="ignore"):
        level: Floats = np.where(gap > HOLD_S, 1.0 + RAISED * np.exp(-np.maximum(gap, 0.0) / RAISED_S), 1.0)
    return level
