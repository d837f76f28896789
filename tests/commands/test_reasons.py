"""The sentence of an alert: every branch, both languages, every kind of number."""

from __future__ import annotations

import itertools
import re
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from adaptive_monitoring.commands import reasons
from adaptive_monitoring.commands.scoring import moved_too
from adaptive_monitoring.engine.base import CAUSES

NAN, INF = np.nan, np.inf
BEGAN = 1_700_000_000.0  # 2023-11-14 22:13 UTC
WORDS = (*CAUSES, "flat")


@pytest.fixture(autouse=True)
def every_cause(monkeypatch):
    """Also the texts of causes that no detector gives yet."""
    monkeypatch.setattr(reasons, "CAUSES", tuple(dict.fromkeys(WORDS)))


def sentence(word: str = "level", value: float = 93.41, expected: float = 52.23, lower: float = 45.12,
             upper: float = 60.03, lang: str = "en", **other: object) -> str:
    cause = reasons.CALM if word == "over" else reasons.CAUSES.index(word)
    rest = {"since": NAN, "zone": None, "others": [], **other}
    return reasons.sentence(lang, cause, "cpu {0}", value, expected, lower, upper, **rest)


OUTSIDE = {
    "en": ", 41.2 above the expected 52.2 (usual 45.1 to 60), 5.3 times the usual margin",
    "fr": ", soit 41,2 au-dessus de la valeur attendue 52,2 (habituellement de 45,1 à 60)"
    ", 5,3 fois la marge habituelle",
}
NEAR = {"en": ", 2.3 above the expected 52.2", "fr": ", soit 2,3 au-dessus de la valeur attendue 52,2"}
INSIDE = {"en": " (expected 52.2)", "fr": " (valeur attendue 52,2)"}
KINDS = {
    "en": {
        "level": "cpu {0} is %s",
        "jump": "cpu {0} has suddenly changed to %s",
        "shift": "cpu {0} has moved away from its level of the last two hours and is %s",
        "spread": "cpu {0} fluctuates unusually and is %s",
        "flat": "cpu {0} stands unusually still at %s",
        "over": "nothing unusual now, cpu {0} is %s",
    },
    "fr": {
        "level": "cpu {0} vaut %s",
        "jump": "cpu {0} est brusquement passé à %s",
        "shift": "cpu {0} s'est écarté de son niveau des deux dernières heures et vaut %s",
        "spread": "cpu {0} fluctue de façon inhabituelle et vaut %s",
        "flat": "cpu {0} reste étonnamment stable à %s",
        "over": "plus rien d'inhabituel, cpu {0} vaut %s",
    },
}


def test_every_cause_has_a_text_in_every_language() -> None:
    assert all(set(CAUSES) <= set(reasons._TEXTS[lang]) for lang in reasons.LANGUAGES)
    assert len({frozenset(reasons._TEXTS[lang]) for lang in reasons.LANGUAGES}) == 1


@pytest.mark.parametrize("lang", reasons.LANGUAGES)
@pytest.mark.parametrize("word", [*WORDS, "over"])
def test_each_kind_has_its_sentence_outside_and_inside_the_band(lang, word) -> None:
    high, usual = ("93.4", "54.5") if lang == "en" else ("93,4", "54,5")
    assert sentence(word, lang=lang) == KINDS[lang][word] % high + (INSIDE if word == "over" else OUTSIDE)[lang]
    assert sentence(word, 54.5, lang=lang) == KINDS[lang][word] % usual + (NEAR if word == "level" else INSIDE)[lang]


def test_a_value_below_the_band_is_said_to_be_below() -> None:
    assert sentence(value=3).startswith("cpu {0} is 3, 49.2 below the expected 52.2 (usual 45.1 to 60), 6.9 times the")
    assert sentence(value=3, lang="fr").startswith("cpu {0} vaut 3, soit 49,2 au-dessous de la valeur attendue 52,2 (")


@pytest.mark.parametrize(("lower", "upper", "en", "fr"), [
    (-INF, 60.0, "52.2 (usual up to 60), 5.3 times the", "52,2 (habituellement jusqu'à 60), 5,3 fois la"),
    (NAN, 60.0, "52.2 (usual up to 60), 5.3 times the", "52,2 (habituellement jusqu'à 60), 5,3 fois la"),
    (52.23, 52.23, "52.2 (usual 52.2)", "52,2 (habituellement 52,2)"),
])
def test_a_band_with_one_end_is_named_by_that_end(lower, upper, en, fr) -> None:
    assert en in sentence(lower=lower, upper=upper)
    assert fr in sentence(lower=lower, upper=upper, lang="fr")


def test_a_band_without_upper_end_is_named_by_its_lower_end() -> None:
    assert "52.2 (usual from 45.1), 6.9 times" in sentence(value=3, upper=INF)
    assert "52,2 (habituellement à partir de 45,1), 6,9 fois" in sentence(value=3, upper=INF, lang="fr")


def test_without_any_band_only_the_expectation_is_named() -> None:
    assert sentence(lower=-INF, upper=INF) == "cpu {0} is 93.4, 41.2 above the expected 52.2"
    assert sentence("jump", lower=NAN, upper=NAN) == "cpu {0} has suddenly changed to 93.4 (expected 52.2)"
    assert sentence(expected=NAN, lower=NAN, upper=NAN) == "cpu {0} is 93.41"
    assert sentence(expected=NAN, upper=60) == "cpu {0} is 93.41 (usual 45.12 to 60)"


def test_a_value_as_expected_has_no_gap() -> None:
    assert sentence(value=52.23) == "cpu {0} is 52.2 (expected 52.2)"


@pytest.mark.parametrize("lang", reasons.LANGUAGES)
def test_a_missing_value_is_said_to_be_missing(lang) -> None:
    start, end = {"en": ("cpu {0} has no value now", " (expected 52.2)"),
                  "fr": ("cpu {0} n'a pas de valeur actuellement", " (valeur attendue 52,2)")}[lang]
    for word, value in itertools.product((*WORDS, "over"), (NAN, INF, -INF, 1e101)):
        assert sentence(word, value, lang=lang) == start + end
        assert sentence(word, value, NAN, lang=lang) == start


def test_the_margin_is_counted_where_that_helps() -> None:
    assert sentence(value=60.5).endswith("(usual 45.1 to 60)")  # hardly outside: the band says it all
    assert sentence(value=60.5 + 7.8 * 50).endswith(", 51 times the usual margin")
    assert sentence(value=1e9).endswith(", more than 1000 times the usual margin")
    assert sentence(value=1e9, lang="fr").endswith(", plus de 1000 fois la marge habituelle")
    assert "margin" not in sentence(lower=52.23, upper=52.23)


@pytest.mark.parametrize(("numbers", "start"), [
    ((12345.6, 2, 1, 3), "12345.6, 12343.6 above the expected 2 (usual 1 to 3)"),
    ((1397.2, 1001.3, 890, 1110), "1397, 396 above the expected 1001 (usual 890 to 1110)"),
    ((8589934592, 4294967296, 4.2e9, 4.4e9), "8590000000, 4295000000 above the expected 4295000000 (usual 42"),
    ((1e15 + 9e14, 1e15, 0.9e15, 1.1e15), "1.9e+15, 9e+14 above the expected 1e+15 (usual 9e+14 to 1.1e+15), 9 t"),
    ((0.0213, 0.0101, 0.008, 0.012), "0.0213, 0.0112 above the expected 0.0101 (usual 0.008 to 0.012)"),
    ((5e-10, 0, -1e-10, 1e-10), "5e-10, 5e-10 above the expected 0 (usual -1e-10 to 1e-10)"),
    ((0, 52.23, 45.12, 60.03), "0, 52.2 below the expected 52.2 (usual 45.1 to 60)"),
    ((-93.41, -52.23, -60.03, -45.12), "-93.4, 41.2 below the expected -52.2 (usual -60 to -45.1)"),
    ((60.034, 52.23, 45.12, 60.031), "60.034, 7.804 above the expected 52.23 (usual 45.12 to 60.031)"),
    ((99.95, 100, 99.99, 100.01), "99.95, 0.05 below the expected 100 (usual 99.99 to 100.01)"),
    ((1, 0, 0, 0), "1, 1 above the expected 0 (usual 0)"),
    ((-0.001, 5, 1, 9), "0, 5 below the expected 5 (usual 1 to 9)"),
])
def test_numbers_are_rounded_to_what_matters(numbers, start) -> None:
    assert sentence("level", *numbers).startswith(f"cpu {{0}} is {start}")


def test_the_beginning_is_told_in_the_zone_that_was_asked_for() -> None:
    paris = ZoneInfo("Europe/Paris")
    assert sentence(since=BEGAN).endswith(", since 2023-11-14 22:13 UTC")
    assert sentence(since=BEGAN, zone=paris).endswith(", since 2023-11-14 23:13")
    assert sentence(since=BEGAN, lang="fr").endswith(", depuis le 2023-11-14 22:13 UTC")
    assert sentence("over", 52, since=BEGAN).endswith("(expected 52.2), alert since 2023-11-14 22:13 UTC")
    assert sentence("over", 52, since=BEGAN, lang="fr").endswith(", alerte depuis le 2023-11-14 22:13 UTC")


@pytest.mark.parametrize("since", [NAN, INF, -INF, 1e30, -1e30])
def test_a_moment_that_no_calendar_has_is_left_out(since) -> None:
    assert "since" not in sentence(since=since) and "depuis" not in sentence(since=since, lang="fr")


@pytest.mark.parametrize(("names", "en", "fr"), [
    ("a", "also a", "aussi a"),
    ("ab", "also a and b", "aussi a et b"),
    ("abc", "also a, b and c", "aussi a, b et c"),
    ("abcd", "also a, b, c and 1 other", "aussi a, b, c et 1 autre"),
    ("abcdefg", "also a, b, c and 4 others", "aussi a, b, c et 4 autres"),
    ("x" * 500, "also x, x, x and 497 others", "aussi x, x, x et 497 autres"),
])
def test_other_metrics_are_named_up_to_three_and_counted(names, en, fr) -> None:
    assert sentence(others=list(names)).endswith(f"; {en}")
    assert sentence(others=list(names), lang="fr").endswith(f" ; {fr}")


def test_what_is_printed_adds_up() -> None:
    """A value outside its band also reads so, and is as far from the expectation as is said."""
    rng, number = np.random.default_rng(1), r"(-?[0-9.]+(?:e[-+][0-9]+)?)"
    form = rf"cpu \{{0\}} is {number}, {number} (above|below) the expected {number} \(usual {number} to {number}\)"
    for _ in range(2000):
        level, margin = 10.0 ** rng.uniform(-3, 9), 10.0 ** rng.uniform(-3, 9, size=2)
        side = int(rng.integers(0, 2))
        beyond = margin[side] * (1 + rng.exponential(0.1 if rng.random() < 0.5 else 10.0))
        found = re.match(form, sentence("level", level + (-beyond, beyond)[side], level, *(level + margin * (-1, 1))))
        value, gap, word, expected, lower, upper = (found[i] if i == 3 else float(found[i]) for i in range(1, 7))
        assert word == ("below", "above")[side] and (value < lower, value > upper)[side] and lower <= expected <= upper
        assert gap == pytest.approx(abs(value - expected), rel=1e-4) and abs(gap - beyond) <= 0.1 * beyond


def test_metrics_that_moved_too_are_a_tenth_as_strange_as_the_strangest() -> None:
    names = ["a", "b", "c", "d", "e"]
    assert moved_too(names, np.array([0.1, 0.5, 0.04, 0.36, 0.0])) == ["d", "a"]
    assert moved_too(names, np.full(5, 0.2)) == ["b", "c", "d", "e"]
    assert moved_too(names, np.zeros(5)) == moved_too(["a"], np.ones(1)) == []


@pytest.mark.parametrize("lang", reasons.LANGUAGES)
def test_no_sentence_shows_a_number_that_is_none(lang) -> None:
    odd = (NAN, INF, -INF, -0.0, 1e-300, -5.0, 1e15, 1.7e308)
    for word, value, expected in itertools.product((*WORDS, "over"), odd, odd):
        for lower, upper in itertools.product(odd, odd):
            text = sentence(word, value, expected, lower, upper, lang, since=value, others=["b"])
            assert not re.search(r"nan|\binf\b|∞|\?|-0\b(?![.,]\d)|  |\{(?!0)", text), text


@pytest.mark.parametrize("lang", reasons.LANGUAGES)
@pytest.mark.parametrize("word", CAUSES)
@pytest.mark.parametrize("metric", ["cpu {0}", "a is b", "nothing unusual now, x", "vaut"])
def test_the_cause_is_found_again_in_every_sentence(lang, word, metric) -> None:
    cause = CAUSES.index(word)
    for value, expected, since, others in itertools.product((93.4, -0.5, 1e30), (52.0, NAN), (NAN, BEGAN), ([], ["m"])):
        text = reasons.sentence(lang, cause, metric, value, expected, 45.0, 60.0, since, None, others)
        assert reasons.cause_of(text, metric) == cause
        if metric == "cpu {0}":
            assert reasons.cause_of(text) == cause


@pytest.mark.parametrize("lang", reasons.LANGUAGES)
def test_calm_and_missing_values_and_other_texts_name_no_cause(lang) -> None:
    for cause in (reasons.CALM, 0):
        value = 5.0 if cause == reasons.CALM else NAN
        text = reasons.sentence(lang, cause, "cpu", value, 4.0, 3.0, 6.0, BEGAN, None, [])
        assert reasons.cause_of(text, "cpu") is None is reasons.cause_of(text)
    for text in ("", "cpu", "mem is full", "maintenance", "cpu 93 above 60, expected 52"):
        assert reasons.cause_of(text, "cpu") is None is reasons.cause_of(text)
