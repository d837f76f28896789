"""The bench measures what it says: ids, rows, conversations, judge; on tiny sizes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from bench import catalogue, estate, fleet, judge, labelled, mapreduce, quality, report, rows, speed, startup
from bench.__main__ import MODULES, main
from bench.stage import ROOT, Stage
from bench.talk import Failed


@pytest.fixture(scope="module")
def stage():
    with Stage() as made:
        fleet.Fixture(made, 20, hosts=4, history=864).train()
        yield made


def test_ids_are_unique_and_every_group_has_a_module():
    assert len(catalogue.BY_ID) == len(catalogue.SCENARIOS)
    assert {scenario.group for scenario in catalogue.SCENARIOS} == set(MODULES)
    assert {scenario.better for scenario in catalogue.SCENARIOS} == {catalogue.MORE, catalogue.LESS}


def test_every_speed_id_has_a_case():
    assert {*speed.CASES, *speed.RATIOS} == {scenario.id for scenario in catalogue.SPEED}


def test_a_prefix_means_all_below_it_and_an_unknown_word_is_an_error():
    assert set(catalogue.chosen(["speed.sdk"])) == {"speed.sdk.noop", "speed.sdk.six", "speed.sdk.six.raw"}
    everything = catalogue.chosen(["all"])
    assert [name for name in catalogue.BY_ID if not name.startswith(catalogue.LARGE)] == everything
    with pytest.raises(ValueError, match="speeed"):
        catalogue.chosen(["speeed"])


def test_the_baseline_is_readable_and_holds_no_absolute_times():
    for section in json.loads(report.BASELINE.read_text(encoding="utf-8")).values():
        assert all(catalogue.BY_ID[name].compared for name in section)
        assert all(isinstance(value, float) for value in section.values())


@pytest.mark.parametrize(("form", "length"), [(rows.METRIC, 119), (rows.RAW, 351)])
def test_rows_have_the_lengths_that_were_agreed(form, length):
    assert len(form.record) == length


def test_rows_are_valid_csv_in_time_order_and_do_not_depend_on_the_cut():
    few = rows.Fleet(hosts=3, steps=4)
    [whole] = few.bodies(rows.RAW)
    read = list(csv.DictReader(io.StringIO(whole.decode(), newline="")))
    assert len(read) == few.rows and {len(row) for row in read} == {16}
    assert [row["_time"] for row in read] == sorted(row["_time"] for row in read)
    assert all(100 <= float(row["cpu"]) < 1000 for row in read)
    assert all(row["_raw"].count("\n") == 2 and '"GET ' in row["_raw"] for row in read)
    pieces = list(few.bodies(rows.RAW, 5))
    assert b"".join(piece[len(rows.RAW.header) :] for piece in pieces) == whole[len(rows.RAW.header) :]


def test_speed_of_a_few_rows_gives_every_figure(stage, monkeypatch):
    monkeypatch.setattr(speed, "Fixture", lambda stage, n: fleet.Fixture(stage, n, hosts=4))
    found = speed.measure(stage, ["speed.pointwise.narrow"], rows=40, rounds=1)
    assert set(found) == {speed.REFERENCE, "speed.pointwise.narrow", "details"}
    assert found["details"][speed.REFERENCE]["rows"] == 40


def test_small_chunks_are_compared_with_larger_ones_of_the_same_run(stage, monkeypatch):
    monkeypatch.setattr(speed, "Fixture", lambda stage, n: fleet.Fixture(stage, n, hosts=4))
    name = "speed.pointwise.chunk_ratio"
    found = speed.measure(stage, [name], rows=40, rounds=1)
    assert set(found) == {speed.REFERENCE, speed.RATIOS[name], name, "details"}
    assert found["details"]["speed.pointwise.chunk100"]["rows"] == 8


def test_pointwise_is_probed_for_numpy(stage, monkeypatch):
    monkeypatch.setattr(startup, "Fixture", lambda stage, n: fleet.Fixture(stage, n, hosts=4))
    found = startup.measure(stage, ["start.modules.pointwise", "start.bare"], times=1, rows=8)
    assert found["start.modules.pointwise"] == 0, found["details"]
    assert found["start.bare"] > 0


def test_an_estate_is_stored_under_all_names_and_every_host_finds_its_model(stage, monkeypatch):
    monkeypatch.setattr(estate, "KINDS", 3)
    monkeypatch.setattr(estate, "APART", 4)
    monkeypatch.setattr(estate, "HISTORY", 576)
    wanted = [scenario.id for scenario in catalogue.ESTATE]
    found = estate.measure(stage, wanted, series=7, models=20, hosts=5, times=1)
    assert set(found) == set(wanted) and all(value > 0 for value in found.values())
    lines = stage.model_file("estate20").read_text().splitlines()
    assert len(lines) == 21 and lines[20].startswith("srv-000019,cpu,")
    live = estate.Scattered(5, 576).after(2)
    said = stage.hold("adaptdetect", "cpu by host model=estate20", live.bodies(estate.ROWS))
    assert len(said.messages) == 1 and "10 rows of 5 entities scored" in said.messages[0]  # nothing about cold ones
    lines = stage.model_file("estate5_4").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[-4:]] == [["srv-000004", metric] for metric in estate.METRICS]
    many = rows.Fleet(5, 576).after(2).bodies(estate.MANY)
    said = stage.hold("adaptdetect", "cpu disk mem net by host model=estate5_4", many)
    assert len(said.messages) == 1 and "10 rows of 5 entities scored" in said.messages[0]


def test_the_map_phase_is_measured_against_the_text_of_the_events(stage):
    assert mapreduce._raw_bytes() == 256
    found = mapreduce.measure(stage, list(catalogue.chosen(["mapreduce"])), rows=2000, rounds=1, hosts=20)
    assert set(found) == {scenario.id for scenario in catalogue.MAPREDUCE}
    assert 0 < found["mapreduce.bytes.span"] < found["mapreduce.bytes"] < 2 and found["mapreduce.map.speed"] > 0


def test_a_refused_search_is_an_error_of_the_bench(stage):
    with pytest.raises(Failed, match="ADM0"):
        stage.hold("adaptdetect", "cpu by host model=nowhere pointwise=true")


def test_the_judge_counts_events():
    t = np.arange(2000) * 300.0
    label, flag = np.zeros(2000), np.zeros(2000)
    label[1000:1010] = label[1500:1510] = 1
    flag[1002:1005] = 1  # found, ten minutes late
    flag[1211:1500] = 1  # opened a day before the second incident: false, and again a day later, in time
    outcome = judge.judged(judge.Truth("h", t, label, 500), flag)
    assert (outcome.incidents, outcome.found, outcome.false_events) == (2, 2, 1)
    assert outcome.delays == [600.0, 0.0]
    assert judge.summary([outcome])["f1"] == pytest.approx(0.8)


def test_the_judge_agrees_with_the_one_beside_the_data():
    evaluate = labelled.evaluator(ROOT.parent / "shared")
    if evaluate is None:
        pytest.skip("no evaluate.py beside the repository")
    random = np.random.default_rng(1)
    for _ in range(20):
        t = np.arange(3000) * 300.0
        label, flag = (np.repeat(random.random(300) < share, 10).astype(float) for share in (0.03, 0.05))
        series = evaluate.Series("d", "h", "", t, np.zeros((3000, 1)), label, 400)
        incidents, found, false_events, delays, _, weeks = evaluate.events(series, flag)
        ours = judge.judged(judge.Truth("h", t, label, 400), flag)
        assert (ours.incidents, ours.found, ours.false_events, ours.weeks) == (incidents, found, false_events, weeks)
        assert ours.delays == delays


def test_quality_drives_the_script_without_labels(stage):
    t = rows.START_S + 300 * np.arange(3)
    cells = [(str(time), host, "5.5") for time in t for host in ("h-0", "h-1")]
    truths = {host: judge.Truth(host, t.astype(float), np.zeros(3), 1) for host in ("h-0", "h-1")}
    data = labelled.Dataset("tiny", "host", ["m1"], cells, truths)
    assert len(quality.judged(stage, data, "learn")) == 2
    assert [len(data.part({"h-0"}, history)) for history in (None, True, False)] == [3, 1, 2]
    [body] = quality.bodies(data, data.part({"h-0"}))
    assert body.splitlines()[1] == b'%d,"h-0","5.5",,,' % rows.START_S


def test_verdicts_know_the_direction():
    more, less = catalogue.BY_ID["quality.learn.mean.f1"], catalogue.BY_ID["size.day.max"]
    assert report.verdict(more, 0.5, 0.4).startswith("better") and report.verdict(less, 1500, 1000).startswith("worse")
    assert report.verdict(more, 0.4, 0.4) == "same" and report.verdict(more, 0.4, None) == ""
    assert report.verdict(catalogue.BY_ID["start.bare"], 10, 12) == ""
    assert more.met(0.6) is True and less.met(2049.0) is False


def test_files_keep_what_was_not_measured_again(tmp_path: Path):
    path = tmp_path / "out.json"
    report.write(path, {"start.bare": 1.0, "size.day.max": 10.0}, {})
    report.write(path, {"size.day.max": 11.0}, {})
    assert report.read(path)[report.PYTHON]["figures"] == {"start.bare": 1.0, "size.day.max": 11.0}
    report.accept({"start.bare": 1.0, "size.day.max": 11.0}, path)
    assert "start.bare" not in report.read(path)[report.PYTHON]


def test_an_unknown_id_is_said(capsys):
    assert main(["nothing.like.it"]) == 1
    assert "speed" in capsys.readouterr().err
