"""Static thresholds per entity from models, for the tools already in place: one row per entity, metric and direction.

    warning  = the bound that lies farthest out in a usual week
    critical = expected + 2 * (warning - expected), both of the slot where that bound lies

Limits: a static threshold knows no time of day: what is unusual at night only is lost. A model without bounds
(untrained) has no row; nor has a side on which a model has none.
"""

from __future__ import annotations

from math import ceil

from adaptive_monitoring.columns import Columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Key = tuple[str, ...]

COLUMNS = ("metric", "warning", "critical", "direction", "duration")
CRITICAL_GAPS = 2.0  # so many times as far from the expected value as the warning
SIDES = (("high", "upper_bound", 1), ("low", "lower_bound", -1))
UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def thresholds(bounds: Columns, models: Columns, keys: Sequence[str], open_k: int) -> Columns:
    """Columns keys and COLUMNS, which adaptbacktest reads as a lookup, in the order of the bounds.

    bounds: of derive(models, keys). open_k: rows at the alert level that open an episode; duration is as many steps.
    """
    head = [*keys, "metric"]
    about = dict(zip(zip(*models.select(head).data), zip(models.get("direction"), models.get("span"))))
    found: dict[Key, dict[str, tuple[str, str]]] = {}
    names = [*head, "expected", "lower_bound", "upper_bound"]
    for *key, expected, low, high in zip(*bounds.select(names).data):
        sides = found.setdefault(tuple(key), {})
        for (side, _, sign), bound in zip(SIDES, (high, low)):
            if bound and (side not in sides or sign * float(bound) > sign * float(sides[side][0])):
                sides[side] = (bound, expected)
    rows = [row for key, sides in found.items() for row in _rows(key, sides, *about[key], open_k)]
    return Columns([*keys, *COLUMNS], list(map(list, zip(*rows))) if rows else [[] for _ in (*keys, *COLUMNS)])


def _rows(
    key: Key, sides: dict[str, tuple[str, str]], direction: str, span: str, open_k: int
) -> Iterator[tuple[str, ...]]:
    """The rows of one entity and metric, only for the directions that its model looks at."""
    for side, _, _ in SIDES:
        if side in sides and direction in ("", "both", side):
            warning, expected = sides[side]
            critical = float(expected) + CRITICAL_GAPS * (float(warning) - float(expected))
            yield (*key, warning, f"{critical:.12g}", side, duration(open_k, span))


def duration(steps: int, span: str) -> str:
    """As many time steps as a span such as 10m, whole seconds at least; '' when the step is not known."""
    seconds = ceil(steps * float(span or 0))
    if seconds <= 0:
        return ""
    for size, unit in UNITS:
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
