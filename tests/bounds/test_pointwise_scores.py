"""Scores against a bounds table: equal to the naive twin, cell for cell."""

from __future__ import annotations

import random

import pytest
from store.modelrows import HOSTILE, models

from adaptive_monitoring.bounds import pointwise
from adaptive_monitoring.bounds.derive import derive
from adaptive_monitoring.bounds.pointwise import (
    HOST_FIELDS,
    METRIC_FIELDS,
    Slots,
    answer,
    judge,
    severity,
    to_hundred,
)
from adaptive_monitoring.bounds.table import Table
from adaptive_monitoring.errors import ModelError
from adaptive_monitoring.store.lookup import LookupStore
from bounds.naive import read_bounds, score

ODD = ["", "x", "nan", "inf", "-inf", "1e101", "-1e101", "1e999", "1\n2", " 5 ", "0", "-0", "1e100", "12,5"]


def file_of(hosts, **other) -> bytes:
    return LookupStore.rendered(derive(models(hosts, **other), ["host"]).columns)


def judged(data: bytes, times, hosts, values, metric="cpu") -> list[dict]:
    import csv
    import io

    verdicts = judge(Table(data, "x").metric(metric), Slots(), times, hosts, values)
    lines = list(map(",".join, zip(*answer([verdicts], [values], lambda m, i: metric))))
    rows = csv.reader(io.StringIO("\n".join(lines), newline=""))
    return [dict(zip((*HOST_FIELDS, *METRIC_FIELDS), row)) for row in rows]


def assert_twin(data: bytes, times, hosts, values) -> None:
    table = read_bounds(data)
    for row, time, host, value in zip(judged(data, times, hosts, values), times, hosts, values):
        wanted = score(table, (host,), "cpu", time, value)
        assert {name: row[name] for name in wanted} == wanted


@pytest.mark.parametrize("season", ["none", "day", "week"])
@pytest.mark.parametrize("other", [{}, {"lower_k": ""}, {"upper_k": ""}, {"tz": "Europe/Paris"}, {"floor": "20%"}])
def test_every_cell_is_that_of_the_naive_twin(season, other) -> None:
    chance = random.Random(3)
    hosts = [chance.choice(["a", "b", "c", "unknown"]) for _ in range(400)]
    times = [f"{chance.uniform(-1e9, 2e9):.3f}" for _ in range(400)]
    values = [chance.choice([*ODD, *[f"{chance.uniform(-20, 120):.3f}" for _ in range(20)]]) for _ in range(400)]
    assert_twin(file_of(["a", "b", "c"], season=season, **other), times, hosts, values)


def test_values_on_and_beside_a_bound() -> None:
    data = file_of(["a"])
    lower, expected, upper = (float(x) for x in read_bounds(data)[(("a",), "cpu", "all")])
    values = [
        repr(x) for x in (lower, expected, upper, _next(lower, -1), _next(lower, 1), _next(upper, 1), _next(upper, -1))
    ]
    assert_twin(data, ["0"] * 7, ["a"] * 7, values)
    rows = judged(data, ["0"] * 7, ["a"] * 7, values)
    assert [row["is_anomaly"] for row in rows] == ["0", "0", "0", "1", "0", "1", "0"]
    assert [row["score"] for row in rows] == ["50.00", "0.00", *["50.00"] * 5]


def _next(x: float, sign: int) -> float:
    return x + sign * abs(x) * 2.3e-16


def test_times_without_a_number_score_only_where_there_is_no_season() -> None:
    times = ["", "x", "nan", "inf", "2024-01-01"]
    for season, wanted in (("none", True), ("day", False)):
        rows = judged(file_of(["a"], season=season), times, ["a"] * 5, ["50"] * 5)
        assert all(bool(row["score"]) is wanted and row["model_status"] == "trained" for row in rows)


def test_hostile_names_of_entities_and_metrics() -> None:
    data = LookupStore.rendered(derive(models(HOSTILE, HOSTILE), ["host"]).columns)
    table = Table(data, "x")
    assert table.keys == ["host"] and sorted(table.metrics) == sorted(HOSTILE)
    for metric in HOSTILE:
        assert all(table.metric(metric)[host] is not None for host in HOSTILE)
    assert {row["model_status"] for row in judged(data, ["0"] * 20, HOSTILE, ["5"] * 20, 'quo"te')} == {"trained"}


def test_reasons_quote_what_has_to_be_quoted() -> None:
    data = LookupStore.rendered(derive(models(["a"], ['m,"1']), ["host"]).columns)
    row = judged(data, ["0"], ["a"], ["1e6"], 'm,"1')[0]
    upper = row["upper_bound"]
    assert row["reason"] == f'm,"1 1e6 above {upper}, expected {row["expected"]}'
    assert row["severity"] == "critical" and row["is_anomaly"] == "1"


def test_several_metrics_make_one_host_score() -> None:
    data = LookupStore.rendered(derive(models(["a", "b"], ["cpu", "mem"]), ["host"]).columns)
    table = Table(data, "x")
    values = [["1000", "x", "x"], ["-1000", "50", "x"]]
    verdicts = [judge(table.metric(m), Slots(), ["0"] * 3, ["a", "b", "c"], v) for m, v in zip(("cpu", "mem"), values)]
    assert pointwise.strongest(verdicts)[2] == pointwise.UNKNOWN
    lines = list(map(",".join, zip(*answer(verdicts, values, lambda m, i: ("cpu", "mem")[m]))))
    assert all(len(line.split('"')[-1].split(",")) >= 8 for line in lines)
    first = max(verdicts[0].strange[0], verdicts[1].strange[0])
    assert lines[0].startswith(f"{to_hundred(first):.2f},1,critical,") and lines[2] == ",0,,,cold,,,,,,,,"
    assert "; " in lines[0] and "cpu 1000 above" in lines[0] and "mem -1000 below" in lines[0]


def test_no_width_at_all_is_as_strange_as_can_be() -> None:
    data = b"host,metric,slot,lower_bound,expected,upper_bound\na,cpu,all,5,5,5\n"
    rows = judged(data, ["0"] * 3, ["a"] * 3, ["5", "5.0001", "-1e100"])
    assert [(row["score"], row["is_anomaly"]) for row in rows] == [("0.00", "0"), ("100.00", "1"), ("100.00", "1")]


def test_the_scale_of_scores_and_severities() -> None:
    assert [to_hundred(s) for s in (0, 1, 4)] == [0, 50, 80]
    assert [severity(s) for s in (0, 0.99, 1, 1.5, 2.5, 4, 1e9)] == [
        "info",
        "info",
        "low",
        "medium",
        "high",
        "critical",
        "critical",
    ]


@pytest.mark.parametrize(
    "data", [b"", b"host,metric\n", b"a,b,c,d,e,f\n1,2,3,4,5,6\n", b"metric,slot,lower_bound,expected,upper_bound\n"]
)
def test_a_file_that_is_no_bounds_lookup_is_an_error(data) -> None:
    with pytest.raises(ModelError, match="action=export"):
        Table(data, "x")


def test_rows_that_are_no_bounds_are_counted_and_left_out() -> None:
    data = (
        file_of(["a"])
        + b"b,cpu,all,1,x,3\nc,cpu,all,3,2,1\nd,cpu,z9,1,2,3\ne,cpu,all,1,2\nf,cpu,all,1,2,1e101\ng,cpu,al"
    )
    table = Table(data, "x")
    metric = table.metric("cpu")
    rows = judge(metric, Slots(), ["0"] * 7, list("abcdefg"), ["2"] * 7)
    assert [rows.strange.get(i, 0) >= 0 for i in range(7)] == [True, *[False] * 6] and table.unreadable >= 5


@pytest.mark.parametrize("season", ["none", "week"])
def test_other_line_ends_quotes_and_orders_of_columns_read_the_same(season) -> None:
    data = file_of(["a", "b"], season=season)
    rows = [line.split(b",") for line in data.split(b"\n")[:-1]]
    variants = [
        data.replace(b"\n", b"\r\n"),
        data.rstrip(b"\n"),
        b"\xef\xbb\xbf" + data,
        b"\n".join(b",".join(b'"' + cell + b'"' for cell in row) for row in rows),
        b"\n".join(b",".join(row[::-1]) for row in rows),
    ]
    times, hosts, values = ["1702419200"] * 3, ["a", "b", "c"], ["50", "1000", "x"]
    wanted = judged(data, times, hosts, values)
    for variant in variants:
        assert judged(variant, times, hosts, values) == wanted


def test_bounds_with_blanks_or_open_sides_are_cells_like_the_others() -> None:
    header = b"host,metric,slot,lower_bound,expected,upper_bound\n"
    files = (header + b"a,cpu,all," + cells for cells in (b"1,2,4", b" 1,2\t,4 "))
    plain, blank = (Table(data, "x").metric("cpu")["a"] for data in files)
    assert plain is not None and plain[0] == blank[0] == (1.0, 2.0, 4.0, 1.0, 2.0, "2,1,4")
    data = header + b"a,cpu,all,,2,\nb,cpu,all, ,2,4\n"
    rows = judged(data, ["0"] * 4, list("aaab"), ["-1e100", "1e100", "1e101", "-9"])
    assert [row["score"] for row in rows] == ["0.00", "0.00", "", "0.00"]
    assert [row["lower_bound"] for row in rows] == [""] * 4


def test_the_first_of_two_rows_for_a_slot_counts_and_so_does_the_first_kind_of_slots() -> None:
    rows = ["host,metric,slot,lower_bound,expected,upper_bound"]
    rows += [f"a,cpu,{row}" for row in ("d0,1,2,3", "w0,7,8,9", "d0,4,5,6", "d96,1,2,3", "all,1,2,3")]
    table = Table("\n".join(rows).encode(), "x")
    series = table.metric("cpu")["a"]
    assert series is not None and (series.mode, series[0][1], table.unreadable) == (1, 2.0, 1)


@pytest.mark.parametrize("season", ["none", "day"])
def test_texts_and_empty_cells_beside_numbers_change_no_other_row(season) -> None:
    data = file_of(["a"], season=season)
    numbers = [str(i) for i in range(0, 200, 3)]
    wanted = judged(data, ["1702419200"] * len(numbers), ["a"] * len(numbers), numbers)
    for other in ("", "x", "nan", "1e999"):
        mixed = [text for number in numbers for text in (number, other)]
        rows = judged(data, ["1702419200"] * len(mixed), ["a", "b"] * len(numbers), mixed)
        assert rows[::2] == wanted and all(row["score"] == "" for row in rows[1::2])
