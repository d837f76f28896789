"""Macros, run by the driver that plays splunkd: scoring without Python gives what the pointwise code gives."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from searchhead.head import SearchHead

from adaptive_monitoring.bounds.pointwise import HOST_FIELDS, METRIC_FIELDS, Slots, answer, judge
from adaptive_monitoring.bounds.table import Table
from tools import package

FIELDS = [*HOST_FIELDS, *METRIC_FIELDS]
HEADER = ["host", "metric", "slot", "lower_bound", "expected", "upper_bound"]
MONDAY = 1_699_833_600
CALL = 'search | `adaptive_pointwise(web,cpu,"host")`'


def bounds() -> str:
    """Hosts with one bound, a bound per quarter of the day, per hour of the week; one-sided ones; one without width."""
    draw = random.Random(7)
    rows = [HEADER]
    seasons = {"flat": ["all"], "day": [f"d{i}" for i in range(96)], "week": [f"w{i}" for i in range(168)]}
    for host, slots in seasons.items():
        for slot in slots:
            middle, width = draw.uniform(-5, 90), draw.uniform(0.5, 9)
            rows.append([host, "cpu", slot, f"{middle - width:.6g}", f"{middle:.6g}", f"{middle + width / 2:.6g}"])
    rows += [["high", "cpu", "all", "", "10", "20"], ["low", "cpu", "all", "10", "20", ""]]
    rows += [["constant", "cpu", "all", "3", "3", "3"], ["flat", "mem", "all", "0", "1", "2"]]
    return text_of(rows)


def text_of(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def samples() -> list[dict[str, str]]:
    """Rows at random times with values inside, on, just outside and far outside of the bounds, and with none."""
    draw = random.Random(8)
    values = [f"{draw.uniform(-30, 130):.4f}" for _ in range(800)]
    values += ["", "text", " 12.5 ", "nan", "1e101", "-1e101", "99999999999", "-99999999999", "15", "2.999999"] * 40
    values += ["0", "3", "10", "20"] * 40
    hosts = ["flat", "day", "week", "high", "low", "constant", "unknown"]
    times = [str(MONDAY + draw.randrange(0, 4_000_000) + draw.choice([0, 0.25])) for _ in values]
    return [{"_time": time, "host": draw.choice(hosts), "cpu": value} for time, value in zip(times, values)]


def by_code(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """What the code behind `adaptdetect pointwise=true` says."""
    table = Table(bounds().encode(), "bounds")
    columns = [[row[name] for row in rows] for name in ("_time", "host", "cpu")]
    verdicts = judge(table.metric("cpu"), Slots(), *columns)
    cells = csv.reader(map(",".join, zip(*answer([verdicts], [columns[2]], lambda metric, row: "cpu"))))
    return [dict(zip(FIELDS, row)) for row in cells]


def by_macro(app: Path, rows: list[dict[str, str]], search: str = CALL) -> list[dict[str, str]]:
    """What a macro makes of rows, with '' for null."""
    result = SearchHead(str(app)).search(search, [dict(row) for row in rows])
    assert result.errors == []
    return [{name: str(value) for name, value in row.items()} for row in result.rows]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The app as installed, with a collection's bounds."""
    folder = package.stage(tmp_path)
    (folder / "lookups").mkdir(exist_ok=True)
    (folder / "lookups" / "adaptive_web_bounds.csv").write_text(bounds(), encoding="utf-8")
    return folder


def test_plain_spl_gives_the_numbers_of_pointwise(app: Path) -> None:
    rows = samples()
    expected, got = by_code(rows), by_macro(app, rows)
    assert len({row["severity"] for row in expected}) == 6
    for row, want, have in zip(rows, expected, got):
        assert {name: have[name] for name in FIELDS} == want, row


def test_plain_spl_changes_nothing_else(app: Path) -> None:
    rows = samples()
    got = by_macro(app, rows)
    assert [{name: row[name] for name in rows[0]} for row in got] == rows
    assert set(got[0]) == {*rows[0], *FIELDS}


def test_the_comparison_can_fail(app: Path) -> None:
    rows = samples()
    path = app / "default" / "macros.conf"
    path.write_text(path.read_text(encoding="utf-8").replace("259200", "0"), encoding="utf-8")
    changed = by_macro(app, rows)
    assert [row["anomaly_score"] for row in changed] != [row["anomaly_score"] for row in by_code(rows)]


def test_plain_spl_without_by_fields(app: Path) -> None:
    lookup = text_of([["entity", *HEADER[1:]], ["all", "cpu", "all", "", "10", "20"]])
    (app / "lookups" / "adaptive_web_bounds.csv").write_text(lookup, encoding="utf-8")
    (found,) = by_macro(app, [{"_time": str(MONDAY), "cpu": "21"}], "search | `adaptive_pointwise(web,cpu)`")
    assert (found["is_anomaly"], found["anomaly_score"]) == ("1", "52.38")
    assert found["reason"] == "cpu 21 above 20, expected 10"


@pytest.mark.parametrize("prefix", ["", "cpu_"])
def test_band_has_the_names_that_line_charts_know(app: Path, prefix: str) -> None:
    row = {"_time": "1", "cpu": "5", f"{prefix}lower_bound": "1", f"{prefix}upper_bound": "9", "is_anomaly": "0"}
    found = by_macro(app, [row], "search | `adaptive_band(cpu)`")
    assert found == [{"_time": "1", "cpu": "5", "lowerBound": "1", "upperBound": "9", "isOutlier": "0"}]


@pytest.mark.parametrize(("end", "kept"), [(900, ["300", "600"]), (899, ["300"]), (None, ["300", "600", "900"])])
def test_spans_that_the_time_range_covers_in_part_are_dropped(app: Path, end: float | None, kept: list[str]) -> None:
    rows = [{"_time": time, "cpu": "1"} for time in ("0", "300", "600", "900")]
    result = SearchHead(str(app)).search("search | `adaptive_whole_spans(300)`", rows, earliest=150, latest=end)
    assert [row["_time"] for row in result.rows] == kept
    assert set(result.rows[0]) == {"_time", "cpu"}
