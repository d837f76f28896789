"""Alerts against incidents: what an operator feels, by event. No point adjustment anywhere.

    alert          run of flagged rows; runs at most gap apart are one. gap = max(3 steps, 30 min)
    notification   the beginning of an alert, and again every 24 h while it lasts
    true           a notification from the start of an incident to its end, tolerance on both sides; else a false event.
                   tolerance = max(2 steps, 10 min)
    caught         incident with a true notification; lead = start − the first of them, positive = before the incident

Limits: only rows from an entity's `since` on count, for both sides and for incidents. Incidents must not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine.base import Panel
from adaptive_monitoring.engine.groups import segment_median
from adaptive_monitoring.engine.numbers import Floats, Ints

WEEK_S = 7 * 86400.0
RENOTIFY_S = 86400.0
GAP_STEPS, GAP_S = 3, 1800.0
TOLERANCE_STEPS, TOLERANCE_S = 2, 600.0


@dataclass(frozen=True)
class Stretches:
    """Stretches of time of entities, sorted by entity and start. e: (k,) entity; start, end: (k,) seconds UTC."""

    e: Ints
    start: Floats
    end: Floats

    def __len__(self) -> int:
        return len(self.e)

    def take(self, rows: Ints | np.ndarray) -> Stretches:
        """These, in this order."""
        return Stretches(self.e[rows], self.start[rows], self.end[rows])


class Ground:
    """The rows of some entities on which both sides are compared.

    since: (g,) seconds UTC, rows before do not count. compared: (n,) bool. step, gap, tolerance: (g,) seconds; weeks:
    (g,) time compared; first, last: (g,) time of the first and last row compared, NaN = none.
    """

    def __init__(self, panel: Panel, since: Floats) -> None:
        self.t, self.g, self.entities = panel.t, panel.g, len(panel.indptr) - 1
        self.since = since
        self.step = steps_of(panel)
        self.gap = np.maximum(GAP_STEPS * self.step, GAP_S)
        self.tolerance = np.maximum(TOLERANCE_STEPS * self.step, TOLERANCE_S)
        self.compared = panel.t >= since[self.g]
        self.rows = self.count(self.compared)
        self.weeks = self.rows * self.step / WEEK_S
        self.first, self.last = np.full(self.entities, np.nan), np.full(self.entities, np.nan)
        rows = np.flatnonzero(self.compared)
        if len(rows):
            begins = np.append(True, np.diff(self.g[rows]) != 0)
            self.first[self.g[rows][begins]] = self.t[rows][begins]
            self.last[self.g[rows]] = self.t[rows]  # of several the last one stays
        self.zero = float(panel.t.min()) if len(panel.t) else 0.0
        span = float(panel.t.max()) - self.zero if len(panel.t) else 0.0
        self.width = span + 4 * float(self.tolerance.max(initial=0.0)) + 4 * RENOTIFY_S

    def count(self, flag: np.ndarray) -> Ints:
        """(g,) flagged rows of each entity."""
        return np.bincount(self.g[flag], minlength=self.entities)

    def key(self, e: Ints, t: Floats) -> Floats:
        """Numbers that sort by entity, then time. Times lie between the first and last row, or a tolerance off."""
        keys: Floats = e * self.width + (t - self.zero)
        return keys

    def alerts(self, flag: np.ndarray) -> Stretches:
        """flag: (n,) bool."""
        rows = np.flatnonzero(flag & self.compared)
        e, t = self.g[rows], self.t[rows]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (e[1:] != e[:-1]) | ((np.diff(rows) > 1) & (np.diff(t) > self.gap[e[1:]]))
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(rows)) - 1 if len(rows) else first
        return Stretches(e[first], t[first], t[last])

    def clipped(self, known: Stretches) -> tuple[Stretches, Ints]:
        """The part of each stretch that is compared; those closer than gap as one, as alerts are.

        Returns them, and which given stretch each begins with.
        """
        start = np.maximum(known.start, self.first[known.e])
        end = np.minimum(known.end, self.last[known.e])
        inside = np.flatnonzero(end >= start)  # false for NaN
        e, start, end = known.e[inside], start[inside], end[inside]
        new = np.ones(len(inside), dtype=bool)
        new[1:] = (e[1:] != e[:-1]) | (start[1:] - end[:-1] > self.gap[e[1:]])
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(inside)) - 1 if len(inside) else first
        return Stretches(e[first], start[first], end[last]), inside[first]

    def quiet_weeks(self, incidents: Stretches) -> Floats:
        """(g,) time compared outside incidents, at least a step."""
        rows = self.rows.astype(np.float64)
        if len(incidents):
            at = self.key(self.g, self.t)
            before = np.searchsorted(self.key(incidents.e, incidents.start), at, side="right") - 1
            owner, until = incidents.e[np.maximum(before, 0)], incidents.end[np.maximum(before, 0)]
            rows -= self.count(self.compared & (before >= 0) & (owner == self.g) & (self.t <= until))
        return np.maximum(rows * self.step, self.step) / WEEK_S


@dataclass(frozen=True)
class Match:
    """One side against the incidents. alerts, notifications, false: (g,) counts; told: (k,) time of the first true
    notification of each incident, NaN = not caught."""

    alerts: Ints
    notifications: Ints
    false: Ints
    told: Floats

    @property
    def caught(self) -> np.ndarray:
        """(k,) bool."""
        known: np.ndarray = ~np.isnan(self.told)
        return known


def match(ground: Ground, incidents: Stretches, alerts: Stretches) -> Match:
    """Which incidents these alerts catch, and what is false about them."""
    e, t = notifications(alerts)
    keys, margin = ground.key(e, t), ground.tolerance[incidents.e]
    low = np.searchsorted(keys, ground.key(incidents.e, incidents.start - margin), side="left")
    high = np.searchsorted(keys, ground.key(incidents.e, incidents.end + margin), side="right")
    told = np.where(high > low, np.append(t, np.nan)[low], np.nan)
    inside = np.zeros(len(t) + 1, dtype=np.int64)
    np.add.at(inside, low, 1)
    np.add.at(inside, high, -1)
    false = np.cumsum(inside)[:-1] <= 0

    def counted(owners: Ints) -> Ints:
        return np.bincount(owners, minlength=ground.entities)

    return Match(counted(alerts.e), counted(e), counted(e[false]), told)


def notifications(alerts: Stretches) -> tuple[Ints, Floats]:
    """(entity, time) of every notification, sorted."""
    repeats = np.floor((alerts.end - alerts.start) / RENOTIFY_S).astype(np.int64) + 1
    nth = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return np.repeat(alerts.e, repeats), np.repeat(alerts.start, repeats) + RENOTIFY_S * nth


def overlapping(ground: Ground, some: Stretches, others: Stretches) -> np.ndarray:
    """(k,) bool: whether a tolerance before, during or after a stretch there is another one of the same entity."""
    margin = ground.tolerance[some.e]
    low = np.searchsorted(ground.key(others.e, others.end), ground.key(some.e, some.start - margin), side="left")
    high = np.searchsorted(ground.key(others.e, others.start), ground.key(some.e, some.end + margin), side="right")
    both: np.ndarray = high > low
    return both


def merged(known: Stretches) -> tuple[Stretches, Ints]:
    """Overlapping stretches of one entity as one, sorted. Returns them, and which given stretch each begins with."""
    order = np.lexsort((known.start, known.e))
    e, start, end = known.e[order], known.start[order], known.end[order]
    if not len(order):
        return Stretches(e, start, end), order
    zero, width = start.min(), end.max() - start.min() + 1.0
    reach = np.maximum.accumulate(e * width + (end - zero)) - e * width + zero
    new = np.ones(len(order), dtype=bool)
    new[1:] = (e[1:] != e[:-1]) | (start[1:] > reach[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(order)) - 1
    return Stretches(e[first], start[first], reach[last]), order[first]


def steps_of(panel: Panel) -> Floats:
    """(g,) median time between rows of each entity, 0 with fewer than two rows."""
    out = np.zeros(len(panel.indptr) - 1)
    lengths = np.diff(panel.indptr)
    has = np.flatnonzero(lengths > 1)
    if len(has):
        steps = np.diff(panel.t, prepend=np.nan)
        steps[panel.indptr[:-1][lengths > 0]] = np.nan
        first = panel.indptr[:-1][lengths > 0]
        out[np.flatnonzero(lengths > 0)] = np.nan_to_num(segment_median(steps[:, None], first)[:, 0])
    return out


def bootstrap(part: Ints, whole: Ints, seed: int = 0, draws: int = 1000) -> tuple[float, float]:
    """95 % interval of sum(part) / sum(whole), entities drawn with replacement (percentiles; Efron 1979).

    Limits: with few entities, or most of the whole in one, too narrow. part, whole: (g,). NaN when never defined.
    """
    g = len(part)
    if not g or not whole.sum():
        return float("nan"), float("nan")
    random, ratios = np.random.default_rng(seed), []
    both = np.stack([part, whole], axis=1).astype(np.float64)
    at_once = max(1, 2_000_000 // g)
    for done in range(0, draws, at_once):
        drawn = both[random.integers(0, g, (min(at_once, draws - done), g))].sum(axis=1)
        ratios.append(drawn[drawn[:, 1] > 0])
    known = np.concatenate(ratios)
    found = np.percentile(known[:, 0] / known[:, 1], [2.5, 97.5])
    return float(found[0]), float(found[1])
