"""From a degree of oddness to evidence: how rare such a degree is among the entity's own out-of-sample degrees.

Evidence is -log10 of the share of past degrees that were higher: linear between quantiles up to the 98 % point, an
exponential tail beyond (peaks over threshold: Pickands 1975, shape 0). Degrees are logarithms and lie close together:
the half-octave bins of tails.py would be too coarse for them.
"""
from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.numbers import Floats

SHARES = np.array([0.5, 0.75, 0.9, 0.95, 0.98])  # shares of degrees below each knot
AT_KNOTS = -np.log10(1 - SHARES)
MOST = 300.0  # evidence is never larger: float64 knows no smaller probability
PRIOR_ROWS = 5.0  # weight of the bulk's slope against the exceedances seen
THINNEST = 1e-6  # slope of degrees that never differed


def knots_of(degrees: Floats) -> Floats:
    """Quantiles of the degrees and the mean excess beyond the last one. degrees: (n,), n > 0, no NaN. Gives (6,)."""
    quantiles = np.quantile(degrees, SHARES)
    excess = degrees[degrees > quantiles[-1]] - quantiles[-1]
    bulk = (quantiles[-1] - quantiles[0]) / np.log(0.5 / 0.02)  # an exponential between median and 98 % point
    slope = (excess.sum() + PRIOR_ROWS * bulk) / (len(excess) + PRIOR_ROWS)
    return np.append(quantiles, max(slope, THINNEST))


def evidence(degree: Floats, knots: Floats) -> Floats:
    """-log10 of the tail probability of each degree, 0 up to the median. degree (n,), knots (n, 6); NaN stays NaN."""
    width, above = np.diff(knots[:, :-1], axis=1), degree[:, None] - knots[:, :-2]
    with np.errstate(invalid="ignore", over="ignore"):
        part = np.where(width > 0, above / np.where(width > 0, width, 1.0), np.where(above > 0, 1.0, 0.0))
        inside = (np.clip(part, 0.0, 1.0) * np.diff(AT_KNOTS)).sum(axis=1) + AT_KNOTS[0] * (degree > knots[:, 0])
        beyond = np.fmax(degree - knots[:, -2], 0.0) / (knots[:, -1] * np.log(10))
        out = np.fmin(inside + beyond, MOST)
    known: Floats = np.where(np.isnan(degree) | np.isnan(knots[:, -1]), np.nan, out)
    return known


def degree_at(target: Floats, knots: Floats) -> Floats:
    """The degree that has this much evidence, at least the 98 % point. target (n,), knots (n, 6)."""
    out: Floats = knots[:, -2] + np.fmax(target - AT_KNOTS[-1], 0.0) * np.log(10) * knots[:, -1]
    return out
