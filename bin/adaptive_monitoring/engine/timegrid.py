"""Time cut into blocks (when models learn) and slots (of the local day or week)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints

BLOCK_S = 21600.0  # models learn every six hours of event time
DAY_SLOTS, DAY_SLOT_S = 96, 900.0
WEEK_SLOTS, WEEK_SLOT_S = 168, 3600.0
_MONDAY_H = 72  # 1970-01-01 was a Thursday; a Monday began 3 days earlier
BLOCKS_PER_WEEK = 7 * 86400.0 / BLOCK_S


def block_of(t: Floats) -> Ints:
    """The learning block of each time (whole blocks since the epoch, UTC)."""
    blocks: Ints = np.floor(t / BLOCK_S).astype(np.int64)
    return blocks


def slots_of(t: Floats, tz: str) -> tuple[Ints, Ints]:
    """Slot of the local day (0–95) and of the local week (0–167, Monday first). t: (n,) finite seconds UTC."""
    local = t if tz in ("", "UTC") else t + utc_offset(t, tz)
    quarter = np.floor(local / DAY_SLOT_S).astype(np.int64)
    hour = (quarter >> 2) + _MONDAY_H
    return quarter - DAY_SLOTS * (quarter // DAY_SLOTS), hour - WEEK_SLOTS * (hour // WEEK_SLOTS)


def utc_offset(t: Floats, tz: str) -> Floats:
    """Seconds to add to UTC to get local time. Zones change on quarter hours, so one look-up per quarter suffices."""
    if tz in ("", "UTC") or not len(t):
        return np.zeros(len(t))
    quarter, inverse = np.unique(np.floor(t / 900.0), return_inverse=True)
    return np.array([_offset(tz, float(q) * 900.0) for q in quarter])[inverse]


@lru_cache(maxsize=100_000)
def _offset(tz: str, t: float) -> float:
    from datetime import datetime, timezone
    from zoneinfo import ZoneInfo

    try:
        delta = datetime.fromtimestamp(t, timezone.utc).astimezone(ZoneInfo(tz)).utcoffset()
    except (OverflowError, ValueError, OSError):  # a time no calendar holds
        return 0.0
    return delta.total_seconds() if delta is not None else 0.0
