"""The result rows of a back-test: total, entities, what only the static rules caught, faults, curves.

One table for all; a column that does not belong to a row is empty. docs/backtest.md says what each column means.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Union

import numpy as np

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands.disagreeing import Disagreeing, Missed
from adaptive_monitoring.commands.rows import Reader
from adaptive_monitoring.engine import sweep
from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.faults import Found
from adaptive_monitoring.engine.outcome import SIDES, Outcome, per
from adaptive_monitoring.engine.static import Limits
from adaptive_monitoring.store.base import DEFAULT_KEY

Cell = Union[str, float, int]
Row = dict[str, Cell]
COUNTS = ("alerts", "notifications", "caught", "false")
COLUMNS = (
    "metric", "status", "rows", "weeks", "entities", "incidents", "both", "only_static", "only_models",
    *(f"{side}_{name}" for name in (*COUNTS, "alerts_per_week", "recall", "recall_low", "recall_high", "precision",
                                    "precision_low", "precision_high", "lead_s") for side in SIDES),
    "models_earlier_s", "budget", "budget_kept", "same_volume_alerts", "same_volume_incidents", "same_recall_alerts",
    "start", "end", "why", "reason", "score", "value", "expected", "lower_bound", "upper_bound", "limit",
    "fault", "size", "injected", "static_found", "models_found",
    "side", "setting", "alerts", "notifications", "alerts_per_week", "recall", "precision",
)


@dataclass(frozen=True)
class Told:
    """All that a back-test has found."""

    outcome: Outcome
    faults: list[Found]
    disagreeing: Disagreeing
    reader: Reader
    limits: Limits
    settings: Settings

    @property
    def missed(self) -> list[Missed]:
        """Incidents that only the static rules caught; without known incidents their alerts."""
        return self.disagreeing.missed_incidents if self.outcome.known else self.disagreeing.missed_alerts


def table(told: Told) -> Columns:
    """Every row, in the order of the headline."""
    by = told.reader.by or [DEFAULT_KEY]
    rows = [total(told), *_entities(told, by), *_missed(told, by), *_faults(told), *_curves(told.outcome)]
    names = ["row", *by, *(name for name in COLUMNS if name not in by)]
    return Columns(names, [[_text(row.get(name, "")) for row in rows] for name in names])


def total(told: Told) -> Row:
    """The sums."""
    outcome = told.outcome
    out: Row = {"row": "total", "rows": int(outcome.rows.sum()), "weeks": float(outcome.weeks.sum()),
                "entities": int(outcome.done.sum()), "incidents": outcome.known}
    for name, column in zip(("both", "only_static", "only_models"), outcome.shared()):
        out[name] = int(column.sum())
    for side in SIDES:
        found: dict[str, Any] = outcome.figures(side)
        out.update({f"{side}_{name}": outcome.tallies[side].total(name) for name in COUNTS})
        out[f"{side}_alerts_per_week"] = found["alerts_per_entity_week"]
        out[f"{side}_lead_s"] = found["lead_s"]
        for name in ("recall", "precision"):
            out[f"{side}_{name}"] = found[name]
            out[f"{side}_{name}_low"], out[f"{side}_{name}_high"] = found[f"{name}_interval"]
        if not outcome.known:
            out[f"{side}_caught"], out[f"{side}_false"] = "", ""
    earlier = np.concatenate([*outcome.earlier, np.zeros(0)])
    out["models_earlier_s"] = float(np.median(earlier)) if len(earlier) else ""
    out["budget"] = told.settings.budget
    out["budget_kept"] = per(int(outcome.kept(told.settings.budget).sum()), int((outcome.rows > 0).sum()))
    if outcome.known:
        out.update(equal(outcome))
    return out


def equal(outcome: Outcome) -> Row:
    """The equal-volume and the equal-recall figure; empty where no setting gets there."""
    static, models = (outcome.tallies[side] for side in SIDES)
    volume, recall = sweep.same_volume(static, models), sweep.same_recall(static, models)
    return {
        "same_volume_incidents": models.total("caught", volume) if volume >= 0 else "",
        "same_volume_alerts": models.total("alerts", volume) if volume >= 0 else "",
        "same_recall_alerts": models.total("alerts", recall) if recall >= 0 else "",
    }


def _entities(told: Told, by: list[str]) -> Iterator[Row]:
    outcome, keys = told.outcome, told.reader.keys
    kept, some = outcome.kept(told.settings.budget), told.limits.some.any(axis=1)
    shared = dict(zip(("both", "only_static", "only_models"), outcome.shared()))
    for e, key in enumerate(keys):
        row: Row = {"row": "entity", **dict(zip(by, key))}
        if not outcome.done[e]:
            yield {**row, "status": "not reached"}
            continue
        row["status"] = "too short" if not outcome.rows[e] else "compared" if some[e] else "no threshold"
        weeks, incidents = float(outcome.weeks[e]), int(outcome.incidents[e])
        row.update({"rows": int(outcome.rows[e]), "weeks": weeks, "incidents": incidents})
        row.update({name: int(column[e]) for name, column in shared.items()})
        row["budget_kept"] = int(kept[e])
        for side in SIDES:
            row.update(_side(outcome, side, e, weeks, incidents))
        yield row


def _side(outcome: Outcome, side: str, e: int, weeks: float, incidents: int) -> Row:
    """One side of an entity."""
    tally = outcome.tallies[side]
    alerts, notifications, caught, false = (int(getattr(tally, name)[e, sweep.AS_IS]) for name in COUNTS)
    out: Row = {f"{side}_alerts": alerts, f"{side}_notifications": notifications,
                f"{side}_alerts_per_week": per(alerts, weeks)}
    if outcome.known:
        out.update({f"{side}_caught": caught, f"{side}_false": false, f"{side}_recall": per(caught, incidents),
                    f"{side}_precision": per(caught, caught + false)})
    return out


def _missed(told: Told, by: list[str]) -> Iterator[Row]:
    for one in told.missed:
        why = one.why
        yield {
            "row": "missed", **dict(zip(by, told.reader.keys[one.e])), "metric": told.reader.metrics[why.metric],
            "start": _time(one.start), "end": _time(one.end), "why": why.why, "reason": why.text, "score": why.score,
            "value": why.value, "expected": why.expected, "lower_bound": why.lower, "upper_bound": why.upper,
            "limit": why.limit,
        }


def _faults(told: Told) -> Iterator[Row]:
    for found in told.faults:
        yield {"row": "fault", "fault": found.kind, "size": found.size, "injected": found.injected,
               "static_found": found.static, "models_found": found.models}


def _curves(outcome: Outcome) -> Iterator[Row]:
    weeks = float(outcome.weeks.sum())
    for side in SIDES:
        tally = outcome.tallies[side]
        for i, setting in enumerate(sweep.SETTINGS):
            alerts, notifications, caught, false = (tally.total(name, i) for name in COUNTS)
            row: Row = {"row": "curve", "side": side, "setting": setting, "alerts": alerts,
                        "notifications": notifications, "alerts_per_week": per(alerts, weeks)}
            if outcome.known:
                row.update({"recall": per(caught, outcome.known), "precision": per(caught, caught + false)})
            yield row


def _time(t: float) -> str:
    return f"{t:.15g}"


def _text(cell: Cell) -> str:
    """NaN is an empty cell."""
    if isinstance(cell, float):
        return f"{cell:.6g}" if cell == cell else ""
    return str(cell)
