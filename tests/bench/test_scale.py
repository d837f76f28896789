"""Large scenarios, flame graphs and the page about speed; on tiny sizes."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from bench import capacity, catalogue, flame, fleet, memory, performance, report, rows, sizes, training
from bench.__main__ import arguments
from bench.performance import Figures
from bench.stage import Stage


@pytest.fixture(scope="module")
def stage():
    with Stage() as made:
        fleet.Fixture(made, 20, hosts=4, history=864).train()
        yield made


def test_large_scenarios_are_meant_by_their_own_names_only():
    assert not any(name.startswith(catalogue.LARGE) for name in catalogue.chosen(["train", "memory", "all"]))
    assert not any(name.startswith(catalogue.LARGE) for name in catalogue.chosen([]))
    assert catalogue.chosen(["train.large"]) == ["train.large.wall", "train.large.cpu", "train.large.memory"]
    assert catalogue.chosen(["memory.stream.growth"]) == ["memory.stream.growth"]
    assert catalogue.chosen(["memory.stream.growth", "memory"])[:1] == ["memory.detect.200k"]


def test_rows_made_ahead_are_the_same_and_an_error_ends_them(monkeypatch):
    few = rows.Fleet(hosts=3, steps=4)
    assert list(rows.Ahead(few.bodies(rows.WIDE, 5))) == list(few.bodies(rows.WIDE, 5))
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    assert list(rows.Ahead(iter(lambda: 1 // 0, b""))) == []


def test_a_stream_is_sampled_at_its_marks(stage, monkeypatch):
    monkeypatch.setattr(memory, "Fixture", lambda stage, n: fleet.Fixture(stage, n, hosts=4))
    monkeypatch.setattr(memory, "CHUNK", 8)
    wanted = catalogue.chosen(["memory.stream"])
    found = memory.measure(stage, wanted, rows=80, marks=(16, 40, 8000))
    details = found.pop("details")
    if "skipped" in details:
        pytest.skip(details["skipped"][0])
    assert list(details["stream"]["resident_mb"]) == ["16", "40", "80"]
    assert set(found) == set(wanted)
    assert found["memory.stream.growth"] == found["memory.stream.rss"] / found["memory.stream.start"]


def test_memory_at_a_mark_is_the_median_of_the_chunks_before_it():
    samples = [float(n) for n in range(100)]
    assert memory.at(samples, 50 * memory.CHUNK) == 45.0  # of 41 to 49
    assert memory.at(samples, 1) == 0.0 and memory.at(samples, 10**9) == 95.0


def test_fleets_are_trained_once_and_the_exponent_needs_three(stage):
    small = {"train.quick": rows.Fleet(2, 300), "train.wide": rows.Fleet(3, 300, step_s=900)}
    sizes = tuple(rows.Fleet(hosts, 300) for hosts in (2, 4, 8))
    held = []
    monkey = stage.hold
    stage.hold = lambda verb, words, *rest, **more: held.append(words) or monkey(verb, words, *rest, **more)
    try:
        wanted = ["train.quick.cpu", "train.wide.memory", "train.exponent"]
        found = training.measure(stage, wanted, small, sizes)
    finally:
        stage.hold = monkey
    assert {"train.quick.cpu", "train.wide.memory", "train.exponent", "details"} == set(found)
    assert len(held) == len(set(held)) == 5  # three sizes, the wide one, the empty one
    assert set(found["details"]["train.exponent"]["cpu_s"]) == {"2", "4", "8"}
    assert found["details"]["train.wide"]["rows"] == 900


def test_the_exponent_is_that_of_the_costs():
    assert training.exponent([100, 300, 1000], [3.0, 9.0, 30.0]) == pytest.approx(1)
    assert training.exponent([100, 200, 400], [1.0, 4.0, 16.0]) == pytest.approx(2)


def test_bounds_of_a_season_are_larger_than_those_of_none(stage):
    found = sizes.measure(stage, ["size.bounds.none", "size.bounds.day"], hosts=2, days=8)
    assert set(found) == {"size.bounds.none", "size.bounds.day"}
    assert 20 < found["size.bounds.none"] < found["size.bounds.day"]


def test_a_flame_graph_is_a_small_picture_of_the_script(stage, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.profiled.Fixture", lambda stage, n: fleet.Fixture(stage, n, hosts=4))
    path, told = flame.draw(stage, "flame.model", tmp_path, rows=4000, mark="_before")
    assert path.name == "flame_model_before.svg" and path.stat().st_size < 60_000
    bars = [found.text for found in ET.parse(path).iter("{http://www.w3.org/2000/svg}title")]
    assert any("adaptdetect" in bar for bar in bars) and any("import" in bar for bar in bars)
    assert sum(told["rooms"].values()) == pytest.approx(100, abs=1)
    with pytest.raises(ValueError, match=r"flame\.pointwise"):
        flame.draw(stage, "flame.nothing", tmp_path)


def test_stacks_become_a_tree_without_what_starts_the_script():
    app = "/a/bin/adaptive_monitoring"
    start = [["/x/runpy.py", "run_path"], ["/a/bin/adaptfit.py", "<module>"]]
    inner = [*start, [f"{app}/engine/tails.py", "rank"]]
    stacks = [(inner, 3), ([*inner, ["/x/numpy/core.py", "sort"]], 5), ([*start, ["<frozen importlib._b>", "f"]], 2)]
    root = flame.tree(stacks)
    [script] = root.below
    assert (script.name, script.count) == ("adaptfit", 10)
    assert [(node.name, node.room, node.count) for node in script.below] == [
        ("import", "", 2),
        ("tails.rank", "engine", 8),
    ]
    assert flame.own(root) == {"tails.rank": 80.0, "import": 20.0}  # numpy's time is the caller's
    assert flame.own(root, rooms=True) == {"engine": 80.0, "import": 20.0}


def everything(value: float) -> Figures:
    known = dict.fromkeys(catalogue.BY_ID, value)
    return Figures({"3.13": known, "3.9": known}, {"3.13": known}, {}, {})


def test_the_page_names_only_what_there_is_and_says_what_was_not_measured():
    words = performance.WORDS.read_text(encoding="utf-8")
    empty = performance.text(words, Figures({}, {}, {}, {}))
    assert "NOW(speed.model.narrow)" in empty and "CALC(paper_cores)" in empty
    full = performance.text(words, everything(3.0))
    assert not re.search(r"(NOW|BEFORE|GAIN|TABLE|PROFILE)\(", full)
    assert "| `train.large.wall` |" in full
    for wrong in ("NOW(speed.nothing)", "CALC(nothing)"):
        with pytest.raises(ValueError, match="nothing"):
            performance.text(wrong, everything(3.0))


def test_figures_of_the_page_are_rounded_and_know_the_direction():
    figures = Figures(
        {"3.13": {"speed.model.narrow": 8.0, "train.wall": 10.0}},
        {"3.13": {"speed.model.narrow": 2.0, "train.wall": 25.0}},
        {"3.13": {"memory": {"stream": {"resident_mb": {"1000000": 98.04, "50000000": 99.0}}}}},
        {},
    )
    words = "GAIN(speed.model.narrow) GAIN(train.wall) BEFORE(train.wall) NOW(3.9 train.wall)"
    assert performance.text(words, figures) == "4 2.5 25 NOW(3.9 train.wall)"
    assert performance.text("DETAIL(memory/stream/resident_mb)", figures) == "1,000,000: 98, 50,000,000: 99"


def test_every_sum_can_be_made_from_figures_of_the_catalogue():
    figures = {name: float(number + 1) for number, name in enumerate(catalogue.BY_ID)}
    figures["estate.scheduled.cpu"] = 1e6
    assert all(capacity.value(name, figures) == capacity.value(name, figures) for name in capacity.SUMS)
    assert capacity.value("paper_models_mb", {"size.day.median": 1250.0}) == 500
    with pytest.raises(KeyError, match=r"size\.day\.median"):
        capacity.value("paper_models_mb", {})


def test_a_page_is_written_with_its_pictures(tmp_path):
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "flame_model.svg").write_text("<svg/>")
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- figures: how -->\nold\n<!-- /figures -->\nb\n")
    said = performance.write(everything(3.0), tmp_path / "docs" / "performance.md", dist, readme)
    words = readme.read_text()
    assert words.startswith("a\n<!-- figures: how -->\n- ") and words.endswith("\n<!-- /figures -->\nb\n")
    assert "old" not in words and "NOW(" not in words
    assert (tmp_path / "docs" / "images" / "flame_model.svg").is_file()
    assert "copied flame_model.svg" in said and said[-1].startswith("not measured")


def test_figures_of_the_earlier_version_are_ids_of_the_catalogue():
    for section in report.read(performance.BEFORE).values():
        assert set(section["figures"]) <= set(catalogue.BY_ID)


def test_details_of_a_group_are_kept_when_a_part_is_measured_again(tmp_path):
    path = tmp_path / "out.json"
    report.write(path, {}, {"train": {"train": {"rows": 1}}})
    report.write(path, {}, {"train": {"train.large": {"rows": 2}}})
    assert set(report.read(path)[report.PYTHON]["details"]["train"]) == {"train", "train.large"}


def test_an_earlier_version_can_be_measured():
    assert arguments(["speed", "--earlier", "x", "--rounds", "5"]).earlier.name == "x"
