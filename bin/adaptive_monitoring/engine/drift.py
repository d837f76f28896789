"""Levels that have moved for good: told within three days, adopted within seven.

The expectation follows a level within a day (profile.py), but not while an alarm goes on: what is wrong must not become
normal because nobody has looked yet. The long-run profile moves slowly. Where the medians of the blocks stay on one
side of it, far out, the metric drifts; after six days the profile is put where the level is.

Limits: a move of less than three scales is followed without a word. A level that swings back for one block starts
anew. Younger than 15 days a metric cannot know its weekends, so it needs to stay away longer than one.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.profile import RING
from adaptive_monitoring.engine.rolling import some
from adaptive_monitoring.engine.timegrid import BLOCK_S

Table = dict[str, np.ndarray]
TOLD_S, TOLD_YOUNG_S, ADOPTED_S = 2 * 86400.0, 2.75 * 86400.0, 6 * 86400.0  # so that a nightly training tells within
# three days and adopts within seven
_YOUNG_BLOCKS, _FIRST_BLOCKS = 60, 12  # 15 days, the age from which weeks are known; 3 days, the age of a first profile
_LEAVES, _STAYS = 3.0, 1.5  # scales from the profile


def empty(entities: int, d: int) -> Table:
    """moved: since when a metric is away, seconds UTC, negative = below; 0 = at home. adopted: when it last settled."""
    return {"moved": np.zeros((entities, d)), "adopted": np.zeros((entities, d))}


def learn(table: Table, act: Ints, residual: Floats, block: int, alarm: np.ndarray) -> None:
    """One block; changes the table. After profile.learn().

    act: (k,) entities; residual: (k, d) median of the block against the long-run profile, NaN = unknown; alarm: (k,)
    bool, the block had an alarm, so the level must not be adopted.
    """
    scale, moved = table["scale"][act], table["moved"][act]
    now, settled = block * BLOCK_S, (table["blocks"][act] >= _FIRST_BLOCKS)[:, None] & (scale > 0)
    with np.errstate(invalid="ignore"):
        stays = (moved != 0) & (residual * moved > 0) & (np.abs(residual) > _STAYS * scale)
        leaves = ~stays & settled & (np.abs(residual) > _LEAVES * scale)
    kept = np.where(stays, moved, np.where(leaves, np.sign(residual) * now, 0.0))
    moved = np.where(np.isnan(residual), moved, kept)
    table["moved"][act] = moved
    if some(moved):
        _adopt(table, act, moved, now, alarm)


def told(table: Table, e: Ints, t: Floats) -> np.ndarray:
    """Which metrics have been away so long at these times that it must be told. e, t: (n,). (n, d) bool"""
    moved = np.abs(table["moved"][e])
    long = np.where(table["blocks"][e] >= _YOUNG_BLOCKS, TOLD_S, TOLD_YOUNG_S)
    out: np.ndarray = (moved > 0) & ((t - long)[:, None] >= moved)
    return out


def _adopt(table: Table, act: Ints, moved: Floats, now: float, alarm: np.ndarray) -> None:
    """Puts the profiles where the level is; what is expected does not change by that."""
    at = table["season"][act].astype(np.int64)[:, :, None]
    followed = np.take_along_axis(table["offset"][act], at, 2)[:, :, 0]
    ripe = (moved != 0) & (now + BLOCK_S - np.abs(moved) >= ADOPTED_S) & ~alarm[:, None]
    ripe &= (followed * moved > 0) & (np.abs(followed) > _STAYS * table["scale"][act])
    k, m = np.nonzero(ripe)
    if not len(k):
        return
    e, offset = act[k], table["offset"][act[k], m]
    table["constant"][e, m] += offset[:, 0]
    table["day"][e, m] += offset[:, 1, None]
    table["week"][e, m] += offset[:, 2, None]
    table["offsets"][e, m] -= offset.repeat(RING, axis=1)
    table["offset"][e, m] = 0.0
    table["moved"][e, m], table["adopted"][e, m] = 0.0, now + BLOCK_S
