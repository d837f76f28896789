"""mode=update and mode=shadow through the real script."""

from __future__ import annotations

import statistics

import pytest

from commands.fleet import DAYS, START, App, Row, levels, said, wide
from commands.test_fit import cells

DAY = 86400
BACK = 9 * 3600  # what an update looks back at: an unfinished block and the rows before it
NIGHTS = 28


def between(rows: list[Row], start: float, end: float) -> list[Row]:
    return [row for row in rows if start <= float(row["_time"]) < end]


def night(rows: list[Row], number: int) -> list[Row]:
    """The rows of one nightly search over the last day, reaching back nine hours more."""
    return between(rows, START + (number - 1) * DAY - BACK, START + number * DAY)


def test_28_nightly_updates_agree_with_one_fit_on_the_28_days(own: App) -> None:
    """Tolerance: level within half a scale, scale within a tenth, alert level within a third, the same season."""
    rows = wide("abc", NIGHTS, step=900)
    for number in range(1, NIGHTS + 1):
        result = own.search("adaptfit cpu mem by host into nightly", night(rows, number))
        assert levels(result) <= {"INFO"}
    own.search("adaptfit cpu mem by host into once", rows)
    nightly, once = own.stored("nightly").rows(), own.stored("once").rows()
    assert len(nightly) == len(once) == 6
    for row, whole in zip(nightly, once):
        scale = float(whole["scale"])
        assert abs(float(row["level"]) - float(whole["level"])) < scale / 2
        assert 0.9 < float(row["scale"]) / scale < 1.1
        assert 0.75 < float(row["threshold"]) / float(whole["threshold"]) < 1.34
        same = ("season", "span", "n_points", "gap_ratio", "trained_from", "trained_to", "model_status")
        assert [row[name] for name in same] == [whole[name] for name in same]
    ratios = [float(a["threshold"]) / float(b["threshold"]) for a, b in zip(nightly, once)]
    assert 0.85 < statistics.median(ratios) < 1.18


def test_an_update_says_that_it_learned_on_and_the_same_rows_change_nothing(own: App) -> None:
    rows = wide("ab", DAYS + 1)
    own.search("adaptfit cpu mem by host into web", between(rows, START, START + DAYS * DAY))
    result = own.search("adaptfit cpu mem by host into web", night(rows, DAYS + 1))
    assert said(result, "2 entities were learned on from their stored models", level="INFO")
    data = own.data("web")
    again = own.search("adaptfit cpu mem by host into web", night(rows, DAYS + 1))
    assert said(again, "version 2 has these models already", level="INFO") and own.data("web") == data


def test_more_history_than_the_model_has_seen_is_learned_anew(own: App) -> None:
    rows = wide("ab", DAYS + 1)
    own.search("adaptfit cpu by host into web", between(rows, START, START + DAYS * DAY))
    result = own.search("adaptfit cpu by host into web", rows)
    anew = own.search("adaptfit cpu by host", rows)
    assert not said(result, "learned on", level="INFO")
    same = ["host", "metric", "level", "scale", "state", "threshold"]
    assert cells(own.stored("web"), same) == cells(anew.table, same)


def test_other_options_are_learned_anew(own: App) -> None:
    rows = wide("ab", DAYS + 1)
    own.search("adaptfit cpu by host into web", between(rows, START, START + DAYS * DAY))
    result = own.search("adaptfit cpu by host into web budget=2", night(rows, DAYS + 1))
    assert not said(result, "learned on", level="INFO") and own.stored("web").rows()[0]["budget"] == "2"


def test_a_hole_between_the_model_and_the_rows_is_told(own: App) -> None:
    rows = wide("a", DAYS + 5)
    own.search("adaptfit cpu by host into web", between(rows, START, START + DAYS * DAY))
    result = own.search("adaptfit cpu by host into web", night(rows, DAYS + 5))
    assert said(result, "have no rows for more than two days behind their stored models: a", level="INFO")


def test_new_hosts_begin_beside_those_that_go_on(own: App) -> None:
    rows = wide("ab", DAYS + 1)
    first = between(rows, START, START + DAYS * DAY)
    own.search("adaptfit cpu by host into web", [row for row in first if row["host"] == "a"])
    own.search("adaptfit cpu by host into web", night(rows, DAYS + 1))
    a, b = own.stored("web").rows()
    assert a["trained_from"] == str(START) and float(b["trained_from"]) == START + DAYS * DAY - BACK


def test_a_metric_that_never_moved_is_remembered_by_updates(own: App) -> None:
    rows = [{**row, "mem": "7"} for row in wide("a", DAYS + 1)]
    own.search("adaptfit cpu mem by host into web", between(rows, START, START + DAYS * DAY))
    own.search("adaptfit cpu mem by host into web", night(rows, DAYS + 1))
    mem = own.stored("web").rows()[1]
    assert mem["model_status"] == "untrainable" and mem["reason"] == "the metric was constant" and mem["state"]
    assert mem["n_points"] == str((DAYS + 1) * 144)


def test_a_shadow_pages_nobody_and_can_be_scored_with(own: App) -> None:
    rows = wide("ab")
    result = own.search("adaptfit cpu by host into web mode=shadow", rows)
    assert not result.errors and own.stored("web_shadow").rows()[0]["model_status"] == "trained"
    missing = own.search("adaptdetect cpu by host model=web", rows)
    assert "no collection" in missing.errors[0]
    scored = own.search("adaptdetect cpu by host model=web_shadow", wide("ab", 1, START + DAYS * DAY))
    assert {row["model_status"] for row in scored.rows} == {"trained"}


def test_a_drifting_level_is_a_status_of_the_model(own: App) -> None:
    rows = wide("a", 24, step=900)
    for row in rows:
        if float(row["_time"]) >= START + 20 * DAY:
            row["mem"] = f"{float(row['mem']) + 400:.3f}"
    result = own.search("adaptfit cpu mem by host into web", rows)
    cpu, mem = result.rows
    assert cpu["model_status"] == "trained" and mem["model_status"] == "drifting"
    assert "the level has moved up since" in mem["reason"] and "before" in mem["reason"]


def test_a_metric_that_never_moved_does_not_touch_the_alert_level_of_its_host(own: App) -> None:
    """The constant metric comes last, so what its row says about the host is what counts."""
    rows = [{**row, "zero": "0"} for row in wide("ab", DAYS + 1)]
    history, rest = between(rows, START, START + DAYS * DAY), between(rows, START + DAYS * DAY, START + 99 * DAY)
    own.search("adaptfit cpu mem zero by host into web", history)
    own.search("adaptfit cpu mem by host into without", history)
    stored = own.stored("web").rows()
    assert [row["model_status"] for row in stored[:3]] == ["trained", "trained", "untrainable"]
    assert len({row["threshold"] for row in stored[:3]}) == 1 and stored[2]["scale"] == ""
    with_it = own.search("adaptdetect cpu mem zero by host model=web", rest).rows
    alone = own.search("adaptdetect cpu mem by host model=without", rest).rows
    same = ("anomaly_score", "is_anomaly", "cpu_score", "mem_upper_bound")
    assert [[row[name] for name in same] for row in with_it] == [[row[name] for name in same] for row in alone]


def test_the_first_move_of_a_stored_constant_metric_is_as_strange_as_in_one_pass(own: App) -> None:
    rows = [{**row, "zero": "0"} for row in wide("a", DAYS + 1)]
    moves = START + (DAYS + 0.5) * DAY
    for row in between(rows, moves, START + 99 * DAY):
        row["zero"] = "3"
    own.search("adaptfit cpu zero by host into web", between(rows, START, START + DAYS * DAY))
    stored = own.search("adaptdetect cpu zero by host model=web", between(rows, START + DAYS * DAY, START + 99 * DAY))
    one = own.search("adaptdetect cpu zero by host", rows)
    rows_of = [between(found.rows, moves, moves + 1800) for found in (stored, one)]
    first = [[float(row["anomaly_score"]) for row in some] for some in rows_of]
    assert len(first[0]) == 3 and max(first[0]) > 25 and first[0] == pytest.approx(first[1], abs=1.0)
