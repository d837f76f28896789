"""The table: adaptive models against static thresholds, on the part of the data that neither has learned from."""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from demo import static
from demo.fleet import Host
from demo.outcome import Line, line, outcome

HINDSIGHT = (99.99, 99.95, *np.arange(99.9, 99.0, -0.1), *np.arange(99.0, 94.9, -0.5), *np.arange(94.0, 79.9, -2.0))
HEADER = ("rule", "false alerts per host-week", "incidents found", "recall", "precision", "median delay")


class Compared(NamedTuple):
    """One line of the table and what it is."""

    rule: str
    line: Line


def judged(fleet: list[Host], alerts: Callable[[Host], np.ndarray]) -> Line:
    """The fleet's line under a rule: Host -> (n,) bool over all its rows. Only rows outside the history count."""
    outcomes = []
    for host in fleet:
        rows = ~host.history
        outcomes.append(outcome(host.t[rows], host.label[rows], alerts(host)[rows]))
    return line(outcomes)


def static_line(fleet: list[Host], percent: float) -> Line:
    """Thresholds at that percentile of the history."""
    limits = static.thresholds(fleet, percent)
    return judged(fleet, lambda host: static.alerts(host, limits[host.kind]))


def hindsight(fleet: list[Host]) -> Compared:
    """The static template that finds the most incidents of all those tried, the quietest of equals.

    Chosen with the labels in hand, as nobody could.
    """
    tried = [(percent, static_line(fleet, percent)) for percent in HINDSIGHT]
    percent, best = max(tried, key=lambda pair: (pair[1].found, -pair[1].false_per_week))
    return Compared(f"static thresholds, chosen afterwards to find the most ({percent:.4g}th)", best)


def table(fleet: list[Host], adaptive: dict[str, np.ndarray], pointwise: dict[str, np.ndarray]) -> list[Compared]:
    """Lines of the table. adaptive, pointwise: host -> (n,) bool over all rows."""
    return [
        Compared("static thresholds, 99.9th percentile of the fleet", static_line(fleet, 99.9)),
        Compared("static thresholds, 99th percentile of the fleet", static_line(fleet, 99.0)),
        hindsight(fleet),
        Compared("adaptive, one model per host", judged(fleet, lambda host: adaptive[host.name])),
        Compared("adaptive, plain SPL (bounds lookup, 3 of 5 rows)", judged(fleet, lambda host: pointwise[host.name])),
    ]


def cells(compared: Compared) -> tuple[str, ...]:
    """The texts of a line."""
    rule, one = compared
    return (
        rule,
        f"{one.false_per_week:.2f}",
        f"{one.found} of {one.incidents}",
        f"{one.recall:.0%}",
        f"{one.precision:.0%}",
        minutes(one.delay_s),
    )


def minutes(seconds: float) -> str:
    """A delay; – when there is none."""
    return "–" if np.isnan(seconds) else f"{seconds / 60:.0f} min"


def as_text(lines: list[Compared]) -> str:
    """Aligned columns; the rule to the left, numbers to the right."""
    rows = [HEADER, *map(cells, lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)
