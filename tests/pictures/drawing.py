"""One case as an SVG file of its own: white background, nothing from outside, title and desc, all text escaped."""

from __future__ import annotations

import re
import textwrap
from datetime import datetime, timezone
from typing import Callable
from xml.sax.saxutils import escape

import numpy as np
from demo.charts import LEFT, RIGHT, WIDE, Axis, metric_plot, score_plot, shades, written
from demo.fleet import Host
from demo.outcome import margins, stretches

from pictures.cases import HOUR_S, Case, clock, cut

TOP = 62
LANE_HIGH = 22
HEIGHTS = {1: (190,), 2: (140, 120), 3: (120, 96, 96), 4: (96, 84, 84, 84)}
SCORE_HIGH, GAP = 70, 30
ROOM = 0.75  # of the observed span, above and below, for the band
LETTER = 7.3  # least width that a letter of 13 px is given
STYLE = (
    'text{font:13px system-ui,"Segoe UI",Roboto,Arial,sans-serif;fill:#45515c}.name{fill:#14181d;font-weight:600}'
    ".big{font-size:17px;fill:#14181d;font-weight:600}.day{fill:#14181d;font-weight:600}"
    ".told{font-size:14px;fill:#14181d}.grid{stroke:#d5dbe1;fill:none}.hour{stroke:#edf0f3;fill:none}"
    ".band{fill:#8796a5;fill-opacity:.25}.expected{stroke:#5d6b78;stroke-width:1.4;fill:none;stroke-dasharray:5 3}"
    ".observed{stroke:#1f6fb8;stroke-width:1.3;fill:none}"
    ".anomaly{stroke:#d0282d;stroke-width:2.4;fill:none;stroke-linecap:round}"
    ".label{fill:#825be5;fill-opacity:.13}.labelbar{fill:#825be5}.alert{fill:#d0282d}"
    ".score{stroke:#b85b1b;stroke-width:2;fill:none}.level{stroke:#14181d;stroke-dasharray:4 3;fill:none}"
    ".mark{stroke:#14181d;stroke-dasharray:2 3;fill:none}.zone{fill:#c7a21c;fill-opacity:.14}"
)
#: mark, text, and whether a picture of these rows needs it
LEGEND: tuple[tuple[str, str, Callable[[Host], bool]], ...] = (
    ('<path class="observed" d="M0 9L8 3L16 9L24 5"/>', "observed", lambda host: True),
    ('<path class="expected" d="M0 6H24"/>', "expected", lambda host: True),
    ('<rect class="band" width="24" height="12"/>', "usual range (band)", lambda host: True),
    ('<path class="anomaly" d="M4 10V3M12 9V2M20 10V4"/>', "part of an alert", lambda host: bool(host.alert.any())),
    ('<rect class="alert" y="2" width="24" height="8"/>', "alert open", lambda host: bool(host.alert.any())),
    ('<rect class="label" width="24" height="12"/><rect class="labelbar" width="24" height="4"/>',
     "marked by a person", lambda host: bool(host.label.any())),
    ('<path class="score" d="M4 11V5M12 11V2M20 11V7"/>', "score", lambda host: True),
    ('<path class="level" d="M0 6H24"/>', "alert level (50)", lambda host: True),
)  # fmt: skip


def picture(case: Case) -> str:
    """The SVG text."""
    host = cut(case.host, case.a, case.b)
    axis = Axis(host.t)
    lanes, top = _lanes(host, axis, TOP)
    notes, top = _notes(case, axis, top)
    first = top
    plots = []
    for index, high in zip(case.shown, HEIGHTS[len(case.shown)]):
        plots.append(metric_plot(host, index, axis, top, top + high, ROOM))
        top += high + GAP
    bottom = top + SCORE_HIGH
    legend = [(mark, text) for mark, text, there in LEGEND if there(host)]
    below, end = _below(case, legend, bottom + 44)
    body = (
        _heading(case), _zones(case, axis, first, bottom), shades(host, axis, first, bottom),
        _hours(axis, first, bottom), lanes, _lines(case, axis, first, bottom), notes, *plots,
        score_plot(host, axis, top, bottom), below,
    )  # fmt: skip
    return _file(case, end, "".join(body))


def _file(case: Case, high: int, body: str) -> str:
    about = f"{case.host.name}, {clock(case.a)} to {clock(case.b)} (UTC). {plain(case.figures)} {case.told}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" width="{WIDE}" height="{high}" '
        f'role="img" aria-labelledby="title desc"><title id="title">{escape(case.title)}</title>'
        f'<desc id="desc">{escape(about)}</desc><style>{STYLE}</style>'
        f'<rect width="{WIDE}" height="{high}" fill="#ffffff"/>{body}</svg>\n'
    )


def plain(text: str) -> str:
    """Without the page's quotes around names."""
    return text.replace("`", "")


def _heading(case: Case) -> str:
    names = ", ".join(case.host.metrics[i] for i in case.shown)
    what = f"host {case.host.name} ({case.host.kind}), {names}; {clock(case.a)} to {clock(case.b)} (UTC)"
    return written(LEFT, 24, case.title, "start", "big") + written(LEFT, 44, what, "start")


def _lanes(host: Host, axis: Axis, top: int) -> tuple[str, int]:
    """Bars of what is there at all: alerts, and what a person marked. Gives the place below."""
    _, gap, _ = margins(host.t)
    rows = (
        ("alert", "alert", stretches(host.t, host.alert, 0)),
        ("marked", "labelbar", stretches(host.t, host.label, gap)),
    )
    parts = []
    for name, kind, spans in rows:
        if spans:
            parts.append(written(LEFT - 8, top + 11, name, "end"))
            parts += [_bar(axis, a, b, top, kind) for a, b in spans]
            top += LANE_HIGH
    return "".join(parts), top


def _bar(axis: Axis, a: float, b: float, top: int, kind: str) -> str:
    x = axis.x(a)
    wide, what = max(axis.x(b) - x, 3.0), "alert open" if kind == "alert" else "marked as incident by a person"
    name = f"{clock(a)} to {clock(b)}: {what}"
    return f'<rect class="{kind}" x="{x:.1f}" y="{top + 1}" width="{wide:.1f}" height="11"><title>{name}</title></rect>'


def _notes(case: Case, axis: Axis, top: int) -> tuple[str, int]:
    """The texts of marks and zones, one above the other where they would touch."""
    words = [(axis.x(t), text) for t, text in case.marks]
    words += [((axis.x(a) + axis.x(b)) / 2, text) for a, b, text in case.zones]
    ends: list[float] = []
    parts = []
    for at, text in sorted(words):
        half = len(text) * LETTER / 2
        middle = min(max(at, LEFT + half), WIDE - RIGHT - half)
        line = next((i for i, end in enumerate(ends) if end < middle - half), len(ends))
        ends[line : line + 1] = [middle + half + 8]
        parts.append(written(round(middle), top + 12 + 17 * line, text, "middle", "name"))
    return "".join(parts), top + 17 * len(ends) + 20


def _lines(case: Case, axis: Axis, top: int, bottom: int) -> str:
    text = "".join(f"M{axis.x(t):.1f} {top - 14}V{bottom}" for t, _ in case.marks)
    return f'<path class="mark" d="{text}"/>' if text else ""


def _zones(case: Case, axis: Axis, top: int, bottom: int) -> str:
    place = f'class="zone" y="{top - 14}" height="{bottom - top + 14}"'
    return "".join(
        f'<rect {place} x="{axis.x(a):.1f}" width="{max(axis.x(b) - axis.x(a) - 4, 1):.1f}"/>' for a, b, _ in case.zones
    )


def _hours(axis: Axis, top: int, bottom: int) -> str:
    """Hours below, days where they begin; thin lines through the plots."""
    hours = (axis.t1 - axis.t0) / HOUR_S
    step = next((n for n in (1, 2, 3, 6, 12) if hours / n <= 17), 24)
    marks = np.arange(-(-axis.t0 // (step * HOUR_S)) * step * HOUR_S, axis.t1 + 1, step * HOUR_S).tolist()
    lines = "".join(f"M{axis.x(t):.0f} {top}V{bottom + 4}" for t in marks)
    parts = [f'<path class="hour" d="{lines}"/>']
    for t in marks:
        when = datetime.fromtimestamp(t, timezone.utc)
        at = round(min(max(axis.x(t), LEFT + 12), WIDE - RIGHT - 12))
        parts.append(written(at, bottom + 18, f"{when:%H:%M}", "middle"))
        if when.hour == 0 and axis.x(t) < WIDE - RIGHT - 30:
            parts.append(written(at, bottom + 34, f"{when:%a} {when:%b} {when.day}", "middle", "day"))
    return "".join(parts)


def _below(case: Case, legend: list[tuple[str, str]], top: int) -> tuple[str, int]:
    """Legend and sentence. Gives the picture's height."""
    parts, x = [], LEFT
    for mark, text in legend:
        wide = 34 + len(text) * LETTER + 14
        if x + wide > WIDE - RIGHT:
            x, top = LEFT, top + 22
        parts.append(
            f'<g transform="translate({x:.0f} {top})">{mark}</g>{written(round(x + 31), top + 11, text, "start")}'
        )
        x += wide
    lines = textwrap.wrap(re.sub(r"\s+", " ", case.told), 122)
    for i, line in enumerate(lines):
        parts.append(written(LEFT, top + 40 + 20 * i, line, "start", "told"))
    return "".join(parts), top + 40 + 20 * len(lines)
