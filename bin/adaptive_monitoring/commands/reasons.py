"""Why a row is anomalous, as one sentence, in English and French."""
from __future__ import annotations

from datetime import datetime, timezone

from adaptive_monitoring.engine.base import CAUSES

_TEXTS = {
    "en": {
        "level": "{metric} is {value}, {gap} {side} the expected {expected} (usual {lower} to {upper})",
        "jump": "{metric} moved abruptly to {value} within half an hour (expected {expected})",
        "shift": "{metric} has moved away from its last two hours, now {value} (expected {expected})",
        "spread": "{metric} fluctuates unusually, now {value} (expected {expected})",
        "calm": "nothing unusual now, {metric} is {value} (expected {expected})",
        "since": ", since {time}", "also": "; also {names}", "above": "above", "below": "below",
    },
    "fr": {
        "level": "{metric} vaut {value}, {gap} {side} la valeur attendue {expected} (habituel {lower} à {upper})",
        "jump": "{metric} a brusquement changé à {value} en une demi-heure (attendu {expected})",
        "shift": "{metric} s'est écarté de ses deux dernières heures, vaut {value} (attendu {expected})",
        "spread": "{metric} fluctue de façon inhabituelle, vaut {value} (attendu {expected})",
        "calm": "plus rien d'inhabituel, {metric} vaut {value} (attendu {expected})",
        "since": ", depuis {time}", "also": "; aussi {names}", "above": "au-dessus de", "below": "au-dessous de",
    },
}
LANGUAGES = tuple(_TEXTS)
CALM = -1  # in place of a cause: nothing is odd in this row, the episode is not over yet


def sentence(lang: str, cause: int, metric: str, value: float, expected: float, lower: float, upper: float,
             since: float, zone: object, others: list[str]) -> str:
    """What, how far, since when, which metrics. since: NaN while pending; zone: tzinfo or None for UTC."""
    texts = _TEXTS[lang]
    outside = value > upper or value < lower
    word = "calm" if cause == CALM else "level" if outside else CAUSES[cause]
    form = texts[word]
    if word == "level" and not outside:
        form = form.split(" (")[0]
    side = texts["above" if value >= expected else "below"]
    out = form.format(metric=metric, value=_number(value), gap=_number(abs(value - expected)), side=side,
                      expected=_number(expected), lower=_bound(lower), upper=_bound(upper))
    if since == since:
        out += texts["since"].format(time=_clock(since, zone))
    if others:
        out += texts["also"].format(names=", ".join(others))
    return out


def _number(value: float) -> str:
    return f"{value:.4g}" if value == value else "?"


def _bound(value: float) -> str:
    return _number(value) if abs(value) < float("inf") else "∞" if value > 0 else "-∞"


def _clock(t: float, zone: object) -> str:
    try:
        moment = datetime.fromtimestamp(t, zone or timezone.utc)  # type: ignore[arg-type]
    except (OverflowError, ValueError, OSError):
        return f"{t:.0f}"
    return moment.strftime("%Y-%m-%d %H:%M" if zone else "%Y-%m-%d %H:%M UTC")
