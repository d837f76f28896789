"""The demo on a reduced sample: two hosts, one with a hostile name, twelve days."""

from __future__ import annotations

import csv
import gzip
import io
import re
import statistics
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from searchhead.table import Table, read_csv, write_csv

from demo import compare, page
from demo.__main__ import over_all
from demo.charts import Axis
from demo.episodes import Episode, episodes
from demo.outcome import outcome, stretches
from demo.run import Run, everything
from demo.static import persistent
from tools import package

HOSTILE = '<script>alert("1")</script> & co'
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The searches over eight days of history and four days to score."""
    app = package.stage(tmp_path_factory.mktemp("demo"))
    path = str(app / "lookups" / "sample_hosts.csv.gz")
    write_csv(reduced(read_csv(path)), path)
    return everything(app, scheduled=False)


@pytest.fixture(scope="module")
def found(run: Run) -> list[Episode]:
    return [e for host in run.scored for e in episodes(host)]


@pytest.fixture(scope="module")
def lines(run: Run) -> list[compare.Compared]:
    return compare.table(run.whole, *over_all(run))


@pytest.fixture(scope="module")
def html(run: Run, found: list[Episode], lines: list[compare.Compared]) -> str:
    return page.render(run, found, lines)


def reduced(table: Table) -> Table:
    """machine-2-1 and machine-3-4 around the start of the scored part, the second one renamed."""
    t, first = np.array(table.get("_time"), dtype=float), 1578268800 + 16 * 86400
    near = np.isin(table.get("host"), ["machine-2-1", "machine-3-4"]) & (abs(t - first + 2 * 86400) < 6 * 86400)
    small = table.take(np.flatnonzero(near).tolist())
    small.columns["host"] = [HOSTILE if name == "machine-3-4" else name for name in small.columns["host"]]
    return small


def test_the_page_is_well_formed_and_names_every_host(run: Run, html: str) -> None:
    root = ET.fromstring(html)
    headings = ["".join(node.itertext()) for node in root.iter(f"{XHTML}h3")]
    assert sorted(headings) == sorted(host.name for host in run.scored) == sorted([HOSTILE, "machine-2-1"])
    ids = {node.get("id") for node in root.iter() if node.get("id")}
    assert {node.get("href") for node in root.iter(f"{XHTML}a")} == {f"#{name}" for name in ids}
    assert root.get("lang") == "en" and len(html.encode()) < 500_000


def test_every_drawing_has_a_name(html: str) -> None:
    drawings = [node for node in ET.fromstring(html).iter() if node.tag.endswith("}svg")]
    assert all(node.get("aria-label") or node.get("aria-hidden") for node in drawings) and len(drawings) > 3


def test_nothing_is_loaded_and_nothing_runs(html: str) -> None:
    root = ET.fromstring(html)
    tags = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert not tags & {"script", "link", "img", "iframe", "image", "use", "object", "embed"}
    for node in root.iter():
        for name, value in node.attrib.items():
            assert not name.startswith("on") and name not in ("src", "srcset", "data")
            assert name != "href" or value.startswith("#")
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/)", html)


def test_a_hostile_host_name_stays_text(html: str) -> None:
    assert "<script" not in html.lower() and "&lt;script&gt;" in html


def test_a_marked_incident_is_found_and_explained(run: Run, found: list[Episode]) -> None:
    right = [e for e in found if e.labelled]
    assert right and all(e.reason and e.contributors and e.end >= e.told >= e.start for e in found)
    assert {e.host for e in right} <= {host.name for host in run.scored}


def test_five_minute_steps_give_the_same_as_long_chunks(run: Run) -> None:
    assert len(run.checks) == 1 and "same scores, alerts and reasons" in run.checks[0]


def test_the_table_equals_a_count_by_hand(run: Run, lines: list[compare.Compared]) -> None:
    limits = [percentile([h.x[i, m] for h in run.whole for i in range(len(h.t)) if h.history[i]], 99) for m in range(8)]
    by_rule = {
        "99th percentile of": lambda h: static_by_hand(h.x, limits),
        "one model": lambda h: adaptive_by_hand(run, h),
    }
    for words, alerts in by_rule.items():
        line = next(one.line for one in lines if words in one.rule)
        found, false, total, delays = 0, 0, 0, []
        for host in run.whole:
            rows = [i for i in range(len(host.t)) if not host.history[i]]
            on = alerts(host)
            counted = by_hand([host.t[i] for i in rows], [host.label[i] for i in rows], [on[i] for i in rows])
            found, false, total = found + counted[0], false + counted[1], total + counted[2]
            delays += counted[3]
        assert (line.found, line.incidents) == (found, total) and line.recall == found / total
        assert line.precision == pytest.approx(found / max(found + false, 1))
        assert line.delay_s == pytest.approx(statistics.median(delays)) if delays else np.isnan(line.delay_s)
        calm = sum(calm_weeks(host) for host in run.whole)
        assert line.false_per_week == pytest.approx(false / calm)


def percentile(values: list[float], percent: float) -> float:
    """Linear between the two neighbours."""
    known = sorted(v for v in values if v == v)
    place = (len(known) - 1) * percent / 100
    low = int(place)
    return known[low] + (place - low) * (known[min(low + 1, len(known) - 1)] - known[low])


def static_by_hand(x: np.ndarray, limits: list[float]) -> list[bool]:
    """Any metric above its limit in 3 of this and the 4 rows before."""
    above = [[bool(v > limit) for v, limit in zip(row, limits)] for row in x.tolist()]
    last_five = [above[max(0, i - 4) : i + 1] for i in range(len(x))]
    return [any(sum(row[m] for row in rows) >= 3 for m in range(len(limits))) for rows in last_five]


def adaptive_by_hand(run: Run, host: object) -> list[bool]:
    scored = next(one for one in run.scored if one.name == host.name)
    when = {t for t, on in zip(scored.t.tolist(), scored.alert.tolist()) if on}
    return [t in when for t in host.t.tolist()]


def joined(t: list[float], on: list[bool]) -> list[list[float]]:
    """[first, last] of runs, those up to 30 minutes apart as one (rows are 5 minutes apart)."""
    runs: list[list[float]] = []
    for at, yes in zip(t, on):
        if yes and runs and at - runs[-1][1] <= 1800:
            runs[-1][1] = at
        elif yes:
            runs.append([at, at])
    return runs


def by_hand(t: list[float], label: list[bool], on: list[bool]) -> tuple[int, int, int, list[float]]:
    """(found, false, incidents, delays)."""
    told = [a + k * 86400 for a, b in joined(t, on) for k in range(1 + int((b - a) // 86400))]
    incidents = joined(t, label)
    first = [min((at for at in told if a - 600 <= at <= b + 600), default=None) for a, b in incidents]
    false = sum(not any(a - 600 <= at <= b + 600 for a, b in incidents) for at in told)
    delays = [max(0.0, at - a) for at, (a, _) in zip(first, incidents) if at is not None]
    return len(delays), false, len(incidents), delays


def calm_weeks(host: object) -> float:
    rows = [i for i in range(len(host.t)) if not host.history[i]]
    incidents = joined([host.t[i] for i in rows], [host.label[i] for i in rows])
    return sum(not any(a <= host.t[i] <= b for a, b in incidents) for i in rows) * 300 / 604800


def test_an_alarm_that_was_on_before_finds_nothing() -> None:
    t = np.arange(1000) * 300.0
    label = (t >= 150_000) & (t < 160_000)
    always = outcome(t, label, np.ones(1000, dtype=bool))
    assert (always.found, always.false) == (0, 4)  # told at the start and once more after each of three days
    onset = outcome(t, label, label)
    assert (onset.incidents, onset.found, onset.false, onset.delays) == (1, 1, 0, (0.0,))


def test_runs_a_short_while_apart_are_one() -> None:
    t = np.arange(40) * 300.0
    on = np.isin(np.arange(40), [1, 2, 8, 20])
    assert stretches(t, on, 1800) == [(300.0, 2400.0), (6000.0, 6000.0)]


def test_three_of_five_checks() -> None:
    above = np.array([[1, 1, 0, 0, 1, 1, 0, 0, 0, 0]], dtype=bool).T
    assert persistent(above)[:, 0].astype(int).tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]


def test_thinning_keeps_every_spike() -> None:
    t, x = np.arange(20_000) * 300.0, np.zeros(20_000)
    x[[3, 7777, 19_999]] = 9, -7, 5
    columns = Axis(t).extremes(x)
    assert sorted({low for _, low, _ in columns} | {high for _, _, high in columns}) == [-7, 0, 5, 9]


def test_the_shipped_sample_is_what_the_notice_says() -> None:
    raw = (package.ROOT / "lookups" / "sample_hosts.csv.gz").read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(raw).decode()))
    header, names, times = next(rows), set(), {}
    for row in rows:
        names.add(row[1])
        assert int(row[0]) > times.get(row[1], 0) and len(row) == len(header) and row[-2:] != ["1", "1"]
        times[row[1]] = int(row[0])
    notice = Path(package.ROOT / "NOTICE").read_text(encoding="utf-8")
    assert len(raw) < 3_000_000 and len(names) == 9 and all(name in notice for name in names)
