"""One disagreement as a drawing: value, expectation, usual range and static limits, and below them who alerted when."""

from __future__ import annotations

import math
from itertools import groupby
from statistics import median
from typing import NamedTuple

from adaptive_monitoring.report.charts import Axis
from adaptive_monitoring.report.findings import Disagreement
from adaptive_monitoring.report.markup import path, place, rect, svg, ticks, written
from adaptive_monitoring.report.say import Say

WIDE, LEFT, RIGHT, TOP, HIGH = 703, 58, 112, 4, 80
LANE = 11
_GAP = 3.0  # times the usual distance of two points, from which the line is broken
_ROOM = 0.8  # how far band and limits may stretch the range of the values, in such ranges, on each side
_STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
_DAYS = (1, 2, 7, 14, 28, 91, 364)
_DAY_S = 86400
_MARKS = 8

Line = list[tuple[float, float]]


class _Ground(NamedTuple):
    x: Axis
    y: Axis
    step: float  # usual distance of two points, s


def plot(d: Disagreement, say: Say) -> str:
    """The drawing. Gaps in the series are gaps in the lines; many points are thinned so that no spike is lost."""
    t = [x for x in d.t if math.isfinite(x)]
    a, b = (min(t), max(t)) if len(t) > 1 and max(t) > min(t) else _around(d)
    low, high = _range(d)
    bottom = TOP + HIGH
    steps = [y - x for x, y in zip(t, t[1:]) if y > x]
    ground = _Ground(Axis(a, b, LEFT, WIDE - RIGHT), Axis(low, high, bottom, TOP), median(steps) if steps else 0.0)
    lanes, end = _lanes(d, ground, say, bottom + 4)
    parts = (
        _dispute(d, ground, bottom), _frame(ground, a, b, bottom, end, say), _series(d, ground), _limits(d, ground),
        "" if any(map(math.isfinite, d.value)) else written(
            (LEFT + WIDE - RIGHT) / 2, TOP + HIGH / 2, say.words("no_values"), "name halo", "middle"),
        _names(d, ground, say), lanes,
    )  # fmt: skip
    told = {"entity": d.entity, "metric": d.metric, "since": say.moment(a), "until": say.moment(b)}
    return svg(WIDE, round(end) + 16, say.words("plot_alt", **told), "".join(parts))


def _around(d: Disagreement) -> tuple[float, float]:
    if math.isfinite(d.start) and math.isfinite(d.end):
        return d.start - 3600, max(d.end, d.start) + 3600
    return 0.0, 1.0


def _range(d: Disagreement) -> tuple[float, float]:
    """The values' range, stretched for band and limits as far as that leaves the values legible."""
    core = [x for x in d.value + d.expected if math.isfinite(x)]
    if not core:
        core = [x for x in d.lower + d.upper if math.isfinite(x)] or [0.0, 1.0]
    low, high = min(core), max(core)
    room = _ROOM * ((high - low) or 0.5 * abs(high) or 1.0)
    more = [x for x in [*d.lower, *d.upper, d.limit_low, d.limit_high] if low - room <= x <= high + room]
    low, high = min([low, *more]), max([high, *more])
    pad = 0.06 * ((high - low) or abs(high) or 1.0)
    return low - pad, high + pad


def _frame(g: _Ground, a: float, b: float, bottom: float, end: float, say: Say) -> str:
    parts = []
    for mark in ticks(g.y.low, g.y.high, 4):
        at = g.y(mark)
        parts.append(path("grid", f"M{LEFT} {place(at)}H{WIDE - RIGHT}"))
        parts.append(written(LEFT - 5, at + 3.5, say.short(mark), "", "end"))
    step = _step(b - a)
    first = math.ceil(a / step)
    for mark in (n * step for n in range(first, first + _MARKS + 2) if n * step <= b):
        at = g.x(mark)
        parts.append(path("grid", f"M{place(at)} {TOP}V{place(end + 3)}"))
        middle = min(max(at, LEFT + 14), WIDE - RIGHT - 14)
        parts.append(written(middle, end + 13, say.tick(mark, step >= _DAY_S), "", "middle"))
    return "".join(parts) + path("axis", f"M{LEFT} {bottom}H{WIDE - RIGHT}")


def _step(span: float) -> float:
    whole = [*_STEPS_S, *(_DAY_S * n for n in _DAYS)]
    return next((step for step in whole if span / step <= _MARKS), math.ceil(span / _MARKS / _DAY_S) * _DAY_S)


def _dispute(d: Disagreement, g: _Ground, bottom: float) -> str:
    """What the disagreement is about, behind everything."""
    if not (math.isfinite(d.start) and math.isfinite(d.end)):
        return ""
    x = g.x(d.start)
    return rect("dispute", x, TOP, max(g.x(d.end) - x, 2.0), bottom - TOP)


def _series(d: Disagreement, g: _Ground) -> str:
    edges = zip(d.t, d.lower, d.upper)
    both = [(t, low, high) for t, low, high in edges if math.isfinite(t) and not math.isnan(low + high)]
    bands = []
    for run in _runs([(t, 0.0) for t, _, _ in both], g.step):
        span = [x for x in both if run[0][0] <= x[0] <= run[-1][0]]
        upper = _thin([(t, high) for t, _, high in span], g)
        lower = _thin([(t, low) for t, low, _ in span], g)
        bands.append("M" + "L".join(_points([*upper, *reversed(lower)])) + "Z")
    lines = ""
    for kind, values in (("expected", d.expected), ("value", d.value)):
        usable = [(t, v) for t, v in zip(d.t, values) if math.isfinite(t) and math.isfinite(v)]
        runs = _runs(usable, g.step)
        lines += path(kind, "".join("M" + "L".join(_points(_thin(run, g))) + ("h0" if len(run) == 1 else "")
                                    for run in runs))  # fmt: skip
    return path("band", "".join(bands)) + lines


def _runs(points: Line, step: float) -> list[Line]:
    """Cut where the series has a gap."""
    runs: list[Line] = []
    for point in points:
        if runs and point[0] - runs[-1][-1][0] <= _GAP * step:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _thin(run: Line, g: _Ground) -> Line:
    """In pixels; of more than two points in one column of pixels, the least and the greatest, in their order."""
    drawn = [(g.x(t), g.y(v)) for t, v in run]
    kept: Line = []
    for _, column in groupby(drawn, key=lambda point: int(point[0])):
        some = list(column)
        if len(some) > 2:
            low, high = min(some, key=lambda point: point[1]), max(some, key=lambda point: point[1])
            some = sorted({low, high})
        kept += some
    return kept


def _points(run: Line) -> list[str]:
    return [f"{place(x)} {place(y)}" for x, y in run]


def _limits(d: Disagreement, g: _Ground) -> str:
    """Static limits inside the drawn range; those beyond it are only named."""
    limits = [x for x in (d.limit_low, d.limit_high) if g.y.low <= x <= g.y.high]
    return path("limit", "".join(f"M{LEFT} {place(g.y(x))}H{WIDE - RIGHT}" for x in limits))


def _names(d: Disagreement, g: _Ground, say: Say) -> str:
    """Names at the right end of the lines, moved apart where they would touch."""
    wanted = [(g.y(_last(values)), say.words(key), key)
              for key, values in (("value", d.value), ("expected", d.expected)) if _any(values)]  # fmt: skip
    if _any(d.upper) and _any(d.lower):
        wanted.append(((g.y(_last(d.upper)) + g.y(_last(d.lower))) / 2, say.words("usual"), "usual"))
    for limit in (d.limit_low, d.limit_high):
        if math.isfinite(limit):
            beyond = " ↑" if limit > g.y.high else " ↓" if limit < g.y.low else ""
            wanted.append((g.y(limit), say.words("limit", n=say.short(limit)) + beyond, "limit"))
    parts, left = [], WIDE - RIGHT + 5
    for y, text, kind in _apart(sorted(wanted), TOP + 5, TOP + HIGH - 3):
        sample = rect("band", left, y - 4, 15, 8) if kind == "usual" else path(kind, f"M{left} {place(y)}h15")
        parts.append(sample + written(left + 19, y + 3.5, text, "key"))
    return "".join(parts)


def _apart(wanted: list[tuple[float, str, str]], top: float, bottom: float) -> list[tuple[float, str, str]]:
    places: list[float] = []
    for y, _, _ in wanted:
        places.append(max(y, top, places[-1] + 13 if places else top))
    floor = bottom
    for i in reversed(range(len(places))):
        places[i] = min(places[i], floor)
        floor = places[i] - 13
    return [(y, text, kind) for y, (_, text, kind) in zip(places, wanted)]


def _any(values: list[float]) -> bool:
    return any(map(math.isfinite, values))


def _last(values: list[float]) -> float:
    return next(x for x in reversed(values) if math.isfinite(x))


def _lanes(d: Disagreement, g: _Ground, say: Say, top: float) -> tuple[str, float]:
    """Strips: what the dispute is about, and who alerted when. Gives the place below."""
    about = ("lane_incident", "strip-incident") if d.incident else ("lane_dispute", "strip-dispute")
    rows = (
        (say.words(about[0]), about[1], [(d.start, d.end)]),
        (say.words("static"), "bar-static", d.alerts_static),
        (say.words("models"), "bar-models", d.alerts_models),
    )
    parts = []
    for name, kind, spans in rows:
        parts.append(rect("free", LEFT, top + 1.5, WIDE - RIGHT - LEFT, LANE - 3))
        parts.append(written(WIDE - RIGHT + 5, top + 9, name, "key"))
        for a, b in spans:
            if math.isfinite(a) and math.isfinite(b) and b >= g.x.low and a <= g.x.high:
                x = g.x(a)
                parts.append(rect(kind, x, top + 1.5, max(g.x(b) - x, 2.0), LANE - 3))
        top += LANE
    return "".join(parts), top
