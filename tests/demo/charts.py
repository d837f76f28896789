"""The page's drawings: SVG written by hand, thinned so that no spike is lost. All text is escaped here."""

from __future__ import annotations

from datetime import datetime, timezone
from xml.sax.saxutils import escape

import numpy as np

from demo.episodes import Episode, length, moment
from demo.fleet import Host
from demo.look import colours
from demo.outcome import DAY_S, margins, stretches

WIDE, LEFT, RIGHT = 1040, 62, 8
COLUMNS = (WIDE - LEFT - RIGHT) // 2
LANE, SCORE_HIGH, GAP = 26, 46, 16
HIGHS = (140, 96)


class Axis:
    """Time across: seconds to pixels, and rows to columns of 2 pixels."""

    def __init__(self, t: np.ndarray) -> None:
        self.t0, self.t1 = float(t[0]), float(t[-1])
        self.column = np.minimum((t - self.t0) / max(self.t1 - self.t0, 1.0) * COLUMNS, COLUMNS - 1).astype(np.int64)

    def x(self, t: float) -> float:
        share = (t - self.t0) / max(self.t1 - self.t0, 1.0)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDE - LEFT - RIGHT)

    def extremes(self, values: np.ndarray, keep: np.ndarray | None = None) -> list[tuple[int, float, float]]:
        """(x, least, greatest) of every column that has a value; every row's value lies within its column's two."""
        usable = np.isfinite(values) if keep is None else np.isfinite(values) & keep
        low, high = np.full(COLUMNS, np.inf), np.full(COLUMNS, -np.inf)
        np.minimum.at(low, self.column[usable], values[usable])
        np.maximum.at(high, self.column[usable], values[usable])
        return [(LEFT + 2 * i + 1, float(low[i]), float(high[i])) for i in np.flatnonzero(low <= high).tolist()]

    def means(self, values: np.ndarray) -> list[tuple[int, float]]:
        """(x, mean) of every column that has a value."""
        usable = np.isfinite(values)
        count = np.bincount(self.column[usable], minlength=COLUMNS)
        total = np.bincount(self.column[usable], weights=values[usable], minlength=COLUMNS)
        return [(LEFT + 2 * i + 1, float(total[i] / count[i])) for i in np.flatnonzero(count).tolist()]


class Scale:
    """Values up: a range of values to pixels. What lies beyond is drawn at the edge."""

    def __init__(self, low: float, high: float, top: int, bottom: int) -> None:
        if not high > low:
            low, high = low - 0.5 * max(abs(low), 1e-9), low + 0.5 * max(abs(low), 1e-9)
        self.low, self.high, self.top, self.bottom = low, high, top, bottom

    def y(self, value: float) -> int:
        share = (value - self.low) / (self.high - self.low)
        return round(self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top))


def host_chart(host: Host, found: list[Episode]) -> str:
    """One host: alerts and marked incidents, its two most telling metrics with their bands, the score."""
    axis, parts, top = Axis(host.t), [_lane(host, found)], LANE + 14
    shown = leading(found, len(HIGHS), len(host.metrics))
    plots = []
    for index, high in zip(shown, HIGHS):
        plots.append(metric_plot(host, index, axis, top, top + high))
        top += high + GAP
    parts += [shades(host, axis, LANE, top + SCORE_HIGH), *plots, score_plot(host, axis, top, top + SCORE_HIGH)]
    parts.append(_days(axis, top + SCORE_HIGH))
    names = " and ".join(host.metrics[i] for i in shown)
    title = f"{host.name}: {names} with expected band, {counted(found)}, and the anomaly score"
    return svg(WIDE, top + SCORE_HIGH + 18, title, "".join(parts))


def counted(found: list[Episode]) -> str:
    """1 alert, 2 alerts."""
    return f"{len(found)} alert{'' if len(found) == 1 else 's'}"


def leading(found: list[Episode], count: int, metrics: int) -> list[int]:
    """The metrics that show the most alerts best, first of equals first."""
    votes = np.zeros(metrics)
    for episode in found:
        votes[episode.metric] += episode.score
    return np.argsort(-votes, kind="stable")[:count].tolist()


def svg(width: int, height: int, title: str, content: str) -> str:
    name = escape(title, {'"': "&quot;"})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{name}">'
        f"<title>{escape(title)}</title>{content}</svg>"
    )


def _lane(host: Host, found: list[Episode]) -> str:
    """Two rows of bars: what the models alerted, what people marked."""
    axis = Axis(host.t)
    bars = [written(LEFT - 6, 11, "alerts", "end"), written(LEFT - 6, 23, "marked", "end")]
    for e in found:
        text = f"{moment(e.told)}, {length(e.duration_s)}, {e.severity}: {e.reason}"
        bars.append(_bar(axis, e.told, e.end, 3, "alert", text))
    _, gap, _ = margins(host.t)
    for a, b in stretches(host.t, host.label, gap):
        bars.append(_bar(axis, a, b, 15, "labelbar", f"Marked as incident: {moment(a)} to {moment(b)}"))
    return "".join(bars)


def _bar(axis: Axis, a: float, b: float, y: int, kind: str, text: str) -> str:
    x = axis.x(a)
    wide = max(axis.x(b) - x, 2.5)
    shape = f'class="{kind}" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="8" rx="1"'
    return f"<rect {shape}><title>{escape(text)}</title></rect>"


def shades(host: Host, axis: Axis, top: int, bottom: int) -> str:
    """Marked incidents over the full height, behind the lines."""
    _, gap, _ = margins(host.t)
    spans = [(axis.x(a), axis.x(b)) for a, b in stretches(host.t, host.label, gap)]
    place = f'class="label" y="{top}" height="{bottom - top}"'
    return "".join(f'<rect {place} x="{a:.1f}" width="{max(b - a, 2):.1f}"/>' for a, b in spans)


def metric_plot(host: Host, index: int, axis: Axis, top: int, bottom: int, room: float = np.inf) -> str:
    """Band, expectation, what was observed, and in red the rows of an alert to which this metric contributed.

    room: how far the chart may go beyond the observed values to show the band, in parts of their span.
    """
    x = host.x[:, index]
    lower, upper = host.bands["lower_bound"][:, index], host.bands["upper_bound"][:, index]
    scale = Scale(*_range(x, lower, upper, room), top, bottom)
    strange = host.alert & contributed(host, host.metrics[index])
    known = np.isfinite(lower) | np.isfinite(upper)  # a side without bound is open to the edge
    ups = axis.means(np.where(known & ~np.isfinite(upper), scale.high, upper))
    downs = axis.means(np.where(known & ~np.isfinite(lower), scale.low, lower))
    return "".join((
        written(LEFT - 6, top + 9, short(scale.high), "end"),
        written(LEFT - 6, bottom, short(scale.low), "end"),
        written(LEFT + 4, top - 2, host.metrics[index], "start", "name"),
        f'<path class="grid" d="M{LEFT} {top}H{WIDE - RIGHT}M{LEFT} {bottom}H{WIDE - RIGHT}"/>',
        path("band", [(at, scale.y(v)) for at, v in ups + downs[::-1]], "Z"),
        path("expected", [(at, scale.y(v)) for at, v in axis.means(host.bands["expected"][:, index])]),
        path("observed", _zigzag(axis.extremes(x), scale)),
        _strokes("anomaly", axis.extremes(x, strange), scale),
    ))  # fmt: skip


def contributed(host: Host, metric: str) -> np.ndarray:
    """(n,) bool: whether the metric is named among the row's contributors."""
    return np.array([f"; {metric} " in f"; {text}" for text in host.texts["contributors"]], dtype=bool)


def _range(x: np.ndarray, lower: np.ndarray, upper: np.ndarray, room: float) -> tuple[float, float]:
    """What the chart shows: all observed values, and the band but for its wildest hundredth and what is beyond room."""
    lows, highs = [np.nanmin(x)], [np.nanmax(x)]
    for values, into, percent in ((lower, lows, 1), (upper, highs, 99)):
        if np.isfinite(values).any():
            into.append(np.percentile(values[np.isfinite(values)], percent))
    low, high = float(min(lows)), float(max(highs))
    span = float(highs[0] - lows[0])
    if span > 0:
        low, high = max(low, lows[0] - room * span), min(high, highs[0] + room * span)
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def score_plot(host: Host, axis: Axis, top: int, bottom: int) -> str:
    """The host's score, greatest of each column, and the alert level."""
    scale = Scale(0.0, 100.0, top, bottom)
    points = [(at, scale.y(high)) for at, _, high in axis.extremes(host.score)]
    columns = "".join(f"M{at} {bottom}V{y}" for at, y in points if y < bottom)
    return (
        f"{written(LEFT - 6, scale.y(50) + 4, '50', 'end')}"
        f"{written(LEFT + 4, top - 2, 'anomaly score', 'start', 'name')}"
        f'<path class="score" d="{columns}"/><path class="grid" d="M{LEFT} {bottom}H{WIDE - RIGHT}"/>'
        f'<path class="level" d="M{LEFT} {scale.y(50)}H{WIDE - RIGHT}"/>'
    )


def _days(axis: Axis, bottom: int) -> str:
    """Dates below, at most one per 70 pixels."""
    days = (axis.t1 - axis.t0) / DAY_S
    step = next((n for n in (1, 2, 3, 7, 14) if days / n <= 13), 28)
    first = -(-axis.t0 // DAY_S) * DAY_S
    marks = np.arange(first, axis.t1, step * DAY_S).tolist()
    texts = [written(round(axis.x(t)), bottom + 15, _date(t), "middle") for t in marks]
    ticks = "".join(f"M{axis.x(t):.0f} {bottom}v4" for t in marks)
    return f'<path class="grid" d="{ticks}"/>{"".join(texts)}'


def fleet_map(fleet: list[Host]) -> str:
    """Host by day, coloured by the worst score of the day's alerts, with the number; plain when there was no alert."""
    first, last = min(h.t[0] for h in fleet) // DAY_S, max(h.t[-1] for h in fleet) // DAY_S
    left, high = 112, 24
    wide = (WIDE - left) / (last - first + 1)
    parts = [
        written(round(left + (d - first + 0.5) * wide), 12, _day_mark(d, d == first), "middle")
        for d in np.arange(first, last + 1).tolist()
    ]
    for row, host in enumerate(fleet):
        y = 18 + row * high
        name = host.name if len(host.name) < 18 else host.name[:16] + "…"
        parts.append(written(left - 6, y + 15, name, "end", "name"))
        parts += [_cell(host, d, left + (d - first) * wide, y, wide) for d in sorted(set((host.t // DAY_S).tolist()))]
    title = f"Worst score of the alerts per host and day, {_date(first * DAY_S)} to {_date(last * DAY_S)}"
    return svg(WIDE, 18 + high * len(fleet), title, "".join(parts))


def _day_mark(day: float, first: bool) -> str:
    """The day of the month; its name too where one begins."""
    month, number = _date(day * DAY_S).split()
    return f"{month} {number}" if first or number == "1" else number


def _cell(host: Host, day: float, x: float, y: int, wide: float) -> str:
    """One day of one host."""
    today = host.t // DAY_S == day
    scores = host.score[today & host.alert]
    worst = round(float(np.nanmax(scores))) if np.isfinite(scores).any() else 0
    colour = colours(worst)
    fill, number = 'class="calm"', ""
    if colour:
        fill = f'style="fill:{colour[0]}"'
        number = written(round(x + wide / 2), y + 14, f"{worst:.0f}", "middle", "cell", colour[1])
    said = f"worst score of its alerts {worst:.0f}" if (today & host.alert).any() else "no alert"
    return (
        f"<g><title>{escape(f'{host.name}, {_date(day * DAY_S)}: {said}')}</title>"
        f'<rect {fill} x="{x + 1:.1f}" y="{y}" width="{wide - 2:.1f}" height="20" rx="3"/>{number}</g>'
    )


def _zigzag(columns: list[tuple[int, float, float]], scale: Scale) -> list[tuple[int, int]]:
    """Down and up through each column's two values."""
    return [(at, scale.y(v)) for at, low, high in columns for v in ((low,) if low == high else (low, high))]


def path(kind: str, points: list[tuple[int, int]], end: str = "") -> str:
    """A line; what repeats the last point, or lies within a level stretch, is left out."""
    text, last = [], (-1, -1)
    for i, (at, y) in enumerate(points):
        within = 0 < i < len(points) - 1 and points[i - 1][1] == y == points[i + 1][1]
        if (at, y) != last and not within:
            text.append(f"V{y}" if at == last[0] else f"H{at}" if y == last[1] else f"{'L' if text else 'M'}{at} {y}")
            last = (at, y)
    return f'<path class="{kind}" d="{"".join(text)}{end}"/>' if text else ""


def _strokes(kind: str, columns: list[tuple[int, float, float]], scale: Scale) -> str:
    """One upright stroke per column, at least 2 pixels."""
    text = "".join(f"M{at} {scale.y(low) + 1}V{scale.y(high) - 1}" for at, low, high in columns)
    return f'<path class="{kind}" d="{text}"/>' if text else ""


def written(x: float, y: float, text: str, anchor: str, kind: str = "", colour: str = "") -> str:
    style = (f' class="{kind}"' if kind else "") + (f' style="fill:{colour}"' if colour else "")
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{style}>{escape(text)}</text>'


def _date(t: float) -> str:
    when = datetime.fromtimestamp(t, timezone.utc)
    return f"{when:%b} {when.day}"


def short(value: float) -> str:
    """Three digits, with k, M, G from a thousand on."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return "0" if abs(value) < 1e-12 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2g}"
