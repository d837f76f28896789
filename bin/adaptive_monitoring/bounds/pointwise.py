"""Scores of single rows against a bounds table: no state, no numpy, a microsecond a row. Runs on indexers.

    s = (x - expected) / (upper - expected) above, (expected - x) / (expected - lower) below; 1.0 is the alert level
    score = 100 * s / (1 + s), 50 at the alert level

Limits: every row stands for itself (no k of n, no episodes). Text, NaN, infinities and empty cells have an empty score.
The fields are a subset of those of the stateful scorer, with the same names and the same meaning.
"""

from __future__ import annotations

from adaptive_monitoring.bounds.table import LARGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adaptive_monitoring.bounds.table import Entity, Metric

HOST_FIELDS = ("anomaly_score", "is_anomaly", "severity", "reason", "model_status")
METRIC_FIELDS = ("expected", "lower_bound", "upper_bound", "score")
LARGEST_SCORE = 1e9
BELOW_ALERT = 1 - 2.0**-53  #: a value on the bound is not outside; the largest s below 1
CANNOT_SAY, UNKNOWN = -1.0, -2.0  #: in place of s: no number in the row; no bounds for the entity
SEVERITIES = ((4.0, "critical"), (2.5, "high"), (1.5, "medium"), (1.0, "low"))
TRAINED, COLD = "trained", "cold"
EMPTY = ",,,"
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
    """Rows of one chunk, judged. strengths: s, CANNOT_SAY or UNKNOWN; bands: `expected,lower,upper,`; scores: text."""

    __slots__ = ("bands", "scores", "strengths")

    def __init__(self) -> None:
        self.strengths: list[float] = []
        self.bands: list[str] = []
        self.scores: list[str] = []

    def texts(self) -> list[str]:
        """The metric's four cells of each row."""
        return list(map(str.__add__, self.bands, self.scores))


def hundredths() -> list[str]:
    """Texts of 0.00 to 100.00, made once: reading one is five times faster than formatting."""
    if not _HUNDREDTHS:
        _HUNDREDTHS.extend(["%.2f" % (i / 100) for i in range(10_001)])
    return _HUNDREDTHS


def judge(
    known: Metric, slots: Slots, times: Sequence[str], entities: Iterable[Entity], values: Sequence[str]
) -> Verdicts:
    """Judges one metric of each row."""
    verdicts = Verdicts()
    strength, band, score = verdicts.strengths.append, verdicts.bands.append, verdicts.scores.append
    texts = hundredths()
    for time, entity, value in zip(times, entities, values):
        series = known[entity]
        if series is None:
            strength(UNKNOWN)
            band(EMPTY)
            score("")
            continue
        lower, expected, upper, fall, rise, text = series[slots[time][series.mode]]
        try:
            x = float(value)
        except ValueError:
            x = LARGEST * 10
        if lower <= x <= upper and -LARGEST <= x <= LARGEST:
            s = (x - expected) / rise if x >= expected else (expected - x) / fall
            if s > BELOW_ALERT:
                s = BELOW_ALERT
        elif (x > upper or x < lower) and -LARGEST <= x <= LARGEST:
            s = min(max(1.0, (x - expected) / rise if x > upper else (expected - x) / fall), LARGEST_SCORE)
        else:
            strength(CANNOT_SAY)
            band(text)
            score("")
            continue
        strength(s)
        band(text)
        score(texts[int(10000 * s / (1 + s) + 0.5)])
    return verdicts


def suffixes(
    metrics: Sequence[Verdicts], values: Sequence[Sequence[str]], label: Callable[[int, int], str]
) -> list[str]:
    """CSV text of HOST_FIELDS and, per metric, METRIC_FIELDS for each row.

    values: the texts that were judged, per metric. label(m, i): the name of metric m in row i, for reasons.
    """
    if len(metrics) == 1:
        return _single(metrics[0], values, label)
    rows = zip(*(metric.strengths for metric in metrics))
    texts = map(",".join, zip(*(metric.texts() for metric in metrics)))
    return [
        f"{_host(strengths, lambda i=i: reason(i, metrics, values, label))},{text}"  # type: ignore[misc]
        for i, (strengths, text) in enumerate(zip(rows, texts))
    ]


def strongest(metrics: Sequence[Verdicts]) -> list[float]:
    """The largest s of each row over its metrics."""
    if len(metrics) == 1:
        return metrics[0].strengths
    return list(map(max, zip(*(metric.strengths for metric in metrics))))


def _single(verdicts: Verdicts, values: Sequence[Sequence[str]], label: Callable[[int, int], str]) -> list[str]:
    """The common case, one metric: the score is that of the host."""
    rows = zip(verdicts.scores, verdicts.bands, verdicts.scores)
    out = list(map("%s,0,info,,trained,%s%s".__mod__, rows))
    for i, s in enumerate(verdicts.strengths):
        if not 0 <= s < 1:
            host = _host((s,), lambda i=i: reason(i, [verdicts], values, label))  # type: ignore[misc]
            out[i] = f"{host},{verdicts.bands[i]}{verdicts.scores[i]}"
    return out


def _host(strengths: Sequence[float], explain: Callable[[], str]) -> str:
    """The five fields of the host."""
    s = max(strengths)
    if s < 0:
        return f",0,,,{COLD if s == UNKNOWN else TRAINED}"
    why = explain() if s >= 1 else ""
    return f"{to_hundred(s):.2f},{'1' if s >= 1 else '0'},{severity(s)},{why},{TRAINED}"


def reason(
    row: int, metrics: Sequence[Verdicts], values: Sequence[Sequence[str]], label: Callable[[int, int], str]
) -> str:
    """What is outside its bounds in this row, strangest first, as a CSV cell."""
    outside = [m for m, verdicts in enumerate(metrics) if verdicts.strengths[row] >= 1]
    outside.sort(key=lambda m: -metrics[m].strengths[row])
    parts = [_part(label(m, row), values[m][row], metrics[m].bands[row]) for m in outside]
    return '"' + "; ".join(parts).replace('"', '""') + '"'


def _part(name: str, value: str, text: str) -> str:
    expected, lower, upper, _ = text.split(",")
    high = bool(upper) and float(value) > float(upper)
    side = f"above {upper}" if high else f"below {lower}"
    return f"{name} {value.strip()} {side}, expected {expected}"
