"""Macros as SPL would run them: scoring without Python gives what `adaptdetect pointwise=true` gives."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import pytest
from package import conf, spl

from adaptive_monitoring.bounds.pointwise import HOST_FIELDS, METRIC_FIELDS, Slots, judge, suffixes
from adaptive_monitoring.bounds.table import Table
from tools import package

MACROS = conf.read(package.ROOT / "default" / "macros.conf")
FIELDS = [*HOST_FIELDS, *METRIC_FIELDS]
HEADER = ["host", "metric", "slot", "lower_bound", "expected", "upper_bound"]
MONDAY = 1_699_833_600


def bounds() -> list[list[str]]:
    """Hosts with one bound, a bound per quarter of the day, per hour of the week; one-sided ones; one without width."""
    draw = random.Random(7)
    rows = []
    for host, slots in (
        ("flat", ["all"]),
        ("day", [f"d{i}" for i in range(96)]),
        ("week", [f"w{i}" for i in range(168)]),
    ):
        for slot in slots:
            middle, width = draw.uniform(-5, 90), draw.uniform(0.5, 9)
            rows.append([host, "cpu", slot, f"{middle - width:.6g}", f"{middle:.6g}", f"{middle + width / 2:.6g}"])
    rows += [["high", "cpu", "all", "", "10", "20"], ["low", "cpu", "all", "10", "20", ""]]
    rows += [["constant", "cpu", "all", "3", "3", "3"], ["flat", "mem", "all", "0", "1", "2"]]
    return rows


def samples() -> list[dict[str, str]]:
    """Rows at random times with values inside, on, just outside and far outside of the bounds, and with none."""
    draw = random.Random(8)
    values = [f"{draw.uniform(-30, 130):.4f}" for _ in range(800)]
    values += [
        "",
        "text",
        " 12.5 ",
        "nan",
        "1e101",
        "-1e101",
        "99999999999",
        "-99999999999",
        "0",
        "3",
        "10",
        "20",
        "15",
        "2.999999",
    ] * 40
    hosts = ["flat", "day", "week", "high", "low", "constant", "unknown"]
    return [
        {
            "_time": str(MONDAY + draw.randrange(0, 4_000_000) + draw.choice([0, 0.25])),
            "host": draw.choice(hosts),
            "cpu": value,
        }
        for value in values
    ]


def by_commands(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """What the pointwise code says."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER, *bounds()])
    table = Table(text.getvalue().encode(), "bounds")
    columns = [[row[name] for row in rows] for name in ("_time", "host", "cpu")]
    verdicts = judge(table.metric("cpu"), Slots(), *columns)
    cells = csv.reader(suffixes([verdicts], [columns[2]], lambda metric, row: "cpu"))
    return [dict(zip(FIELDS, row)) for row in cells]


def by_macro(rows: list[dict[str, str]], call: str, keys: tuple[str, ...] = ("host",)) -> list[dict[str, Any]]:
    """What the macro says; null as empty text, as splunkd writes it."""
    lookup = [dict(zip([*keys, *HEADER[1:]], row)) for row in bounds()]
    found = spl.run(spl.expand(f"`{call}`", MACROS), [dict(row) for row in rows], {"adaptive_web_bounds.csv": lookup})
    return [{name: "" if row.get(name) is None else spl._text(row[name]) for name in FIELDS} for row in found]


def test_plain_spl_gives_the_numbers_of_pointwise() -> None:
    rows = samples()
    expected, got = by_commands(rows), by_macro(rows, 'adaptive_pointwise(web,cpu,"host")')
    assert len({row["severity"] for row in expected}) == 6
    for row, want, have in zip(rows, expected, got):
        assert have == want, row


def test_plain_spl_changes_nothing_else() -> None:
    rows = samples()[:20]
    lookup = [dict(zip(HEADER, row)) for row in bounds()]
    text = spl.expand('`adaptive_pointwise(web,cpu,"host")`', MACROS)
    for row, after in zip(rows, spl.run(text, [dict(row) for row in rows], {"adaptive_web_bounds.csv": lookup})):
        assert {name: after[name] for name in row} == row
        assert set(after) == {*row, *FIELDS}


def test_plain_spl_without_by_fields() -> None:
    rows = [{"_time": str(MONDAY), "cpu": "21"}]
    lookup = [dict(zip(["entity", *HEADER[1:]], ["all", "cpu", "all", "", "10", "20"]))]
    found = spl.run(
        spl.expand("`adaptive_pointwise(web,cpu)`", MACROS), [dict(rows[0])], {"adaptive_web_bounds.csv": lookup}
    )
    assert (found[0]["is_anomaly"], found[0]["anomaly_score"]) == (1, "52.38")
    assert found[0]["reason"] == "cpu 21 above 20, expected 10"


@pytest.mark.parametrize("prefix", ["", "cpu_"])
def test_band_has_the_names_that_line_charts_know(prefix: str) -> None:
    row: spl.Row = {
        "_time": "1",
        "cpu": "5",
        f"{prefix}lower_bound": "1",
        f"{prefix}upper_bound": "9",
        "is_anomaly": "0",
    }
    found = spl.run(spl.expand("`adaptive_band(cpu)`", MACROS), [row])
    assert found == [{"_time": "1", "cpu": "5", "lowerBound": "1", "upperBound": "9", "isOutlier": "0"}]


@pytest.mark.parametrize(
    ("end", "kept"), [("900", ["300", "600"]), ("899", ["300"]), ("+Infinity", ["300", "600", "900"])]
)
def test_spans_that_the_time_range_covers_in_part_are_dropped(end: str, kept: list[str]) -> None:
    rows: list[spl.Row] = [
        {"_time": time, "info_min_time": "150", "info_max_time": end, "info_search_time": "0", "info_sid": "x"}
        for time in ("0", "300", "600", "900")
    ]
    text = spl.expand("`adaptive_whole_spans(300)`", MACROS)
    command, _, rest = text.partition("|")
    assert command.strip() == "addinfo"
    found = spl.run(rest, rows)
    assert found == [{"_time": time} for time in kept]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1+2*3", 7.0),
        ("(1+2)*3", 9.0),
        ('"a".floor(7/2)."b"', "a3b"),
        ("null()+1", None),
        ("1/0", None),
        ("if(null()>1, 1, 2)", 2.0),
        ('if("10">9, "number", "text")', "number"),
        ("10-3-2", 5.0),
        ("floor(7%4)", 3.0),
        ('case(1=2, "a", true(), "b")', "b"),
        ("'a b'+1", 3.0),
    ],
)
def test_the_instrument_evaluates_as_documented(text: str, value: spl.Value) -> None:
    assert spl.parse(text)({"a b": "2"}) == value


def test_the_comparison_can_fail() -> None:
    rows = samples()
    got = by_macro(rows, 'adaptive_pointwise(web,cpu,"host")')
    wrong = {
        name: {**macro, "definition": macro["definition"].replace("259200", "0")} for name, macro in MACROS.items()
    }
    lookup = [dict(zip(HEADER, row)) for row in bounds()]
    text = spl.expand('`adaptive_pointwise(web,cpu,"host")`', wrong)
    changed = spl.run(text, [dict(row) for row in rows], {"adaptive_web_bounds.csv": lookup})
    assert [row["anomaly_score"] or "" for row in changed] != [row["anomaly_score"] for row in got]
