"""Bounds derived from models: the formulas, the slots, the zones."""

from __future__ import annotations

import pytest
from store.modelrows import models, rows_of

from adaptive_monitoring.bounds import derive as module
from adaptive_monitoring.bounds.derive import derive
from adaptive_monitoring.errors import TooLarge
from bounds.naive import bounds, local_slot, utc_slot


def as_dicts(columns):
    return [dict(zip(columns.names, row)) for row in rows_of(columns)]


@pytest.mark.parametrize("season, slots", [("none", 1), ("day", 96), ("week", 168)])
@pytest.mark.parametrize(
    "other", [{}, {"floor": "10"}, {"floor": "20%"}, {"floor": "1,5%"}, {"lower_k": ""}, {"upper_k": ""}]
)
def test_bounds_are_those_of_the_formula(season, slots, other) -> None:
    columns = models(["a", "b"], season=season, **other)
    rows = as_dicts(derive(columns, ["host"]).columns)
    assert len(rows) == 2 * slots
    for model in as_dicts(columns):
        for i, row in enumerate(row for row in rows if row["host"] == model["host"]):
            wanted = bounds(model, i)
            assert row["slot"] == ("all" if slots == 1 else f"{season[0]}{i}")
            for name, number in zip(("lower_bound", "expected", "upper_bound"), wanted):
                if number is None:
                    assert row[name] == ""
                else:
                    assert float(row[name]) == pytest.approx(number, rel=1e-5, abs=float(model["scale"]) * 1e-4)


@pytest.mark.parametrize("tz, hours", [("", 0), ("Europe/Paris", 1), ("America/New_York", -5), ("Asia/Kolkata", 5.5)])
@pytest.mark.parametrize("season", ["day", "week"])
def test_slots_are_shifted_by_the_zone_at_the_end_of_training(season, tz, hours) -> None:
    winter = "1702419200"  # 2023-12-12
    columns = models(["a"], season=season, tz=tz, trained_to=winter)
    model, rows = as_dicts(columns)[0], as_dicts(derive(columns, ["host"]).columns)
    by_slot = {row["slot"]: row for row in rows}
    for time in range(1702252800, 1702252800 + 7 * 86400, 1800):
        middle = time + 1800 if season == "week" and time % 3600 == 0 and hours % 1 else time
        wanted = bounds(model, local_slot(middle, season, int(hours * 3600)))
        found = by_slot[utc_slot(time, season)]
        assert float(found["expected"]) == pytest.approx(wanted[1], abs=float(model["scale"]) * 1e-4)


def test_summer_time_moves_the_slots() -> None:
    winter, summer = (
        derive(models(["a"], season="day", tz="Europe/Paris", trained_to=time), ["host"]).columns.get("expected")
        for time in ("1702419200", "1690000000")
    )
    assert winter[4:] + winter[:4] == summer and winter != summer


def test_an_unknown_zone_is_utc_with_one_warning() -> None:
    derived = derive(models(["a", "b"], season="day", tz="Mars/Olympus"), ["host"])
    assert derived.columns.get("expected") == derive(models(["a", "b"], season="day"), ["host"]).columns.get("expected")
    assert len(derived.warnings) == 1 and "tzdata" in derived.warnings[0]


@pytest.mark.parametrize(
    "level, scale", [("123456789", "10"), ("1e12", "1"), ("-5e-07", "1e-09"), ("0", "2"), ("1e+90", "1e+80")]
)
def test_rounding_is_small_against_the_scale_and_keeps_the_order(level, scale) -> None:
    columns = models(["a"], season="day", level=level, scale=scale)
    model = as_dicts(columns)[0]
    for i, row in enumerate(as_dicts(derive(columns, ["host"]).columns)):
        lower, expected, upper = (float(row[name]) for name in ("lower_bound", "expected", "upper_bound"))
        assert lower < expected < upper
        assert expected == pytest.approx(bounds(model, i)[1], rel=1e-14, abs=float(scale) * 1e-4)


@pytest.mark.parametrize(
    "other",
    [
        {"level": ""},
        {"scale": "0"},
        {"scale": "nan"},
        {"level": "inf"},
        {"slots": "1|1"},
        {"slots": "x"},
        {"lower_k": "x"},
    ],
)
def test_a_model_without_numbers_has_no_bounds_and_fails_no_other(other) -> None:
    good, bad = models(["a"], season="day"), models(["b"], season="day", **other)
    both = module.Columns(good.names, [a + b for a, b in zip(good.data, bad.data)])
    derived = derive(both, ["host"])
    assert set(derived.columns.get("host")) == {"a"} and derived.skipped == 1


def test_too_many_bounds_are_refused_before_the_work(monkeypatch) -> None:
    monkeypatch.setattr(module, "ROW_LIMIT", 190)
    with pytest.raises(TooLarge, match="2 models have 192 bounds"):
        derive(models(["a", "b"], season="day"), ["host"])


def test_no_models_give_an_empty_table() -> None:
    derived = derive(models([]), ["host"])
    assert derived.columns.names == ["host", "metric", "slot", "lower_bound", "expected", "upper_bound"]
    assert len(derived.columns) == 0
