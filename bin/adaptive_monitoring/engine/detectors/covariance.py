"""Detector `covariance`: finds metrics that no longer move together, although each of them looks usual."""
from __future__ import annotations

from typing import ClassVar

import numpy as np

from adaptive_monitoring.engine import trailing
from adaptive_monitoring.engine.base import Panel, Scores, Settings, State
from adaptive_monitoring.engine.numbers import LARGEST, Floats, Ints
from adaptive_monitoring.engine.rowformat import rounded
from adaptive_monitoring.errors import ScikitMissing

SOFT = 2.0  # up to about so many scales a residual counts in full, beyond with its logarithm: bursts are no correlation
CLIP = 10.0  # training residuals beyond are incidents: they may not own the covariance
MOST_METRICS = 100  # a row of the precision matrix must fit into a stored row
CELLS = 1 << 22  # numbers gathered at once when scoring


class Covariance:
    """Distance of all metrics together from their usual joint position, one shrunk covariance per entity.

    Residuals are means over the last three rows. Their distance counts twice: over all metrics, and for the one metric
    that the others contradict most.

    Limits
    ------
    The specialist for broken correlation of metrics that usually move together; for spikes, shifts and single metrics
    `adaptive` is better. No season of its own: a daily wave common to the metrics is part of what is usual. A moved
    level is usual after a week. A missing metric counts as usual. Needs a day of history and 50 rows. With one metric
    it is a robust z-score; with more than 100 metrics correlations are ignored.

    Parameters
    ----------
    settings : budget, floor_abs, floor_rel and direction are used; season, kind, tz and seed are not.

    References
    ----------
    Mahalanobis 1936, On the generalised distance in statistics.
    Ledoit, Wolf 2004, A well-conditioned estimator for large-dimensional covariance matrices.
    """

    name = "covariance"
    resumes = False
    layout: ClassVar[dict[str, tuple[str, int]]] = {
        **trailing.LAYOUT, "location": ("metric", 1), "precision": ("metric", MOST_METRICS)}

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.method = trailing.Method(self.name, settings, train, degree, blank)

    def empty(self, entities: int, d: int) -> State:
        """State before any row was seen."""
        return trailing.empty(self.method, entities, d)

    def fit(self, panel: Panel, start: State | None = None) -> State:
        """Stream through the history, then fit on its end. start: learn on from here, changed in place."""
        return trailing.fit(self.method, panel, start)

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
        """Level, scale and one row of the precision matrix per metric; calibration per entity."""
        frozen = trailing.freeze(self.method, state)
        precision = np.zeros((*state.table["location"].shape, MOST_METRICS))
        precision[:, :, : state.table["precision"].shape[2]] = state.table["precision"]
        frozen.table["location"] = rounded(state.table["location"], "location")
        frozen.table["precision"] = rounded(precision, "precision")
        return frozen

    def thaw(self, state: State) -> State:
        """A working state without history."""
        out = trailing.thaw(self.method, state)
        d = out.table["precision"].shape[1]
        out.table["precision"] = out.table["precision"][:, :, : _width(d)].copy()
        return out


def blank(entities: int, d: int) -> trailing.Table:
    """Columns before any model."""
    return {"location": np.zeros((entities, d)),
            "precision": np.zeros((entities, d, _width(d)))}


def _width(d: int) -> int:
    """Columns of the precision matrix: all metrics, or its diagonal alone."""
    return d if d <= MOST_METRICS else 1


def train(windows: Floats, level: Floats, scale: Floats) -> trailing.Table:
    """Location and inverse of the shrunk covariance of one entity's residuals. windows: (n, rows, d)."""
    try:
        from sklearn.covariance import ledoit_wolf
    except ImportError as missing:
        text = ("detector=covariance trains with scikit-learn, which cannot be imported; install the add-on "
                "SA-adaptive-libs on the search head, or use detector=adaptive")
        raise ScikitMissing(text) from missing
    z = np.clip(residuals(windows, level, scale), -CLIP, CLIP)
    d = z.shape[1]
    location, precision = z.mean(axis=0), np.eye(d)
    if d > MOST_METRICS:
        return {"location": location, "precision": (1 / np.fmax(z.var(axis=0), 1e-6))[:, None]}
    moves = np.flatnonzero(np.ptp(z, axis=0) > 0)  # a metric that never moved keeps a variance of 1
    if len(moves):
        precision[np.ix_(moves, moves)] = np.linalg.pinv(ledoit_wolf(z[:, moves])[0], hermitian=True)
    return {"location": location, "precision": precision}


def residuals(windows: Floats, level: Floats, scale: Floats) -> Floats:
    """Distance from the level in scales, far ones by their logarithm, averaged over the window.

    windows: (n, rows, d), NaN counts as usual (0); level, scale: (d,) or (n, d). Returns (n, d).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        z = np.clip((windows - level[..., None, :]) / (SOFT * scale[..., None, :]), -LARGEST, LARGEST)
    return np.asarray(SOFT * np.arcsinh(np.nan_to_num(z)).mean(axis=1))


def degree(table: trailing.Table, g: Ints, windows: Floats) -> tuple[Floats, Floats]:
    """log(1 + squared distance / metrics + largest part) of each row, and each metric's part in the squared distance.

    The part of a metric is how much the squared distance falls when that metric is left out: (P z)² / P's diagonal.
    """
    d = windows.shape[2]
    step = max(CELLS // max(d * d, 1), 1)
    distance, part = np.zeros(len(g)), np.zeros((len(g), d))
    for a in range(0, len(g), step):
        who = g[a : a + step]
        z = residuals(windows[a : a + step], table["level"][who], table["scale"][who]) - table["location"][who]
        distance[a : a + step], part[a : a + step] = squared(z, table["precision"][who])
    return np.log1p(distance / max(d, 1) + part.max(axis=1, initial=0.0)), part


def squared(z: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """Squared Mahalanobis distances (n,) and parts (n, d). z: (n, d); precision: (n, d, d), or (n, d, 1) = diagonal."""
    if precision.shape[2] == 1 < precision.shape[1]:
        pulled, diagonal = z * precision[:, :, 0], precision[:, :, 0]
    else:
        pulled, diagonal = np.matmul(z[:, None, :], precision)[:, 0], np.diagonal(precision, axis1=1, axis2=2)
    return np.fmax((z * pulled).sum(axis=1), 0.0), pulled * pulled / np.fmax(diagonal, 1e-12)
