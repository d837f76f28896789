"""Synthetic faults in real series: where nobody has marked incidents, how much each side would have found.

One metric of an entity is changed from a moment on; the rows before are as they were. Sizes are in usual margins of the
metric: half the width of its band.

Limits: the shapes are what a textbook knows, real incidents are richer: they compare two sides and promise nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine.base import Detector, Panel, Settings
from adaptive_monitoring.engine.comparing import Ground
from adaptive_monitoring.engine.episodes import Tracker
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.static import Limits, Watch

BEFORE_S, WINDOW_S = 6 * 3600.0, 12 * 3600.0  # rows scored before the fault, and how long it lasts
LEARNED_S = 28 * 86400.0  # what the states have learned from, at most
SPIKE_ROWS, SPIKE_S = 3, 600.0  # a spike lasts so many rows, at least so long
SHIFTED_S, OTHER_S = 6 * 3600.0, 86400.0
SIZED, SIZES = ("spike", "shift", "ramp"), (1.0, 2.0, 4.0, 8.0)
PLAIN = ("flat", "silence", "season", "correlation")


@dataclass(frozen=True)
class Site:
    """Where faults are put: entities with rows enough. Panel of their rows up to the end of the window.

    onset: (g,) seconds UTC; metric: (g,) which one is changed; limits: of the static rules.
    """

    panel: Panel
    onset: Floats
    metric: Ints
    limits: Limits


@dataclass(frozen=True)
class Found:
    """Faults of one kind and size (NaN = has none) and how many each side found."""

    kind: str
    size: float
    injected: int
    static: int
    models: int


def onsets(first: Floats, last: Floats, random: np.random.Generator) -> Floats:
    """(g,) moments in the second half of each history with room for the window; NaN where there is none.

    first, last: (g,) times of the first and last row. At least 4 days come before.
    """
    low, high = np.maximum(first + 4 * 86400.0, (first + last) / 2), last - WINDOW_S
    at = low + random.random(len(first)) * (high - low)
    return np.where(high > low, at, np.nan)


def inject(site: Site, detector: Detector, settings: Settings) -> list[Found]:
    """Every kind and size into every site. A fault is found when an alert begins in its window that does not begin
    without it."""
    panel = site.panel
    since = site.onset - BEFORE_S
    late = panel.t >= since[panel.g]
    learned, part = _cut(panel, ~late), _cut(panel, late)
    entities, d = len(site.onset), panel.x.shape[1]
    _, state = detector.stream(detector.empty(entities, d), learned)
    everyone = np.arange(entities)

    def begins(x: Floats) -> tuple[list[set[float]], list[set[float]], Floats]:
        scores, _ = detector.stream(state.take(everyone), Panel(part.t, x, part.indptr), own=True)
        flag = Tracker(settings, entities).follow(part.t, scores.score, part.indptr).open
        watch = Watch(part.t, x, part.g, ground.gap)
        return _begun(ground, watch.alerts(site.limits)), _begun(ground, flag), (scores.upper - scores.lower) / 2

    ground = Ground(part, site.onset)
    usual_static, usual_models, width = begins(part.x)
    margin = np.array([_middle(width[part.g == e, m]) for e, m in enumerate(site.metric.tolist())])
    out = []
    for kind, size in [*((k, s) for k in SIZED for s in SIZES), *((k, float("nan")) for k in PLAIN)]:
        counts = margin > 0 if kind in SIZED else np.full(entities, d > 1 or kind != "correlation")
        if not counts.any():
            continue
        with_static, with_models, _ = begins(_faulty(site, part, kind, size, margin, settings))
        found = (_new(with_static, usual_static, counts), _new(with_models, usual_models, counts))
        out.append(Found(kind, size, int(counts.sum()), *found))
    return out


def _middle(values: Floats) -> float:
    """Median of the known ones, 0 without any."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _cut(panel: Panel, rows: np.ndarray) -> Panel:
    """The panel of these rows."""
    lengths = np.bincount(panel.g[rows], minlength=len(panel.indptr) - 1)
    return Panel(panel.t[rows], panel.x[rows], np.append(0, np.cumsum(lengths)))


def _begun(ground: Ground, flag: np.ndarray) -> list[set[float]]:
    """When alerts begin, per entity."""
    alerts = ground.alerts(flag)
    out: list[set[float]] = [set() for _ in range(ground.entities)]
    for e, start in zip(alerts.e.tolist(), alerts.start.tolist()):
        out[e].add(start)
    return out


def _new(begun: list[set[float]], usual: list[set[float]], counts: np.ndarray) -> int:
    return sum(bool(mine - others) for mine, others, yes in zip(begun, usual, counts.tolist()) if yes)


def _faulty(site: Site, part: Panel, kind: str, size: float, margin: Floats, settings: Settings) -> Floats:
    """The values of the part with the fault in it."""
    g, e = part.g, np.arange(len(part.t))
    x, column = part.x.copy(), site.metric[g]
    since = part.t - site.onset[g]
    rows = np.flatnonzero(since >= 0)
    g, since, e, column = g[rows], since[rows], e[rows], column[rows]
    sign = -1.0 if settings.direction == "low" else 1.0
    if kind in SIZED:
        x[e, column] += sign * size * margin[g] * _shape(kind, since, g)
    elif kind == "silence":
        x[e, column] = np.nan
    elif kind == "flat":
        first = rows[np.append(True, np.diff(g) != 0)]
        x[e, column] = part.x[first, site.metric[part.g[first]]][np.cumsum(np.append(True, np.diff(g) != 0)) - 1]
    else:
        x[e, column] = _earlier(site, part.t[rows], g, column, SHIFTED_S if kind == "season" else OTHER_S)
    return x


def _shape(kind: str, since: Floats, g: Ints) -> Floats:
    """Height of the fault at each row, 1 = its size. since: seconds after the onset."""
    if kind == "shift":
        return np.ones(len(since))
    if kind == "ramp":
        return since / WINDOW_S
    first = np.append(True, np.diff(g) != 0)
    number = np.arange(len(since)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    return np.where((number < SPIKE_ROWS) | (since < SPIKE_S), 1.0, 0.0)


def _earlier(site: Site, t: Floats, g: Ints, column: Ints, back_s: float) -> Floats:
    """The metric so long before: the last row up to then."""
    panel = site.panel
    zero, width = panel.t.min(), panel.t.max() - panel.t.min() + back_s + 1.0
    at = np.searchsorted(panel.g * width + (panel.t - zero), g * width + (t - back_s - zero), side="right") - 1
    return np.asarray(panel.x[np.maximum(at, panel.indptr[g]), column], dtype=np.float64)
