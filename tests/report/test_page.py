"""The whole page: well-formed, escaped, alone, the same each time, sensible whatever is missing."""

from __future__ import annotations

import ast
import math
import re
import sys
from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from adaptive_monitoring.report import charts, page
from adaptive_monitoring.report.findings import Disagreement, Findings
from adaptive_monitoring.report.page import render
from report import made

NAN = math.nan
SVG = "{http://www.w3.org/2000/svg}svg"
EVIL = "<script>alert('x')</script>\"&\x00\u202e]]>"
LANGUAGES = ("en", "fr")


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text.split("\n", 1)[1])


def shown(text: str) -> str:
    return " ".join(" ".join(parsed(text).itertext()).split())


def one(f: Findings, case: Disagreement) -> Findings:
    return replace(f, disagreements=[case])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["findings", "worse", "unlabelled", "empty", "stuffed"])
def test_page_is_well_formed_and_alone(name: str, lang: str) -> None:
    text = render(getattr(made, name)(), lang)
    root = parsed(text)
    assert root.get("lang") == lang
    outside = re.findall(r"https?://[^\"'\s>]+", re.sub(r'xmlns="[^"]+"', "", text))
    assert outside == []
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert not tags & {"script", "link", "img", "iframe", "object", "foreignObject", "a"}
    assert "@import" not in text
    assert re.findall(r"url\(([^)]*)\)", text) == ["#hatch"]
    assert not re.search(r"\b(nan|inf|None)\b", shown(text).replace("None.", ""))


def test_equal_findings_give_equal_bytes() -> None:
    assert render(made.findings()) == render(made.findings())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_ten_plots_of_400_points_stay_below_600_kilobytes(lang: str) -> None:
    f = made.findings()
    assert [len(d.t) for d in f.disagreements if len(d.t) > 390]
    assert len(render(f, lang).encode()) < 600_000


def test_a_plot_of_100000_points_is_thinned_and_keeps_the_spike() -> None:
    n = 100_000
    t, value = [made.SINCE + 60.0 * i for i in range(n)], [50.0 + i % 7 for i in range(n)]
    flat = [50.0] * n
    value[77_777] = 500.0
    case = replace(made.series(1), t=t, value=value, expected=flat, lower=flat, upper=flat, limit_high=NAN)
    text = render(one(made.findings(), case))
    assert len(text) < 100_000
    line = re.findall(r'class="value" d="([^"]+)"', text)[0]
    heights = [float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", line)]
    assert min(heights) < 15 < 60 < sorted(heights)[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_of_users_is_escaped(lang: str) -> None:
    f = made.stuffed()
    case = replace(made.series(1), entity=EVIL, metric=EVIL, reason=EVIL)
    evil = replace(
        f, name=EVIL, title=EVIL, rule=EVIL, metrics=[EVIL] * 50, notes=[EVIL] * 50, disagreements=[case],
        faults=[replace(x, kind=EVIL) for x in f.faults],
    )  # fmt: skip
    text = render(evil, lang)
    assert "<script" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
    assert "<script>alert('x')</script>\"&" in shown(text)


def test_texts_with_braces_are_not_taken_for_places() -> None:
    text = shown(render(replace(made.findings(), rule="cpu{0} > {n}", notes=["{missing}"], metrics=["{a}"])))
    assert "cpu{0} > {n}" in text
    assert "{missing}" in text


def test_all_sections_are_there_and_in_order() -> None:
    text = shown(render(made.findings()))
    order = ("The models do better", "29 instead of 17", "61% fewer", "94%", "31% (20–44%)", "14 min after start",
             "18 min before start", "models, as set", "static rules, as today", "38/40", "Notes and limits",
             "Where the two sides disagree", "10. srv-card-10")  # fmt: skip
    places = [text.index(part) for part in order if part not in ("18 min before start", "models, as set")]
    assert places == sorted(places)
    assert all(part in text for part in order)


def test_only_ten_disagreements_are_drawn_and_the_rest_is_counted() -> None:
    text = render(made.stuffed())
    assert text.count('<article class="case">') == page.TEN
    assert "The 10 worst of 14" in text


def test_what_page_one_cannot_hold_stands_in_the_annex() -> None:
    f = made.stuffed()
    first, annex = render(f).split('class="sheet annex"')
    assert "in full in the annex" in first
    assert f.rule.strip().replace(">", "&gt;") in annex
    assert f.metrics[-1] in annex
    assert "more notes in the annex" in first
    assert annex.count("A remark") + first.count("A remark") == len(f.notes)
    assert annex.count("<tr>") == 1 + len(f.faults)
    assert "sheet annex" not in render(made.findings())


def test_notes_that_fit_stay_on_page_one() -> None:
    assert all(note in render(made.findings()).split("sheet cases")[0] for note in made.findings().notes)


def test_no_disagreement_one_entity_and_no_alert_give_a_sensible_page() -> None:
    f = made.findings()
    quiet = {"alerts": 0, "alerts_per_entity_week": 0.0, "caught": 0, "recall": 0.0, "recall_interval": (0.0, 0.0),
             "precision": NAN, "precision_interval": (NAN, NAN), "lead_s": NAN}  # fmt: skip
    calm = replace(
        f, entities=1, static=replace(f.static, **quiet), models=replace(f.models, **quiet), both=0, only_static=0,
        only_models=0, same_volume_incidents=-1, same_recall_alerts=NAN, disagreements=[], faults=[],
        curve_static=[replace(p, alerts_per_entity_week=0.0, recall=0.0) for p in f.curve_static],
        curve_models=[],
    )  # fmt: skip
    text = shown(render(calm))
    assert "Neither side caught a known incident." in text
    assert "1 entity;" in text
    assert "The two sides disagree nowhere." in text
    assert "No synthetic faults were injected." in text


def test_without_incidents_recall_is_a_dash_and_alerts_are_drawn_by_setting() -> None:
    text = shown(render(made.unlabelled()))
    assert "How many alerts at which setting" in text
    assert "512 instead of 830" in text
    assert "share of incidents caught" not in text
    assert "not known whether incident" in text


ODD = [
    {"value": [NAN] * 500},
    {"value": [NAN] * 500, "expected": [NAN] * 500, "lower": [NAN] * 500, "upper": [NAN] * 500, "limit_high": NAN},
    {"t": [], "value": [], "expected": [], "lower": [], "upper": []},
    {"t": [made.SINCE], "value": [5.0], "expected": [5.0], "lower": [4.0], "upper": [6.0]},
    {"t": [NAN] * 500},
    {"t": [made.SINCE] * 500},
    {"value": [7.0] * 500, "expected": [7.0] * 500, "lower": [7.0] * 500, "upper": [7.0] * 500, "limit_high": 7.0},
    {"value": [1e100] * 250 + [-1e100] * 250, "limit_high": 1e-100},
    {"lower": [-math.inf] * 500, "upper": [math.inf] * 500},
    {"start": NAN, "end": NAN}, {"start": 5.0, "end": 1.0}, {"alerts_models": [(NAN, 1.0), (0.0, 1.0), (1e300, 2e300)]},
    {"t": [], "start": NAN, "end": NAN}, {"incident": None, "entity": "", "reason": ""},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_odd_series_give_a_drawing(odd: dict[str, object]) -> None:
    root = parsed(render(one(made.findings(), replace(made.series(2), **odd)), "fr"))  # type: ignore[arg-type]
    drawings = [element for element in root.iter(SVG) if element.get("role") == "img"]
    for drawing in drawings:
        numbers = [value for element in drawing.iter() for name, value in element.attrib.items()
                   if name in ("x", "y", "d", "width", "height", "cx", "cy")]  # fmt: skip
        assert not re.search("nan|inf|e[+-]", " ".join(numbers))


def test_known_incident_and_both_sides_have_their_own_strips() -> None:
    case = made.series(1)
    text = render(one(made.findings(), case))
    assert 'class="strip-incident"' in text
    assert 'class="strip-dispute"' not in text.split("</style>")[1]
    unknown = render(one(made.findings(), replace(case, incident=None)))
    assert 'class="strip-dispute"' in unknown


def test_a_gap_in_the_series_is_a_gap_in_the_line() -> None:
    whole, broken = made.series(2), made.series(1)
    lines = [re.findall(r'class="value" d="([^"]+)"', render(one(made.findings(), d)))[0] for d in (whole, broken)]
    assert [line.count("M") for line in lines] == [1, 2]


def test_static_limit_out_of_sight_is_named_with_an_arrow() -> None:
    far = replace(made.series(1), limit_low=-3e5, limit_high=4e5)
    text = shown(render(one(made.findings(), far)))
    assert "limit 400\u00a0k ↑" in text.replace("400 k", "400\u00a0k")
    assert "↓" in text


def test_bars_are_as_long_as_what_was_found() -> None:
    drawing = charts.faults([made.found("spike", 4.0, 1.0, 0.0)], page.Say("en"))
    free, models, static = (
        [float(w) for w in re.findall(rf'class="{kind}"[^>]* width="([\d.]+)"', drawing)]
        for kind in ("free", "bar-models", "bar-static")
    )
    found = made.found("spike", 4.0, 1.0, 0.0).found_models
    assert models[0] == pytest.approx(free[0] * found / 40, abs=0.1)
    assert static == [0.0]


def test_findings_without_faults_or_curves_of_one_point() -> None:
    f = made.findings()
    text = render(replace(f, curve_static=f.curve_static[3:4], curve_models=f.curve_models[:1]))
    assert "static rules, as today" in text
    parsed(text)


def test_everything_not_known_at_once_gives_a_page() -> None:
    f = made.findings()
    blank = {field.name: NAN for field in fields(f) if isinstance(getattr(f, field.name), float)}
    side = replace(f.static, alerts_per_entity_week=NAN, recall=NAN, precision=NAN, lead_s=NAN,
                   recall_interval=(NAN, NAN), precision_interval=(NAN, NAN))  # fmt: skip
    points = [replace(p, setting=NAN, alerts_per_entity_week=NAN, recall=NAN) for p in f.curve_static]
    text = render(replace(f, static=side, models=side, curve_static=points, curve_models=points, **blank))
    assert "No curve: no setting has known figures." in shown(text)


def test_room_is_standard_library_only() -> None:
    if sys.version_info < (3, 10):
        pytest.skip("the list of the standard library's modules came with Python 3.10")
    allowed = set(sys.stdlib_module_names) | {"adaptive_monitoring"}
    for file in Path(page.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed
