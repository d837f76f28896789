"""Evidence of each metric: its views on one scale, less what is usual at this time of day.

A metric is seen in four ways (VIEWS). Each deviation becomes evidence (tails.py: 2 = one row in a hundred); the
strongest view counts most, the second one confirms it. What exceeds a floor is strange. What was strange at the
same half hour on earlier days is usual by now and is taken off: a nightly job stops alerting after a few nights,
and in doing so costs no sensitivity at other hours.

Limits: the time of day is local (tz); what comes back weekly or at no fixed hour is not recognised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine.base import CAUSES, Settings
from adaptive_monitoring.engine.groups import first_rows
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.rolling import some
from adaptive_monitoring.engine.timegrid import BLOCK_S

VIEWS = CAUSES[:4]  # value against expectation; against 25 minutes; last rows against two hours; amount of movement
SIDES, V = 2, len(VIEWS)
LEVEL = VIEWS.index("level")
JUMP, _SHIFT, _SPREAD, _FLAT = VIEWS.index("jump"), VIEWS.index("shift"), VIEWS.index("spread"), CAUSES.index("flat")
LENDS = np.ones((V, SIDES))
LENDS[_SPREAD, 1] = 0.0  # standing still is no amount of movement
WEIGHTS = np.array([0.45, 1.0, 1.0, 1.0])  # neighbouring rows repeat a wrong level, so its evidence counts less
CAP = 7.5  # a view counts for at most so many decades: among many metrics one alone shall not outvote the others
FIRST, SECOND = 0.7, 0.3  # parts of the strongest view and of the one that confirms it
FLOOR = 2.0  # a metric is strange from here on
STILL_BLOCKS = 8  # a metric that did not move for so long is constant
HALF_HOURS = 48
DISCOUNT = 0.75  # part of what is usual at this half hour that is taken off
_A_LITTLE_LESS = 1 - 1e-9  # rounding must not hide a row from the full calculation
_RISE, _FALL = 0.5, 0.25  # how fast it becomes usual and is forgotten, per day

Table = dict[str, np.ndarray]


@dataclass(frozen=True)
class Views:
    """Deviations of some rows: size (n, d, V) ≥ 0, side 0 = up 1 = down, and what they were measured against.

    known: 0 where a value is missing.
    """

    size: Floats
    side: Ints
    expected: Floats
    scale: Floats
    known: Floats

    def take(self, rows: np.ndarray) -> Views:
        """These rows."""
        return Views(self.size[rows], self.side[rows], self.expected[rows], self.scale[rows], self.known[rows])


def wanted_sides(settings: Settings) -> np.ndarray:
    """Which of up and down count. (2,) bool"""
    return np.array([settings.direction != "low", settings.direction != "high"])


def cuts_of(height: Floats, rate: Floats, start: Floats) -> Floats:
    """Deviations up to these sizes make no metric strange: their evidence, weighted, is below the floor.

    height, rate, start: (..., V, SIDES) lines of tails.py. A little lower than exact; inf where there is no line.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        size = (FLOOR / ((FIRST + SECOND) * WEIGHTS[:, None]) - height) / rate
    cuts: Floats = np.where(rate > 0, np.maximum(start, size) * _A_LITTLE_LESS, np.inf)
    return cuts


def each_view(table: Table, settings: Settings, views: Views, e: Ints) -> Floats:
    """Evidence of every view, weighted. (n, d, V)"""
    d = views.size.shape[1]
    line = ((e[:, None, None] * d + np.arange(d)[:, None]) * V + np.arange(V)) * SIDES + views.side
    each = table["height"].ravel()[line] + table["rate"].ravel()[line] * views.size
    each = np.where(views.size >= table["start"].ravel()[line], np.clip(each, 0.0, CAP / WEIGHTS) * WEIGHTS, 0.0)
    if settings.direction != "both":
        each[~wanted_sides(settings)[views.side]] = 0.0
    if settings.floor_abs > 0 or settings.floor_rel > 0:
        each[_too_small(settings, views)] = 0.0
    return each


def hide_returns(returns: tuple[np.ndarray, np.ndarray], each: Floats) -> bool:
    """Takes jumps and shifts back to the expected value out of each_view(): the end of a problem is not another one.

    returns: two (n, d) bool. Returns whether there were any.
    """
    found = False
    for view, hidden in zip((JUMP, _SHIFT), returns):
        if some(hidden):
            each[:, :, view][hidden] = 0.0
            found = True
    return found


def mixed(table: Table, settings: Settings, views: Views, e: Ints, each: Floats) -> tuple[Floats, Ints]:
    """Evidence of each metric beyond the floor, 0 where a value is missing, and the cause that said most. Two (n, d).

    The strongest view and its confirmation. A metric that never moved has no tails: its first moves are as rare as
    the rows seen without one (Laplace's rule of succession).
    """
    view = np.argmax(each, axis=2)
    first = np.take_along_axis(each, view[:, :, None], 2)[:, :, 0]
    others = np.where(np.arange(V) == view[:, :, None], 0.0, each)
    both = FIRST * first + SECOND * others.max(axis=2)
    moved = _first_move(table, settings, views, e)
    if some(moved):
        rows = np.log10(1.0 + table["blocks"][e] * BLOCK_S / np.maximum(table["span"][e], 1.0))
        both = np.where(moved, np.minimum(rows, CAP)[:, None], both)
    side = np.take_along_axis(views.side, view[:, :, None], 2)[:, :, 0]
    cause: Ints = np.where((view == _SPREAD) & (side == 1), _FLAT, view)
    return np.where(views.known > 0, np.maximum(both - FLOOR, 0.0), 0.0), cause


def eased(table: Table, e: Ints, found: Floats, cause: Ints) -> Floats:
    """What remains of mixed() when operators have called such deviations false alerts (feedback.py). (n, d)"""
    less = table["eased"][e[:, None], np.arange(found.shape[1]), cause]
    return np.maximum(found - less, 0.0)


def widening(table: Table, e: Ints) -> Floats:
    """How many times wider bands are whose level is eased; exactly 1 where it is not. The formula of bounds/derive.py.

    e: (k,). (k, d)
    """
    wider: Floats = 1.0 + table["eased"][e, :, LEVEL] / (table["threshold"][e] + FLOOR)[:, None]
    return wider


def still(table: Table, e: Ints) -> np.ndarray:
    """Metrics of these entities that have been constant since they were first seen, for two days at least. (k, d)"""
    constant: np.ndarray = (table["unit"][e] <= 0).all(axis=2) & (table["constant_seen"][e] >= STILL_BLOCKS)
    return constant


def _first_move(table: Table, settings: Settings, views: Views, e: Ints) -> np.ndarray:
    """Where a constant metric moves to a side and as far as the settings count. (n, d) bool"""
    constant = still(table, e)
    if not some(constant):
        return np.zeros(views.known.shape, dtype=bool)
    moved: np.ndarray = constant & (views.size[:, :, JUMP] > 0)
    if moved.any():
        moved &= wanted_sides(settings)[views.side[:, :, JUMP]] & ~_too_small(settings, views)[:, :, JUMP]
    return moved


def _too_small(settings: Settings, views: Views) -> np.ndarray:
    """Gaps under the floor the user gave: never worth an alert. (n, d, V)"""
    floor = np.maximum(settings.floor_abs, settings.floor_rel * np.abs(views.expected))[:, :, None]
    gap = views.size * np.stack([views.scale] + [np.ones_like(views.scale)] * (V - 1), axis=2)
    small: np.ndarray = gap < floor
    return small


def unusual(table: Table, e: Ints, half: Ints, found: Floats) -> Floats:
    """What remains of mixed() after the discount for what is usual at these half hours. half: (n,). (n, d)"""
    return np.maximum(found - DISCOUNT * table["usual"][e, :, half], 0.0)


def learn_usual(table: Table, e: Ints, half: Ints, found: Floats, known: np.ndarray | None) -> None:
    """Remember how strange each half hour of this block was; its neighbours inside the block count as the same.

    e: (n,) sorted entities, half: (n,), found: mixed() of the rows, known: (n, d) where there are values, None =
    everywhere. Changes the table.
    """
    run = first_rows(e * HALF_HOURS + half)
    most = np.maximum.reduceat(found, run, axis=0)
    owner, slot = e[run], half[run]
    wide = most.copy()
    beside = (owner[1:] == owner[:-1])[:, None]
    wide[1:] = np.maximum(wide[1:], np.where(beside, most[:-1], 0.0))
    wide[:-1] = np.maximum(wide[:-1], np.where(beside, most[1:], 0.0))
    old = table["usual"][owner, :, slot]
    new = old + np.where(wide > old, _RISE, _FALL) * (wide - old)
    if known is not None:
        new = np.where(np.maximum.reduceat(known, run, axis=0), new, old)
    table["usual"][owner, :, slot] = new
