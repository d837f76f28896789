"""The alert budget as a promise: false alerts of the real script on data without incidents, default settings.

An alert is counted at its onset, and again every 24 hours while it is open, as in quality (judge.py).
"""

from __future__ import annotations

import csv
import io
from statistics import median
from typing import Any

from bench import calm, judge, labelled, quality
from bench.stage import Stage

REPORTED = "budget.sample.reported"


def measure(stage: Stage, wanted: list[str]) -> dict[str, Any]:
    """Figures of each kind that is wanted; "details": false alert events and entity-weeks counted."""
    values: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for name in calm.KINDS:
        if f"budget.{name}.fa_mean" in wanted:
            outcomes = quality.judged(stage, calm.dataset(name), "learn")
            values[f"budget.{name}.fa_mean"] = judge.summary(outcomes)["fa_mean"]
            details[name] = {
                "false_events": sum(outcome.false_events for outcome in outcomes),
                "entity_weeks": round(sum(outcome.weeks for outcome in outcomes), 1),
            }
    if REPORTED in wanted and quality.SAMPLE.is_file():
        values[REPORTED] = median(reported(stage, labelled.load(quality.SAMPLE)))
    return {**values, "details": details}


def reported(stage: Stage, data: labelled.Dataset) -> list[float]:
    """budget_observed of every model, as adaptfit answers after training on all rows."""
    found: list[float] = []

    def take(body: bytes) -> None:
        rows = csv.DictReader(io.StringIO(body.decode(), newline=""))
        found.extend(float(row["budget_observed"]) for row in rows if row.get("budget_observed"))

    words = f"{quality.words_of(data)} into budget_{data.name} mode=replace"
    stage.hold("adaptfit", words, quality.bodies(data, data.cells), whole=True, take=take)
    return found
