"""Why a row is anomalous, as one sentence, in English and French.

    cpu is 93.4, 41.2 above the expected 52.2 (usual 45 to 60), 5.3 times the usual margin, since …; also mem and disk

Limits: numbers are rounded to about a tenth of the usual margin; the margin is that of the band, on the value's side.
"""
from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from functools import lru_cache

from adaptive_monitoring.engine.base import CAUSES

_TEXTS = {
    "en": {
        "level": "{metric} is {value}",
        "jump": "{metric} has suddenly changed to {value}",
        "shift": "{metric} has moved away from its level of the last two hours and is {value}",
        "spread": "{metric} fluctuates unusually and is {value}",
        "flat": "{metric} stands unusually still at {value}",
        "over": "nothing unusual now, {metric} is {value}",
        "missing": "{metric} has no value now",
        "above": ", {gap} above the expected {expected}", "below": ", {gap} below the expected {expected}",
        "expected": " (expected {expected})",
        "between": " (usual {lower} to {upper})", "most": " (usual up to {upper})", "least": " (usual from {lower})",
        "one": " (usual {upper})",
        "times": ", {times} times the usual margin", "many": ", more than {times} times the usual margin",
        "since": ", since {time}", "began": ", alert since {time}",
        "also": "; also {names}", "and": " and ", "other": "1 other", "others": "{count} others", "point": ".",
        "peer": " (compared with its group)", "peers": " (compared with its group {group})",
    },
    "fr": {
        "level": "{metric} vaut {value}",
        "jump": "{metric} est brusquement passé à {value}",
        "shift": "{metric} s'est écarté de son niveau des deux dernières heures et vaut {value}",
        "spread": "{metric} fluctue de façon inhabituelle et vaut {value}",
        "flat": "{metric} reste étonnamment stable à {value}",
        "over": "plus rien d'inhabituel, {metric} vaut {value}",
        "missing": "{metric} n'a pas de valeur actuellement",
        "above": ", soit {gap} au-dessus de la valeur attendue {expected}",
        "below": ", soit {gap} au-dessous de la valeur attendue {expected}",
        "expected": " (valeur attendue {expected})",
        "between": " (habituellement de {lower} à {upper})", "most": " (habituellement jusqu'à {upper})",
        "least": " (habituellement à partir de {lower})", "one": " (habituellement {upper})",
        "times": ", {times} fois la marge habituelle", "many": ", plus de {times} fois la marge habituelle",
        "since": ", depuis le {time}", "began": ", alerte depuis le {time}",
        "also": " ; aussi {names}", "and": " et ", "other": "1 autre", "others": "{count} autres", "point": ",",
        "peer": " (comparé à son groupe)", "peers": " (comparé à son groupe {group})",
    },
}
LANGUAGES = tuple(_TEXTS)
CALM = -1  # in place of a cause: nothing is odd in this row, the episode is not over yet
_LARGEST = 1e100  # beyond it a number counts as missing, as in the engine
_NAMED = 3  # other metrics that are named; the rest is counted
_FINEST = 9  # digits after the point; smaller numbers are written with an exponent
_COARSEST = -11  # so are those from 1e15 on
_FEW_TIMES, _MANY_TIMES = 1.1, 1000.0  # below, the band says enough; above, the margin is hardly one


def sentence(lang: str, cause: int, metric: str, value: float, expected: float, lower: float, upper: float,
             since: float, zone: object, others: list[str]) -> str:
    """What, how far, which kind, since when, which metrics.

    cause: index into CAUSES, or CALM. value, expected, lower, upper: unit of the metric; NaN or infinite = unknown.
    since: seconds UTC, NaN while pending. zone: tzinfo or None for UTC. others: all that moved too, most first.
    """
    texts = _TEXTS[lang]
    word = "over" if cause == CALM else CAUSES[cause]
    if not _known(value):
        out = texts["missing"].format(metric=metric)
        if _known(expected):
            out += texts["expected"].format(expected=Numbers(expected, expected, lower, upper).text(expected, texts))
    else:
        numbers = Numbers(value, expected, lower, upper)
        out = texts.get(word, texts["level"]).format(metric=metric, value=numbers.text(value, texts))
        out += _how_far(texts, word, numbers)
    return out + _since(texts, cause, since, zone) + _also(texts, others)


def compared(lang: str, group: str) -> str:
    """What follows a sentence that comes from a group's model. group: '' = its name is not known."""
    return _TEXTS[lang]["peers" if group else "peer"].format(group=group)


def cause_of(reason: str, metric: str = "") -> int | None:
    """Index into CAUSES that a sentence names; None for those of a calm or missing value, and for any other text.

    metric: the one it is about, where that is known; without it, a metric whose name reads like a sentence misleads.
    """
    for form, cause in _forms(metric):
        if form.match(reason):
            return cause
    return None


@lru_cache(maxsize=1000)
def _forms(metric: str) -> list[tuple[re.Pattern[str], int | None]]:
    """How the sentences of each language begin, the most general ones last."""
    order = [None, *sorted(range(len(CAUSES)), key=lambda cause: CAUSES[cause] == "level")]
    out = []
    for cause in order:
        for texts in _TEXTS.values():
            text = texts["over" if cause is None else CAUSES[cause]].format(metric="\0", value="\1")
            form = re.escape(text).replace(re.escape("\0"), re.escape(metric) if metric else ".+?", 1)
            out.append((re.compile(form.replace(re.escape("\1"), r"-?\d", 1), re.DOTALL), cause))
    return out


class Numbers:
    """The numbers of one sentence, rounded alike, so that they add up.

    digits: after the point, negative before it: two digits of the margin, at least whole numbers below 100,000 and
    four digits above, and so many that a value outside the band does not read like the bound it has passed.
    """

    def __init__(self, value: float, expected: float, lower: float, upper: float) -> None:
        self.value, self.expected, self.lower, self.upper = value, expected, lower, upper
        self.margin = upper - expected if value >= expected else expected - lower
        self.outside = (_known(upper) and value > upper) or (_known(lower) and value < lower)
        self.digits = self._digits()
        bound = upper if value > upper else lower
        while self.outside and self.digits < _FINEST and self.rounded(value) == self.rounded(bound):
            self.digits += 1

    def _digits(self) -> int:
        largest, gap = abs(self.value), 0.0
        if _known(self.expected):
            gap, largest = abs(self.value - self.expected), max(largest, abs(self.expected))
        unit = self.margin if 0 < self.margin < _LARGEST else max(0.1 * gap, 0.01 * abs(self.value))
        size = _decade(largest)
        return min(max(1 - _decade(unit), 0 if size < 5 else 3 - size), 14 - size)

    def rounded(self, value: float) -> float:
        """To the common digits; very small numbers as they are."""
        return round(value, self.digits) if self.digits <= _FINEST else value

    def text(self, value: float, texts: dict[str, str]) -> str:
        """Without exponent where a person would write none."""
        value = self.rounded(value) + 0.0  # no −0
        if self.digits > _FINEST or self.digits < _COARSEST:
            out = f"{value:.4g}"
        else:
            out = "%.*f" % (max(self.digits, 0), value)
            if self.digits > 0:
                out = out.rstrip("0").rstrip(".")
        return out if texts["point"] == "." else out.replace(".", texts["point"])


def _known(value: float) -> bool:
    return abs(value) <= _LARGEST  # False for NaN


def _decade(value: float) -> int:
    return math.floor(math.log10(value)) if value > 0 else 0


def _how_far(texts: dict[str, str], word: str, numbers: Numbers) -> str:
    """Value against expectation, and outside the band also against that."""
    if not _known(numbers.expected):
        return _band(texts, numbers) if numbers.outside else ""
    expected = numbers.text(numbers.expected, texts)
    gap = numbers.rounded(numbers.value) - numbers.rounded(numbers.expected)
    if not gap or word == "over" or not (numbers.outside or word == "level"):
        return texts["expected"].format(expected=expected)
    out = texts["above" if gap > 0 else "below"].format(gap=numbers.text(abs(gap), texts), expected=expected)
    return out + _band(texts, numbers) + _times(texts, numbers) if numbers.outside else out


def _band(texts: dict[str, str], numbers: Numbers) -> str:
    """The usual values, as far as they are limited."""
    has = (_known(numbers.lower), _known(numbers.upper))
    lower, upper = (numbers.text(b, texts) if known else "" for b, known in zip((numbers.lower, numbers.upper), has))
    if not any(has):
        return ""
    form = "one" if lower == upper else "between" if all(has) else "most" if has[1] else "least"
    return texts[form].format(lower=lower, upper=upper)


def _times(texts: dict[str, str], numbers: Numbers) -> str:
    """How many times the usual margin, where there is one."""
    if not 0 < numbers.margin < _LARGEST:
        return ""
    times = abs(numbers.value - numbers.expected) / numbers.margin
    if times > _MANY_TIMES:
        return texts["many"].format(times=f"{_MANY_TIMES:.0f}")
    text = f"{times:.2g}" if times < 99.5 else f"{times:.0f}"
    return texts["times"].format(times=text.replace(".", texts["point"])) if times >= _FEW_TIMES else ""


def _since(texts: dict[str, str], cause: int, since: float, zone: object) -> str:
    """When the episode began, unless no calendar has that moment."""
    time = _moment(since, zone) if _known(since) else ""
    return texts["began" if cause == CALM else "since"].format(time=time) if time else ""


@lru_cache(maxsize=1000)
def _moment(since: float, zone: object) -> str:
    try:
        moment = datetime.fromtimestamp(since, zone or timezone.utc)  # type: ignore[arg-type]
    except (OverflowError, ValueError, OSError):
        return ""
    return moment.strftime("%Y-%m-%d %H:%M" if zone else "%Y-%m-%d %H:%M UTC")


def _also(texts: dict[str, str], others: list[str]) -> str:
    """The first of the other metrics by name, the rest by number."""
    if not others:
        return ""
    names, rest = others[:_NAMED], len(others) - _NAMED
    if rest > 0:
        names = [*names, texts["other"] if rest == 1 else texts["others"].format(count=rest)]
    start = ", ".join(names[:-1])
    return texts["also"].format(names=f"{start}{texts['and']}{names[-1]}" if start else names[-1])


def figure(lang: str, numbers: Numbers, value: float) -> str:
    """A number beside others of one sentence, '' when it is not known."""
    return numbers.text(value, _TEXTS[lang]) if _known(value) else ""


def moment_of(t: float, zone: object) -> str:
    """A time as the sentences write it, '' when no calendar has it. zone: tzinfo or None for UTC."""
    return _moment(t, zone) if _known(t) else ""
