"""The default detector: several views of every metric, made comparable by their own past.

Every six hours of event time each entity learns: profile and level (profile.py), how rare each kind of deviation
is (tails.py), and the alert level from the budget (threshold.py). In between nothing changes, so a row's score
depends on its own entity and on earlier rows only. Fitting is the same pass (causal.py), keeping only its end.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from adaptive_monitoring.engine import causal, drift, evidence, lending, peaks, profile, spare, tails, threshold
from adaptive_monitoring.engine.base import CAUSES, Panel, Scores, Settings, State
from adaptive_monitoring.engine.history import History
from adaptive_monitoring.engine.numbers import Floats
from adaptive_monitoring.engine.rowformat import rounded
from adaptive_monitoring.engine.timegrid import BLOCKS_PER_WEEK, DAY_SLOTS, WEEK_SLOTS

_OFFSET_PARTS, _FACTOR_PARTS = 16.0, 64.0  # slots are stored as whole parts of the scale
_LARGEST_SLOT = 1e8
_USUAL_UNIT, _USUAL_WORDS = evidence.CAP / 99.0, evidence.HALF_HOURS // 3  # two digits a half hour, three to a number
_TREND_DAYS = 14.0  # a running mean over 28 days lags half of them behind


class Adaptive:
    """Adaptive level, change and spread of every metric, fused per host.

    Limits
    ------
    Nothing is said in an entity's first six hours. A daily season needs 3 days, a weekly one 15: quiet weekends alert
    until about the third week. A slow drift over weeks is followed, not reported. Metrics of nothing but rare bursts,
    counters with restarts and random level switches exceed the budget (0.5 to 1.8 a week); a counter that rises twice
    as fast is not found, its rate is. Correlation that breaks while every metric stays in its band is the job of
    `covariance`. Rows not newer than the entity's newest are judged by level only. Rows six hours apart or more are
    never learned.

    Parameters
    ----------
    settings : all of Settings; kind other than auto and level is not used yet.

    References
    ----------
    Siffer et al. 2017, Anomaly detection in streams with extreme value theory (peaks over threshold).
    Huber 1964, Robust estimation of a location parameter.
    """

    name = "adaptive"
    resumes = True
    layout: ClassVar[dict[str, tuple[str, int]]] = {
        "level": ("metric", 1),
        "scale": ("metric", 1),
        "season": ("metric", 1),
        "trend_per_day": ("metric", 1),
        "offsets": ("metric", WEEK_SLOTS),
        "factors": ("metric", WEEK_SLOTS),
        "lower_k": ("metric", 1),
        "upper_k": ("metric", 1),
        "unit": ("metric", evidence.V),
        "season_error": ("metric", 3),
        "power": ("metric", 1),
        "weight": ("metric", 1),
        "knots": ("metric", evidence.V * evidence.SIDES * tails.KNOT_COUNT),
        "usual": ("metric", _USUAL_WORDS),
        "constant": ("metric", 1),
        "follow": ("metric", 3),
        "rest_day": ("metric", spare.DAY_WORDS),
        "rest_week": ("metric", spare.WEEK_WORDS),
        "moved": ("metric", 1),
        "adopted": ("metric", 1),
        "threshold": ("entity", 1),
        "budget_observed": ("entity", 1),
        "peaks": ("entity", peaks.KEPT),
        "peak_ages": ("entity", peaks.AGE_WORDS),
        "peak_count": ("entity", 1),
        "span": ("entity", 1),
        "blocks": ("entity", 1),
        "began": ("entity", 1),
        "learned_to": ("entity", 1),
        "alarm_since": ("entity", 1),
        "alarm_at": ("entity", 1),
        "eased": ("metric", len(CAUSES)),
    }

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def empty(self, entities: int, d: int) -> State:
        """State before any row was seen."""
        table = {**profile.empty(entities, d), **drift.empty(entities, d), **lending.empty(entities, d)}
        table.update(
            unit=np.zeros((entities, d, evidence.V)),
            counts=np.zeros((entities, d, evidence.V, evidence.SIDES, tails.BINS), dtype=np.float32),
            knots=np.zeros((entities, d, evidence.V, evidence.SIDES, tails.KNOT_COUNT)),
            height=np.zeros((entities, d, evidence.V, evidence.SIDES)),
            rate=np.zeros((entities, d, evidence.V, evidence.SIDES)),
            start=np.full((entities, d, evidence.V, evidence.SIDES), np.inf),
            cuts=np.full((entities, d, evidence.V, evidence.SIDES), np.inf),
            usual=np.zeros((entities, d, evidence.HALF_HOURS), dtype=np.float32),
            eased=np.zeros((entities, d, len(CAUSES))),
            lower_k=np.full((entities, d), np.inf),
            upper_k=np.full((entities, d), np.inf),
            threshold=threshold.alert_level(np.full((entities, 1), np.nan), self.settings.budget),
            peaks=np.full((entities, threshold.PEAKS), np.nan),
            peak_count=np.zeros(entities),
            alarms=np.zeros(entities),
            blocks=np.zeros(entities),
            block=np.full(entities, -np.inf),
            span=np.zeros(entities),
            clock=np.full(entities, -np.inf),
            learned_to=np.full(entities, -np.inf),
            began=np.full(entities, np.nan),
            alarm_since=np.full(entities, np.nan),
            alarm_at=np.full(entities, -np.inf),
        )
        return State(self.name, table, History(entities, d))

    def fit(self, panel: Panel, start: State | None = None) -> State:
        """Learn from history: the causal pass, keeping only its end. start: learn on from here, changed in place."""
        state = self.empty(len(panel.indptr) - 1, panel.x.shape[1]) if start is None else start
        run = causal.Pass(self.settings, state, panel, tell=False)
        run.go()
        run.finish()
        return state

    def score(self, state: State, panel: Panel) -> Scores:
        """Score every row; changes nothing."""
        return self.stream(state, panel)[0]

    def learn(self, state: State, panel: Panel) -> State:
        """Adapt; rows not newer than the entity's clock are ignored."""
        state = state.copy()
        causal.Pass(self.settings, state, panel, tell=False).go()
        return state

    def stream(self, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
        """Score and learn in one causal pass. own: the state may be changed in place (the caller gives it away).

        panel times must be finite and not decrease inside an entity.
        """
        run = causal.Pass(self.settings, state if own else state.copy(), panel)
        run.go()
        return run.out, run.state

    def freeze(self, state: State) -> State:
        """What a stored row keeps: the chosen season's slots, knots of the tails, the largest peaks; rounded."""
        table = state.table
        season = table["season"]
        scale = np.maximum(table["scale"], profile.scale_floor(table))
        slots, factors = _slots_of(table, scale)
        level = np.where(
            season == 1, table["day"].mean(axis=2), np.where(season == 2, table["week"].mean(axis=2), table["constant"])
        )
        offset = np.take_along_axis(table["offset"], season.astype(np.int64)[:, :, None], 2)[:, :, 0]
        unit = scale[:, :, None] / _OFFSET_PARTS
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.floor((slots - level[:, :, None]) / unit + spare.dither(table["blocks"], WEEK_SLOTS))
        offsets = np.where(unit > 0, parts, 0.0)
        used = np.arange(WEEK_SLOTS) < np.array([0, DAY_SLOTS, WEEK_SLOTS])[season.astype(np.int64)][:, :, None]
        learned_to = np.maximum(table["clock"], table["learned_to"])
        weeks = np.maximum(table["blocks"] / BLOCKS_PER_WEEK, 1 / BLOCKS_PER_WEEK)
        kept, ages, count = peaks.kept_of(table["peaks"], table["peak_count"])
        rest = spare.packed(table, scale)
        g, d = season.shape
        frozen = {
            "level": level + offset,
            "scale": scale,
            "season": season,
            "lower_k": table["lower_k"],
            "upper_k": table["upper_k"],
            "trend_per_day": offset / np.clip(table["blocks"][:, None] / 8.0, 1.0, _TREND_DAYS),
            "offsets": np.where(used, np.clip(offsets, -_LARGEST_SLOT, _LARGEST_SLOT), 0.0),
            "factors": np.where(used, np.clip(np.round(factors * _FACTOR_PARTS), 1.0, _LARGEST_SLOT), _FACTOR_PARTS),
            "unit": table["unit"],
            "season_error": table["season_error"],
            "power": table["power"],
            "weight": table["counts"][:, :, 1].sum(axis=(2, 3), dtype=np.float64),
            "knots": table["knots"].reshape(g, d, evidence.V * evidence.SIDES * tails.KNOT_COUNT),
            "usual": spare.pack(np.clip(np.rint(table["usual"] / _USUAL_UNIT), 0, 99)),
            "constant": table["constant"] - level,
            "follow": table["offset"],
            "rest_day": rest[0],
            "rest_week": rest[1],
            "moved": table["moved"],
            "adopted": table["adopted"],
            "threshold": table["threshold"],
            "budget_observed": table["alarms"] / weeks,
            "peaks": kept,
            "peak_ages": ages,
            "peak_count": count,
            "span": table["span"],
            "blocks": table["blocks"],
            "began": np.nan_to_num(table["began"]),
            "learned_to": np.where(np.isfinite(learned_to), learned_to, 0.0),
            "alarm_since": np.nan_to_num(table["alarm_since"]),
            "alarm_at": np.where(np.isfinite(table["alarm_at"]), table["alarm_at"], 0.0),
            "eased": table["eased"],
        }
        out = State(self.name, {name: rounded(values, name) for name, values in frozen.items()})
        return _as_it_was(out, state.origin)

    def thaw(self, frozen: State) -> State:
        """A working state; profiles of seasons that were not chosen start from the chosen one."""
        table = frozen.table
        g, d = table["level"].shape
        state = self.empty(g, d)
        out = state.table
        unit = table["scale"][:, :, None] / _OFFSET_PARTS
        season = table["season"][:, :, None]
        level = table["level"] - np.take_along_axis(table["follow"], season.astype(np.int64), 2)[:, :, 0]
        slots = level[:, :, None] + table["offsets"] * unit
        out["constant"][:] = level + table["constant"]
        day = np.where(season == 1, slots[:, :, :DAY_SLOTS], out["constant"][:, :, None])
        out["day"][:] = np.where(season == 2, _week_as_day(slots), day)
        out["week"][:] = np.where(season == 2, slots, spare.hours_of(out["day"]))
        spare.unpack_into(out, table)
        factors = (
            np.where(season == 2, _week_as_day(table["factors"]), table["factors"][:, :, :DAY_SLOTS]) / _FACTOR_PARTS
        )
        out["slot_scale"][:] = np.maximum(2 * factors - 1, 0.0) * table["scale"][:, :, None]
        blocks = table["blocks"]
        for name, seen in (
            ("constant", blocks),
            ("scale", blocks),
            ("season", blocks),
            ("day", blocks / 4),
            ("week", blocks / BLOCKS_PER_WEEK),
        ):
            out[name + "_seen"][:] = seen.reshape((g,) + (1,) * (out[name + "_seen"].ndim - 1))
        for name in (
            "scale",
            "power",
            "season",
            "season_error",
            "unit",
            "lower_k",
            "upper_k",
            "threshold",
            "span",
            "blocks",
            "began",
            "learned_to",
            "moved",
            "adopted",
            "eased",
        ):
            out[name] = table[name].copy()
        out["knots"] = table["knots"].reshape(g, d, evidence.V, evidence.SIDES, tails.KNOT_COUNT).copy()
        lines = tails.lines_of(out["knots"], table["unit"][..., None])
        out["height"], out["rate"], out["start"] = lines
        out["cuts"] = evidence.cuts_of(*lines)
        weight = np.repeat(table["weight"][:, :, None], evidence.V, axis=2)
        out["counts"] = tails.counts_of(out["knots"], weight, evidence.LENDS).astype(np.float32)
        out["usual"] = (spare.unpack(table["usual"]) * _USUAL_UNIT).astype(np.float32)
        out["alarms"] = table["budget_observed"] * blocks / BLOCKS_PER_WEEK
        out["offset"][:] = table["follow"]
        out["offsets"][:] = table["follow"].repeat(profile.RING, axis=2)
        out["alarm_since"] = np.where(table["alarm_since"] > 0, table["alarm_since"], np.nan)
        out["alarm_at"] = np.where(table["alarm_at"] > 0, table["alarm_at"], -np.inf)
        out["peaks"], out["peak_count"] = peaks.ring_of(table["peaks"], table["peak_ages"], table["peak_count"])
        state.origin = frozen.copy()
        return state


def _as_it_was(frozen: State, origin: State | None) -> State:
    """Entities that have learned nothing since they were thawed keep their numbers, bit by bit."""
    if origin is not None:
        same = np.flatnonzero(frozen.table["blocks"] == origin.table["blocks"])
        for name, values in frozen.table.items():
            values[same] = origin.table[name][same]
    return frozen


def _slots_of(table: dict[str, np.ndarray], scale: Floats) -> tuple[Floats, Floats]:
    """Expected values and scale factors of the chosen season's slots, (g, d, 168); a day fills the first 96."""
    season = table["season"][:, :, None]
    slots = np.where(season == 2, table["week"], 0.0)
    slots[:, :, :DAY_SLOTS] = np.where(season == 1, table["day"], slots[:, :, :DAY_SLOTS])
    with np.errstate(divide="ignore", invalid="ignore"):
        day = np.where(scale[:, :, None] > 0, profile.day_scales(table) / scale[:, :, None], 1.0)
    factors = np.tile(day.reshape(*day.shape[:2], 24, 4).mean(axis=3), 7)
    factors[:, :, :DAY_SLOTS] = np.where(season == 2, factors[:, :, :DAY_SLOTS], day)
    return slots, factors


def _week_as_day(slots: Floats) -> Floats:
    """Mean hour over the days of the week, as 96 quarter hours."""
    return np.repeat(slots.reshape(*slots.shape[:2], 7, 24).mean(axis=2), 4, axis=2)
