"""The group backtest measures what it says; on tiny sizes."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from bench import backtest, labelled, quality
from bench.rows import Fleet
from bench.stage import Stage


@pytest.fixture(scope="module")
def stage():
    with Stage() as made:
        yield made


def test_thresholds_come_from_the_histories_alone_and_incidents_from_the_labels(tmp_path):
    data = labelled.load(quality.SAMPLE, hosts=2)
    backtest.lookups(tmp_path, data)
    with open(tmp_path / f"{backtest.STATIC}.csv", encoding="utf-8", newline="") as file:
        limits = {row["metric"]: float(row["critical"]) for row in csv.DictReader(file)}
    slow = [float(row[2]) for row, old in zip(data.cells, historical(data)) if old]
    assert limits[data.metrics[0]] == pytest.approx(np.percentile(slow, 99.9))
    with open(tmp_path / f"{backtest.INCIDENTS}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = sum(int(truth.label.sum()) for truth in data.truths.values())
    assert sum((float(row["end"]) - float(row["start"])) / 300 + 1 for row in rows) == labels > 0


def historical(data: labelled.Dataset) -> list[bool]:
    seen = dict.fromkeys(data.truths, 0)
    out = []
    for row in data.cells:
        out.append(seen[row[1]] < data.truths[row[1]].history)
        seen[row[1]] += 1
    return out


def test_a_data_set_is_compared_after_its_history(stage):
    data = labelled.load(quality.SAMPLE, hosts=1)
    total, said = backtest.compared(stage, data)
    [truth] = data.truths.values()
    assert int(total["rows"]) == len(truth.t) - truth.history and int(total["incidents"]) > 0
    assert any("Equal volume" in text for text in said)
    judged = quality.judged(stage, data, "learn")
    assert int(total["models_caught"]) == judged[0].found


def test_figures_are_quotients_and_nothing_where_nothing_was_caught():
    total = {"static_caught": "4", "static_alerts": "40", "same_volume_incidents": "6", "same_recall_alerts": "10"}
    assert backtest.figures({**total, "budget_kept": "0.5"}) == {
        "same_volume": 1.5, "same_recall": 0.25, "budget_kept": 0.5}  # fmt: skip
    nothing = backtest.figures({**total, "static_caught": "0"})
    assert np.isnan(nothing["same_volume"]) and np.isnan(nothing["budget_kept"])


def test_an_estate_is_compared_while_its_rows_are_made(stage):
    found = backtest.measure(stage, ["backtest.large.wall", "backtest.large.memory"], large=Fleet(3, 6 * 288))
    assert found["backtest.large.wall"] > 0 and found["backtest.large.memory"] > 10
    assert "alerts of the static rules" in " ".join(found["details"]["large"]["said"])
