"""Why the models were quiet where the static rules alerted: one sentence, in English and French, with its numbers."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.commands import reasons
from adaptive_monitoring.engine.base import Panel, Scores, Settings
from adaptive_monitoring.engine.comparing import Ground
from adaptive_monitoring.engine.episodes import Verdicts
from adaptive_monitoring.engine.numbers import Floats
from adaptive_monitoring.engine.static import Limits

_TEXTS = {
    "en": {
        "cold": "the models could not judge yet: too little history of this entity, or no value",
        "open": "an alert of the models was open already, since {time}",
        "few": "{rows} rows reached the level; {k} of {n} are needed",
        "raised": "after the alarm of {time} more was needed for a new alert: {peak}",
        "inside": "{metric} {value} lies inside its usual band: {band}; {peak}",
        "still": "{metric} {value} has no band, because it hardly moved before; {peak}",
        "below": "{metric} {value} is outside its usual band, {band}, but below the alert level of this entity: {peak}",
        "usual": "{metric} {value} is outside its band, {band}, but that far off is usual at this half hour, or it was "
                 "on its way back after an alarm",
        "peak": "highest score {score} of the level at {time}", "none": "no evidence at all",
        "band": "expected {expected}, usual {lower} to {upper}", "unknown": "not known",
    },
    "fr": {
        "cold": "les modèles ne pouvaient pas encore juger : trop peu d'historique de cette entité, ou pas de valeur",
        "open": "une alerte des modèles était déjà ouverte, depuis le {time}",
        "few": "{rows} lignes ont atteint le seuil d'alerte ; il en faut {k} sur {n}",
        "raised": "après l'alarme du {time}, il fallait davantage pour une nouvelle alerte : {peak}",
        "inside": "{metric} {value} est dans sa plage habituelle : {band} ; {peak}",
        "still": "{metric} {value} n'a pas de plage, car elle ne bougeait guère ; {peak}",
        "below": "{metric} {value} est hors de sa plage habituelle, {band}, mais sous le seuil d'alerte de cette "
                 "entité : {peak}",
        "usual": "{metric} {value} est hors de sa plage, {band}, mais un tel écart est habituel à cette demi-heure, ou "
                 "c'était le retour après une alarme",
        "peak": "score maximal {score} du seuil le {time}", "none": "aucun indice",
        "band": "attendu {expected}, habituel {lower} à {upper}", "unknown": "inconnu",
    },
}


@dataclass(frozen=True)
class Replayed:
    """Some entities as both sides saw them. a: number of the first; broken: (n, d) static limits broken."""

    a: int
    panel: Panel
    ground: Ground
    scores: Scores
    verdicts: Verdicts
    limits: Limits
    broken: np.ndarray


@dataclass(frozen=True)
class Quiet:
    """why: the kind of reason; text: the sentence. metric: its number; the others at the row told, NaN unknown."""

    why: str
    text: str
    metric: int
    row: int
    score: float
    value: float
    expected: float
    lower: float
    upper: float
    limit: float


def quiet(
    seen: Replayed, settings: Settings, e: int, start: float, end: float, words: tuple[str, list[str], object]
) -> Quiet:
    """The reason of the entity e (inside its group) from start to end, as it is. words: language, metrics, zone."""
    lang, metrics, zone = words
    low, high = (int(i) for i in seen.panel.indptr[e:e + 2])
    margin = seen.ground.tolerance[e]
    t = seen.panel.t[low:high]
    rows = low + np.flatnonzero((t >= start - margin) & (t <= end + margin))
    if not len(rows):
        rows = low + np.array([min(int(np.searchsorted(t, start)), high - low - 1)])
    score = seen.scores.score[rows]
    metric = _metric_of(seen, rows)
    row = _told_row(seen, rows, score, metric)
    why = _why(seen, settings, rows, score, row, metric)
    value, expected, lower, upper = (float(part[row, metric]) for part in (
        seen.panel.x, seen.scores.expected, seen.scores.lower, seen.scores.upper))
    peak = float(np.nanmax(score)) if np.isfinite(score).any() else float("nan")
    texts, numbers = _TEXTS[lang], reasons.Numbers(value, expected, lower, upper)

    def number(of: float) -> str:
        return reasons.figure(lang, numbers, of) or texts["unknown"]

    best = rows[int(np.nanargmax(score))] if peak > 0 else row
    parts = {
        "metric": metrics[metric], "value": number(value), "rows": str(int((score >= 1).sum())),
        "k": str(settings.open_k), "n": str(settings.open_n), "time": _time_of(seen, why, int(rows[0]), zone),
        "band": texts["band"].format(expected=number(expected), lower=number(lower), upper=number(upper)),
        "peak": texts["peak"].format(score=_share(lang, peak), time=reasons.moment_of(float(seen.panel.t[best]), zone))
        if peak > 0 else texts["none"],
    }
    limit = float(_limit(seen.limits, e, metric, value))
    return Quiet(why, texts[why].format(**parts), metric, int(row), peak, value, expected, lower, upper, limit)


def _metric_of(seen: Replayed, rows: np.ndarray) -> int:
    """The metric whose limit was broken in most of the rows."""
    return int(np.argmax(seen.broken[rows].sum(axis=0)))


def _told_row(seen: Replayed, rows: np.ndarray, score: Floats, metric: int) -> int:
    """Among the rows beyond the limit the one with the highest score, then the one farthest from what is expected."""
    beyond = rows[seen.broken[rows, metric]]
    some = beyond if len(beyond) else rows
    far = np.nan_to_num(np.abs(seen.panel.x[some, metric] - seen.scores.expected[some, metric]))
    best = np.lexsort((far, np.nan_to_num(seen.scores.score[some])))[-1]
    return int(some[best])


def _why(seen: Replayed, settings: Settings, rows: np.ndarray, score: Floats, row: int, metric: int) -> str:
    if not np.isfinite(score).any():
        return "cold"
    if seen.verdicts.open[rows].any():
        return "open"
    hot = np.convolve(score >= 1, np.ones(settings.open_n, dtype=np.int64))
    if hot.max(initial=0) >= settings.open_k:
        return "raised"
    if hot.any():
        return "few"
    if not np.isfinite(seen.scores.metric_score[row, metric]):
        return "still"
    if seen.scores.metric_score[row, metric] < 1:
        return "inside"
    return "below" if seen.scores.score[row] > 0 else "usual"


def _time_of(seen: Replayed, why: str, row: int, zone: object) -> str:
    """Of the open alert, or of the last alarm before."""
    e = seen.panel.g[row]
    low = int(seen.panel.indptr[e])
    opened = np.flatnonzero(seen.verdicts.open[low:int(seen.panel.indptr[e + 1])])
    if why == "open":
        later = opened[opened >= row - low]
        return reasons.moment_of(float(seen.verdicts.start[low + later[0]]), zone)
    before = opened[opened < row - low]
    return reasons.moment_of(float(seen.panel.t[low + before[-1]]), zone) if len(before) else "?"


def _limit(limits: Limits, e: int, metric: int, value: float) -> float:
    """The limit that the value has passed, else the one there is."""
    high, low = limits.high[e, metric], limits.low[e, metric]
    return float(low if value < low or high != high else high)


def _share(lang: str, score: float) -> str:
    text = f"{score:.2f}"
    return text.replace(".", ",") if lang == "fr" else text
