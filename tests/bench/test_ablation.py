"""Ablations change the engine as they say, judge it as the bench does, and leave it as it was; on small data."""

from __future__ import annotations

import json

import numpy as np
import pytest

from adaptive_monitoring.engine import numbers
from adaptive_monitoring.engine.base import Panel, Settings
from bench import ablate, ablation_page, labelled, quality, variants
from bench.ablation import ALTERNATIVES, DEFAULT, INGREDIENTS, Variant
from bench.judge import Truth
from bench.stage import ROOT, Stage

EVALUATE = labelled.evaluator(ROOT.parent / "shared")
ALL = (DEFAULT, *INGREDIENTS, *ALTERNATIVES)


def small(hosts=2, days=12):
    """Hosts of two metrics with an incident of two hours after ten days; half the days are history."""
    t = 1_700_006_400 + 300 * np.arange(days * 288)
    random = np.random.default_rng(4)
    truths, cells = {}, []
    for host in (f"h{i}" for i in range(hosts)):
        x, label = 50 + random.standard_normal((len(t), 2)), np.zeros(len(t))
        x[2880:2904] += 25
        label[2880:2904] = 1
        truths[host] = Truth(host, t.astype(float), label, len(t) // 2)
        cells += [(str(time), host, f"{a:.6g}", f"{b:.6g}") for time, (a, b) in zip(t.tolist(), x.tolist())]
    cells.sort(key=lambda row: int(row[0]))
    return labelled.Dataset("small", "host", ["m0", "m1"], cells, truths)


@pytest.fixture(scope="module")
def data():
    return small()


@pytest.fixture(scope="module")
def loaded(data):
    return variants.numbers(data)


def test_every_ingredient_names_what_the_engine_has():
    for variant in ALL:
        variants.key(variant)
        with variants.applied(variant.changes):
            Settings(**variant.settings)


def test_every_ingredient_changes_the_engine_and_has_a_name_of_its_own():
    assert all(variants.key(each) != variants.key(DEFAULT) for each in INGREDIENTS)
    assert len({each.name for each in ALL}) == len(ALL)
    assert all(each.what.endswith(".") for each in INGREDIENTS)


def test_a_constant_that_is_gone_is_said_and_nothing_stays_changed():
    before = numbers.LARGEST
    with variants.applied({"numbers.LARGEST": 7.0}):
        assert before != numbers.LARGEST
    gone = {"numbers.LARGEST": 7.0, "numbers.no_such": 1}
    with pytest.raises(LookupError, match="no_such"), variants.applied(gone):
        pass
    with pytest.raises(ZeroDivisionError), variants.applied({"numbers.LARGEST": 7.0}):
        raise ZeroDivisionError
    assert before == numbers.LARGEST
    with pytest.raises(LookupError, match="no module"):
        variants.place("nowhere.X")
    with pytest.raises(LookupError, match="colour"):
        variants.key(Variant("x", "", settings={"colour": 1}))


def test_an_array_keeps_its_type(monkeypatch):
    monkeypatch.setattr(numbers, "TABLE", np.array([1.0, 2.0]), raising=False)
    with variants.applied({"numbers.TABLE": (3, 4)}):
        assert numbers.TABLE.dtype == np.float64 and numbers.TABLE.tolist() == [3.0, 4.0]
    assert numbers.TABLE.tolist() == [1.0, 2.0]


def test_variants_that_make_the_same_engine_are_run_once():
    same = Variant("same", "", settings={"budget": Settings().budget})
    twice = Variant("twice", "", settings={"season": "none"})
    assert variants.key(same) == variants.key(DEFAULT)
    wanted = ablate.plan([twice], [same, Variant("again", "", settings={"season": "none"})])
    assert [each.name for each, _ in wanted.values()] == ["as shipped", "twice"]
    assert [ways for _, ways in wanted.values()] == [ablate.WAYS] * 2


def test_in_process_gives_what_the_scripts_give(data, loaded):
    found = variants.read(loaded, Settings(), ablate.WAYS)
    with Stage() as stage:
        for way in ablate.WAYS:
            by_script = quality.scored(stage, data, way)
            for here, there in zip(found[way], by_script):
                assert here.truth.name == there.truth.name
                assert np.array_equal(here.flag > 0, there.flag > 0)
                assert np.allclose(100 * here.score / (1 + here.score), there.score, atol=0.006, equal_nan=True)
    assert any(one.flag.any() for one in found["model"])


def test_a_changed_option_changes_the_figures(loaded):
    shipped = variants.figures(loaded, DEFAULT, ("learn",), EVALUATE)["learn"]
    deaf = variants.figures(loaded, Variant("deaf", "", settings={"floor_abs": 1e9}), ("learn",), EVALUATE)["learn"]
    assert shipped["recall"] > 0 and deaf["recall"] == 0
    again = variants.figures(loaded, DEFAULT, ("learn",), EVALUATE)["learn"]
    assert again == pytest.approx(shipped, rel=0, abs=0, nan_ok=True)  # no VUS-PR without evaluate.py


def figures(f1):
    return {"f1": f1, "recall": f1, "fa_mean": 1.0, "vuspr": float("nan")}


def test_what_is_best_on_the_others_is_applied_to_the_one_left_out():
    f1 = {"as shipped": (0.5, 0.5, 0.5), "x": (0.9, 0.4, 0.4), "y": (0.1, 0.5, 0.5)}
    results = {
        name: {"learn": {each: figures(value) for each, value in zip("abc", row)}} for name, row in f1.items()
    }
    found = ablation_page.left_out("abc", [Variant("x", ""), Variant("y", "")], results)
    assert [one.chosen for one in found] == ["as shipped", "x", "x"]  # a tie is the default's
    assert [one.f1 for one in found] == [0.5, 0.4, 0.4] and [one.default for one in found] == [0.5] * 3


def test_the_page_has_a_row_per_ingredient_and_says_what_it_rests_on():
    one = variants.Loaded("sample", Panel(np.zeros(0), np.zeros((0, 1)), np.zeros(1, dtype=np.int64)), [])
    results = {name: {way: {"sample": figures(0.5)} for way in ablate.WAYS} for name in ("as shipped", "no x")}
    text = ablation_page.text([one], [Variant("no x", "No x.")], [], results)
    assert "the sample that ships with the app alone" in text and "build.py ablation" in text
    assert text.count("| no x | 0.500 | 0.500 | +0.000 | 0.500 | 1.000 | – | – | – |") == len(ablate.WAYS)
    assert "It was not run." in text


@pytest.fixture
def few(monkeypatch):
    """Two ingredients, whatever the list holds."""
    listed = [Variant("no season", "None.", settings={"season": "none"}), Variant("other", "None.", {}, {"open_n": 9})]
    monkeypatch.setattr(ablate, "INGREDIENTS", listed)
    return listed


def test_a_part_is_chosen_by_data_set_or_by_ingredient(few, tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("A", "B"):
        (tmp_path / "data" / f"{name}.csv.gz").touch()
    files, ingredients = ablate.chosen(["B", "season"], tmp_path)
    assert [path.name for path in files] == ["B.csv.gz"] and [each.name for each in ingredients] == ["no season"]
    files, ingredients = ablate.chosen([], tmp_path)
    assert len(files) == 2 and ingredients == few
    assert ablate.chosen([], tmp_path / "data")[0] == [quality.SAMPLE]
    with pytest.raises(LookupError, match="seasons"):
        ablate.chosen(["seasons"], tmp_path)


def test_a_run_writes_page_and_figures(few, loaded, tmp_path, monkeypatch, capsys):
    def inline(loaded, wanted, folder, processes):
        return {
            each.name: {
                way: {one.name: by for one in loaded for by in [variants.figures(one, each, ways, None)[way]]}
                for way in ways
            }
            for each, ways in wanted.values()
        }

    monkeypatch.setattr(ablate, "measured", inline)
    monkeypatch.setattr(ablate, "DIST", tmp_path / "dist")
    monkeypatch.setattr(variants, "load", lambda path: loaded)
    assert ablate.main(["season", "--data", str(tmp_path), "--to", str(tmp_path / "page.md")]) == 0
    assert "no season" in (tmp_path / "page.md").read_text(encoding="utf-8")
    kept = json.loads((tmp_path / "dist" / "ablation.json").read_text(encoding="utf-8"))
    assert set(kept) == {"as shipped", "no season"}
    assert ablate.main(["nothing"]) == 1 and "nothing" in capsys.readouterr().err
