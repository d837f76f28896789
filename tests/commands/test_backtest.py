"""adaptbacktest through its real script."""

from __future__ import annotations

import os
from typing import Any

import pytest
from searchhead.head import Result

from commands.fleet import DAYS, START, App, Row, said, shifted, wide

DAY = 86400
END = START + (DAYS + 4) * DAY
TOLD = START + (DAYS + 2) * DAY


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Eight days of three hosts; cpu of b is 60 higher for the last two of them."""
    return shifted(wide("abc", DAYS + 4), "b", "cpu", 60, (DAYS + 2) * 24)


def put(app: App, name: str, text: str) -> None:
    with open(f"{app.folder}/lookups/{name}.csv", "w", encoding="utf-8") as stream:
        stream.write(text)


def total(result: Result) -> dict[str, Any]:
    assert not result.errors
    return next(row for row in result.rows if row["row"] == "total")


def test_an_expression_is_held_against_the_models(own: App, rows: list[Row]) -> None:
    put(own, "known", f"host,start,end\nb,{TOLD},{TOLD + 3600}\n")
    found = total(own.search('adaptbacktest cpu mem by host static="cpu>90" incidents=known', rows))
    assert (found["entities"], found["incidents"]) == ("3", "1")
    assert (found["static_caught"], found["models_caught"], found["both"]) == ("1", "1", "1")
    assert float(found["static_recall"]) == float(found["models_recall"]) == 1.0


def test_the_future_changes_nothing_before_it(own: App, rows: list[Row]) -> None:
    """Rows behind a time do not change what was told before it: the curve of a shorter history is its own."""
    early = [row for row in rows if float(row["_time"]) < TOLD]
    other = [{**row, "cpu": "-500"} if float(row["_time"]) >= TOLD else row for row in rows]
    put(own, "known", f"host,start,end\nb,{TOLD - DAY},{TOLD - DAY + 3600}\n")
    search = 'adaptbacktest cpu by host static="cpu>90" incidents=known after=4d'
    caught = [total(own.search(search, some))["models_caught"] for some in (early, rows, other)]
    assert len(set(caught)) == 1


def test_thresholds_of_a_lookup_and_its_bad_rows(own: App, rows: list[Row]) -> None:
    put(own, "limits", "host,metric,warning,critical,direction,duration\n"
        "*,cpu,80,90,high,20m\nb,cpu,,500,high,\n*,nosuch,,1,high,\n*,mem,,many,high,\n")
    result = own.search("adaptbacktest cpu mem by host static=limits inject=false", rows)
    found = total(result)
    assert said(result, "line 4", "nosuch") and said(result, "line 5", "many")
    assert found["static_alerts"] == "0"  # the row of b itself wins, and nobody reaches 500


def test_nothing_usable_is_an_error(own: App, rows: list[Row]) -> None:
    put(own, "limits", "host,metric,critical\n*,nosuch,1\n")
    assert "ADM026" in own.search("adaptbacktest cpu by host static=limits", rows).errors[0]
    assert own.search('adaptbacktest cpu by host static="cpu like 3"', rows).errors


def test_incidents_that_overlap_or_lie_outside_are_told(own: App, rows: list[Row]) -> None:
    put(own, "known", f"host,start,end\nb,{TOLD},{TOLD + 3600}\nb,{TOLD + 600},{TOLD + 7200}\n"
        f"a,{END + DAY},{END + 2 * DAY}\nzzz,{TOLD},{TOLD + 60}\n")
    result = own.search('adaptbacktest cpu by host static="cpu>90" incidents=known', rows)
    assert total(result)["incidents"] == "1"
    assert said(result, "overlap") and said(result, "outside") and said(result, "do not have")


def test_without_incidents_faults_are_injected(own: App, rows: list[Row]) -> None:
    result = own.search('adaptbacktest cpu mem by host static="cpu>90"', rows)
    faults = [row for row in result.rows if row["row"] == "fault"]
    assert {row["fault"] for row in faults} >= {"spike", "shift", "ramp", "flat", "silence"}
    again = own.search('adaptbacktest cpu mem by host static="cpu>90"', rows)
    assert again.rows == result.rows


def test_the_report_is_one_page_without_references(own: App, rows: list[Row]) -> None:
    result = own.search('adaptbacktest cpu mem by host static="cpu>90" report=quarter lang=fr', rows)
    path = os.path.join(own.folder, "local", "reports", "quarter.html")
    assert said(result, path, level="INFO")
    with open(path, encoding="utf-8") as stream:
        page = stream.read()
    assert "<svg" in page and "<script" not in page and 'lang="fr"' in page
