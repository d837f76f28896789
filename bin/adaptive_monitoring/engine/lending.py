"""A group's model lent to a new host: wide at first, the host's own from its first learned block on.

A lent state scores from the first row. Until its first block is learned nobody knows where the host's level lies and
how much it moves, so the scale covers the levels of the whole group. Then the level is the host's own, scale and sizes
of changes come as near to its own as the group's members differ, and everything else (season, tails, alert level)
follows the host's data as if it had been watched for two days.

Limits: a host that is unlike its group alerts in its first six hours; its form of the day stays that of the group for
some days. What the first block holds is taken for the level, an incident that fills it, too.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine import evidence, profile, tails
from adaptive_monitoring.engine.base import State
from adaptive_monitoring.engine.deviations import Deviations, Work
from adaptive_monitoring.engine.groups import segment_median
from adaptive_monitoring.engine.numbers import Floats
from adaptive_monitoring.engine.rolling import some
from adaptive_monitoring.engine.timegrid import BLOCK_S

WIDER = 1.25  # for what is not known about a host of which nothing has been seen
BLOCKS = 8.0  # a lent model counts as two days of history
_SEEN = {"constant": 4.0, "scale": 4.0, "season": 8.0, "day": 2.0, "week": 1.0}  # the same, in visits
_ONE_BLOCK = 0.3  # how far, as a logarithm, the scale of one block may be from the host's usual one
_LEAST_APART = 0.1  # as a logarithm: hosts of a group differ at least by so much
_CLIP = 4.0  # scales at which a deviation of the first block counts no more

Table = dict[str, np.ndarray]


def empty(entities: int, d: int) -> Table:
    """Columns of a working state that say what is lent: 1 = the host's level is not known yet; the group's scale; how
    far its members' scales are apart, as a logarithm. Never stored."""
    return {"lent": np.zeros(entities), "lent_scale": np.zeros((entities, d)), "lent_apart": np.zeros((entities, d))}


def lend(state: State, apart: Floats) -> State:
    """A thawed state of groups as one for hosts that were never seen. Changed in place.

    apart: (g, d, 2), how far levels (in the metric's unit) and scales (as a logarithm) of a group's members are apart.
    """
    table = state.table
    scale, known = table["scale"].copy(), table["scale"] > 0
    table["lent"][:] = 1.0
    table["lent_scale"], table["lent_apart"] = scale, apart[:, :, 1].copy()
    wide = WIDER * np.hypot(scale, apart[:, :, 0])
    _rescale(table, slice(None), np.where(known, wide / np.where(known, scale, 1.0), 1.0))
    table["unit"][:, :, 1:] *= _wider_units(table["lent_apart"])[:, :, None]
    lines = tails.lines_of(table["knots"], table["unit"][..., None])
    table["height"], table["rate"], table["start"] = lines
    table["cuts"] = evidence.cuts_of(*lines)
    rows = BLOCKS * BLOCK_S / np.where(table["span"] > 0, table["span"], 300.0)
    weight = np.broadcast_to(rows[:, None, None], table["unit"].shape)
    table["counts"] = tails.counts_of(table["knots"], weight, evidence.LENDS).astype(np.float32)
    for name, visits in _SEEN.items():
        seen = table[name + "_seen"]
        seen[:] = visits * known.reshape(known.shape + (1,) * (seen.ndim - 2))
    table["blocks"][:], table["alarms"][:] = BLOCKS, 0.0
    table["began"][:], table["learned_to"][:] = np.nan, -np.inf
    table["offsets"][:], table["offset"][:] = np.nan, 0.0
    state.origin = None
    return state


def settle(work: Work, seen: Deviations) -> None:
    """The first block of lent entities is over: their level is their own now. Changes the table of the work.

    seen: deviations of the work's rows under the lent model; they are out of date afterwards.
    """
    table = work.table
    lent = table["lent"][work.act] > 0
    rows = np.flatnonzero(lent[work.seg])
    part, seen = work.take(lent), seen.take(rows)
    act, first = part.act, part.first
    known = np.ones(part.shape, dtype=bool) if seen.known is None else seen.known
    gap = np.where(known, part.x - seen.expected, np.nan)
    group, apart = table["lent_scale"][act], table["lent_apart"][act]
    rest = np.abs(gap - part.rows(segment_median(gap, first)))
    own = _mean(np.minimum(rest, _CLIP * part.rows(group)), known, first)
    new = _nearer(group, own, apart)
    level = table["constant"][act]
    ratio = np.where(group > 0, new / np.where(group > 0, group, 1.0), 1.0)
    _settle_units(table, part, seen, known)
    before = table["scale"][act]
    _rescale(table, act, np.where(before > 0, new / np.where(before > 0, before, 1.0), 1.0))
    table["season_error"][act] *= ratio[:, :, None]
    expected = part.rows(level) + (seen.expected - part.rows(level)) * part.rows(ratio)
    move = np.nan_to_num(segment_median(np.where(known, part.x - expected, np.nan), first))
    for name in ("day", "week"):
        table[name][act] = (level + move)[:, :, None] + (table[name][act] - level[:, :, None]) * ratio[:, :, None]
    table["constant"][act] = level + move
    longest = table["season"][act].max(axis=1).astype(np.int64)
    table["began"][act] = part.t[first] - 86400.0 * np.array(profile.DAYS_FOR)[np.maximum(longest, 1)]
    table["lent"][act] = 0.0


def _settle_units(table: Table, part: Work, seen: Deviations, known: np.ndarray) -> None:
    """What one unit of each kind of change is, between that of the group and that of the block."""
    act, apart = part.act, table["lent_apart"][part.act]
    unit = table["unit"][act]
    for view in range(1, evidence.V):
        group = unit[:, :, view] / _wider_units(apart)
        size = np.where(known, np.abs(np.nan_to_num(seen.signed[view])), 0.0)
        limit = np.where(group > 0, _CLIP * _CLIP * group, np.inf)
        own = _mean(np.minimum(size, part.rows(limit)), known, part.first)
        unit[:, :, view] = _nearer(group, own, apart)
    table["unit"][act] = unit


def _wider_units(apart: Floats) -> Floats:
    """By how much changes may be larger than those of the usual member."""
    return WIDER * np.exp(apart)


def _rescale(table: Table, act: np.ndarray | slice, ratio: Floats) -> None:
    """Scale, that of the slots, and mean square. ratio: (k, d)."""
    table["scale"][act] *= ratio
    table["slot_scale"][act] *= ratio[:, :, None]
    table["power"][act] *= ratio * ratio


def _mean(values: Floats, known: np.ndarray, first: np.ndarray) -> Floats:
    """Mean of each entity's known values, 0 where there is none. (k, d)"""
    total = np.add.reduceat(np.where(known, values, 0.0), first, axis=0)
    mean: Floats = total / np.maximum(np.add.reduceat(known.astype(np.float64), first, axis=0), 1.0)
    return mean


def _nearer(group: Floats, own: Floats, apart: Floats) -> Floats:
    """The group's size moved towards that of the block, the more the further its members are apart (shrinkage of a
    normal mean, with logarithms); twice as far as they usually are at most."""
    apart = np.maximum(apart, _LEAST_APART)
    both = (group > 0) & (own > 0)
    with np.errstate(divide="ignore"):
        move = np.where(both, np.log(np.where(both, own, 1.0) / np.where(both, group, 1.0)), 0.0)
    weight = apart**2 / (apart**2 + _ONE_BLOCK**2)
    out: Floats = group * np.exp(weight * np.clip(move, -2 * apart, 2 * apart))
    return out


def is_lent(table: Table, act: np.ndarray) -> bool:
    """Whether one of these entities has a lent model and has not learned a block."""
    return some(table["lent"][act])
