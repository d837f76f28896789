"""What is usual for a metric: level, season and scale, learned block by block.

Three candidate profiles are kept side by side: a constant, 96 quarter hours of the local day, 168 hours of the
local week. Each is a running mean with gain 1/n down to a floor; one visit moves it by at most a few scales
(a Huber location, Huber 1964), so one bad day does not spoil it. The level is followed by the median of the last
day of residuals, alarms left out. The season is the candidate with the smallest one-step-ahead error, the longer one
only when it is clearly better.

Limits: a daily season needs 3 days of history, a weekly one 15; slots never seen keep the first block's median.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.base import SEASONS
from adaptive_monitoring.engine.groups import first_rows, lengths_of, row_median, segment_median
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rolling import every, some
from adaptive_monitoring.engine.timegrid import DAY_SLOTS, WEEK_SLOTS

Table = dict[str, np.ndarray]
MEMORY_DAYS = 28.0
RING = 4  # residual medians kept for the level: one day of blocks
_STEP_LIMIT = 8.0  # scales by which one visit may move a profile
_SCALE_LIMIT = 4.0  # scales at which a deviation stops enlarging the scale
_LONGER_MUST_WIN = 0.9  # a longer season must cut the error by a tenth
DAYS_FOR = (0.0, 3.0, 15.0)  # of history, for each season
_RMS_SHARE = 0.05
_SQUARABLE = 1e150
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


def candidates(table: Table, act: Ints, seg: Ints, day: Ints, week: Ints) -> list[Floats]:
    """Expected value of each row under the three profiles, without the followed level. Three (n, d).

    act: (k,) entities; seg: (n,) place of each row's entity in act; day, week: (n,) slots.
    """
    return [_rows(table["constant"][act], seg), *(_slots(table[name], act, seg, slot) for name, slot in
                                                  (("day", day), ("week", week)))]


def expected_of(table: Table, act: Ints, seg: Ints, options: list[Floats] | tuple[Ints, Ints]) -> Floats:
    """Expected value under the chosen season, on the followed level. (n, d)

    options: the candidates, or the slots of day and week: then only those that are chosen are looked up.
    """
    season = table["season"][act]
    offset = _rows(_offset_of(table, act), seg)
    least, most = int(season.min()), int(season.max())
    present = [least] if least == most else [i for i in range(3) if (season == i).any()]
    if isinstance(options, tuple):
        day, week = options
        looked_up = {0: lambda: _rows(table["constant"][act], seg), 1: lambda: _slots(table["day"], act, seg, day),
                     2: lambda: _slots(table["week"], act, seg, week)}
        found = [looked_up[i]() for i in present]
    else:
        found = [options[i] for i in present]
    expected = found[0]
    for i, option in zip(present[1:], found[1:]):
        expected = np.where(_rows(season == i, seg), option, expected)
    out: Floats = expected + offset
    return out


def _rows(values: np.ndarray, seg: Ints) -> np.ndarray:
    """What belongs to an entity, for each of its rows."""
    return values.take(seg, axis=0)


def _slots(profile: np.ndarray, act: Ints, seg: Ints, slot: Ints) -> np.ndarray:
    """Cells of a (g, d, slots) profile: each row's entity at its slot. (n, d)"""
    _, d, width = profile.shape
    at = (act * (d * width)).take(seg)
    at += slot
    out: np.ndarray = profile.reshape(-1).take(at[:, None] if d == 1 else at[:, None] + np.arange(d) * width)
    return out


def scale_of(table: Table, act: Ints, seg: Ints, day: Ints) -> Floats:
    """Scale of each row; with a season, half of it the slot's own. (n, d), 0 = not known yet."""
    scale, seasonal = table["scale"][act], table["season"][act] > 0
    floor = _RMS_SHARE * np.sqrt(table["power"][act])
    if not some(seasonal):
        return _rows(np.maximum(scale, floor), seg)
    slot, scale = _slots(table["slot_scale"], act, seg, day), _rows(scale, seg)
    blended = (1 - _SLOT_SHARE) * scale + _SLOT_SHARE * slot
    plain = ~(slot > 0) if every(seasonal) else ~(slot > 0) | ~_rows(seasonal, seg)
    if some(plain):
        blended = np.where(plain, scale, blended)
    out: Floats = np.maximum(blended, _rows(floor, seg))
    return out


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
    seg: Ints,
    first: Ints,
    block: int,
    x: Floats,
    options: list[Floats],
    slots: tuple[Ints, Ints],
    known: np.ndarray | None,
    age_days: Floats,
    season: str,
    held: np.ndarray,
) -> Floats:
    """Learn one block of rows; changes table in place. Returns the median residuals against the profiles, (k, d, 3).

    act: (k,) the entities; seg: (n,) place of each row's entity; first: (k,) where their rows begin in x (n, d);
    options: their candidate expectations; slots: day and week slot of each row; known: (n, d), where x holds values
    and not what a gap was filled with, None = everywhere; age_days: (k,) history so far; season: auto or the one that
    is asked for; held: (k,) bool, where the level is not followed.
    """
    sums = Sums(first, known)
    residuals = [x - option for option in options]
    medians = [sums.median(residual) for residual in residuals]
    median = medians[0] + table["constant"][act]
    _follow(table, act, seg, block, residuals, medians, sums, held)
    _choose(table, act, age_days, season)
    expected = expected_of(table, act, seg, options)
    size = _learn_scale(table, act, seg, np.abs(x - expected), sums)
    _move_constant(table, act, median)
    day, week = slots
    visits = Visits(act, seg, day, known)
    _move_slots(table, "day", visits, visits.mean(x), 1 / MEMORY_DAYS)
    _learn_slot_scale(table, visits, visits.mean(size))
    visits = Visits(act, seg, week, known)
    _move_slots(table, "week", visits, visits.mean(x), 7 / (MEMORY_DAYS + 7))
    return np.stack(medians, axis=2)


class Sums:
    """Sums over the rows of each entity that hold values. first: (k,); known: (n, d) or None; count: (k, d) or None."""

    def __init__(self, first: Ints, known: np.ndarray | None) -> None:
        self.first, self.known = first, known
        self.count: Floats | None = None
        if known is not None:
            self.count = np.add.reduceat(known.astype(np.float64), first, axis=0)

    def mean(self, values: Floats) -> Floats:
        """(k, d), 0 where there is no value."""
        if self.count is None or self.known is None:
            count = lengths_of(self.first, len(values))[:, None]
            return np.add.reduceat(values, self.first, axis=0) / count
        return np.add.reduceat(np.where(self.known, values, 0.0), self.first, axis=0) / np.maximum(self.count, 1)

    def median(self, values: Floats) -> Floats:
        """(k, d), NaN where there is no value."""
        if self.known is not None:
            values = np.where(self.known, values, np.nan)
        return segment_median(values, self.first, self.known is None)

    def any(self, k: int, d: int) -> np.ndarray:
        """Which have a value. (k, d)"""
        return np.ones((k, d), dtype=bool) if self.count is None else self.count > 0


def _offset_of(table: Table, act: Ints) -> Floats:
    offset, season = table["offset"][act], table["season"][act]
    if not some(season):
        return offset[:, :, 0]
    at = season.astype(np.int64) + 3 * np.arange(season.size).reshape(season.shape)
    return offset.reshape(-1).take(at)


def _follow(table: Table, act: Ints, seg: Ints, block: int, residuals: list[Floats], medians: list[Floats],
            sums: Sums, held: np.ndarray) -> None:
    """Season errors against the level as it was, then the level itself: the median of a day of block medians."""
    scale = table["scale"][act]
    limit = np.where(scale > 0, _STEP_LIMIT * scale, np.inf)
    seen = table["season_seen"][act]
    gain = np.maximum(1 / (seen + 1), 1 / (RING * 7.0))
    any_value = sums.any(*scale.shape)
    errors, rings, offset = table["season_error"][act], table["offsets"][act], table["offset"][act]
    for i, (residual, median) in enumerate(zip(residuals, medians)):
        error = np.minimum(sums.mean(np.abs(residual - _rows(offset[:, :, i], seg))), limit)
        old = errors[:, :, i]
        errors[:, :, i] = np.where(any_value, old + gain * (error - old), old)
        at = i * RING + block % RING
        rings[:, :, at] = np.where(np.isnan(median) | held[:, None], rings[:, :, at], median)
    k, d = scale.shape
    table["season_error"][act], table["offsets"][act] = errors, rings
    table["offset"][act] = np.nan_to_num(row_median(rings.reshape(k, d, 3, RING)))
    table["season_seen"][act] = seen + any_value


def _choose(table: Table, act: Ints, age_days: Floats, season: str) -> None:
    if season != "auto":
        table["season"][act] = float(SEASONS.index(season))
        return
    error = table["season_error"][act]
    day = (age_days >= DAYS_FOR[1])[:, None] & (error[:, :, 1] < _LONGER_MUST_WIN * error[:, :, 0])
    shorter = np.where(day, error[:, :, 1], error[:, :, 0])
    week = (age_days >= DAYS_FOR[2])[:, None] & (error[:, :, 2] < _LONGER_MUST_WIN * shorter)
    table["season"][act] = np.where(week, 2.0, np.where(day, 1.0, 0.0))


def _learn_scale(table: Table, act: Ints, seg: Ints, size: Floats, sums: Sums) -> Floats:
    """Mean absolute residual, large ones limited, and mean square residual, not limited. Returns the limited sizes."""
    scale, seen = table["scale"][act], table["scale_seen"][act]
    gain = np.maximum(1 / (seen + 1), 1 / (RING * MEMORY_DAYS))
    known = size if sums.known is None else np.where(sums.known, size, 0.0)
    largest = np.minimum(known, _SQUARABLE)
    square = np.add.reduceat(largest * largest, sums.first, axis=0)
    square /= lengths_of(sums.first, len(size))[:, None]
    power = table["power"][act]
    table["power"][act] = power + gain * (square - power)
    size = np.minimum(known, _rows(np.where(scale > 0, _SCALE_LIMIT * scale, np.inf), seg))
    any_value = sums.any(*scale.shape)
    table["scale"][act] = np.where(any_value, scale + gain * (sums.mean(size) - scale), scale)
    table["scale_seen"][act] = seen + any_value
    return size


def _limited(old: Floats, seen: Floats, value: Floats, scale: Floats, gain: float) -> Floats:
    """Running mean with gain 1/n down to `gain`; one step is limited once there is a scale."""
    step = value - old
    limit = np.where(scale > 0, _STEP_LIMIT * scale, np.inf)
    step = np.where(seen > 0, np.clip(step, -limit, limit), step)
    return old + np.maximum(1 / (seen + 1), gain) * step


def _move_constant(table: Table, act: Ints, median: Floats) -> None:
    known = ~np.isnan(median)
    old, seen = table["constant"][act], table["constant_seen"][act]
    moved = _limited(old, seen, np.where(known, median, old), table["scale"][act], 1 / (RING * MEMORY_DAYS))
    table["constant"][act] = np.where(known, moved, old)
    table["constant_seen"][act] = seen + known


class Visits:
    """Runs of rows of one entity in one slot. entity, slot: (v,); seen: (v, d) bool, None = all hold values."""

    def __init__(self, act: Ints, seg: Ints, slot: Ints, known: np.ndarray | None) -> None:
        self.run = first_rows(seg * 1024 + slot)
        self.local, self.slot, self.known = seg[self.run], slot[self.run], known
        self.entity = act[self.local]
        total: Floats = lengths_of(self.run, len(seg))[:, None].astype(np.float64)
        self.seen: np.ndarray | None = None
        if known is not None:
            total = np.add.reduceat(known.astype(np.float64), self.run, axis=0)
            self.seen = total > 0
        self.total = np.maximum(total, 1e-9)

    def mean(self, values: Floats) -> Floats:
        """(v, d), 0 where there is no value."""
        if self.known is not None:
            values = np.where(self.known, values, 0.0)
        out: Floats = np.add.reduceat(values, self.run, axis=0) / self.total
        return out

    def put(self, profile: np.ndarray, old: np.ndarray, new: np.ndarray) -> None:
        """Writes the cells that were visited with a value."""
        profile[self.entity, :, self.slot] = new if self.seen is None else np.where(self.seen, new, old)


def _move_slots(table: Table, name: str, visits: Visits, mean: Floats, gain: float) -> None:
    profile, count = table[name], table[name + "_seen"]
    old, seen = profile[visits.entity, :, visits.slot], count[visits.entity, :, visits.slot]
    visits.put(profile, old, _limited(old, seen, mean, table["scale"][visits.entity], gain))
    visits.put(count, seen, seen + 1)


def _learn_slot_scale(table: Table, visits: Visits, mean: Floats) -> None:
    old = table["slot_scale"][visits.entity, :, visits.slot]
    gain = np.maximum(1 / np.maximum(table["day_seen"][visits.entity, :, visits.slot], 1.0), 1 / MEMORY_DAYS)
    visits.put(table["slot_scale"], old, old + gain * (mean - old))
