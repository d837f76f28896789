"""What is usual for a metric: level, season and scale, learned block by block.

Three candidate profiles are kept side by side: a constant, 96 quarter hours of the local day, 168 hours of the
local week. Each is a running mean with gain 1/n down to a floor; one visit moves it by at most a few scales
(a Huber location, Huber 1964), so one bad day does not spoil it. The level is followed by the median of the last
day of residuals. The season is the candidate with the smallest one-step-ahead error, the longer one only when
it is clearly better.

Limits: a daily season needs 3 days of history, a weekly one 15; slots never seen keep the first block's median.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.base import SEASONS
from adaptive_monitoring.engine.groups import first_rows, segment_median
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.timegrid import DAY_SLOTS, WEEK_SLOTS

Table = dict[str, np.ndarray]
MEMORY_DAYS = 28.0
RING = 4  # residual medians kept for the level: one day of blocks
_STEP_LIMIT = 8.0  # scales by which one visit may move a profile
_SCALE_LIMIT = 4.0  # scales at which a deviation stops enlarging the scale
_LONGER_MUST_WIN = 0.9  # a longer season must cut the error by a tenth
_DAYS_FOR = (0.0, 3.0, 15.0)
_RMS_SHARE = 0.05
_SLOT_SHARE = 0.5  # slot-dependent part of the scale


def empty(entities: int, d: int) -> Table:
    """Profile columns of entities not seen yet."""
    return {
        "constant": np.zeros((entities, d)),
        "constant_seen": np.zeros((entities, d)),
        "day": np.zeros((entities, d, DAY_SLOTS)),
        "day_seen": np.zeros((entities, d, DAY_SLOTS), dtype=np.float32),
        "week": np.zeros((entities, d, WEEK_SLOTS)),
        "week_seen": np.zeros((entities, d, WEEK_SLOTS), dtype=np.float32),
        "scale": np.zeros((entities, d)),
        "scale_seen": np.zeros((entities, d)),
        "power": np.zeros((entities, d)),
        "slot_scale": np.zeros((entities, d, DAY_SLOTS)),
        "offsets": np.full((entities, d, 3 * RING), np.nan),
        "offset": np.zeros((entities, d, 3)),
        "season": np.zeros((entities, d)),
        "season_error": np.zeros((entities, d, 3)),
        "season_seen": np.zeros((entities, d)),
    }


def begin(table: Table, entities: Ints, medians: Floats) -> None:
    """Start the profiles of these entities at the medians of their first block. medians: (k, d), NaN = unknown."""
    value = np.nan_to_num(medians)
    table["constant"][entities] = value
    table["day"][entities] = value[:, :, None]
    table["week"][entities] = value[:, :, None]


def candidates(table: Table, e: Ints, day: Ints, week: Ints) -> list[Floats]:
    """Expected value of each row under the three profiles, without the followed level. Three (n, d)."""
    return [table["constant"][e], table["day"][e, :, day], table["week"][e, :, week]]


def chosen(table: Table, e: Ints, options: list[Floats]) -> tuple[Floats, Floats]:
    """Expected value under the chosen season and the offset of the followed level. Two (n, d)."""
    season = table["season"][e].astype(np.int64)
    expected = np.where(season == 0, options[0], np.where(season == 1, options[1], options[2]))
    offset = np.take_along_axis(table["offset"], table["season"].astype(np.int64)[:, :, None], 2)[:, :, 0]
    return expected, offset[e]


def scale_of(table: Table, e: Ints, day: Ints) -> Floats:
    """Scale of each row; with a season, half of it the slot's own. (n, d), 0 = not known yet."""
    scale, slot = table["scale"][e], table["slot_scale"][e, :, day]
    scale = np.where((slot > 0) & (table["season"][e] > 0), (1 - _SLOT_SHARE) * scale + _SLOT_SHARE * slot, scale)
    return np.maximum(scale, scale_floor(table)[e])


def day_scales(table: Table) -> Floats:
    """Scale of every quarter hour of the day, as scale_of gives it. (g, d, 96)"""
    scale, slot = table["scale"][:, :, None], table["slot_scale"]
    seasonal = (slot > 0) & (table["season"] > 0)[:, :, None]
    scale = np.where(seasonal, (1 - _SLOT_SHARE) * scale + _SLOT_SHARE * slot, scale)
    return np.maximum(scale, scale_floor(table)[:, :, None])


def scale_floor(table: Table) -> Floats:
    """Smallest believable scale, a share of the root mean square deviation: a metric that hardly ever moves but then
    moves far must not alert on crumbs. (g, d)"""
    floor: Floats = _RMS_SHARE * np.sqrt(table["power"])
    return floor


def learn(
    table: Table,
    act: Ints,
    first: Ints,
    block: int,
    x: Floats,
    options: list[Floats],
    slots: tuple[Ints, Ints],
    weight: Floats,
    age_days: Floats,
    season: str,
) -> None:
    """Learn one block of rows; changes table in place.

    act: (k,) the entities; first: (k,) where their rows begin in x (n, d), NaN = missing; options: their candidate
    expectations; slots: day and week slot of each row; weight: (n, d), 0 = not to be learned from;
    age_days: (k,) history so far; season: auto or the one that is asked for.
    """
    local = np.repeat(np.arange(len(act)), np.diff(np.r_[first, len(x)]))
    residuals = [x - option for option in options]
    _follow(table, act, first, block, residuals, local)
    _choose(table, act, age_days, season)
    expected, _ = chosen(table, act[local], options)
    size = _learn_scale(table, act, first, np.abs(x - expected - _offset_of(table, act)[local]), weight, local)
    _move_constant(table, act, first, x, weight)
    for name, slot, gain in (("day", slots[0], 1 / MEMORY_DAYS), ("week", slots[1], 7 / (MEMORY_DAYS + 7))):
        _move_slots(table, name, act[local], slot, x, weight, gain)
    _learn_slot_scale(table, act[local], slots[0], size, weight)


def _offset_of(table: Table, act: Ints) -> Floats:
    return np.take_along_axis(table["offset"][act], table["season"][act].astype(np.int64)[:, :, None], 2)[:, :, 0]


def _follow(table: Table, act: Ints, first: Ints, block: int, residuals: list[Floats], local: Ints) -> None:
    """Season errors against the level as it was, then the level itself: the median of a day of block medians."""
    scale = table["scale"][act]
    limit = np.where(scale > 0, _STEP_LIMIT * scale, np.inf)
    seen = table["season_seen"][act]
    gain = np.maximum(1 / (seen + 1), 1 / (RING * 7.0))
    any_value = np.zeros(scale.shape, dtype=bool)
    for i, residual in enumerate(residuals):
        size = np.abs(residual - table["offset"][act, :, i][local])
        known = ~np.isnan(size)
        count = np.add.reduceat(known.astype(np.float64), first, axis=0)
        error = np.minimum(np.add.reduceat(np.where(known, size, 0.0), first, axis=0) / np.maximum(count, 1), limit)
        old = table["season_error"][act, :, i]
        table["season_error"][act, :, i] = np.where(count > 0, old + gain * (error - old), old)
        any_value |= count > 0
        ring = table["offsets"]
        median = segment_median(residual, first)
        at = i * RING + block % RING
        ring[act, :, at] = np.where(np.isnan(median), ring[act, :, at], median)
        table["offset"][act, :, i] = _ring_median(ring[act, :, i * RING : (i + 1) * RING])
    table["season_seen"][act] = seen + any_value


def _ring_median(ring: Floats) -> Floats:
    k, d, size = ring.shape
    medians = segment_median(ring.reshape(k * d * size, 1), np.arange(0, k * d * size, size))
    return np.nan_to_num(medians.reshape(k, d))


def _choose(table: Table, act: Ints, age_days: Floats, season: str) -> None:
    if season != "auto":
        table["season"][act] = float(SEASONS.index(season))
        return
    error = table["season_error"][act]
    day = (age_days >= _DAYS_FOR[1])[:, None] & (error[:, :, 1] < _LONGER_MUST_WIN * error[:, :, 0])
    shorter = np.where(day, error[:, :, 1], error[:, :, 0])
    week = (age_days >= _DAYS_FOR[2])[:, None] & (error[:, :, 2] < _LONGER_MUST_WIN * shorter)
    table["season"][act] = np.where(week, 2.0, np.where(day, 1.0, 0.0))


def _learn_scale(table: Table, act: Ints, first: Ints, size: Floats, weight: Floats, local: Ints) -> Floats:
    """Mean absolute residual, large ones limited, and mean square residual, not limited. Returns the limited sizes."""
    scale = table["scale"][act]
    with np.errstate(over="ignore"):
        square = (
            np.add.reduceat(np.minimum(np.nan_to_num(size), 1e150) ** 2, first, axis=0)
            / np.diff(np.r_[first, len(size)])[:, None]
        )
    power = table["power"][act]
    table["power"][act] = power + np.maximum(1 / (table["scale_seen"][act] + 1), 1 / (RING * MEMORY_DAYS)) * (
        square - power
    )
    size = np.minimum(np.nan_to_num(size), np.where(scale > 0, _SCALE_LIMIT * scale, np.inf)[local])
    total = np.add.reduceat(weight, first, axis=0)
    mean = np.add.reduceat(size * weight, first, axis=0) / np.maximum(total, 1e-9)
    gain = np.maximum(1 / (table["scale_seen"][act] + 1), 1 / (RING * MEMORY_DAYS))
    table["scale"][act] = np.where(total > 0, scale + gain * (mean - scale), scale)
    table["scale_seen"][act] += total > 0
    return size


def _limited(old: Floats, seen: Floats, value: Floats, scale: Floats, gain: float) -> Floats:
    """Running mean with gain 1/n down to `gain`; one step is limited once there is a scale."""
    step = value - old
    limit = np.where(scale > 0, _STEP_LIMIT * scale, np.inf)
    step = np.where(seen > 0, np.clip(step, -limit, limit), step)
    return old + np.maximum(1 / (seen + 1), gain) * step


def _move_constant(table: Table, act: Ints, first: Ints, x: Floats, weight: Floats) -> None:
    median = segment_median(np.where(weight > 0, x, np.nan), first)
    known = ~np.isnan(median)
    old, seen = table["constant"][act], table["constant_seen"][act]
    moved = _limited(old, seen, np.where(known, median, old), table["scale"][act], 1 / (RING * MEMORY_DAYS))
    table["constant"][act] = np.where(known, moved, old)
    table["constant_seen"][act] += known


def _visits(e: Ints, slot: Ints, values: Floats, weight: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    """One mean per entity and visit of a slot. Returns entity, slot, (v, d) means, (v, d) weights."""
    run = first_rows(e * 1024 + slot)
    total = np.add.reduceat(weight, run, axis=0)
    mean = np.add.reduceat(np.where(weight > 0, values, 0.0) * weight, run, axis=0) / np.maximum(total, 1e-9)
    return e[run], slot[run], mean, total


def _move_slots(table: Table, name: str, e: Ints, slot: Ints, x: Floats, weight: Floats, gain: float) -> None:
    entity, at, mean, total = _visits(e, slot, x, weight)
    old, seen = table[name][entity, :, at], table[name + "_seen"][entity, :, at]
    moved = _limited(old, seen, mean, table["scale"][entity], gain)
    table[name][entity, :, at] = np.where(total > 0, moved, old)
    table[name + "_seen"][entity, :, at] = seen + (total > 0)


def _learn_slot_scale(table: Table, e: Ints, slot: Ints, size: Floats, weight: Floats) -> None:
    entity, at, mean, total = _visits(e, slot, size, weight)
    old = table["slot_scale"][entity, :, at]
    gain = np.maximum(1 / np.maximum(table["day_seen"][entity, :, at], 1.0), 1 / MEMORY_DAYS)
    table["slot_scale"][entity, :, at] = np.where(total > 0, old + gain * (mean - old), old)
