"""The guard lets good results pass and stops worse ones; on figures, without a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import guard
from bench.talk import Failed


def figures(learn, model):
    return {**dict(zip(guard.IDS, (learn, model))), "mean": (learn + model) / 2}


@pytest.fixture
def run(tmp_path: Path, monkeypatch):
    """run(found, *words): exit code of the guard when it measures these figures; 0.50 and 0.54 are accepted."""
    path = tmp_path / "guard.json"
    path.write_text(json.dumps(figures(0.50, 0.54)), encoding="utf-8")

    def call(found, *words):
        monkeypatch.setattr(guard, "measured", lambda: found)
        return guard.main(list(words), path)

    call.path = path
    return call


def test_a_worse_result_fails_and_says_by_how_much(run, capsys):
    assert run(figures(0.47, 0.52)) == 1
    said = capsys.readouterr().err
    assert "fell by 0.025, more than 0.02" in said and "0.495" in said and "0.520" in said and "--accept" in said


@pytest.mark.parametrize("found", [(0.50, 0.54), (0.48, 0.52), (0.46, 0.56), (0.6, 0.7)])
def test_the_same_a_little_worse_and_better_pass(run, found):
    assert run(figures(*found)) == 0


def test_one_way_of_reading_that_breaks_is_noticed(run):
    assert run(figures(0.50, 0.0)) == 1


def test_better_results_are_offered_to_be_kept(run, capsys):
    assert run(figures(0.6, 0.6)) == 0
    assert "keeps it" in capsys.readouterr().out


def test_accepted_values_are_the_measure_from_then_on(run):
    assert run(figures(0.3, 0.3)) == 1
    assert run(figures(0.3, 0.3), "--accept") == 0
    assert run(figures(0.3, 0.3)) == 0
    assert json.loads(run.path.read_text(encoding="utf-8")) == figures(0.3, 0.3)


def test_without_accepted_values_it_fails(run, capsys):
    run.path.unlink()
    assert run(figures(1.0, 1.0)) == 1
    assert "--accept" in capsys.readouterr().err


def test_a_search_that_fails_is_no_good_result(run, monkeypatch, capsys):
    def broken():
        raise Failed("adaptdetect: ended")

    run(figures(0.5, 0.54))
    monkeypatch.setattr(guard, "measured", broken)
    assert guard.main([], run.path) == 1
    assert "adaptdetect: ended" in capsys.readouterr().err


def test_the_committed_file_has_what_is_compared():
    accepted = json.loads(guard.ACCEPTED.read_text(encoding="utf-8"))
    assert set(accepted) == {*guard.IDS, "mean"} and all(0 < value < 1 for value in accepted.values())
