"""Output fields of adaptdetect: names, scale, texts. The only place where internal scores become SPL."""
from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from adaptive_monitoring.bounds.pointwise import LARGEST_SCORE
from adaptive_monitoring.commands.modelling import HOST_FIELDS as HOST
from adaptive_monitoring.commands.modelling import METRIC_FIELDS as METRIC
from adaptive_monitoring.engine.base import Scores
from adaptive_monitoring.engine.episodes import Verdicts
from adaptive_monitoring.engine.numbers import Floats, Ints

STATUSES = ("trained", "cold", "stale", "untrainable", "")
TRAINED, COLD, STALE, UNTRAINABLE, NO_MODEL = range(5)
STATES = ("normal", "pending", "open", "closing", "missing")
_SHOWN_SHARE = 0.05
_MOST_BANDS = 200_000
_NOT_FINITE = re.compile("-?(?:nan|inf)")
_FINE = 10_000  # below 1 four digits are shown, so that quiet rows can be ranked; 0 stays 0.00
_TEXTS = ["%.2f" % (i / 100) for i in range(10_001)]
_TEXTS += ["0.00", *("%.4f" % (i / _FINE) for i in range(1, _FINE)), "1.00", ""]  # the last one, index −1, for NaN


def names_of(metrics: Sequence[str], alone: bool) -> list[str]:
    """All output fields. alone: without prefix (one metric, or long rows)."""
    if alone:
        return [*HOST, *METRIC]
    return [*HOST, *(f"{metric}_{field}" for metric in metrics for field in METRIC)]


def to_hundred(score: Floats) -> Floats:
    """0–100 with 50 at the alert level: 100 s / (1 + s), s at most 1e9. NaN stays NaN."""
    score = np.minimum(score, LARGEST_SCORE)
    out: Floats = 100.0 * score / (1.0 + score)
    return out


def anomaly_id(key: Sequence[str], start: float) -> str:
    """The same for every run that sees the episode's first row."""
    return f"{zlib.crc32('/'.join(key).encode('utf-8', 'surrogateescape')):08x}-{int(start)}"


def contributors_of(metrics: Sequence[str], share: Floats) -> str:
    """Metrics and their parts of the evidence, most first."""
    order = np.argsort(-share, kind="stable")[:5]
    return "; ".join(f"{metrics[i]} {share[i]:.0%}" for i in order if share[i] >= _SHOWN_SHARE)


class Bands:
    """Texts of (expected, lower, upper); neighbouring rows of an entity share theirs, so each is formatted once.

    Known bands are found by their 24 bytes, which costs half of what a tuple of floats costs and works for NaN.
    """

    def __init__(self) -> None:
        self.known: dict[bytes, str] = {}

    def texts(self, expected: Floats, lower: Floats, upper: Floats) -> list[str]:
        """One CSV text per row; what is not finite is empty."""
        keys = np.stack([expected, lower, upper], axis=1).view("S24").ravel().tolist()
        out: list[str | None] = list(map(self.known.get, keys))
        if None in out:
            if len(self.known) >= _MOST_BANDS:
                self.known.clear()
            self._format([key for key in keys if key not in self.known])
            out = list(map(self.known.get, keys))
        return out  # type: ignore[return-value]

    def _format(self, keys: list[bytes]) -> None:
        new = list(dict.fromkeys(keys))
        numbers = np.frombuffer(b"".join([key.ljust(24, b"\0") for key in new]))
        texts = (("%.6g,%.6g,%.6g\n" * len(new)) % tuple(numbers.tolist())).split("\n")
        if not np.isfinite(numbers).all():
            texts = [_NOT_FINITE.sub("", text) for text in texts]
        self.known.update(zip(new, texts))


def hundredths(score: Floats) -> list[str]:
    """Texts of internal scores on the scale 0–100, two digits, four below 1; NaN is empty."""
    shown = to_hundred(score)
    with np.errstate(invalid="ignore"):
        place = np.where(shown < 1, 10_001 + np.rint(_FINE * shown), np.rint(100 * shown))
        place = np.where(np.isnan(shown), -1, place)
    return [_TEXTS[i] for i in place.astype(np.int64).tolist()]


def cells(
    scores: Scores, verdicts: Verdicts, status: Ints, reasons: dict[int, str], bands: Bands, metric: Ints | None = None
) -> list[list[str]]:
    """Columns of CSV text that together hold all output fields.

    status: (n,) index into STATUSES; reasons: row → everything from is_anomaly to suppressed_by; metric: for long rows,
    the one metric whose numbers each row shows.
    """
    numbers = [scores.expected, scores.lower, scores.upper, scores.metric_score]
    if metric is not None:
        numbers = [np.take_along_axis(a, metric[:, None], axis=1) for a in numbers]
    middles = _plain(verdicts.state, status)
    for row, text in reasons.items():
        middles[row] = text
    out = [hundredths(verdicts.score), middles]
    expected, lower, upper, metric_score = (a.astype(np.float64, copy=False) for a in numbers)
    for i in range(expected.shape[1]):
        out.append(bands.texts(expected[:, i], lower[:, i], upper[:, i]))
        out.append(hundredths(metric_score[:, i]))
    return out


def _plain(state: Ints, status: Ints) -> list[str]:
    """is_anomaly … suppressed_by of rows that have nothing to explain; texts are shared."""
    texts = [f"0,{name},,,info,,,{word}," for word in STATUSES for name in STATES]
    return [texts[i] for i in (status * len(STATES) + state).tolist()]
