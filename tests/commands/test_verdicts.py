"""Verdicts as texts: records, contributors, state cells."""

from __future__ import annotations

import pytest

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands import verdicts
from adaptive_monitoring.commands.fields import from_hundred, to_hundred
from adaptive_monitoring.commands.verdicts import Model, recalibrated, shares_of
from adaptive_monitoring.engine.base import CAUSES

ZEROS = (0.0,) * len(CAUSES)


def record(**cells: str) -> dict[str, str]:
    usual = {"_key": "k", "verdict": "false_alert", "time": "2000", "start": "1000", "end": "1600", "score": "60",
             "threshold": "2", "cause": "jump", "contributors": "cpu 100%"}
    return {**dict.fromkeys(verdicts.FIELDS, ""), **usual, **cells}


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("cpu 80%; mem 20%", [(0, 80.0), (1, 20.0)]),
        ("a 5%; b 60%; a 30%", [(2, 60.0), (3, 30.0)]),
        ("gone 70%; mem 30%", [(-1, 70.0), (1, 30.0)]),
        ("cpu 100%", [(0, 100.0)]),
        ("", []),
        ("nonsense", []),
        ("cpu 0%", []),
    ],
)
def test_contributors_are_read_back_whatever_metrics_are_called(text, wanted) -> None:
    assert shares_of(text, ["cpu", "mem", "a 5%; b", "a"]) == wanted


def test_entities_are_found_again_in_any_order_of_the_by_fields() -> None:
    entity = verdicts.entity_of(["site", "host"], ["pa,ris", "é\udcff"])
    assert entity == verdicts.entity_of(["host", "site"], ["é\udcff", "pa,ris"]) and entity.isascii()
    assert verdicts.key_in(entity, ["site", "host"]) == ("pa,ris", "é\udcff")
    assert verdicts.key_in(entity, ["host"]) is None and verdicts.key_in("x", ["host"]) is None


def test_the_scale_of_scores_is_inverted() -> None:
    for score in (0.0, 0.5, 1.0, 7.25):
        assert from_hundred(float(to_hundred(score))) == pytest.approx(score)
    assert from_hundred(100.0) == 1e9


def test_a_state_cell_is_changed_in_one_place_only() -> None:
    cell = "unit=1 2;eased=0 0 0 0 0;peaks=3"
    eased = verdicts.with_eased(cell, (0.0, 1.25, 0.0, 0.0, 0.0))
    assert eased == "unit=1 2;eased=0 1.25 0 0 0;peaks=3"
    assert verdicts.eased_in(eased) == (0.0, 1.25, 0.0, 0.0, 0.0)
    assert verdicts.with_eased(eased, ZEROS) == cell and verdicts.with_eased(cell, ZEROS) is cell
    assert verdicts.with_eased("unit=1", (1.0, *ZEROS[1:])) == "unit=1;eased=1 0 0 0 0"
    assert verdicts.eased_in("released=1 2 3 4 5") == ZEROS == verdicts.eased_in("eased=1 2")


def test_the_strongest_row_of_an_alert_counts_and_the_newest_word() -> None:
    old, new = record(score="80", end="1900"), record(score="55", verdict="true_alert", cause="level", comment="no")
    both = verdicts.joined(old, new)
    assert (both["score"], both["cause"], both["end"], both["verdict"], both["comment"]) == (
        "80", "jump", "1900", "true_alert", "no")
    assert verdicts.joined(None, new) is new
    assert verdicts.joined(record(score=""), new)["score"] == "55"


def test_an_unknown_cause_means_all_and_no_contributors_every_metric() -> None:
    models = [Model(0, "cpu", 2.0, ZEROS), Model(1, "mem", 2.0, ZEROS)]
    named = recalibrated(models, [record()])
    assert [i for i, x in enumerate(named[0]) if x] == [CAUSES.index("jump")] and named[1] == ZEROS
    assert all(recalibrated(models, [record(cause="")])[0])
    spread = recalibrated(models, [record(contributors="")])
    assert spread[0] == spread[1] != ZEROS
    for empty in (record(verdict="unsure"), record(score=""), record(score="nan"), record(contributors="gone 100%")):
        assert recalibrated(models, [empty]) == [ZEROS, ZEROS]


def test_rows_keep_what_the_stored_ones_are_eased_by() -> None:
    fresh = Columns(["host", "metric", "state"], [["a", "b"], ["cpu"] * 2, ["u=1;eased=0 0 0 0 0"] * 2])
    stored = Columns(["host", "metric", "state"], [["a"], ["cpu"], ["u=2;eased=0 2 0 0 0"]])
    assert verdicts.keep_eased(fresh, stored, ["host"]) == 1
    assert fresh.get("state") == ["u=1;eased=0 2 0 0 0", "u=1;eased=0 0 0 0 0"]
