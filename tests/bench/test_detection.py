"""The groups quality, budget and attribution measure what they say; on tiny sizes."""

from __future__ import annotations

import numpy as np
import pytest

from bench import attribution, budget, calm, catalogue, judge, labelled, quality, ranking
from bench.attribution import Opening, verdict
from bench.stage import ROOT, Stage

EVALUATE = labelled.evaluator(ROOT.parent / "shared")
needs_judge = pytest.mark.skipif(EVALUATE is None, reason="no evaluate.py beside the repository")


@pytest.fixture(scope="module")
def stage():
    with Stage() as made:
        yield made


def slow_onsets(score, rows):
    """Row by row, as the judge's definition reads."""
    out = []
    for i, value in enumerate(score):
        before = [x for x in score[max(0, i - rows) : i] if x == x]
        out.append(value if value == value and value > max(before, default=-np.inf) else -1e9)
    return out


def test_only_onsets_of_a_score_are_kept():
    random = np.random.default_rng(2)
    score = np.where(random.random(300) < 0.1, np.nan, random.integers(0, 30, 300).astype(float))
    for rows in (1, 7, 100, 500):
        assert ranking.onset_only(score, rows).tolist() == slow_onsets(score, rows)


def hosts_with_one_incident():
    """Two hosts of 3000 rows; the score rises in every incident, and higher once outside."""
    for number in range(2):
        t, label, score = np.arange(3000) * 300.0, np.zeros(3000), np.zeros(3000)
        label[1000 + 500 * number :][:10] = 1
        score[1000 + 500 * number :][:5] = 5
        score[2500:2502] = 9 if number else 0
        yield ranking.Scored(judge.Truth(f"h{number}", t, label, 400), score, score > 6)


@needs_judge
def test_recall_at_a_budget_is_what_one_threshold_can_reach():
    found = ranking.figures(EVALUATE, "NAB", list(hosts_with_one_incident()))
    assert (found["recall_02"], found["recall_1"]) == (0.0, 1.0)  # one false event in 2.6 host-weeks, scored highest
    assert found["best_f1"] == pytest.approx(0.8)
    assert 0 < found["nab_low_fp"] <= found["nab_standard"] <= 100
    assert set(found) == {*ranking.BUDGETS, "best_f1", *ranking.PROFILES}
    assert set(ranking.figures(EVALUATE, "SMD", list(hosts_with_one_incident()))) == {*ranking.BUDGETS, "best_f1"}


def test_without_the_judge_or_without_scores_nothing_is_said():
    hosts = list(hosts_with_one_incident())
    assert ranking.figures(None, "NAB", hosts) == {}
    silent = [one._replace(score=np.full(3000, np.nan)) for one in hosts]
    assert ranking.figures(EVALUATE, "NAB", silent) == {}
    assert ranking.mean([]) == {} and ranking.mean([{"a": 1.0, "b": 1.0}, {"a": 3.0}]) == {"a": 2.0}


def test_a_delay_is_counted_in_rows_of_its_host():
    def outcome(dt, delays):
        return judge.Outcome(2, 2, 0, 1.0, delays, dt=dt)

    one, other = [outcome(300.0, [600.0, 900.0])], [outcome(3600.0, [3600.0])]
    assert judge.summary(one)["delay_rows"] == 2.5
    assert judge.overall({"a": one, "b": other})["delay_rows"] == 2.0  # of all three incidents


def test_every_kind_of_calm_data_has_an_id_and_the_right_shape():
    assert set(calm.KINDS) == set(catalogue.CALM)
    for name, kind in calm.KINDS.items():
        data = calm.dataset(name, weeks=0.5, uncounted=0.25)
        [rows] = {len(truth.t) for truth in data.truths.values()}
        assert len(data.truths) == kind.entities and len(data.cells) == rows * kind.entities
        assert {len(row) for row in data.cells} == {2 + len(data.metrics)}
        assert all(truth.history == rows // 2 and not truth.label.any() for truth in data.truths.values())
        assert data.cells == calm.dataset(name, weeks=0.5, uncounted=0.25).cells


def test_calm_data_are_what_they_are_called():
    def column(name, weeks=4.0):
        data = calm.dataset(name, weeks)
        return np.array([float(row[2]) for row in data.cells if row[1] == f"{name}-01"])

    ar1 = column("ar1")
    assert 0.9 < np.corrcoef(ar1[1:], ar1[:-1])[0, 1] < 0.99 and 3 < ar1.std() < 7
    assert 0.98 < np.mean(column("zeros") == 0) < 0.999
    assert set(column("levels")) == {10, 20, 30, 50} and 50 < np.count_nonzero(np.diff(column("levels"))) < 150
    falls = np.diff(column("counter"))
    assert 30 < np.count_nonzero(falls < 0) < 60 and column("counter").min() >= 0
    week = column("week").reshape(4, 7, 288).mean(axis=(0, 2))
    assert week[5:].max() < 0.6 * week[:5].min()


def test_the_budget_is_measured_with_the_script(stage, monkeypatch):
    short = calm.dataset("hourly", weeks=1.0, uncounted=0.5)
    monkeypatch.setattr(calm, "dataset", lambda name: short)
    found = budget.measure(stage, ["budget.hourly.fa_mean"])
    assert found["details"]["hourly"]["entity_weeks"] == 10.0
    assert found["budget.hourly.fa_mean"] == found["details"]["hourly"]["false_events"] / 10.0


def test_the_reported_budget_is_read_from_adaptfit(stage):
    data = calm.dataset("white", weeks=0.5, uncounted=0.1)
    assert budget.reported(stage, data) == [0.0] * 20


def test_openings_are_the_first_open_row_of_an_episode():
    names = ["_time", "host", "anomaly_state", "anomaly_id", "anomaly_start", "contributors"]
    lines = ["600,a,pending,,,", "900,a,open,x-1,600,b 60%; c 40%", "1200,a,open,x-1,600,c 90%", "1500,a,normal,,,"]
    body = "\n".join([",".join(names), *lines, ""]).encode()
    found = list(attribution.opened(body, "host"))
    assert found[0] == ("x-1", Opening("a", 600.0, 900.0, ["b", "c"]))
    assert [opening.t for _, opening in found] == [900.0, 1200.0]
    assert list(attribution.opened(b"", "host")) == []


def test_moves_are_counted_in_deviations_of_the_day_before():
    random = np.random.default_rng(3)
    t = 300.0 * np.arange(600)
    x = np.column_stack([random.standard_normal(600), np.zeros(600), np.zeros(600), np.full(600, np.nan)])
    x[500, 0], x[500, 1] = 10.0, 0.01
    moved = attribution.moves(t, x, Opening("a", t[500], t[502], []))
    assert 7 < moved[0] < 13 and moved[1] == np.inf and moved[2] == 0 and moved[3] == 0
    assert not attribution.moves(t, x, Opening("a", t[0], t[1], [])).any()
    before = attribution.moves(t, x, Opening("a", t[490], t[495], []))
    assert before[0] < 4 and before[1] == 0


def test_the_first_metric_must_have_moved_and_be_among_the_most():
    metrics = [f"m{i}" for i in range(8)]
    moved = np.array([9.0, 5.0, 3.5, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert verdict(metrics, ["m0", "m1", "m4"], moved) == (True, True, True, True, True)
    assert verdict(metrics, ["m1", "m4", "m5"], moved) == (True, False, True, True, True)
    assert verdict(metrics, ["m2", "m0"], moved) == (False, True, False, False, True)
    assert verdict(metrics, ["m1"], moved)[:2] == (True, True)
    assert verdict(metrics, [], moved) == (False, False, False, False, True)
    assert not verdict(metrics, ["m1"], moved / 3).reachable


def test_openings_in_the_history_are_not_judged():
    t = 300.0 * np.arange(400)
    cells = [(str(int(time)), "a", "1") for time in t]
    data = labelled.Dataset("d", "host", ["m"], cells, {"a": judge.Truth("a", t, np.zeros(400), 200)})
    found = [Opening("a", t[at], t[at + 1], ["m"]) for at in (150, 250)]
    assert attribution.verdicts(data, found) == [(False, False, False, True, False)]


def test_the_mean_and_the_sample_are_wanted_apart():
    assert quality._is_wanted("learn", "NAB", ["quality.learn.mean.f1"])
    assert not quality._is_wanted("learn", "sample", ["quality.learn.mean.f1"])
    assert not quality._is_wanted("model", "NAB", ["quality.learn.NAB.f1"])
