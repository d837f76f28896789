"""The drawings of page one: who caught what, the two curves, faults by size.

What is told by colour is also told by shape: models are blue, solid and round, static rules brown, dashed or hatched
and square. The two colours are apart for colour-blind eyes and in grey.
"""

from __future__ import annotations

import math
from typing import Callable, NamedTuple

from adaptive_monitoring.report.findings import Fault, Findings, Point
from adaptive_monitoring.report.markup import cut, path, place, rect, svg, ticks, written
from adaptive_monitoring.report.say import Say

CURVE_WIDE, CURVE_HIGH = 420, 200
BARS_WIDE = 262
MOST_KINDS, MOST_SIZES = 8, 4
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 14, 12, 34
_ZERO = 24  # room for "none at all" beside a logarithmic axis
_COLUMNS, _PAIR = 4, 21  # panels in a row; height of a pair of bars
_LOG_FROM = 8.0  # greatest by least value from which an axis is logarithmic


class Axis(NamedTuple):
    """Values to pixels. log: of the values above zero; zero itself stands at `zero`, apart."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    zero: float = 0.0

    def __call__(self, value: float) -> float:
        """The place of a value; beyond the range, that of its end."""
        if self.log and value <= 0:
            return self.zero
        low, high, value = (map(math.log, (self.low, self.high, value))) if self.log else (self.low, self.high, value)
        return self.start + min(max((value - low) / (high - low), 0.0), 1.0) * (self.end - self.start)

    def marks(self) -> list[float]:
        """Values to write beside the axis."""
        if not self.log:
            return ticks(self.low, self.high, 5)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = (1, 2, 5) if last - first <= 3 else (1,)
        marks = [n * 10.0**power for power in range(first, last + 1) for n in steps]
        return ([0.0] if self.zero else []) + [x for x in marks if self.low * 0.999 <= x <= self.high * 1.001]


def axis_of(values: list[float], start: float, end: float) -> Axis:
    """An axis from zero, or a logarithmic one where the values differ by much."""
    some = [x for x in values if x > 0]
    if len(some) > 1 and max(some) / min(some) >= _LOG_FROM:
        zero = start if min(values) <= 0 else 0.0
        return Axis(min(some) / 1.15, max(some) * 1.15, start + (_ZERO if zero else 0), end, True, zero)
    return Axis(0.0, max(some, default=1.0) * 1.08, start, end)


def caught(f: Findings, say: Say) -> str:
    """Bars: caught by both, by one side only, by neither (with known incidents)."""
    rows = [("both", "both", f.both), ("static", "by_static", f.only_static), ("models", "by_models", f.only_models)]
    if f.incidents:
        rows.append(("none", "by_none", max(f.incidents - f.both - f.only_static - f.only_models, 0)))
    most = max(n for _, _, n in rows)
    parts, left = [], 118
    for i, (kind, key, n) in enumerate(rows):
        y, wide = 6 + 24 * i, (BARS_WIDE - left - 44) * n / max(most, 1)
        name = say.words("by_both" if key == "both" else key)
        parts.append(written(left - 6, y + 12, name, "name", "end"))
        parts.append(rect("bar-" + kind, left, y, wide, 16) if n else path("axis", f"M{left} {y}v16"))
        parts.append(written(left + wide + 5, y + 12, say.count(n), "figure"))
    title = say.words("fig_caught" if f.incidents else "fig_alerts")
    return svg(BARS_WIDE, 24 * len(rows) + 6, title, "".join(parts))


def curves(f: Findings, say: Say) -> str:
    """Recall against alerts, or without known recall alerts against the setting; empty when nothing is known."""
    sides = (("static", f.curve_static), ("models", f.curve_models))
    recall = any(math.isfinite(p.recall) for _, points in sides for p in points)
    read = _recall if recall else _alerts
    known = [(side, _known(points, read)) for side, points in sides]
    every = [at for _, points in known for at in points]
    if not every:
        return ""
    x = axis_of([at.x for at in every], _LEFT + 8, CURVE_WIDE - _RIGHT)
    y = Axis(0, 1, CURVE_HIGH - _BOTTOM, _TOP) if recall else axis_of(
        [at.y for at in every], CURVE_HIGH - _BOTTOM, _TOP)  # fmt: skip
    parts = [_frame(x, y, say, recall)] + [_line(side, points, x, y) for side, points in known]
    parts += _named(known, x, y, recall, say)
    return svg(CURVE_WIDE, CURVE_HIGH, say.words("fig_curve" if recall else "fig_setting"), "".join(parts))


class _At(NamedTuple):
    x: float
    y: float
    as_set: bool


def _recall(p: Point) -> tuple[float, float]:
    return p.alerts_per_entity_week, p.recall


def _alerts(p: Point) -> tuple[float, float]:
    return p.setting, p.alerts_per_entity_week


def _known(points: list[Point], read: Callable[[Point], tuple[float, float]]) -> list[_At]:
    found = [_At(*read(p), p.setting == 1) for p in sorted(points, key=lambda p: p.setting)]
    return [at for at in found if math.isfinite(at.x) and math.isfinite(at.y)]


def _frame(x: Axis, y: Axis, say: Say, recall: bool) -> str:
    bottom, right = CURVE_HIGH - _BOTTOM, CURVE_WIDE - _RIGHT
    parts = []
    for mark in y.marks():
        at = y(mark)
        parts.append(path("grid", f"M{_LEFT} {place(at)}H{right}"))
        parts.append(written(_LEFT - 5, at + 3.5, say.percent(mark) if recall else say.short(mark), "", "end"))
    for mark in x.marks():
        parts.append(path("axis", f"M{place(x(mark))} {bottom}v4"))
        parts.append(written(x(mark), bottom + 14, say.short(mark), "", "middle"))
    name = say.words("axis_rate" if recall else "axis_setting") + (say.words("logarithmic") if x.log else "")
    parts.append(path("axis", f"M{_LEFT} {bottom}H{right}"))
    parts.append(written((_LEFT + right) / 2, CURVE_HIGH - 5, name, "name", "middle"))
    up = say.words("axis_recall" if recall else "axis_rate") + (say.words("logarithmic") if y.log else "")
    return "".join(parts) + written(_LEFT + 3, _TOP - 3, up, "name halo")


def _line(side: str, points: list[_At], x: Axis, y: Axis) -> str:
    line = "L".join(f"{place(x(at.x))} {place(y(at.y))}" for at in points)
    dots = "".join(mark(side, x(at.x), y(at.y), 5.5 if at.as_set else 2.2) for at in points)
    return path(f"line {side}", "M" + line if len(points) > 1 else "") + dots


def mark(side: str, x: float, y: float, r: float) -> str:
    """The shape of a side: a disc for the models, a hollow square for the static rules."""
    if side == "models":
        return f'<circle class="dot-models" cx="{place(x)}" cy="{place(y)}" r="{place(r)}"/>'
    return rect("dot-static", x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8)


def _named(known: list[tuple[str, list[_At]]], x: Axis, y: Axis, rising: bool, say: Say) -> list[str]:
    """The two sides' names at the points as they are set, where rising curves leave room: above left, below right.

    Falling ones: above right, below left.
    """
    places = []
    for side, points in known:
        if points:
            at = next((at for at in points if at.as_set), points[-1])
            set_now = say.words("set_" + side) if at.as_set else say.words(side)
            places.append((y(at.y), x(at.x), side, set_now))
    parts = []
    for i, (up, across, side, name) in enumerate(sorted(places)):
        wide, above = 6.2 * len(name), i == 0 and up > _TOP + 20
        right = across - 7 if above == rising else across + 7 + wide
        right = min(max(right, _LEFT + 4 + wide), CURVE_WIDE - 2)
        parts.append(written(right, up - 8 if above else up + 17, name, f"side {side} halo", "end"))
    return parts


def faults(found: list[Fault], say: Say) -> str:
    """Small multiples: one panel per kind, one pair of bars per size. At most MOST_KINDS and MOST_SIZES of them."""
    parts, top = [], 0
    for line in _panels(found):
        wide = 703 // _COLUMNS
        for i, (kind, sizes) in enumerate(line):
            parts.append(_panel(i * wide, top, wide - 16, kind, sizes, say))
        top += _high(line)
    return svg(703, faults_high(found), say.words("fig_faults"), "".join(parts))


def faults_high(found: list[Fault]) -> int:
    """Height of that drawing in pixels."""
    return sum(map(_high, _panels(found)))


def _panels(found: list[Fault]) -> list[list[tuple[str, list[Fault]]]]:
    kinds = shown(found)
    return [kinds[i : i + _COLUMNS] for i in range(0, len(kinds), _COLUMNS)]


def _high(line: list[tuple[str, list[Fault]]]) -> int:
    return 20 + _PAIR * max(len(sizes) for _, sizes in line)


def shown(found: list[Fault]) -> list[tuple[str, list[Fault]]]:
    """Kinds in the order in which they came, each with sizes rising; of many sizes, least and greatest stay."""
    by_kind: dict[str, list[Fault]] = {}
    for fault in found:
        by_kind.setdefault(fault.kind, []).append(fault)
    kinds = []
    for kind, sizes in list(by_kind.items())[:MOST_KINDS]:
        sizes = sorted(sizes, key=lambda one: one.size if math.isfinite(one.size) else -math.inf)
        if len(sizes) > MOST_SIZES:
            picked = [round(i * (len(sizes) - 1) / (MOST_SIZES - 1)) for i in range(MOST_SIZES)]
            sizes = [sizes[i] for i in picked]
        kinds.append((kind, sizes))
    return kinds


def kind_name(kind: str, say: Say) -> str:
    """A kind of fault in the page's language; a kind that is not known as it came."""
    plain = kind.lower().replace("_", " ")
    for word in ("spike", "shift", "ramp", "flat", "silence", "season", "correlation"):
        if word in plain:
            return say.words("kind_" + word)
    return kind


def _panel(left: float, top: float, wide: float, kind: str, sizes: list[Fault], say: Say) -> str:
    start, room = left + 34, wide - 34 - 42
    parts = [written(left, top + 11, cut(kind_name(kind, say), 26), "name")]
    for i, one in enumerate(sizes):
        y = top + 17 + _PAIR * i
        size = say.words("size", n=say.number(one.size)) if math.isfinite(one.size) else say.words("all_sizes")
        parts.append(written(start - 5, y + 12, size, "", "end"))
        parts.append(path("axis", f"M{place(start)} {place(y)}v17"))
        for side, n, at in (("models", one.found_models, y), ("static", one.found_static, y + 9)):
            share = min(n / one.injected, 1.0) if one.injected else 0.0
            parts.append(rect("free", start, at, room, 8) + rect("bar-" + side, start, at, room * share, 8))
            told = f"{say.count(n)}/{say.count(one.injected)}"
            parts.append(written(start + room + 4, at + 7.5, told, "tiny"))
    return "".join(parts)
