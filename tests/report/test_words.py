"""Texts complete in both languages; numbers, spans and times as people write them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from string import Formatter

import pytest

from adaptive_monitoring.errors import BadValue
from adaptive_monitoring.report import words
from adaptive_monitoring.report.say import Say
from adaptive_monitoring.report.words import LANGUAGES, TEXTS, Words
from report import made

EN, FR = Say("en"), Say("fr")
#: What need not differ between the languages.
SAME = {"unknown", "unit_h", "unit_min", "unit_s", "date", "day", "with_interval", "more", "size", "and_more",
        "lane_incident", "kind_silence"}  # fmt: skip


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_has_every_text() -> None:
    assert {lang: set(texts) for lang, texts in TEXTS.items()} == {lang: set(TEXTS["en"]) for lang in LANGUAGES}


@pytest.mark.parametrize("key", sorted(TEXTS["en"]))
def test_texts_hold_the_same_places_and_forms(key: str) -> None:
    english, french = TEXTS["en"][key], TEXTS["fr"][key]
    assert english
    assert french
    assert english.count("|") == french.count("|")
    for text in (english, french):
        assert len({frozenset(places(form) - {"n"}) for form in text.split("|")}) == 1
    assert places(english) == places(french)


def test_every_text_is_used() -> None:
    code = "".join(p.read_text(encoding="utf-8") for p in Path(words.__file__).parent.glob("*.py")
                   if p.name != "words.py")  # fmt: skip
    built = re.compile("(volume|saving|only|by|set|unit|kind)_.*|.*_weak|Static|Models")
    quoted = set(re.findall(r"[\"'](\w+)[\"']", code))
    assert [key for key in TEXTS["en"] if key not in quoted and not built.fullmatch(key)] == []


def test_no_text_was_left_in_english() -> None:
    assert {key for key, text in TEXTS["en"].items() if TEXTS["fr"][key] == text} <= SAME


def test_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(BadValue, match='lang must be one of en, fr; got "de"'):
        Words("de")


def test_french_says_one_for_none_and_english_does_not() -> None:
    assert [EN.counted("alerts", n) for n in (0, 1, 2)] == ["0 alerts", "1 alert", "2 alerts"]
    assert [FR.counted("alerts", n) for n in (0, 1, 2)] == ["0 alerte", "1 alerte", "2 alertes"]


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0.538, "0.538", "0,538"), (12.04, "12", "12"), (3.1, "3.1", "3,1"), (0.0, "0", "0"), (-2.5, "−2.5", "−2,5"),
        (0.0042, "0.0042", "0,0042"), (1234567.0, "1,234,567", "1\u202f234\u202f567"), (math.nan, "–", "–"),
        (math.inf, "–", "–"), (3e20, "3.00e+20", "3,00e+20"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_people(value: float, english: str, french: str) -> None:
    assert (EN.number(value), FR.number(value)) == (english, french)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (0.001, "<1%"), (0.61, "61%"), (0.999, ">99%"), (1.0, "100%"), (math.nan, "–"), (3.4, "340%")],
)
def test_a_per_cent_is_never_none_or_all_where_it_is_not(share: float, text: str) -> None:
    assert EN.percent(share) == text


def test_intervals_stand_in_brackets_when_known() -> None:
    assert EN.with_interval(0.31, (0.2, 0.44)) == "31% (20–44%)"
    assert FR.with_interval(0.31, (0.2, 0.44)) == "31\u202f% (20 à 44\u202f%)"
    assert EN.with_interval(0.31, (math.nan, 0.44)) == "31%"
    assert EN.with_interval(math.nan, (0.2, 0.44)) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45, "45 s"), (-840, "14 min"), (4800, "1 h 20 min"), (183_600, "2 d 3 h"), (math.nan, "–")],
)
def test_spans_have_two_units_at_most(seconds: float, text: str) -> None:
    assert EN.span(seconds).replace("\u00a0", " ") == text


def test_times_name_the_zone_and_impossible_ones_are_a_dash() -> None:
    assert EN.moment(made.UNTIL + 300) == "2 Mar 2026, 00:05 UTC"
    assert FR.moment(made.UNTIL + 300) == "2 mars 2026 à 00:05 UTC"
    assert [EN.moment(t) for t in (math.nan, math.inf, 1e300)] == ["–"] * 3
    assert EN.between(made.UNTIL, math.nan) == "–"


def test_a_stretch_within_one_day_names_it_once() -> None:
    assert EN.between(made.UNTIL, made.UNTIL + 3600) == "Mon 2 Mar 00:00–01:00"
    assert EN.between(made.UNTIL - 3600, made.UNTIL) == "Sun 1 Mar 23:00 – Mon 2 Mar 00:00"
