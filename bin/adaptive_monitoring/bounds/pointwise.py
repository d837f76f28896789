"""Scores of single rows against a bounds table: no state, no numpy, a microsecond a row. Runs on indexers.

    s = (x - expected) / (upper - expected) above, (expected - x) / (expected - lower) below; 1.0 is the alert level
    score = 100 * s / (1 + s), 50 at the alert level

Limits: every row stands for itself (no k of n, no episodes). Text, NaN, infinities and empty cells have an empty score.
The fields are a subset of those of the stateful scorer, with the same names and the same meaning.
"""

from __future__ import annotations

from operator import itemgetter

from adaptive_monitoring.bounds.table import LARGEST, NAN, NOBODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adaptive_monitoring.bounds.table import Cell, Entity, Metric

HOST_FIELDS = ("anomaly_score", "is_anomaly", "severity", "reason", "model_status")
METRIC_FIELDS = ("expected", "lower_bound", "upper_bound", "score")
LARGEST_SCORE = 1e9
CANNOT_SAY, UNKNOWN = -1.0, -2.0  #: in place of s: no number in the row; no bounds for the entity
STRANGE = -3  #: in place of a mark, until the row is looked at by itself
SEVERITIES = ((4.0, "critical"), (2.5, "high"), (1.5, "medium"), (1.0, "low"))
TRAINED, COLD = "trained", "cold"
USUAL = f"0,info,,{TRAINED}"
TEXT = itemgetter(5)  #: of a Cell
_HUNDREDTHS: list[str] = []
SLOT_LIMIT = 100_000  # different times kept; a month of 5-minute rows has 8,640


def to_hundred(s: float) -> float:
    """0 to 100, 50 at the alert level."""
    return 100 * s / (1 + s)


def severity(s: float) -> str:
    """info below the alert level, then low, medium, high, critical."""
    for least, name in SEVERITIES:
        if s >= least:
            return name
    return "info"


class Slots(dict):  # type: ignore[type-arg]
    """Text of _time -> slot number by mode: (0, quarter of the day, hour of the week); None without a time."""

    def __missing__(self, time: str) -> tuple[int, int | None, int | None]:
        if len(self) > SLOT_LIMIT:
            self.clear()
        try:
            second = int(float(time) // 1)
        except (ValueError, OverflowError):
            found: tuple[int, int | None, int | None] = (0, None, None)
        else:
            found = 0, second % 86400 // 900, (second + 259200) % 604800 // 3600
        self[time] = found
        return found


class Verdicts:
    """Rows of one slice, judged for one metric.

    marks: hundredths of the score, −1 and −2 for CANNOT_SAY and UNKNOWN; bands: `expected,lower,upper`.
    strange: s, CANNOT_SAY or UNKNOWN by row, for all rows that are not plainly normal (s from 0 to below 1).
    """

    __slots__ = ("bands", "marks", "strange")

    def __init__(self, marks: list[int], bands: list[str]) -> None:
        self.marks, self.bands = marks, bands
        self.strange: dict[int, float] = {}


def hundredths() -> list[str]:
    """Texts by mark: 0.00 to 100.00, nothing for −1 and −2. Made once: reading is five times faster than formatting."""
    if not _HUNDREDTHS:
        _HUNDREDTHS.extend(["%.2f" % (i / 100) for i in range(10_001)])
        _HUNDREDTHS.extend(["", ""])
    return _HUNDREDTHS


def judge(
    known: Metric, slots: Slots, times: Sequence[str], entities: Iterable[Entity], values: Sequence[str]
) -> Verdicts:
    """Judges one metric of each row: all rows at once as if they were normal, then those that are not."""
    series = list(map(known.__getitem__, entities))
    found = [NOBODY if one is None else one for one in series] if None in series else series
    cells = [one[slot[one.mode]] for one, slot in zip(found, map(slots.__getitem__, times))]
    numbers = floats(values)
    marks = [
        int(10000 * (x - expected) / (x - expected + rise) + 0.5)
        if expected <= x <= upper
        else int(10000 * (expected - x) / (expected - x + fall) + 0.5)
        if lower <= x < expected
        else STRANGE
        for x, (lower, expected, upper, fall, rise, _) in zip(numbers, cells)
    ]
    verdicts = Verdicts(marks, list(map(TEXT, cells)))
    row = -1
    for _ in range(marks.count(STRANGE)):
        row = marks.index(STRANGE, row + 1)
        s = UNKNOWN if series[row] is None else strength(numbers[row], cells[row])
        verdicts.strange[row] = s
        marks[row] = int(10000 * s / (1 + s) + 0.5) if s >= 1 else int(s)
    return verdicts


def floats(values: Sequence[str]) -> list[float]:
    """Numbers of cells, NaN for what is none."""
    try:
        return list(map(float, values))
    except ValueError:
        pass
    try:
        return [float(value) if value else NAN for value in values]
    except ValueError:
        return list(map(_number, values))


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return NAN


def strength(x: float, cell: Cell) -> float:
    """s of a value outside its bounds, at least 1; CANNOT_SAY of one that is no number or has no bounds."""
    lower, expected, upper, fall, rise, _ = cell
    if not (abs(x) <= LARGEST and (x > upper or x < lower)):
        return CANNOT_SAY
    return min(max(1.0, (x - expected) / rise if x > upper else (expected - x) / fall), LARGEST_SCORE)


def answer(
    metrics: Sequence[Verdicts], values: Sequence[Sequence[str]], label: Callable[[int, int], str]
) -> list[list[str]]:
    """CSV text of HOST_FIELDS and, per metric, METRIC_FIELDS, in columns that hold one cell or several.

    values: the texts that were judged, per metric. label(m, i): the name of metric m in row i, for reasons.
    """
    texts = hundredths()
    marks = metrics[0].marks if len(metrics) == 1 else list(map(max, *(metric.marks for metric in metrics)))
    hosts = [USUAL] * len(marks)
    for row, s in strongest(metrics).items():
        if s < 0:
            hosts[row] = f"0,,,{COLD if s == UNKNOWN else TRAINED}"
        else:
            hosts[row] = f"1,{severity(s)},{reason(row, metrics, values, label)},{TRAINED}"
    out = [[texts[mark] for mark in marks], hosts]
    for metric in metrics:
        out += [metric.bands, out[0] if len(metrics) == 1 else [texts[mark] for mark in metric.marks]]
    return out


def strongest(metrics: Sequence[Verdicts]) -> dict[int, float]:
    """The largest s of each row over its metrics, where that is not plainly normal."""
    if len(metrics) == 1:
        return metrics[0].strange
    rows = sorted({row for metric in metrics for row in metric.strange})
    largest = {row: max(metric.strange.get(row, 0.0) for metric in metrics) for row in rows}
    return {row: s for row, s in largest.items() if s}


def reason(
    row: int, metrics: Sequence[Verdicts], values: Sequence[Sequence[str]], label: Callable[[int, int], str]
) -> str:
    """What is outside its bounds in this row, strangest first, as a CSV cell."""
    outside = [m for m, verdicts in enumerate(metrics) if verdicts.strange.get(row, 0) >= 1]
    outside.sort(key=lambda m: -metrics[m].strange[row])
    parts = [_part(label(m, row), values[m][row], metrics[m].bands[row]) for m in outside]
    return '"' + "; ".join(parts).replace('"', '""') + '"'


def _part(name: str, value: str, text: str) -> str:
    expected, lower, upper = text.split(",")
    high = bool(upper) and float(value) > float(upper)
    side = f"above {upper}" if high else f"below {lower}"
    return f"{name} {value.strip()} {side}, expected {expected}"
