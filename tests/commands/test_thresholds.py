"""Static thresholds: what a lookup and an expression mean, which row wins, what is said about the others."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from adaptive_monitoring.commands.thresholds import Thresholds
from adaptive_monitoring.engine.static import Limits
from adaptive_monitoring.errors import BadThresholds, CollectionNotFound

KEYS = [("web01",), ("web02",), ("db01",)]
METRICS = ["cpu", "mem"]


def lookup(folder: Path, text: str, by: tuple[str, ...] = ("host",), **options) -> Thresholds:
    (folder / "lookups").mkdir(exist_ok=True)
    (folder / "lookups" / "limits.csv").write_text(text, encoding="utf-8")
    return Thresholds("limits", by, app=str(folder), **options)


def numbers(table: np.ndarray) -> list[list[float | None]]:
    return [[None if math.isnan(number) else number for number in row] for row in table.tolist()]


def test_an_expression_has_a_limit_per_condition() -> None:
    found = Thresholds('cpu>90 OR mem>=95 for 10m, "mem"<5 or nothing', ["host"])
    limits = found.limits(KEYS[:1], METRICS)
    assert limits.high[0, 0] == 90 and 94.999 < limits.high[0, 1] < 95  # at the limit is beyond it
    assert numbers(limits.low) == [[None, 5]] and limits.high_s.tolist() == [[0, 600]]
    assert len(found.problems) == 1 and '"nothing" is left out' in found.problems[0]


@pytest.mark.parametrize("text", ["cpu>>90", "cpu>many", "cpu=90", "cpu>90 AND mem>5", "cpu>90 for ever", "cpu>inf"])
def test_an_expression_that_says_nothing_usable_is_refused(text: str) -> None:
    with pytest.raises(BadThresholds, match="left out"):
        Thresholds(text, ["host"])


def test_a_second_limit_on_one_side_is_told() -> None:
    found = Thresholds("cpu>90,cpu>95,cpu<3", ["host"])
    assert found.limits(KEYS[:1], METRICS).high[0, 0] == 90 and "cpu>95" in found.problems[0]


def test_the_most_specific_row_wins_on_each_side_wherever_it_stands(tmp_path: Path) -> None:
    found = lookup(tmp_path, "host,template,metric,critical,direction\nweb02,,c*,70,high\n*,,*,99,high\n"
                   'web*,,cpu,80,high\n,database,cpu,60,high\n*,,cpu,"2,90",both\nweb02,,mem,,high\n', templates=True)
    limits = found.limits(KEYS, METRICS, ["web", "web", "database"])
    assert numbers(limits.high) == [[80, 99], [70, None], [60, 99]]  # an empty limit of web02 takes mem out
    assert numbers(limits.low) == [[2, None]] * 3 and not found.problems


def test_of_equally_specific_rows_the_first_counts(tmp_path: Path) -> None:
    found = lookup(tmp_path, "host,metric,critical\nweb01,cpu,80\nweb01,cpu,70\n")
    assert numbers(found.limits(KEYS, METRICS).high)[0] == [80, None]


@pytest.mark.parametrize(("which", "high", "low"), [("any", 80, 10), ("warning", 80, 10), ("critical", 90, 5)])
def test_warning_or_critical_raise_the_alert_as_asked(tmp_path: Path, which: str, high: float, low: float) -> None:
    text = 'host,metric,warning,critical,direction\n*,cpu,80,90,high\n*,mem,"10:","5:",both\n'
    limits = lookup(tmp_path, text, limits=which).limits(KEYS[:1], METRICS)
    assert numbers(limits.high) == [[high, None]] and numbers(limits.low) == [[None, low]]


def test_rows_of_a_proposal_are_read_as_they_are_exported(tmp_path: Path) -> None:
    found = lookup(tmp_path, "host,metric,warning,critical,direction,duration\n"
                   "web01,cpu,80.5,95,high,10m\nweb01,cpu,20,5,low,10m\nweb02,mem,7,,high,90s\n")
    limits = found.limits(KEYS, METRICS)
    assert numbers(limits.high) == [[80.5, None], [None, 7], [None, None]]
    assert numbers(limits.low) == [[20, None], [None, None], [None, None]]
    assert limits.high_s.max() == 600 and limits.high_s[1, 1] == 90 and not found.problems


def test_bad_rows_are_named_and_the_rest_counts(tmp_path: Path) -> None:
    good, bad = ["*,cpu,90,,"], ["*,mem,x,,", "*,mem,5,sideways,", "*,mem,5,both,", "*,mem,5,high,soon"]
    rows = [*good, *bad, "*,swap,5,,", "zz*,cpu,5,,"]
    found = lookup(tmp_path, "host,metric,critical,direction,duration\n" + "\n".join(rows) + "\n")
    limits = found.limits(KEYS, METRICS)
    assert numbers(limits.high) == [[90, None]] * 3
    said = "\n".join(found.problems)
    for part in ('line 3 of limits is left out: critical must be a number; got "x"', "line 4", "low,high", 'got "soon"',
                 'line 7 ("swap")', 'line 8 ("zz*")'):
        assert part in said
    many = lookup(tmp_path, "host,metric,critical\n*,cpu,1\n" + "*,mem,x\n" * 20)
    assert len(many.problems) == 6 and "15 more rows" in many.problems[-1]


def test_a_template_needs_the_option_and_several_by_fields_can_be_one_column(tmp_path: Path) -> None:
    with pytest.raises(BadThresholds, match="template="):
        lookup(tmp_path, "template,metric,critical\nweb,cpu,90\n")
    found = lookup(tmp_path, "entity,metric,critical\npar/web*,cpu,90\nlon/db01,cpu,80\n", by=("site", "host"))
    limits = found.limits([("par", "web01"), ("lon", "db01"), ("lon", "web01")], ["cpu"])
    assert numbers(limits.high) == [[90], [80], [None]]


@pytest.mark.parametrize(
    "text", ["", "host,metric\n*,cpu\n", "host,critical\n*,5\n", "host,metric,critical\n*,cpu,x\n"]
)
def test_a_lookup_without_anything_usable_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadThresholds):
        lookup(tmp_path, text)


def test_what_fits_nothing_or_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadThresholds, match="which have cpu, mem"):
        lookup(tmp_path, "host,metric,critical\n*,swap,5\n").limits(KEYS, METRICS)
    with pytest.raises(CollectionNotFound, match="there is no"):
        Thresholds("nothing", ["host"], app=str(tmp_path))


def test_a_thousand_hosts_with_rows_of_their_own_take_no_time(tmp_path: Path) -> None:
    keys = [(f"h{i}",) for i in range(2000)]
    text = "host,metric,critical\n" + "".join(f"h{i},cpu,{i}\n" for i in range(2000))
    limits: Limits = lookup(tmp_path, text).limits(keys, METRICS)
    assert limits.high[:, 0].tolist() == list(range(2000))
