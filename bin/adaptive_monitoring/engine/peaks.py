"""The peaks that set an alert level, small enough for a stored row: the largest of the latest, and how old they are.

Limits: all other peaks come back as half the smallest one that was kept; the alert level is the same as long as its
tail has no more peaks than are kept.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine import spare
from adaptive_monitoring.engine.numbers import Floats
from adaptive_monitoring.engine.threshold import PEAKS, ages_of, latest_peaks

KEPT = 18  # more than the tail of the latest 78 peaks needs
AGE_WORDS = KEPT // 3  # two digits an age, three to a number
_OTHERS = 0.5


def kept_of(ring: Floats, count: Floats) -> tuple[Floats, Floats, Floats]:
    """The largest of the latest peaks, newest first, −1 where there are fewer; their ages; how many peaks there were.

    ring: (g, PEAKS), NaN = none; count: (g,). Returns (g, KEPT), (g, AGE_WORDS) and (g,), at most a ring full.
    """
    latest, ages = latest_peaks(ring, count), ages_of(count)
    size = np.where(np.isnan(latest), -1.0, latest)
    largest = np.argsort(-size, axis=1, kind="stable")[:, :KEPT]
    largest = np.take_along_axis(largest, np.argsort(np.take_along_axis(ages, largest, 1), axis=1, kind="stable"), 1)
    kept, age = np.take_along_axis(size, largest, 1), np.take_along_axis(ages, largest, 1)
    digits = np.where(kept >= 0, age + 1.0, 0.0)
    return kept, spare.pack(digits[:, None, :])[:, 0], np.minimum(count, PEAKS)


def ring_of(kept: Floats, words: Floats, count: Floats) -> tuple[Floats, Floats]:
    """A ring in which the kept peaks stand where they stood, and its count. Forged numbers make no error."""
    count = np.clip(np.floor(count), 0, PEAKS)
    age = spare.unpack(words[:, None, :])[:, 0] - 1.0
    known = (kept >= 0) & (age >= 0) & (age < count[:, None])
    latest = ~np.isnan(latest_peaks(np.zeros((len(kept), PEAKS)), count))
    smallest = np.where(known, kept, np.inf).min(axis=1, initial=np.inf)
    others = np.where(np.isfinite(smallest), _OTHERS * smallest, np.nan)
    ring = np.where(latest, others[:, None], np.nan)
    row, column = np.nonzero(known)
    place = (count[row] - 1 - age[row, column]).astype(np.int64) % PEAKS
    ring[row, place] = kept[row, column]
    return ring, count
