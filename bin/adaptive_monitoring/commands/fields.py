"""Output fields of adaptdetect: names, scale, texts. The only place where internal scores become SPL."""
from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from adaptive_monitoring.bounds.pointwise import LARGEST_SCORE
from adaptive_monitoring.commands import digits
from adaptive_monitoring.commands.modelling import HOST_FIELDS as HOST
from adaptive_monitoring.commands.modelling import METRIC_FIELDS as METRIC
from adaptive_monitoring.engine.base import Scores
from adaptive_monitoring.engine.episodes import MISSING, Verdicts
from adaptive_monitoring.engine.numbers import Floats, Ints

STATUSES = ("trained", "cold", "stale", "untrainable", "peer", "drifting", "")
TRAINED, COLD, STALE, UNTRAINABLE, PEER, DRIFTING, NO_MODEL = range(7)
STATES = ("normal", "pending", "open", "closing", "missing")
_SHOWN_SHARE = 0.05
_FINE = 10_000  # below 1 four digits are shown, so that quiet rows can be ranked; 0 stays 0.00


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


def from_hundred(shown: float) -> float:
    """The inverse for one number as it is shown: how many times the alert level, at most 1e9. NaN stays NaN."""
    return LARGEST_SCORE if shown >= 100 else max(shown, 0.0) / (100.0 - shown)


@lru_cache(maxsize=1000)
def anomaly_id(key: tuple[str, ...], start: float) -> str:
    """The same for every run that sees the episode's first row."""
    return f"{zlib.crc32('/'.join(key).encode('utf-8', 'surrogateescape')):08x}-{int(start)}"


def contributors_of(metrics: Sequence[str], share: Sequence[float]) -> str:
    """Metrics and their parts of the evidence, most first."""
    if len(metrics) == 1:
        return f"{metrics[0]} {share[0]:.0%}" if share[0] >= _SHOWN_SHARE else ""
    order = sorted(range(len(metrics)), key=lambda i: -share[i])[:5]
    return "; ".join([f"{metrics[i]} {share[i]:.0%}" for i in order if share[i] >= _SHOWN_SHARE])


def codes_of(score: Floats) -> Ints:
    """Places of internal scores in SCORES: the scale 0–100, two digits, four below 1; NaN is empty. Any shape."""
    shown = to_hundred(score)
    with np.errstate(invalid="ignore"):
        place = np.where(shown < 1, 10_001 + np.rint(_FINE * shown), np.rint(100 * shown))
        return np.where(np.isnan(shown), NO_SCORE, place).astype(np.int64)


class Answer:
    """Texts of panel rows, made once per chunk; neighbouring rows of an entity that share a band share its text.

    Rows are asked for by their place in the panel, −1 = a row about which nothing can be said.
    """

    def __init__(self, scores: Scores, verdicts: Verdicts, status: Ints) -> None:
        """status: (n,) index into STATUSES."""
        self.n, self.d = scores.metric_score.shape
        self.host = ending(codes_of(verdicts.score), NO_SCORE)
        self.plain = ending(status * len(STATES) + verdicts.state, NO_MODEL * len(STATES) + MISSING)
        self.metric = ending(codes_of(scores.metric_score), NO_SCORE)
        self.band = np.zeros((self.n + 1, self.d), dtype=np.int64)
        self.bands: list[np.ndarray] = []
        for i in range(self.d):
            columns = [a[:, i].astype(np.float64) for a in (scores.expected, scores.lower, scores.upper)]
            begins = _begins(columns)
            self.band[:-1, i] = np.cumsum(begins)
            self.bands.append(_objects([NO_BAND, *digits.texts([values[begins] for values in columns])]))

    def columns(self, place: Ints, reasons: dict[int, str], metric: Ints | None = None) -> list[list[str]]:
        """Columns of CSV text, each beginning with a comma, that together hold all output fields.

        place: (m,) rows; reasons: index into place → everything from is_anomaly to suppressed_by; metric: (m,) for long
        rows, the one metric whose numbers each row shows.
        """
        out = [self._heads(place, reasons)]
        if metric is None:
            for i, bands in enumerate(self.bands):
                out += [bands.take(self.band[place, i]).tolist(), _SCORES.take(self.metric[place, i]).tolist()]
            return out
        shown = _objects([NO_BAND] * len(place))
        for i in np.unique(metric).tolist():
            rows = np.flatnonzero(metric == i)
            shown[rows] = self.bands[i].take(self.band[place[rows], i])
        return [*out, shown.tolist(), _SCORES.take(self.metric[place, metric]).tolist()]


    def _heads(self, place: Ints, reasons: dict[int, str]) -> list[str]:
        """anomaly_score … suppressed_by of each row; most rows have the same state and status."""
        score, plain = self.host.take(place), self.plain.take(place)
        common = int(np.bincount(plain).argmax())
        heads = _heads_of(common).take(score)
        others = np.flatnonzero(plain != common)
        heads[others] = _SCORES.take(score[others]) + _PLAIN.take(plain[others])
        out: list[str] = heads.tolist()
        for row, text in reasons.items():
            out[row] = f"{_SCORES[score[row]]},{text}"
        return out


@lru_cache(maxsize=4)
def _heads_of(plain: int) -> np.ndarray:
    """Every score, followed by what rows of this status and state say."""
    heads: np.ndarray = _SCORES + _PLAIN[plain]
    return heads


def _begins(columns: list[Floats]) -> np.ndarray:
    """Rows in which any of the numbers is not, bit by bit, that of the row before. (n,) bool"""
    begins = np.ones(len(columns[0]), dtype=bool)
    bits = [values.view(np.int64) for values in columns]
    begins[1:] = bits[0][1:] != bits[0][:-1]
    for values in bits[1:]:
        begins[1:] |= values[1:] != values[:-1]
    return begins


def ending(values: np.ndarray, last: int) -> np.ndarray:
    """The values and one more row behind them, for rows without a place. (n + 1, …)"""
    out = np.empty((len(values) + 1, *values.shape[1:]), values.dtype)
    out[:-1], out[-1] = values, last
    return out


def _objects(texts: Sequence[str]) -> np.ndarray:
    out = np.empty(len(texts), dtype=object)
    out[:] = texts
    return out


#: is_anomaly … suppressed_by of rows that have nothing to explain, by status and state.
_PLAIN = _objects([f",0,{name},,,info,,,{word}," for word in STATUSES for name in STATES])
#: Texts of scores: 0.00 to 100.00, then 0.0001 to 0.9999 and 1.00, then none.
_SCORES = _objects([",%.2f" % (i / 100) for i in range(10_001)] + [",0.00"]
                   + [",%.4f" % (i / _FINE) for i in range(1, _FINE)] + [",1.00", ","])
NO_SCORE, NO_BAND = len(_SCORES) - 1, ",,,"
