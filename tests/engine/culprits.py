"""A small correct detector, and one deliberately wrong one per check: a check that rejects nothing proves nothing."""
from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from adaptive_monitoring.engine.base import Panel, Scores, Settings, State

WARM = 30  # rows before the first score
RATE = 0.02  # 1 / rows of memory
K = 8.0  # mean absolute deviations up to the alert level (about 6 sigma)
CAP = 1e6


def rounded(values: np.ndarray) -> np.ndarray:
    """Six significant digits, as the stored row writes them."""
    return np.array([float(f"{v:.6g}") for v in values.ravel()]).reshape(values.shape)


class Reference:
    """Robust z-score, row by row: followed level, followed mean absolute deviation.

    Limits
    ------
    No season; a slow loop over rows; not for use, only to prove that the promises can be kept.

    Parameters
    ----------
    settings : not used.

    References
    ----------
    Huber 1964, Robust estimation of a location parameter (clipped steps).
    """

    name = "reference"
    layout: ClassVar = {"clock_day": ("entity", 1), "clock_s": ("entity", 1),
                        "seen": ("metric", 1), "level": ("metric", 1), "scale": ("metric", 1)}

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def empty(self, entities: int, d: int) -> State:
        """Nothing seen."""
        one, many = np.zeros(entities), np.zeros((entities, d))
        return State(self.name, {"clock_day": one - 1e6, "clock_s": one.copy(), "seen": many, "level": many.copy(),
                                 "scale": many.copy()})

    def fit(self, panel: Panel) -> State:
        """Learn row by row."""
        return self.learn(self.empty(len(panel.indptr) - 1, panel.x.shape[1]), panel)

    def score(self, state: State, panel: Panel) -> Scores:
        """Score with the state as it is."""
        return self.judge({name: column[panel.g] for name, column in state.table.items()}, panel.x)

    def learn(self, state: State, panel: Panel) -> State:
        """Follow the rows that are newer than the clock."""
        return self.stream(state, panel)[1]

    def stream(self, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
        """Score a row, then learn it. own: the state may be changed in place."""
        state, g = state if own else state.copy(), panel.g
        parts = [self.score(state, Panel(panel.t[:0], panel.x[:0], np.zeros(state.entities + 1, dtype=np.int64)))]
        for i in range(len(panel.t)):
            cell = {name: column[g[i] : g[i] + 1] for name, column in state.table.items()}  # views: updated in place
            parts.append(self.step(cell, float(panel.t[i]), panel.x[i : i + 1]))
        return Scores(**{k: np.concatenate([getattr(p, k) for p in parts]) for k in Scores.__dataclass_fields__}), state

    def freeze(self, state: State) -> State:
        """Six digits of each number; the clock as day and whole second."""
        table = {name: rounded(column) for name, column in state.table.items()}
        table["clock_s"] = np.ceil(state.table["clock_s"])
        return State(self.name, table)

    def thaw(self, state: State) -> State:
        """A copy."""
        return state.copy()

    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        """Scores of rows from the state of their entities. cell: (n, ...) columns."""
        ready = cell["seen"] >= WARM
        expected = np.where(ready, cell["level"], np.nan)
        half = K * cell["scale"] + 1e-9 * np.abs(expected)
        lower, upper = expected - half, expected + half
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            gap = np.abs(x - expected)
            ratio = np.where(gap == 0, 0.0, np.minimum(gap / half, CAP))
            outside = (x < lower) | (x > upper)
        metric = np.where(outside, np.maximum(ratio, 1.0), np.minimum(ratio, np.nextafter(1, 0)))
        metric = np.where(np.isfinite(x) & ready, metric, np.nan)
        known = np.where(np.isnan(metric), 0.0, metric)
        score = np.where(np.isfinite(metric).any(axis=1), known.max(axis=1), np.nan)
        share = known / np.maximum(known.sum(axis=1, keepdims=True), 1e-300)
        return Scores(score, metric, expected, lower, upper, share, np.zeros(len(x), dtype=np.int64))

    def step(self, cell: dict[str, np.ndarray], t: float, x: np.ndarray) -> Scores:
        """Score one row, then learn it. cell: views of the state, updated in place."""
        out = self.judge(cell, x)
        self.follow(cell, t, x[0])
        return out

    def follow(self, cell: dict[str, np.ndarray], t: float, x: np.ndarray) -> None:
        """Learn one row into views of the state."""
        if t <= cell["clock_day"][0] * 86400 + cell["clock_s"][0]:
            return
        cell["clock_day"][0], cell["clock_s"][0] = t // 86400, t % 86400
        ok = np.isfinite(x)
        level, scale, seen = cell["level"][0], cell["scale"][0], cell["seen"][0]
        seen[ok] = np.minimum(seen[ok] + 1, 1e5)
        rate = np.maximum(RATE, 1 / np.maximum(seen, 1))
        with np.errstate(invalid="ignore"):
            gap = np.where(ok, x - level, 0.0)
            gap = np.where(seen > WARM, np.clip(gap, -3 * scale, 3 * scale), gap)
        level += rate * gap
        scale += np.where(ok & (seen > 1), rate * (np.abs(gap) - scale), 0.0)


class WritesWhileScoring(Reference):
    def score(self, state: State, panel: Panel) -> Scores:
        out = super().score(state, panel)
        state.table["level"] += 0.001
        return out


class WritesIntoPanel(Reference):
    def score(self, state: State, panel: Panel) -> Scores:
        panel.x[np.isnan(panel.x)] = 0.0
        return super().score(state, panel)


class NeedsTheSameShape(Reference):
    def stream(self, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
        out, after = super().stream(state, panel, own)
        after.table["room"] = np.zeros((after.entities, 5))
        return out, after


class LearnsInPlace(Reference):
    def learn(self, state: State, panel: Panel) -> State:
        state.table.update(super().learn(state, panel).table)
        return state


class PoolsEntities(Reference):
    def score(self, state: State, panel: Panel) -> Scores:
        table = dict(state.table)
        table["scale"] = np.broadcast_to(table["scale"].mean(axis=0), table["scale"].shape)
        return super().score(State(self.name, table), panel)


class StartsEachChunkAfresh(Reference):
    def stream(self, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
        out, state = super().stream(state, panel, own)
        first = panel.indptr[:-1][np.diff(panel.indptr) > 0]
        out.score[first] = np.where(np.isnan(out.score[first]), np.nan, 0.0)
        return out, state


class LearnsBeforeScoring(Reference):
    def step(self, cell: dict[str, np.ndarray], t: float, x: np.ndarray) -> Scores:
        self.follow(cell, t, x[0])
        return self.judge(cell, x)


class LooksAhead(Reference):
    def score(self, state: State, panel: Panel) -> Scores:
        out = super().score(state, panel)
        worst = np.nanmax(out.score, initial=0.0)
        return replace(out, score=out.score / max(worst, 1.0))


class HasNoClock(Reference):
    def follow(self, cell: dict[str, np.ndarray], t: float, x: np.ndarray) -> None:
        cell["clock_day"][0] = -1e6
        super().follow(cell, t, x)


class FreezesLossily(Reference):
    def thaw(self, state: State) -> State:
        out = state.copy()
        out.table["scale"] *= 1.0001
        return out


class FreezesTooPrecisely(Reference):
    def freeze(self, state: State) -> State:
        return state.copy()


class FreezesTooMuch(Reference):
    layout: ClassVar = {**Reference.layout, "copies": ("metric", 400)}

    def freeze(self, state: State) -> State:
        out = super().freeze(state)
        out.table["copies"] = np.repeat(out.table["scale"][:, :, None], 400, axis=2)
        return out

    def thaw(self, state: State) -> State:
        return State(self.name, {name: column for name, column in state.table.items() if name != "copies"})


class FreezesCoarsely(Reference):
    def freeze(self, state: State) -> State:
        out = super().freeze(state)
        out.table["scale"] = np.ceil(out.table["scale"])
        return out


class KeepsEverything(Reference):
    def stream(self, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
        out, after = super().stream(state, panel)
        old = state.table.get("history", np.zeros((state.entities, 0)))
        after.table["history"] = np.hstack([old, np.zeros((state.entities, int(np.diff(panel.indptr).max(initial=0))))])
        return out, after

    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        return super().judge({name: column for name, column in cell.items() if name != "history"}, x)


class KeepsTheirArray(Reference):
    def fit(self, panel: Panel) -> State:
        out = super().fit(panel)
        out.table["clock_s"] = panel.t[panel.indptr[:-1]]
        out.table["last"] = panel.x.reshape(-1)[: out.entities]
        return out


class GivesAwayState(Reference):
    def score(self, state: State, panel: Panel) -> Scores:
        return replace(super().score(state, panel), cause=state.table["seen"][:, 0])


class RollsDice(Reference):
    def fit(self, panel: Panel) -> State:
        out = super().fit(panel)
        out.table["level"] += np.random.normal(size=out.table["level"].shape)
        return out


class ThinksInUnits(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        return super().judge({**cell, "scale": cell["scale"] + 1.0}, x)


class CountsColumns(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        weight = 1 / (1 + np.arange(x.shape[1]))
        return replace(out, score=np.where(np.isnan(out.score), np.nan, np.nanmax(
            np.nan_to_num(out.metric_score) * weight, axis=1, initial=0.0)))


class CrossesItsBand(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        return replace(out, expected=np.where(x > out.upper, x, out.expected))


class DisagreesWithItsBand(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        return replace(out, upper=out.expected + 1.01 * (out.upper - out.expected))


class NeverAlerts(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        return replace(out, score=np.minimum(out.score, 0.9))


class BlamesEverybody(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        return replace(out, share=np.full_like(out.share, 1 / out.share.shape[1]))


class AlwaysAlerts(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        return replace(out, score=np.where(np.isnan(out.score), np.nan, np.maximum(out.score, 1.0)))


class SharesTooMuch(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        return replace(out, share=out.share * 2)


class SaysZeroForUnknown(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        return replace(out, score=np.nan_to_num(out.score))


class DividesByZero(Reference):
    def judge(self, cell: dict[str, np.ndarray], x: np.ndarray) -> Scores:
        out = super().judge(cell, x)
        with np.errstate(all="ignore"):
            return replace(out, metric_score=np.abs(x - cell["level"]) / (K * cell["scale"]))


class NeedsRows(Reference):
    def fit(self, panel: Panel) -> State:
        if np.diff(panel.indptr).min(initial=100) < 100:
            raise ValueError("not enough rows")
        return super().fit(panel)


class FailsTheOthers(Reference):
    def fit(self, panel: Panel) -> State:
        out = super().fit(panel)
        if (np.diff(panel.indptr) < 2).any():
            out.table["seen"][:] = 0
        return out


class ImportsHeavily(Reference):
    """Limits, Parameters, References as in the reference."""

    def score(self, state: State, panel: Panel) -> Scores:
        import scipy  # noqa: F401

        return super().score(state, panel)


class SaysNothing(Reference):
    """A detector."""


CULPRITS = {
    "check_new_entities_may_join": (NeedsTheSameShape,),
    "check_score_is_pure": (WritesWhileScoring, WritesIntoPanel),
    "check_learn_keeps_its_input": (LearnsInPlace,),
    "check_crowd_is_solitude": (PoolsEntities,),
    "check_chunks_do_not_matter": (StartsEachChunkAfresh,),
    "check_stream_is_score_then_learn": (LearnsBeforeScoring,),
    "check_no_look_ahead": (LooksAhead,),
    "check_replay_is_harmless": (HasNoClock,),
    "check_freeze_is_stable": (FreezesLossily,),
    "check_text_keeps_every_bit": (FreezesTooPrecisely, FreezesTooMuch),
    "check_frozen_scores_like_working": (FreezesCoarsely,),
    "check_memory_is_bounded": (KeepsEverything,),
    "check_nothing_is_aliased": (KeepsTheirArray, GivesAwayState),
    "check_same_seed_same_state": (RollsDice,),
    "check_units_do_not_matter": (ThinksInUnits,),
    "check_column_order_does_not_matter": (CountsColumns,),
    "check_band_is_in_order": (CrossesItsBand,),
    "check_band_and_score_agree": (DisagreesWithItsBand,),
    "check_spike_is_found_and_explained": (NeverAlerts, BlamesEverybody),
    "check_quiet_is_quiet": (AlwaysAlerts,),
    "check_shares_sum_to_one": (SharesTooMuch,),
    "check_missing_is_not_zero": (SaysZeroForUnknown,),
    "check_odd_input_is_defined": (DividesByZero, NeedsRows),
    "check_no_entity_fails_the_others": (FailsTheOthers,),
    "check_scoring_is_light": (ImportsHeavily,),
    "check_docstring_is_complete": (SaysNothing,),
}
