"""The figures of adaptbacktest against a slow twin made of adaptdetect's own flags, and against the judge."""

from __future__ import annotations

import random
import shutil
from typing import Any

import numpy as np
import pytest
from bench import judge, labelled
from bench.stage import ROOT

from commands.fleet import DAYS, START, App, Row, said, shifted, wide

EVALUATE = labelled.evaluator(ROOT.parent / "shared")
needs_judge = pytest.mark.skipif(EVALUATE is None, reason="no evaluate.py beside the repository")
DAY, STEP, HOSTS = 86400, 600, "abc"
ALL_DAYS = DAYS + 5
LIMIT = 62.0  # what the daily wave reaches on most days
#: host, day, hours
INCIDENTS = [("a", 5.2, 3), ("a", 6.5, 3), ("b", 7.2, 5), ("b", 8.1, 2), ("c", 4.5, 2), ("c", 8.5, 12)]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Nine days of three hosts: some incidents are visible, some are not, and cpu moves where none is known."""
    found = wide(HOSTS, ALL_DAYS)
    for host, day, by in (("a", 6.52, 40), ("b", 7.25, -35), ("c", 8.9, 12), ("a", 8.0, 30)):
        until = [r for r in found if float(r["_time"]) < START + (day + 0.15) * DAY]
        rest = [r for r in found if float(r["_time"]) >= START + (day + 0.15) * DAY]
        found = shifted(until, host, "cpu", by, day * 24) + rest
    return [{**row, "history": str(int(float(row["_time"]) < START + DAYS * DAY))} for row in found]


@pytest.fixture(scope="module")
def app(stage, tmp_path_factory) -> App:
    """An app that knows the incidents."""
    made = App(str(shutil.copytree(stage, tmp_path_factory.mktemp("figures") / "app")))
    lines = [f"{host},{START + day * DAY:.0f},{START + day * DAY + hours * 3600:.0f}" for host, day, hours in INCIDENTS]
    with open(f"{made.folder}/lookups/known.csv", "w", encoding="utf-8") as stream:
        stream.write("\n".join(["host,start,end", *lines, ""]))
    return made


@pytest.fixture(scope="module")
def result(app: App, rows: list[Row]):
    return app.search(f'adaptbacktest cpu by host static="cpu>{LIMIT:g}" incidents=known history=history', rows)


@pytest.fixture(scope="module")
def hosts(app: App, rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Per host: times, labels, history, and the flags of both sides; those of the models are adaptdetect's."""
    detected = app.search("adaptdetect cpu by host", rows).rows
    out = {}
    for host in HOSTS:
        mine = [row for row in detected if row["host"] == host]
        t = np.array([float(row["_time"]) for row in mine])
        label = np.zeros(len(t))
        for name, day, hours in INCIDENTS:
            label[(t >= START + day * DAY) & (t <= START + day * DAY + hours * 3600) & (name == host)] = 1
        out[host] = {"t": t, "label": label, "history": int((t < START + DAYS * DAY).sum()),
                     "static": np.array([float(row["cpu"]) > LIMIT for row in mine]),
                     "models": np.array([row["is_anomaly"] == "1" for row in mine])}
    return out


def of_host(result, host: str) -> Row:
    assert not result.errors
    return next(row for row in result.rows if row["row"] == "entity" and row["host"] == host)


def test_each_entity_has_the_figures_of_a_slow_count_over_the_flags_of_adaptdetect(result, hosts) -> None:
    sums = {"static": [0, 0], "models": [0, 0]}
    for host, one in hosts.items():
        row = of_host(result, host)
        for side in ("static", "models"):
            slow = judge.judged(judge.Truth(host, one["t"], one["label"], one["history"]), one[side])
            alerts = judge.merged(one["t"][one["history"]:], one[side][one["history"]:], 1800.0)
            found = (row["incidents"], row[f"{side}_caught"], row[f"{side}_false"], row[f"{side}_alerts"])
            assert found == tuple(map(str, (slow.incidents, slow.found, slow.false_events, len(alerts)))), (host, side)
            sums[side][0] += slow.found
            sums[side][1] += slow.false_events
    total = result.rows[0]
    for side, (caught, false) in sums.items():
        assert (total[f"{side}_caught"], total[f"{side}_false"]) == (str(caught), str(false))
        assert float(total[f"{side}_precision"]) == pytest.approx(caught / (caught + false), rel=1e-5)
        assert float(total[f"{side}_recall"]) == pytest.approx(caught / 6, rel=1e-5)
        assert float(total[f"{side}_recall_low"]) <= caught / 6 <= float(total[f"{side}_recall_high"])
    assert sums["static"][0] and sums["models"][0] and sums["static"] != sums["models"]


@needs_judge
def test_each_entity_has_the_figures_of_the_judge(result, hosts) -> None:
    for host, one in hosts.items():
        row = of_host(result, host)
        x = np.zeros((len(one["t"]), 1))
        for side in ("static", "models"):
            series = EVALUATE.Series("x", host, "f", one["t"], x, one["label"].astype(np.int8), one["history"])
            count, caught, false, _, told, _ = EVALUATE.events(series, one[side])
            found = row["incidents"], row[f"{side}_caught"], row[f"{side}_false"], row[f"{side}_notifications"]
            assert found == tuple(map(str, (count, caught, false, told))), (host, side)


def test_totals_are_the_sums_of_the_entities_and_of_the_curve_as_it_is(result) -> None:
    total, entities = result.rows[0], [row for row in result.rows if row["row"] == "entity"]
    names = [f"{side}_{name}" for side in ("static", "models") for name in ("alerts", "caught", "false")]
    for name in ["rows", "incidents", "both", "only_static", "only_models", *names]:
        assert int(total[name]) == sum(int(row[name]) for row in entities), name
    for side in ("static", "models"):
        curve = [row for row in result.rows if row["row"] == "curve" and row["side"] == side]
        as_it_is = next(row for row in curve if row["setting"] == "1")
        assert (as_it_is["alerts"], as_it_is["recall"]) == (total[f"{side}_alerts"], total[f"{side}_recall"])
        settings = [float(row["setting"]) for row in curve]
        assert settings == sorted(settings, reverse=True)


def test_what_only_the_static_rule_caught_is_listed_with_the_reason(result) -> None:
    missed = [row for row in result.rows if row["row"] == "missed"]
    assert len(missed) == int(result.rows[0]["only_static"]) > 0
    assert all(row["reason"] and row["why"] and float(row["limit"]) == LIMIT for row in missed)


def test_long_rows_and_any_order_give_the_same_table(app: App, rows: list[Row], result) -> None:
    mixed = [{**{k: row[k] for k in ("_time", "host", "history")}, "metric_name": "cpu", "_value": row["cpu"]}
             for row in rows]
    random.Random(7).shuffle(mixed)
    search = f'adaptbacktest cpu by host static="cpu>{LIMIT:g}" incidents=known history=history'
    found = app.search(search, mixed)

    def place(row: Row) -> tuple[str, ...]:
        return tuple(row.get(name, "") for name in ("row", "host", "start", "side", "setting"))

    assert sorted(found.rows, key=place) == sorted(result.rows, key=place)


def test_what_is_told_before_a_time_does_not_depend_on_what_follows(app: App, rows: list[Row]) -> None:
    """Alerts of the models up to a day, with another future behind it."""
    cut = START + 7 * DAY
    other = [{**row, "cpu": f"{200 - float(row['cpu']):.3f}"} if float(row["_time"]) >= cut else row for row in rows]
    assert other != rows

    def told(some: list[Row]) -> list[tuple[str, ...]]:
        found = app.search('adaptbacktest cpu by host static="cpu>55" after=1d inject=false', some)
        names = ("host", "start", "end", "why", "reason", "score", "value", "expected")
        return [tuple(row.get(name, "") for name in names) for row in found.rows
                if row["row"] == "missed" and float(row["end"]) < cut - DAY]

    assert told(rows) == told(other) and len(told(rows)) > 3


def test_no_incident_left_works_as_without(app: App, rows: list[Row]) -> None:
    with open(f"{app.folder}/lookups/gone.csv", "w", encoding="utf-8") as stream:
        stream.write(f"host,start,end\na,{START - DAY},{START - 60}\na,9,soon\nb,90,10\n")
    found = app.search(f'adaptbacktest cpu by host static="cpu>{LIMIT:g}" incidents=gone', rows)
    plain = app.search(f'adaptbacktest cpu by host static="cpu>{LIMIT:g}"', rows)
    assert found.rows == plain.rows and said(found, "no incident is left") and said(found, "1 incidents lie outside")
    assert said(found, "line 3 of gone", 'got "soon"') and said(found, "line 4 of gone", "before start")
    assert not plain.rows[0].get("static_recall") and {row["row"] for row in plain.rows} >= {"fault", "missed", "curve"}


def test_templates_from_a_field_and_reasons_in_french(app: App, rows: list[Row]) -> None:
    with open(f"{app.folder}/lookups/templates.csv", "w", encoding="utf-8") as stream:
        stream.write("template,metric,critical\nfront,cpu,55\n")
    typed = [{**row, "kind": "front" if row["host"] == "a" else "back"} for row in rows]
    found = app.search("adaptbacktest cpu by host static=templates template=kind inject=false lang=fr", typed)
    status = {row["host"]: row["status"] for row in found.rows if row["row"] == "entity"}
    assert status == {"a": "compared", "b": "no threshold", "c": "no threshold"}
    assert said(found, "2 entities have no static threshold")
    assert any("plage habituelle" in row["reason"] for row in found.rows if row["row"] == "missed")
    lost = app.search("adaptbacktest cpu by host static=templates template=nokind", rows)
    assert "no such field" in lost.errors[0]


def test_too_many_entities_and_too_little_history_are_said(app: App, rows: list[Row]) -> None:
    found = app.search(f'adaptbacktest cpu by host static="cpu>{LIMIT:g}" max_series=2 after=30d', rows)
    assert said(found, "ADM023") and said(found, "2 entities have no rows after the part")
    assert {row["status"] for row in found.rows if row["row"] == "entity"} == {"too short"} and not found.errors
    empty = app.search('adaptbacktest cpu by host static="cpu>1"', [])
    assert not empty.rows and not empty.errors
