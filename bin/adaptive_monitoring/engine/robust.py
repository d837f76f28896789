"""Robust level and scale of a metric, and the band that follows from them."""
from __future__ import annotations

import warnings

import numpy as np

from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.numbers import Floats

SIGMA = 1.4826  # median absolute deviation to standard deviation of normal noise
MEAN_SIGMA = 1.2533  # mean absolute deviation to standard deviation of normal noise
HIGHEST = 1e6  # a metric_score is never larger: beyond, only the fact counts


def level_and_scale(x: Floats) -> tuple[Floats, Floats]:
    """Median and robust standard deviation of each column.

    Limits: a constant column is scaled by 1 % of its level (1 when the level is 0), so that any move is large.
    x: (n, d), NaN ignored; a column without numbers gives NaN, NaN. Returns (d,), (d,); the scale is above 0.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without numbers are NaN, as promised
        level = np.nanmedian(x, axis=0)
    fallback = np.where(level == 0, 1.0, 0.01 * np.abs(level))
    return level, spread(x - level, 1e-9 * np.abs(level), fallback)


def spread(gap: Floats, tiny: Floats, fallback: Floats) -> Floats:
    """Robust standard deviation of columns that lie around 0.

    Columns that are 0 in more than half of their rows take the mean absolute deviation; where that is within rounding
    errors (tiny) too, the fallback counts. gap: (n, d), NaN ignored. Returns (d,), NaN for columns without numbers.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        middle, mean = SIGMA * np.nanmedian(np.abs(gap), axis=0), MEAN_SIGMA * np.nanmean(np.abs(gap), axis=0)
    return np.where(middle > tiny, middle, np.where(mean > tiny, mean, fallback))


def band(settings: Settings, level: Floats, scale: Floats, down: Floats, up: Floats) -> tuple[Floats, Floats]:
    """(lower, upper) around the level: down and up scales away, at least the floor; an infinite one is an open side."""
    floor = np.fmax(settings.floor_abs, settings.floor_rel * np.abs(level))
    return level - np.fmax(down * scale, floor), level + np.fmax(up * scale, floor)


def metric_score(x: Floats, expected: Floats, lower: Floats, upper: Floats) -> Floats:
    """Distance from the expectation in half bands: 1 at the bound, never in disagreement with it; NaN stays NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        half = np.where(x >= expected, upper - expected, expected - lower)
        ratio = np.fmin(np.abs(x - expected) / half, HIGHEST)
        outside = (x < lower) | (x > upper)
        out = np.where(outside, np.fmax(ratio, 1.0), np.fmin(ratio, np.nextafter(1.0, 0.0)))
    return np.where(np.isnan(x) | np.isnan(expected), np.nan, out)


def worth_it(settings: Settings, x: Floats, level: Floats) -> Floats:
    """x with every value at its level that the settings declare harmless: gaps below the floor, the unwanted side."""
    gap = x - level
    floor = np.fmax(settings.floor_abs, settings.floor_rel * np.abs(level))
    with np.errstate(invalid="ignore"):
        harmless = np.abs(gap) < floor
        if settings.direction != "both":
            harmless |= gap < 0 if settings.direction == "high" else gap > 0
    return np.where(harmless, level, x)
