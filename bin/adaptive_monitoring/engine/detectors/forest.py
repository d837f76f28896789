"""Detector `forest`: an isolation forest on lagged windows, exported to numbers."""
from __future__ import annotations

from typing import ClassVar

import numpy as np

from adaptive_monitoring.engine import robust, trailing
from adaptive_monitoring.engine import trees as exported
from adaptive_monitoring.engine.base import Panel, Scores, Settings, State
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rowformat import rounded
from adaptive_monitoring.errors import ScikitMissing

LAGS = 3
FEATURES = 5  # per metric: the last three values and the last two steps
PER_UNIT, GRID = 8, 512  # features lie on a grid of 1/8 scale within ±32: a split is a small whole number
TREES = 10  # per metric
LATEST = 0.6
REACH = 1.0  # weight of what lies outside the training range against path lengths
WORTH_PROCESSES = 512  # jobs of about 30 ms; below, starting processes takes longer than training


class Forest:
    """How few random cuts separate a short window of all metrics from the entity's past.

    Limits
    ------
    Small forests (10 trees of 32 windows per metric): beyond the largest deviation seen, further does not score
    higher. No season: a daily wave is part of what is usual. A host whose metrics never moved is never odd.
    A missing metric counts as usual. Needs a day of history and 50 rows. One training per entity: slow for a large
    fleet.

    Parameters
    ----------
    settings : budget, floor_abs, floor_rel, direction and seed are used; season, kind and tz are not.

    References
    ----------
    Liu, Ting, Zhou 2008, Isolation forest.
    """

    name = "forest"
    layout: ClassVar[dict[str, tuple[str, int]]] = {
        **trailing.LAYOUT, "rank": ("metric", 1), "step_scale": ("metric", 1), "reach": ("metric", 4),
        "trees": ("metric", exported.CELL)}

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.method = trailing.Method(self.name, settings, LAGS, LATEST, train, degree, blank)

    def empty(self, entities: int, d: int) -> State:
        """State before any row was seen."""
        return trailing.empty(self.method, entities, d)

    def fit(self, panel: Panel) -> State:
        """Stream through the history, then fit on its end."""
        return trailing.fit(self.method, panel)

    def score(self, state: State, panel: Panel) -> Scores:
        """Score every row with the models as they are."""
        return trailing.score(self.method, state, panel)

    def learn(self, state: State, panel: Panel) -> State:
        """Keep the rows; refit when event time enters a new day."""
        return self.stream(state, panel)[1]

    def stream(self, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
        """Score, then learn, in one causal pass. own: the state may be changed in place."""
        return trailing.stream(self.method, state, panel, own)

    def freeze(self, state: State) -> State:
        """Level, scale and ten trees per metric; calibration per entity."""
        frozen, table = trailing.freeze(self.method, state), state.table
        rank = table["rank"].astype(np.int64)
        cells = exported.pack(table["codes"], rank.shape[1])
        frozen.table.update(rank=table["rank"].copy(), reach=table["reach"].copy(),
                            step_scale=rounded(np.nan_to_num(table["step_scale"]), "step_scale"),
                            trees=np.take_along_axis(cells, rank[:, :, None], axis=1).astype(np.float64))
        return frozen

    def thaw(self, state: State) -> State:
        """A working state without history."""
        out = trailing.thaw(self.method, state)
        key = np.where(np.isnan(out.table["level"]), np.inf, out.table["rank"])  # metrics without a row come last
        out.table["rank"] = np.argsort(np.argsort(key, axis=1, kind="stable"), axis=1).astype(np.float64)
        out.table["step_scale"] = np.where(out.table["step_scale"] > 0, out.table["step_scale"], np.nan)
        order = np.argsort(out.table["rank"], axis=1)
        cells = np.take_along_axis(out.table.pop("trees"), order[:, :, None], axis=1)
        out.table["codes"] = exported.unpack(cells.astype(np.int32), TREES)
        return out


def blank(entities: int, d: int) -> trailing.Table:
    """Columns before any model."""
    return {"rank": np.tile(np.arange(d, dtype=np.float64), (entities, 1)),
            "step_scale": np.full((entities, d), np.nan),
            "reach": np.zeros((entities, d, 4)),
            "codes": np.zeros((entities, TREES * d, exported.SLOTS), dtype=np.int32)}


def train(jobs: list[trailing.Job], seed: int) -> list[trailing.Table]:
    """One forest per job (windows, level, scale); many jobs run on all cores."""
    try:
        import joblib
        import sklearn.ensemble  # noqa: F401
    except ImportError as missing:
        text = ("detector=forest trains with scikit-learn and joblib, which cannot be imported; install the add-on "
                "SA-adaptive-libs on the search head, or use detector=adaptive")
        raise ScikitMissing(text) from missing
    if len(jobs) < WORTH_PROCESSES:
        return [_train_one(*job, seed) for job in jobs]
    models: list[trailing.Table] = joblib.Parallel(n_jobs=-1)(joblib.delayed(_train_one)(*job, seed) for job in jobs)
    return models


def _train_one(windows: Floats, level: Floats, scale: Floats, seed: int) -> trailing.Table:
    from sklearn.ensemble import IsolationForest

    d = len(level)
    steps = windows[:, 0] - windows[:, 1]
    step_scale = robust.spread(steps, 1e-9 * (np.abs(level) + scale), 0.1 * scale)
    rank = _rank(features(windows, level, scale, step_scale, np.arange(d)), np.isnan(level))
    known = int(np.isfinite(level).sum())
    x = features(windows, level, scale, step_scale, rank)
    rows = x[:, :known].reshape(len(x), -1)
    grown = IsolationForest(n_estimators=TREES * known, max_samples=min(exported.SAMPLES, len(x)), random_state=seed)
    trees = exported.export([tree.tree_ for tree in grown.fit(rows.astype(np.float32)).estimators_])
    codes = np.zeros((TREES * d, exported.SLOTS), dtype=np.int32)
    codes[: len(trees)] = exported.that_fit(trees, known)
    last, step = x[:, rank, 0], x[:, rank, LAGS]
    reach = np.stack([last.min(axis=0), last.max(axis=0), step.min(axis=0), step.max(axis=0)], axis=1)
    return {"rank": rank.astype(np.float64), "step_scale": step_scale, "reach": reach.astype(np.float64),
            "codes": codes}


def _rank(x: Ints, unknown: np.ndarray) -> Ints:
    """An order of the metrics that depends on their values alone, not on their columns; unknown ones (d,) come last.

    x: (n, d, FEATURES).
    """
    weights = np.modf(0.6180339887 * np.arange(1, len(x) + 1))[0]
    key = np.where(unknown, np.inf, (weights[:, None] * x[:, :, 0]).sum(axis=0))
    return np.argsort(np.argsort(key, kind="stable"))


def features(windows: Floats, level: Floats, scale: Floats, step_scale: Floats, rank: Ints) -> Ints:
    """Windows (n, 3, d) as whole numbers (n, d, FEATURES), metrics in the order of their rank; missing counts as usual.

    level, scale, step_scale, rank: (d,) or (n, d).
    """
    last, one, two = windows[:, 0], windows[:, 1], windows[:, 2]
    with np.errstate(over="ignore", invalid="ignore"):
        values = [(v - level) / scale for v in (last, one, two)] + [(last - one) / step_scale, (one - two) / step_scale]
        every = np.clip(np.stack(values, axis=-1), -GRID, GRID)
    whole = np.rint(np.round(np.nan_to_num(every), 6) * PER_UNIT)  # to 6 digits first: a change of unit flips no half
    cells = np.clip(whole + GRID // 2, 0, GRID - 1).astype(np.int64)
    order = np.argsort(np.broadcast_to(rank, last.shape), axis=1)
    return np.take_along_axis(cells, order[:, :, None], axis=1)


def degree(table: trailing.Table, g: Ints, windows: Floats) -> tuple[Floats, Floats]:
    """Minus the mean path length, in the unit of an average search, plus what no tree can see; and each metric's part.

    Beyond the training range a forest cannot tell far from near: every metric outside it adds log2(1 + how far, in
    ranges), the more certain of the last value and the last step.
    """
    who, g = np.unique(g, return_inverse=True)
    level, scale, step, rank = (table[name][who][g] for name in ("level", "scale", "step_scale", "rank"))
    rank = rank.astype(np.int64)
    x = features(windows, level, scale, step, rank)
    length, part = exported.path_lengths(table["codes"][who], g, x.reshape(len(g), -1), FEATURES)
    far = beyond(np.take_along_axis(x, rank[:, :, None], axis=1), table["reach"][who][g])
    far = np.where(np.isnan(level), 0.0, far)  # a metric never seen in training has no range
    trees = table["codes"].shape[1]
    return REACH * far.sum(axis=1) - length, np.take_along_axis(part, rank, axis=1) + trees * far


def beyond(x: Ints, reach: Floats) -> Floats:
    """How far each metric lies outside its training range: log2(1 + distance / range). x: (n, d, FEATURES). (n, d)"""
    out = np.zeros(x.shape[:2])
    for feature, low, high in ((0, reach[:, :, 0], reach[:, :, 1]), (LAGS, reach[:, :, 2], reach[:, :, 3])):
        value = x[:, :, feature]
        distance = np.fmax(np.fmax(low - value, value - high), 0.0)
        out = np.fmax(out, np.log2(1.0 + distance / np.fmax(high - low, PER_UNIT)))
    return out
