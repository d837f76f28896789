"""Rules that find what did not alert. Each: (fleet) -> Case, None when there is none."""

from __future__ import annotations

import numpy as np
from demo.charts import short

from pictures.cases import DAY_S, HOUR_S, LEVEL, Case, Seen, clock, explained, widened
from pictures.rhythm import bursts

WEAK = 35.0  # a score that is clearly below the alert level
FAR = 10.0  # usual distances that make a spike
WELL_WITHIN = 0.7  # of the largest distance in the week before
Place = tuple[float, Seen, int, int]  # how good, host, row, metric


def band(fleet: list[Seen]) -> Case | None:
    """Two quiet days of the metric whose rhythm is foreseen best."""
    found = [
        (explained(seen, np.arange(len(seen.host.t))[rows], m), seen, a, m)
        for seen in fleet
        for a, rows in _quiet_days(seen)
        for m in range(len(seen.host.metrics))
        if seen.outside[rows, m].mean() < 0.01
    ]
    if not found:
        return None
    good, seen, a, m = max(found, key=lambda one: one[0])
    rows = seen.rows(a, a + 2 * DAY_S)
    x, top = seen.host.x[rows, m], float(np.nanmax(seen.host.score[rows]))
    figures = (
        f"{seen.host.metrics[m]} moves between {short(float(np.nanmin(x)))} and {short(float(np.nanmax(x)))}; the "
        f"expected line foresees {good:.0%} of that movement. Highest score of the host on these two days: {top:.0f}."
    )
    return Case("band", "What is expected", seen.host, a, a + 2 * DAY_S, [m],
                f"no alert: the highest score of the two days is {top:.0f}; an alert needs {LEVEL:.0f}",
                figures)  # fmt: skip


def _quiet_days(seen: Seen) -> list[tuple[float, slice]]:
    """(start, rows) of two whole days without alert, label or row at the alert level."""
    host, out = seen.host, []
    first = -(-host.t[0] // DAY_S) * DAY_S
    for a in np.arange(first, host.t[-1] - 2 * DAY_S + 1, DAY_S).tolist():
        rows = seen.rows(a, a + 2 * DAY_S - 1)
        quiet = seen.trained[rows] & ~(host.alert | host.label | seen.level)[rows]
        if quiet.all() and len(quiet) * seen.step >= 1.9 * DAY_S:
            out.append((a, rows))
    return out


def spike(fleet: list[Seen]) -> Case | None:
    """Of the single rows that reached the alert level and had no alert, the one that stands out most from its
    neighbours, in usual distances of its leading metric."""
    places: list[Place] = []
    for seen in fleet:
        lone = seen.level & ~_next(seen.level, 1) & ~_next(seen.level, -1) & seen.calm(3)
        beside = np.max([_next(seen.gaps, i) for i in (-2, -1, 1, 2)], axis=0)
        stands = (seen.gaps - beside) / seen.usual
        for row in np.flatnonzero(lone).tolist():
            m = seen.leaders(row, 1)[0]
            if not bursts(seen, m):
                places.append((float(stands[row, m]), seen, row, m))
    if not places:
        return None
    _, seen, row, m = max(places, key=_first)
    t, score = float(seen.host.t[row]), float(seen.host.score[row])
    figures = (
        f"One row at {clock(t)} scored {score:.0f}, more than the alert level of {LEVEL:.0f}. The rows beside it "
        f"stayed below. `anomaly_state` was {seen.host.texts['anomaly_state'][row]} for that row, and no alert was "
        "raised."
    )
    return Case("spike", "A large spike in one row, no alert", seen.host, t - 12 * HOUR_S, t + 12 * HOUR_S,
                seen.leaders(row, 2), f"reason while pending: {seen.host.texts['reason'][row]}",
                figures, [(t, f"{clock(t)[-5:]}, one row, score {score:.0f}")])  # fmt: skip


def habit(fleet: list[Seen]) -> Case | None:
    """The spike that is largest in usual distances, of a metric with spikes as large (seven tenths of it) on at least
    four of the seven days before, not at one hour every day; the host stays far from an alert all week."""
    places: list[tuple[float, Seen, int, int, int]] = []
    for seen in fleet:
        tops = _spikes(seen)
        often = (seen.week_before(tops) >= 0.7 * tops).sum(axis=0)
        weak = _weak_week(seen)[:, None]
        size = np.where((often >= 4) & weak & (tops > FAR * seen.usual), tops / seen.usual, 0.0)
        for far, _, row, m in _largest(seen, size):
            if not bursts(seen, m):
                places.append((far, seen, row, m, int(often[row, m])))
    if not places:
        return None
    far, seen, row, m, days = max(places, key=lambda one: one[0])
    name, t, score = seen.host.metrics[m], float(seen.host.t[row]), float(seen.host.score[row])
    figures = (
        f"{name} jumped to {short(float(seen.host.x[row, m]))} at {clock(t)}, {far:.0f} times its usual distance from "
        f"the expected line. It had jumped about as far on {days} of the seven days before. Score of that row: "
        f"{score:.0f}."
    )
    return Case("habit", "A spike that this metric shows again and again, no alert", seen.host, t - 6 * DAY_S,
                t + DAY_S, [m], f"no alert: {name} jumped as far on {days} of the seven days before; score {score:.0f} "
                f"where {LEVEL:.0f} is needed", figures, [(t, f"{clock(t)[-5:]}, score {score:.0f}")])  # fmt: skip


def _weak_week(seen: Seen) -> np.ndarray:
    """(n,) bool: rows whose picture, six days before and one after, holds nothing near an alert and nothing marked."""
    host = seen.host
    loud = host.alert | host.label | (np.nan_to_num(host.score, nan=LEVEL) >= WEAK)
    total = np.concatenate([[0], np.cumsum(loud)])
    a, b = (np.searchsorted(host.t, host.t + days * DAY_S) for days in (-6, 1))
    weak: np.ndarray = total[b] == total[a]
    return weak


def _spikes(seen: Seen) -> np.ndarray:
    """(n, d) how much farther from the expectation than half an hour before and after; 0 = not."""
    beside = np.maximum(_next(seen.gaps, round(1800 / seen.step)), _next(seen.gaps, -round(1800 / seen.step)))
    return np.maximum(seen.gaps - beside, 0.0)


def alone(fleet: list[Seen]) -> Case | None:
    """Three rows (else one) of one metric that go farthest beyond what it showed in the seven days before, without
    alert, while all other metrics stay well within what they showed on those days."""
    places: list[Place] = []
    for rows in (3, 1):
        places = places or [place for seen in fleet for place in _largest(seen, _lonely(seen, rows))]
    if not places:
        return None
    size, seen, row, m = max(places, key=_first)
    host, t = seen.host, float(seen.host.t[row])
    score = float(np.nanmax(host.score[seen.rows(t - HOUR_S, t + HOUR_S)]))
    figures = (
        f"From {clock(t)} on {host.metrics[m]} was farther from its expected line than on any of the seven days before "
        f"({size:.1f} times as far). The other {len(host.metrics) - 1} metrics stayed well within what they had shown "
        f"on those days. Highest score within the hour: {score:.0f}."
    )
    others = [i for i in np.argsort(-np.nan_to_num(host.bands["score"][row]), kind="stable").tolist() if i != m]
    return Case("alone", "One metric alone, no alert", host, t - 12 * HOUR_S, t + 12 * HOUR_S, [m, *others[:2]],
                f"no alert: only {host.metrics[m]} moves; score {score:.0f} where {LEVEL:.0f} is needed",
                figures, [(t, f"{host.metrics[m]} moves alone, score {score:.0f}")])  # fmt: skip


def _lonely(seen: Seen, rows: int) -> np.ndarray:
    """(n, d) by how much the metric alone goes beyond the week before, least of so many rows from here; 0 = not."""
    before = np.nan_to_num(np.max(seen.week_before(seen.gaps), axis=0), nan=np.inf)  # NaN: the week is not full
    beyond = seen.gaps / np.maximum(before, 1e-3 * np.ptp(np.nan_to_num(seen.host.x), axis=0) + 1e-12)
    least = np.min([_next(beyond, i) for i in range(rows)], axis=0)
    around = np.max([_next(beyond, i) for i in range(-3, 7)], axis=0)
    second = np.sort(around, axis=1)[:, -2] if around.shape[1] > 1 else np.full(len(around), np.inf)
    begins = (least > 1) & (_next(beyond, -1) < 0.5)
    return np.where(begins & (second < WELL_WITHIN)[:, None], least, 0.0)


def _first(place: Place) -> float:
    return place[0]


def _largest(seen: Seen, size: np.ndarray) -> list[Place]:
    """The largest size of each metric in rows below the alert level, as far from any alert as there are any."""
    below = ~widened(seen.level, round(HOUR_S / seen.step))
    for hours in (24, 12, 3):
        able = np.where((seen.calm(hours) & below)[:, None], size, 0.0)
        if able.any():
            rows = np.argmax(able, axis=0).tolist()
            return [(float(able[row, m]), seen, row, m) for m, row in enumerate(rows) if able[row, m] > 0]
    return []


def _next(values: np.ndarray, rows: int) -> np.ndarray:
    """The values so many rows later (before, if negative), 0 beyond the end."""
    moved = np.roll(values, -rows, axis=0)
    if rows > 0:
        moved[-rows:] = 0
    elif rows < 0:
        moved[:-rows] = 0
    return moved
