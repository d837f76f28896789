"""The model of a group of hosts: what is usual among its members, and how far they are apart.

A pure function of the members' frozen states: their order does not matter, and nothing of it flows back into them.
Everything is compared in scales of each member's own, so that a large and a small host say the same; only the level is
compared as it is. Medians throughout: one odd member of three changes little.

Limits: adaptive's states only. A metric needs three members. Members with another season than most say nothing about
the form of the day. A group whose members have nothing in common gets a wide model, which finds jumps but no levels.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine import evidence, spare, tails, threshold
from adaptive_monitoring.engine.base import State
from adaptive_monitoring.engine.detectors.adaptive import Adaptive
from adaptive_monitoring.engine.groups import row_median
from adaptive_monitoring.engine.lending import lend
from adaptive_monitoring.engine.numbers import Floats
from adaptive_monitoring.engine.peaks import KEPT
from adaptive_monitoring.engine.robust import SIGMA
from adaptive_monitoring.engine.rowformat import rounded

FEWEST = 3  # members
LENT_PEAKS = 12  # of the group's peaks; the alert level looks at so many at least
_DECILES = 2.0 * 1.2816  # from the first to the ninth decile of a normal distribution, in standard deviations
#: what a stored row of a group keeps; apart: how far levels, and logarithms of scales, of its members are apart
LAYOUT = {**Adaptive.layout, "apart": ("metric", 2)}

Table = dict[str, np.ndarray]


def pooled(frozen: State, trained: np.ndarray) -> State:
    """The frozen model of one group, in LAYOUT; a metric with fewer than FEWEST trained members has a scale of 0.

    frozen: of its n members, any order. trained: (n, d) bool, which metrics of which member count.
    """
    table, use = frozen.table, trained & (frozen.table["scale"] > 0)
    enough = use.sum(axis=0) >= FEWEST
    use = use & enough
    season = _most_common(table["season"], use)
    alike = use & (table["season"] == season)
    scale = _median(table["scale"], use)
    out: Table = {"level": _median(table["level"], use), "scale": scale, "season": season}
    out["offsets"] = np.rint(_median(table["offsets"], alike))
    factors = np.maximum(np.rint(_median(table["factors"], alike)), 1.0)
    out["factors"] = np.where(alike.any(axis=0)[:, None], factors, 64.0)
    for name in ("lower_k", "upper_k"):
        out[name] = _median(table[name], use, np.inf)
    own = np.where(use, table["scale"], 1.0)
    out["unit"] = _units(table["unit"], own, scale, use)
    out["season_error"] = _median(table["season_error"] / own[..., None], use) * scale[:, None]
    out["power"] = _median(table["power"] / own**2, use) * scale**2
    out["weight"] = _median(table["weight"], use)
    out["knots"] = _knots(table["knots"], use)
    out["usual"] = spare.pack(np.rint(_median(spare.unpack(table["usual"]), use))[None])[0]
    out["apart"] = np.stack([_apart(table["level"], use), _apart(np.log(own), use)], axis=-1)
    members = use.any(axis=1)
    out.update({name: values[0] for name, values in _of_entities(table, members).items()})
    for name in Adaptive.layout:  # what is of one host or one time alone is not lent: levels followed, alarms, verdicts
        out.setdefault(name, np.zeros_like(table[name][0]))
    return State(frozen.detector, {name: rounded(np.asarray(out[name])[None], name) for name in LAYOUT})


def lent(detector: Adaptive, frozen: State) -> State:
    """A working state for new hosts from frozen ones of groups, in LAYOUT: one entity per group."""
    own = {name: values for name, values in frozen.table.items() if name != "apart"}
    return lend(detector.thaw(State(frozen.detector, own)), frozen.table["apart"])


def _median(values: np.ndarray, use: np.ndarray, empty: float = 0.0) -> Floats:
    """Median over the members that count, `empty` where there is none. values: (n, d, …); use: (n, d)."""
    mask = use.reshape(use.shape + (1,) * (values.ndim - 2))
    with np.errstate(invalid="ignore"):  # the mean of two infinities
        middle = row_median(np.moveaxis(np.where(mask, values, np.nan), 0, -1))
    out: Floats = np.where(np.isnan(middle), empty, middle)
    return out


def _most_common(season: Floats, use: np.ndarray) -> Floats:
    """The season of most members; of equally common ones the shorter. (d,)"""
    votes = np.stack([((season == i) & use).sum(axis=0) for i in range(3)])
    return np.argmax(votes, axis=0).astype(np.float64)


def _units(unit: Floats, own: Floats, scale: Floats, use: np.ndarray) -> Floats:
    """(d, V): the level's unit is a scale; others in scales of their member; 0 where nobody has seen that change."""
    out = np.zeros(unit.shape[1:])
    for view in range(evidence.V):
        seen = use & (unit[:, :, view] > 0)
        size = unit[:, :, view] if view == 0 else unit[:, :, view] / own
        out[:, view] = _median(size, seen) * (1.0 if view == 0 else scale)
    return out


def _knots(knots: Floats, use: np.ndarray) -> Floats:
    """(d, knots): each tail is that of the members who have it."""
    d = knots.shape[1]
    lines = knots.reshape(len(knots), d, -1, tails.KNOT_COUNT)
    out = np.zeros(lines.shape[1:])
    for line in range(lines.shape[2]):
        out[:, line] = _median(lines[:, :, line], use & (lines[:, :, line, -1] > 0))
    return out.reshape(d, -1)


def _apart(values: Floats, use: np.ndarray) -> Floats:
    """A standard deviation of the members, (d,): from the median deviation or the deciles, whichever is larger, and a
    little more for few members."""
    mad = SIGMA * _median(np.abs(values - _median(values, use)), use)
    wide = np.zeros(values.shape[1])
    for m in np.flatnonzero(use.any(axis=0)):
        low, high = np.quantile(values[use[:, m], m], (0.1, 0.9))
        wide[m] = (high - low) / _DECILES
    out: Floats = np.maximum(mad, wide) * (1 + 1 / np.maximum(use.sum(axis=0), 1))
    return out


def _of_entities(table: Table, members: np.ndarray) -> Table:
    """What belongs to the host and not to a metric. Each (1,) or (1, n)."""
    use = members[:, None]
    out = {name: _median(table[name][:, None], use)
           for name in ("threshold", "budget_observed", "span", "blocks", "peak_count")}
    peaks = -np.sort(np.where(table["peaks"] >= 0, -table["peaks"], np.nan), axis=1)
    largest = _median(peaks[:, None, :], use, np.nan)[0]
    out["blocks"] = np.floor(out["blocks"])
    out["peaks"], out["peak_ages"], out["peak_count"] = _typical(largest, float(np.floor(out["peak_count"][0])))
    return out


def _typical(largest: Floats, count: float) -> tuple[Floats, Floats, Floats]:
    """LENT_PEAKS peaks that stand for a host's latest ones: those of the same ranks, as peaks.kept_of() has them.

    largest: (KEPT,), most first, NaN where there are fewer; count: peaks of a member.
    """
    few = min(LENT_PEAKS, int(count))
    used = min(count, max(np.floor(threshold.RECENT * count), LENT_PEAKS))
    ranks = np.floor((np.arange(few) + 0.5) / max(few, 1) * used).astype(np.int64)
    found = largest[ranks[ranks < KEPT]]
    found = found[~np.isnan(found)]
    kept, ages = np.full((1, KEPT), -1.0), np.zeros((1, 1, KEPT))
    kept[0, : len(found)] = found
    ages[0, 0, : len(found)] = 1 + np.floor((np.arange(len(found)) + 0.5) * few / max(len(found), 1))
    return kept, spare.pack(ages)[:, 0], np.full(1, float(few) if len(found) else 0.0)
