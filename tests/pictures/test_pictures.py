"""Planted cases are found, drawings are well-formed, the page's blocks are filled."""

from __future__ import annotations

from typing import Callable
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from demo.fleet import Host

from pictures import page
from pictures.__main__ import DOCS, MOST_BYTES, RULES
from pictures.cases import DAY_S, HOUR_S, Case, Seen
from pictures.drawing import picture

STEP, DAY_ROWS, START = 300, 288, 1578268800  # a Monday
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("1")</script> & [co](x) `y`'


def calm(days: int = 14, name: str = "web01") -> Host:
    """A host of four metrics with a daily rhythm that is foreseen; nothing happens."""
    n = days * DAY_ROWS
    t = START + STEP * np.arange(n, dtype=float)
    rhythm = np.sin(2 * np.pi * t / DAY_S)[:, None] * np.array([3.0, 2.0, 1.0, 0.5])
    x = rhythm + 0.1 * np.sin(np.arange(n) * 1.7)[:, None]
    x[100::401] += 0.4  # what it shows now and then
    bands = {"expected": rhythm, "lower_bound": rhythm - 1, "upper_bound": rhythm + 1, "score": np.full(x.shape, 10.0)}
    host = Host(name, "web", ["m1", "m2", "m3", "m4"], t, x, np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
    host.score, host.alert, host.bands = np.full(n, 5.0), np.zeros(n, dtype=bool), bands
    host.score[:72] = np.nan
    fields = ("anomaly_id", "anomaly_start", "reason", "contributors")
    host.texts = {field: [""] * n for field in fields}
    host.texts.update(severity=["info"] * n, anomaly_state=["normal"] * n)
    host.texts["model_status"] = ["cold"] * (2 * DAY_ROWS) + ["trained"] * (n - 2 * DAY_ROWS)
    return host


def alerting(host: Host, first: int, rows: int, score: float, contributors: str) -> None:
    """An alert in these rows."""
    told = slice(first, first + rows)
    host.alert[told], host.score[told] = True, score
    texts = {"anomaly_id": f"a-{first}", "anomaly_start": f"{host.t[first - 1]:.0f}", "severity": "high",
             "reason": "m1 is far", "contributors": contributors, "anomaly_state": "open"}  # fmt: skip
    for field, text in texts.items():
        host.texts[field][told] = [text] * rows


def two_quiet_days() -> Host:
    host = calm()
    host.x[:] += 0.3 * np.sin(np.arange(len(host.t)) * 1.7)[:, None]
    quiet = slice(9 * DAY_ROWS, 11 * DAY_ROWS)
    host.x[quiet] = host.bands["expected"][quiet] + 0.01
    return host


def marked_alert() -> Host:
    host = calm()
    host.label[2010:2050] = True
    alerting(host, 2020, 12, 85.0, "m2 60%; m1 40%")
    alerting(host, 3000, 12, 95.0, "m1 100%")
    return host


def small_movements() -> Host:
    host = calm()
    alerting(host, 2020, 12, 70.0, "m1 28%; m4 26%; m2 24%; m3 22%")
    alerting(host, 3000, 12, 90.0, "m1 90%; m2 10%")
    return host


def one_row() -> Host:
    host = calm()
    host.x[2500, 2] += 8
    host.score[2500], host.texts["anomaly_state"][2500], host.texts["contributors"][2500] = 70.0, "pending", "m3 100%"
    return host


def every_other_hour() -> Host:
    host = calm()
    host.x[600::229, 1] += 5  # another hour each day
    host.x[2890, 1] += 1
    return host


def one_metric() -> Host:
    host = calm()
    host.x[3300:3310, 3] += 2
    return host


def every_night() -> Host:
    host = calm()
    for day in range(14):
        host.x[day * DAY_ROWS + 36 : day * DAY_ROWS + 40, 0] += 9  # 03:00
    return host


def new_level() -> Host:
    host = calm()
    host.x[2000:, 1] += 20
    host.bands["expected"][2000 + DAY_ROWS :, 1] += 20
    alerting(host, 2001, 24, 80.0, "m2 100%")
    return host


def unseen() -> Host:
    host = calm()
    host.label[2000:2040] = True
    host.score[2010] = 45.0
    return host


CASES: dict[str, tuple[Callable[[], Host], float, list[int]]] = {  # host, row of interest, metrics first shown
    "band": (two_quiet_days, 9 * DAY_ROWS + 10, [0]),
    "alert": (marked_alert, 2020, [1, 0]),
    "together": (small_movements, 2020, [0, 3, 1, 2]),
    "spike": (one_row, 2500, [2]),
    "habit": (every_other_hour, 2890, [1]),
    "alone": (one_metric, 3300, [3]),
    "nightly": (every_night, 13 * DAY_ROWS + 36, [0]),
    "stays": (new_level, 2001, [1]),
    "newcomer": (calm, 10, [0]),
    "missed": (unseen, 2010, []),
}


def test_every_rule_has_a_planted_case() -> None:
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_finds_what_was_planted(name: str) -> None:
    make, row, shown = CASES[name]
    host = make()
    case = RULES[name]([Seen(calm(7, "other")), Seen(host)] if name not in ("band", "newcomer") else [Seen(host)])
    assert case is not None and case.host is host and case.name == name
    assert case.a <= host.t[row] <= case.b and case.shown[: len(shown)] == shown
    if name == "stays":
        assert dict(map(reversed, case.marks))["expected line follows"] == host.t[2000 + DAY_ROWS]


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("band", "newcomer")])
def test_a_rule_finds_nothing_where_nothing_is(name: str) -> None:
    assert RULES[name]([Seen(calm(3)), Seen(calm())]) is None


def test_an_empty_fleet_has_no_case() -> None:
    assert all(rule([]) is None for rule in RULES.values())


def drawn(name: str, host: Host) -> tuple[Case, str]:
    case = RULES[name]([Seen(host)])
    assert case is not None
    return case, picture(case)


@pytest.mark.parametrize("name", CASES)
def test_a_drawing_is_well_formed_named_and_light(name: str) -> None:
    _, text = drawn(name, CASES[name][0]())
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg" and root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text
    back = root.find(f"{SVG}rect")
    assert back.get("fill") == "#ffffff" and back.get("width") == root.get("width")
    tags = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "path", "text", "g"}
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "") and len(text.encode()) < MOST_BYTES


def test_a_hostile_name_stays_text() -> None:
    host = marked_alert()
    host.name = HOSTILE
    case, text = drawn("alert", host)
    assert "<script" not in text and HOSTILE in "".join(ET.fromstring(text).itertext())
    assert r"\<script\>" in page.written(case) and r"\[co\](x) \`y\`" in page.written(case)


def test_a_chart_names_days_alerts_and_marks() -> None:
    case, text = drawn("alert", marked_alert())
    words = " ".join("".join(node.itertext()) for node in ET.fromstring(text).iter(f"{SVG}text"))
    for word in ("alert", "marked", "Mon Jan 13", "06:00", "score 85", "reason: m1 is far", "expected", "m2"):
        assert word in words
    assert (case.b - case.a) / HOUR_S < 40


def test_blocks_are_filled_and_filling_again_changes_nothing() -> None:
    case, _ = drawn("alert", marked_alert())
    blocks = [
        "<!-- picture:alert -->\nformer\n<!-- /picture:alert -->",
        "<!-- picture:spike -->\n<!-- /picture:spike -->",
    ]
    text = "a\n" + "\nb\n".join(blocks)
    once = page.filled(text, {"alert": case, "spike": None})
    assert "images/alert.svg" in once and "m1 is far" in once and "former" not in once and page.NONE in once
    assert once.startswith("a\n") and page.filled(once, {"alert": case, "spike": None}) == once


@pytest.mark.parametrize("text", ["<!-- picture:a -->", 2 * "<!-- picture:a -->\n<!-- /picture:a -->\n",
                                  "<!-- picture:b -->\n<!-- /picture:b -->"])  # fmt: skip
def test_a_broken_block_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="picture"):
        page.filled(text, {"a": None})


def test_the_shipped_page_has_every_picture() -> None:
    text = (DOCS / "detection.md").read_text(encoding="utf-8")
    assert sorted(page.names(text)) == sorted(RULES)
    for name in RULES:
        block = text.split(f"<!-- picture:{name} -->")[1].split(f"<!-- /picture:{name} -->")[0].strip()
        path = DOCS / "images" / f"{name}.svg"
        assert path.exists() == (f"(images/{name}.svg)" in block) and (path.exists() or block == page.NONE)
        if path.exists():
            assert path.stat().st_size < MOST_BYTES and ET.parse(path).getroot().tag == f"{SVG}svg"
