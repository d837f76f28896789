"""Where the two sides disagree: incidents or alerts that only one of them has, with reasons, and series to plot."""
from __future__ import annotations

import heapq

import numpy as np

from adaptive_monitoring.commands import reasons
from adaptive_monitoring.commands.quiet import Quiet, Replayed, quiet
from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.comparing import Match, Stretches, overlapping
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.report.findings import Disagreement

MOST_MISSED = 1000  # rows of what only the static rules caught
PLOTTED, POINTS = 10, 300
PAD, LEAST_PAD_S, MOST_PAD_S = 3.0, 6 * 3600.0, 3 * 86400.0
STATIC, MODELS = "static", "models"


class Missed:
    """One stretch that only the static rules told of. e: entity of the search."""

    def __init__(self, e: int, start: float, end: float, why: Quiet) -> None:
        self.e, self.start, self.end, self.why = e, start, end, why


class Disagreeing:
    """Gathers them while groups pass. plots: whether series are kept. names: entities as texts.

    missed: incidents, and alerts as long as no incident has come, that only the static rules have; beyond MOST_MISSED
    they are counted only.
    """

    def __init__(self, settings: Settings, lang: str, zone: object, plots: bool) -> None:
        self.settings, self.lang, self.zone, self.plots = settings, lang, zone, plots
        self.metrics: list[str] = []
        self.keys: list[tuple[str, ...]] = []
        self.missed_incidents: list[Missed] = []
        self.missed_alerts: list[Missed] = []
        self.uncounted = {"incidents": 0, "alerts": 0}
        self.incidents = 0
        self.heaps: dict[tuple[bool, str], list[tuple[float, int, Disagreement]]] = {}
        self.number = 0

    def look(
        self, seen: Replayed, incidents: Stretches, sides: tuple[Match, Match], alerts: tuple[Stretches, Stretches]
    ) -> tuple[np.ndarray, np.ndarray]:
        """One group. sides, alerts: static rules, then models. Returns which alerts of each overlap another."""
        self.incidents += len(incidents)
        ground = seen.ground
        together = overlapping(ground, alerts[0], alerts[1]), overlapping(ground, alerts[1], alerts[0])
        caught = sides[0].caught, sides[1].caught
        only = incidents.take(caught[0] & ~caught[1])
        self._miss(seen, only, self.missed_incidents, "incidents")
        if not self.incidents:
            self._miss(seen, alerts[0].take(~together[0]), self.missed_alerts, "alerts")
        if self.plots:
            self._plot(seen, only, True, STATIC, alerts)
            self._plot(seen, incidents.take(caught[1] & ~caught[0]), True, MODELS, alerts)
            for side, mine, both in zip((STATIC, MODELS), alerts, together):
                self._plot(seen, mine.take(~both & ~overlapping(ground, mine, incidents)), False, side, alerts)
        return together

    def worst(self, known: bool) -> list[Disagreement]:
        """The ten to be plotted: incidents that one side missed first, the longest first, the sides in turns.

        known: whether there were incidents at all.
        """
        ranked = [sorted(self.heaps.get((incident, side), []), key=lambda one: (-one[0], one[1]))
                  for incident in (True, False) for side in (STATIC, MODELS)]
        out: list[Disagreement] = []
        for pair in (ranked[:2], ranked[2:]):
            for i in range(PLOTTED):
                out += [side[i][2] for side in pair if i < len(side)]
        return [one if known else _unknown(one) for one in out[:PLOTTED]]

    def _miss(self, seen: Replayed, only: Stretches, into: list[Missed], what: str) -> None:
        for e, start, end in zip(only.e.tolist(), only.start.tolist(), only.end.tolist()):
            if len(into) >= MOST_MISSED:
                self.uncounted[what] += 1
                continue
            into.append(Missed(seen.a + e, start, end, self._quiet(seen, e, start, end)))

    def _quiet(self, seen: Replayed, e: int, start: float, end: float) -> Quiet:
        return quiet(seen, self.settings, e, start, end, (self.lang, self.metrics, self.zone))

    def _plot(
        self, seen: Replayed, some: Stretches, incident: bool, side: str, alerts: tuple[Stretches, Stretches]
    ) -> None:
        """Keeps the longest."""
        heap = self.heaps.setdefault((incident, side), [])
        lengths = some.end - some.start
        for i in np.argsort(-lengths, kind="stable")[:PLOTTED].tolist():
            if len(heap) >= PLOTTED and lengths[i] <= heap[0][0]:
                return
            self.number += 1
            one = self._series(seen, some.take(np.array([i])), incident, side, alerts)
            push = heapq.heappush if len(heap) < PLOTTED else heapq.heapreplace
            push(heap, (float(lengths[i]), -self.number, one))

    def _series(
        self, seen: Replayed, stretch: Stretches, incident: bool, side: str, alerts: tuple[Stretches, Stretches]
    ) -> Disagreement:
        e, start, end = int(stretch.e[0]), float(stretch.start[0]), float(stretch.end[0])
        if side == STATIC:
            why = self._quiet(seen, e, start, end)
            metric, text = why.metric, why.text
        else:
            metric, text = self._seen_by_models(seen, e, start, end)
        pad = min(max(PAD * (end - start), LEAST_PAD_S), MOST_PAD_S)
        low, high = (int(i) for i in seen.panel.indptr[e:e + 2])
        t = seen.panel.t[low:high]
        rows = low + thinned(t, seen.panel.x[low:high, metric], seen.scores.expected[low:high, metric],
                             start - pad, end + pad)
        series = (part[rows, metric].tolist() for part in (
            seen.panel.x, seen.scores.expected, seen.scores.lower, seen.scores.upper))
        limits = seen.limits.low[e, metric], seen.limits.high[e, metric]
        shown = [_inside(some, e, start - pad, end + pad) for some in alerts]
        return Disagreement("/".join(self.keys[seen.a + e]), self.metrics[metric], side, start, end, incident, text,
                            seen.panel.t[rows].tolist(), *series, *map(float, limits), *shown)

    def _seen_by_models(self, seen: Replayed, e: int, start: float, end: float) -> tuple[int, str]:
        """The leading metric and the sentence at the row that says most."""
        low, high = (int(i) for i in seen.panel.indptr[e:e + 2])
        t, margin = seen.panel.t[low:high], seen.ground.tolerance[e]
        rows = low + np.flatnonzero((t >= start - margin) & (t <= end + margin))
        if not len(rows):
            rows = np.array([low])
        row = int(rows[np.argmax(np.nan_to_num(seen.scores.score[rows]))])
        share = seen.scores.share[row].tolist()
        metric = share.index(max(share))
        value, expected, lower, upper = (float(part[row, metric]) for part in (
            seen.panel.x, seen.scores.expected, seen.scores.lower, seen.scores.upper))
        cause = int(seen.scores.cause[row]) if any(share) else reasons.CALM
        return metric, reasons.sentence(self.lang, cause, self.metrics[metric], value, expected, lower, upper,
                                        float(seen.verdicts.start[row]), self.zone, [])


def thinned(t: Floats, value: Floats, expected: Floats, since: float, until: float) -> Ints:
    """At most POINTS rows from since to until; of neighbours the one farthest from what is expected."""
    low, high = np.searchsorted(t, (since, until + 1e-6)).tolist()
    n = high - low
    if n <= POINTS:
        return np.arange(low, high)
    far = np.nan_to_num(np.abs(value[low:high] - expected[low:high]))
    bucket = np.arange(n) * POINTS // n
    order = np.lexsort((far, bucket))
    last = np.append(np.flatnonzero(np.diff(bucket[order])), n - 1)
    return np.asarray(low + order[last], dtype=np.int64)


def _inside(alerts: Stretches, e: int, since: float, until: float) -> list[tuple[float, float]]:
    """(start, end) of the entity's alerts in that time, cut to it."""
    rows = np.flatnonzero((alerts.e == e) & (alerts.end >= since) & (alerts.start <= until))
    starts, ends = np.maximum(alerts.start[rows], since), np.minimum(alerts.end[rows], until)
    return list(zip(starts.tolist(), ends.tolist()))


def _unknown(one: Disagreement) -> Disagreement:
    from dataclasses import replace

    return replace(one, incident=None)


