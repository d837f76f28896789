"""Learning a block that is over: profile and level, how rare each kind of deviation is, the alert level.

An alarm changes little: its rows count a quarter in the tails and at most the alert level as peaks, until it has lasted
so long that it is the new normal. While it goes on, the level is not followed.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine import drift, evidence, lending, profile, tails, threshold
from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.deviations import Deviations, Work, deviations
from adaptive_monitoring.engine.evidence import SIDES
from adaptive_monitoring.engine.groups import segment_median
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.timegrid import BLOCK_S

_BAND_CAP = 6.0  # the band of one metric never lies beyond p = 1e-6, however high the host's alert level
_MEMORY = 0.5 ** (BLOCK_S / (56 * 86400.0))  # half-life of the tails
_YOUNG = 3.0  # while young, the tails forget faster: the first days are the least typical
_RENEW, _EVERY_BLOCK = 4, 28  # tails are renewed daily, in the first week with every block
_COVERED = 0.5  # a block is learned from when rows cover at least half of it
_SKIP = 3  # blocks before evidence counts as typical
_ALARM_WEIGHT, _ALARM_PEAK = 0.25, 1.0  # rows in alarm count a quarter in the tails, and at most the alert level as
# peaks: one incident changes little
_ADOPT_S = 86400.0  # an alarm that lasts longer is learned from again

Table = dict[str, np.ndarray]


def learn(settings: Settings, work: Work, seen: Deviations, found: Floats, persistent: Floats, over: np.ndarray,
          block: int) -> None:
    """Learn the block for the entities of the work where it is over.

    found: (n, d) evidence of the metrics; persistent: (n,) what k of n rows reached; over: (k,) bool. The rows of
    these entities are those of the whole block.
    """
    over = over & _covered(work)
    if not over.any():
        return
    if not over.all():
        rows = np.flatnonzero(over[work.seg])
        work, seen, found, persistent = work.take(over), seen.take(rows), found[rows], persistent[rows]
    table, act, first = work.table, work.act, work.first
    alarm = persistent >= work.rows(table["threshold"][act])
    adopting, goes_on = _alarms(table, act, first, alarm, block)
    calm, alarmed = ~alarm | work.rows(adopting), ~np.isnan(table["alarm_since"][act])
    evidence.learn_usual(table, work.row_e, work.day // 2, found, seen.known)
    if lending.is_lent(table, act):
        lending.settle(work, seen)
        seen = deviations(settings, work, learning=True)
    residuals = _learn_values(settings, work, seen, block, alarmed)
    weight = None
    if seen.known is not None or not calm.all():
        weight = np.where(calm, 1.0, _ALARM_WEIGHT)[:, None]
        weight = np.broadcast_to(weight, work.shape) if seen.known is None else weight * seen.known
    _learn_tails(work, seen, weight)
    limit = _ALARM_PEAK * table["threshold"][act]
    remembered = np.where(calm, persistent, np.minimum(persistent, work.rows(limit)))
    _learn_peaks(settings, table, act, np.maximum.reduceat(remembered, first), goes_on)
    table["blocks"][act] += 1
    chosen = table["season"][act].astype(np.int64)[:, :, None]
    drift.learn(table, act, np.take_along_axis(residuals, chosen, 2)[:, :, 0], block, alarmed)


def _covered(work: Work) -> np.ndarray:
    lengths = work.end - work.start
    t = work.t
    covered: np.ndarray = (t[work.first + lengths - 1] - t[work.first]) * (lengths + 1) / lengths >= _COVERED * BLOCK_S
    return covered


def _alarms(table: Table, act: Ints, first: Ints, alarm: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Entities whose alarm has lasted so long that the new behaviour is learned; those whose alarm just goes on."""
    now = block * BLOCK_S
    since = table["alarm_since"][act]
    any_alarm, fresh = np.maximum.reduceat(alarm, first), np.isnan(since)
    table["alarms"][act] += any_alarm & fresh & (table["blocks"][act] >= _SKIP)
    since = np.where(any_alarm, np.where(fresh, now, since), np.nan)
    table["alarm_since"][act] = since
    adopting: np.ndarray = np.nan_to_num(now - since) > _ADOPT_S
    return adopting, any_alarm & ~fresh & ~adopting


def _learn_values(settings: Settings, work: Work, seen: Deviations, block: int, alarmed: np.ndarray) -> Floats:
    """Profile, level, scale and season. alarmed: (k,) bool. Returns as profile.learn."""
    table, act, first, t = work.table, work.act, work.first, work.t
    step = _step(t, first)
    old = table["span"][act]
    changed = (step > 0) & ((old <= 0) | (step > 1.5 * old) | (step < old / 1.5))
    table["span"][act] = np.where(changed, step, old)
    began = table["began"][act]
    began = table["began"][act] = np.where(np.isnan(began), t[first], began)
    options = seen.options
    assert options is not None
    unseen = table["blocks"][act] == 0
    if unseen.any():
        x = work.x if seen.known is None else np.where(seen.known, work.x, np.nan)
        profile.begin(table, act[unseen], segment_median(x, first)[unseen])
        options = profile.candidates(table, act, work.seg, work.day, work.week)
    age = (block * BLOCK_S - began) / 86400.0
    return profile.learn(
        table, act, work.seg, first, block, work.x, options, (work.day, work.week), seen.known, age, settings.season,
        alarmed)


def _step(t: Floats, first: Ints) -> Floats:
    """The median time between rows of each entity, NaN where there is one row. (k,)"""
    steps = np.empty_like(t)
    steps[1:] = t[1:] - t[:-1]
    steps[first] = np.nan
    step, largest = np.fmin.reduceat(steps, first), np.fmax.reduceat(steps, first)
    if (step != largest).any():  # NaN, too
        step = segment_median(steps[:, None], first)[:, 0]
    return step


def _learn_tails(work: Work, seen: Deviations, weight: Floats | None) -> None:
    """Count the block's deviations and renew the lines of evidence. weight: (n, d), None = 1 everywhere."""
    table, act, (_, d) = work.table, work.act, work.shape
    blocks = table["blocks"][act]
    counts = table["counts"][act]
    counts *= np.minimum(_MEMORY, 1 - _YOUNG / (blocks + _YOUNG + 1)).astype(np.float32)[:, None, None, None, None]
    unit = _units(work, seen, weight)
    width = SIDES * tails.BINS
    line = (work.seg[:, None] * d + np.arange(d)) * width
    for view, signed in enumerate(seen.signed):
        usable = unit[:, :, view] > 0
        bins = tails.place(signed, work.rows(np.where(usable, unit[:, :, view], np.nan)))
        bins += line
        bins += tails.BINS * (signed < 0)
        parts = weight
        if not usable.all():
            parts = work.rows(usable) * (1.0 if weight is None else weight)
        added = np.bincount(bins.ravel(), None if parts is None else parts.ravel(), len(act) * d * width)
        counts[:, :, view] += added.reshape(len(act), d, SIDES, tails.BINS)
    table["counts"][act] = counts
    due = (blocks < _EVERY_BLOCK) | (blocks % _RENEW == 0)
    if due.any():
        renew(table, act[due], tails.knots_of(counts[due].astype(np.float64), evidence.LENDS))


def renew(table: Table, e: Ints, knots: Floats) -> None:
    """The lines of evidence of these entities, from the knots of their tails and the units."""
    table["knots"][e] = knots
    lines = tails.lines_of(knots, table["unit"][e][..., None])
    table["height"][e], table["rate"][e], table["start"][e] = lines
    table["cuts"][e] = evidence.cuts_of(*lines)


def _units(work: Work, seen: Deviations, weight: Floats | None) -> Floats:
    """What one unit of each deviation is: the scale for levels, the first mean size for changes. (k, d, V)"""
    unit = work.table["unit"][work.act]
    if (unit > 0).all():
        return unit
    total = np.add.reduceat(np.ones(work.shape) if weight is None else weight, work.first, axis=0)
    for view, signed in enumerate(seen.signed):
        size = np.nan_to_num(np.abs(signed))
        if weight is not None:
            size = np.where(weight > 0, size, 0.0)
        mean = np.add.reduceat(size, work.first, axis=0) / np.maximum(total, 1e-9)
        if view == 0:
            mean = np.where(mean > 0, 1.0, 0.0)
        old = unit[:, :, view]
        unit[:, :, view] = np.where(old > 0, old, np.where(total > 0, mean, 0.0))
    work.table["unit"][work.act] = unit
    return unit


def _learn_peaks(settings: Settings, table: Table, act: Ints, largest: Floats, goes_on: np.ndarray) -> None:
    """The block's largest evidence is a peak, unless an alarm just goes on; the level follows from the peaks."""
    counted = (table["blocks"][act] >= _SKIP) & ~goes_on
    who = act[counted]
    at = (table["peak_count"][who] % threshold.PEAKS).astype(np.int64)
    table["peaks"][who, at] = largest[counted]
    table["peak_count"][who] += 1
    latest = threshold.latest_peaks(table["peaks"][act], table["peak_count"][act])
    table["threshold"][act] = threshold.alert_level(latest, settings.budget)
    target = np.minimum((table["threshold"][act] + evidence.FLOOR) / evidence.WEIGHTS[0], _BAND_CAP)[:, None]
    scale_unit = table["unit"][act][:, :, 0]
    for side, name in enumerate(("upper_k", "lower_k")):
        height, rate, start = (table[column][act][:, :, 0, side] for column in ("height", "rate", "start"))
        k = tails.size_at(height, rate, start, target)
        table[name][act] = np.where(scale_unit > 0, k, np.inf)
