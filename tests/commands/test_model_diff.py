"""adaptmodel action=diff and the state cell in words."""

from __future__ import annotations

import pytest
from searchhead.head import SearchHead
from store.modelrows import cells, models

from adaptive_monitoring.commands import statecell
from adaptive_monitoring.commands.differing import differences, level_moved, moment, profile_moved
from adaptive_monitoring.engine.base import CAUSES
from commands.fleet import DAYS, START, wide


class Side:
    """A collection as read."""

    def __init__(self, columns, keys=("host",)) -> None:
        self.columns, self.keys = columns, list(keys)


def told(before: dict[str, str], after: dict[str, str], promoted=None) -> dict[str, str]:
    """The one row about two versions of one model, {} when they are equal."""
    old, new = {"model_version": "1", **before}, {"model_version": "2", **after}
    found = differences(Side(models(["a"], **old)), Side(models(["a"], **new)), promoted or {})
    return dict(zip(found.names, next(zip(*found.data)))) if len(found) else {}


def test_equal_models_have_no_row_whatever_their_version_and_hash() -> None:
    assert told({}, {}) == {} == told({"row_hash": "x"}, {"row_hash": "y", "author": "else"})


@pytest.mark.parametrize(
    "before, after, why",
    [
        ({}, {"trained_to": "1702505600"}, "new data until 2023-12-13 22:13 UTC (before: 2023-12-12 22:13"),
        ({}, {"trained_to": "1702400000"}, "data only until 2023-12-12 16:53 UTC"),
        ({}, {"n_points": "9000"}, "more data in the same range"),
        ({}, {"config_hash": "f" * 16, "budget": "1"}, "options changed (budget; config_hash 0123456789abcdef -> ffff"),
        ({}, {"config_hash": "f" * 16}, "not in the row: fields, season"),
        ({"lock": "0"}, {"lock": "1"}, "locked"),
        ({"lock": "1"}, {"lock": "0"}, "unlocked"),
        ({"state": "a=1"}, {"state": "a=1;eased=0 0.8 0.3 0 0"}, "verdicts (eased: nothing -> jump 0.8; shift 0.3)"),
        ({}, {"model_status": "drifting", "state": "moved=1"}, "drift was found"),
        ({"model_status": "drifting"}, {"model_status": "trained"}, "drift was adopted or is over"),
        ({"model_version": "5"}, {"model_version": "3", "level": "1"}, "rolled back from version 5 to 3"),
        ({"peer": "web"}, {"peer": ""}, "on its own instead of its peer group"),
        ({}, {"level": "1"}, "values inside the same range of time"),
    ],
)
def test_the_reason_is_in_words(before, after, why) -> None:
    assert why in told(before, after)["why"]


def test_what_was_promoted_is_told_and_an_added_and_a_removed_model_have_a_row() -> None:
    assert "promoted from web_shadow" in told({}, {"level": "1"}, {"2": "web_shadow"})["why"]
    before, after = Side(models(["a", "b"], model_version="1")), Side(models(["b", "c"], model_version="2"))
    for side in (before, after):  # the rows of b are equal
        side.columns.get("level")[side.columns.get("host").index("b")] = "5"
        side.columns.get("scale")[side.columns.get("host").index("b")] = "1"
    found = differences(before, after, {})
    assert [(row[0], row[2]) for row in zip(*found.data)] == [("a", "removed"), ("c", "added")]
    assert found.get("version_before") == ["1", ""] and found.get("version_after") == ["", "2"]
    assert "data until 2023-12-12" in found.get("why")[1]


def test_fields_have_their_values_before_and_after_and_long_ones_what_moved_in_them() -> None:
    day = cells("day")["slots"]
    moved = day.replace(day.split(" ")[1], "999", 1)
    row = told(
        {"season": "day", "slots": day, "state": "a=1;b=2", "budget_observed": ""},
        {"season": "day", "slots": moved, "state": "a=1;b=3;c=4", "budget_observed": "0.2"},
    )
    assert row["fields"] == "slots, state, budget_observed" and "budget_observed none -> 0.2" in row["moves"]
    assert "slots 1 of 96" in row["moves"] and "state b c" in row["moves"]


def test_how_far_is_counted_in_scales_of_the_model_before() -> None:
    a = {"season": "none", "slots": "", "level": "50", "scale": "2"}
    assert level_moved(a, {**a, "level": "53"}) == "+1.5" and profile_moved(a, {**a, "level": "53"}) == "1.5"
    day = {**a, "season": "day", "slots": "16 0|64 64"}
    assert profile_moved(day, {**day, "slots": "16 -32|64 64"}) == "2" and level_moved(day, day) == "+0"
    assert profile_moved(a, day) == level_moved(a, {**a, "level": ""}) == level_moved({**a, "scale": ""}, a) == ""


def test_a_time_that_is_none_stays_as_it_is() -> None:
    assert moment("1e30") == "1e30" and moment("") == "an unknown time" and moment("0") == "1970-01-01 00:00 UTC"


def test_the_kinds_of_deviations_are_those_of_the_engine() -> None:
    assert statecell.CAUSES == CAUSES


@pytest.mark.parametrize(
    "state, words",
    [
        ("eased=0.3 0.8 0 0 0", "jump 0.8; level 0.3"),
        ("a=1;eased=0 0 0 0 1.25;b=2", "flat 1.25"),
        ("eased=0 0 0 0 0", ""),
        ("a=1", ""),
        ("", ""),
        ("eased=x", ""),
    ],
)
def test_what_verdicts_eased_is_readable(state, words) -> None:
    assert statecell.eased(state) == words


def model(app, words):
    return SearchHead(app.folder).search(f"| adaptmodel {words}")


def test_show_has_a_column_of_what_verdicts_eased(own) -> None:
    own.store.write("web", ["host"], models(["a"], state="eased=0.3 0.8 0 0 0"))
    own.store.write("new", ["eased"], models(["a"], keys=["eased"]))
    assert model(own, "action=show collection=web").rows[0]["eased"] == "jump 0.8; level 0.3"
    assert model(own, "action=show collection=new").rows[0]["eased"] == "a"  # a by-field of that name wins


def test_diff_through_the_script_says_what_a_training_moved(own) -> None:
    own.search("adaptfit cpu mem by host into web", wide("ab"))
    own.search("adaptfit cpu mem by host into web mode=replace", wide("bc", DAYS + 1))
    rows = model(own, "action=diff collection=web").rows
    assert [(row["host"], row["metric"], row["change"]) for row in rows] == [
        (host, metric, change)
        for host, change in zip("abc", ("removed", "changed", "added"))
        for metric in ("cpu", "mem")
    ]
    changed = model(own, "action=diff collection=web where change=changed metric=cpu").rows
    assert len(changed) == 1 and changed[0]["host"] == "b" and abs(float(changed[0]["level_moved"])) < 3
    until = moment(str(START + (DAYS + 1) * 86400 - 600))
    assert changed[0]["why"].startswith(f"new data until {until}") and "trained_to" in changed[0]["fields"]
    own.search("adaptfit cpu mem by host into web budget=1 mode=replace", wide("bc", DAYS + 1))
    whys = [row["why"] for row in model(own, "action=diff collection=web").rows]
    assert len(whys) == 4 and all(why.startswith("options changed (budget; config_hash") for why in whys)
    assert len(model(own, "action=diff collection=web version=1,2").rows) == 6
    assert {row["version_before"] for row in model(own, "action=diff collection=web version=1").rows} == {"1", ""}


def test_diff_against_another_collection(own) -> None:
    own.search("adaptfit cpu by host into web", wide("ab", 1))
    own.search("adaptfit cpu by host into web mode=shadow", wide("ab", 1, seed=9))
    rows = model(own, "action=diff collection=web against=web_shadow").rows
    assert [row["host"] for row in rows] == ["a", "b"] and "level" in rows[0]["fields"]
    assert model(own, "action=diff collection=web against=web").rows == []
    own.search("adaptfit cpu into all", wide("a", 1))
    assert "only collections with the same" in model(own, "action=diff collection=web against=all").errors[0]
    assert "there are: all, web" in model(own, "action=diff collection=web against=no").errors[0]
    model(own, "action=promote collection=web")
    assert all("promoted from web_shadow" in row["why"] for row in model(own, "action=diff collection=web").rows)
