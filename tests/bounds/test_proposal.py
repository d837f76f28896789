"""Static thresholds derived from models."""

from __future__ import annotations

import pytest
from store.modelrows import models, rows_of

from adaptive_monitoring.bounds.derive import derive
from adaptive_monitoring.bounds.proposal import COLUMNS, duration, thresholds


def proposed(columns, keys=("host",), open_k=2):
    found = thresholds(derive(columns, list(keys)).columns, columns, list(keys), open_k)
    assert found.names == [*keys, *COLUMNS]
    return [dict(zip(found.names, row)) for row in rows_of(found)]


@pytest.mark.parametrize("season", ["none", "day", "week"])
def test_the_warning_is_the_widest_bound_and_critical_is_twice_as_far_from_what_is_expected_there(season) -> None:
    columns = models(["a", "b"], ["cpu", "mem"], season=season)
    bounds = derive(columns, ["host"]).columns
    slots = [dict(zip(bounds.names, row)) for row in rows_of(bounds)]
    for row in proposed(columns):
        mine = [slot for slot in slots if (slot["host"], slot["metric"]) == (row["host"], row["metric"])]
        name, choose = ("upper_bound", max) if row["direction"] == "high" else ("lower_bound", min)
        widest = choose(mine, key=lambda slot: float(slot[name]))
        assert row["warning"] == widest[name]
        gap = float(widest[name]) - float(widest["expected"])
        assert float(row["critical"]) == pytest.approx(float(widest["expected"]) + 2 * gap, rel=1e-9)


def test_there_is_a_row_per_direction_that_the_model_looks_at() -> None:
    def sides(**other):
        return [row["direction"] for row in proposed(models(["a"], season="day", **other))]

    assert sides() == ["high", "low"] == sides(direction="")
    assert sides(direction="high") == ["high"] and sides(direction="low") == ["low"]
    assert sides(lower_k="") == ["high"] and sides(lower_k="", upper_k="") == []


def test_the_duration_is_as_many_steps_as_open_an_episode() -> None:
    assert {row["duration"] for row in proposed(models(["a"], span="300"), open_k=3)} == {"15m"}
    found = [duration(2, span) for span in ("300", "60", "1800", "43200", "45", "0.4", "", "0")]
    assert found == ["10m", "2m", "1h", "1d", "90s", "1s", "", ""]


def test_untrained_models_and_no_models_have_no_row() -> None:
    assert proposed(models(["a"], level="", scale="", slots="", lower_k="", upper_k="")) == [] == proposed(models([]))


def test_a_bound_below_zero_is_no_gap_in_the_sums() -> None:
    high, low = proposed(models(["a"], level="-50", scale="2", lower_k="4", upper_k="4"))
    assert (high["warning"], high["critical"], low["warning"], low["critical"]) == ("-42", "-34", "-58", "-66")
