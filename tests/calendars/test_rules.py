"""Every kind of rule against a list of its days made another way; what cannot be read says what it should be."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_monitoring.calendars.grammar import read
from calendars import naive

WORK = naive.nth_workday
RULES = {
    "2026-12-24": lambda: naive.span("2026-12-24", "2026-12-24"),
    "2026-12-24..2027-01-02": lambda: naive.span("2026-12-24", "2027-01-02"),
    "12-24": lambda: naive.like("-12-24"),
    "02-29": lambda: naive.like("-02-29"),
    "07-01..08-31": lambda: {day for day in naive.ALL if day.month in (7, 8)},
    "12-24..01-02": lambda: {d for d in naive.ALL if d.isoformat()[5:] >= "12-24" or d.isoformat()[5:] <= "01-02"},
    "mon": lambda: naive.weekday(1),
    "Saturday, SUN": lambda: naive.weekday(6, 7),
    "mon..wed,fri": lambda: naive.weekday(1, 2, 3, 5),
    "sat..mon": lambda: naive.weekday(6, 7, 1),
    "1st mon": lambda: naive.nth_of_each(sorted(naive.weekday(1)), "month", 1),
    "3rd sat": lambda: naive.nth_of_each(sorted(naive.weekday(6)), "month", 3),
    "5th thu": lambda: naive.nth_of_each(sorted(naive.weekday(4)), "month", 5),
    "last fri": lambda: naive.nth_of_each(sorted(naive.weekday(5)), "month", -1),
    "day 5": lambda: naive.like("-05"),
    "day 29..31,15": lambda: naive.like("-29") | naive.like("-30") | naive.like("-31") | naive.like("-15"),
    "last day": lambda: naive.nth_of_each(naive.ALL, "month", -1),
    "month start": lambda: naive.like("-01"),
    "quarter start": lambda: naive.nth_of_each(naive.ALL, "quarter", 1),
    "quarter end": lambda: naive.nth_of_each(naive.ALL, "quarter", -1),
    "year start": lambda: naive.like("-01-01"),
    "year end": lambda: naive.like("-12-31"),
    "workday": lambda: set(naive.working("fr")),
    "workday target": lambda: set(naive.working("target")),
    "workday week": lambda: naive.weekday(1, 2, 3, 4, 5),
    "workday 1": lambda: WORK("fr", "month", 1),
    "workday -1": lambda: WORK("fr", "month", -1),
    "workday target -1": lambda: WORK("target", "month", -1),
    "workday 1..3,-2": lambda: set().union(*(WORK("fr", "month", n) for n in (1, 2, 3, -2))),
    "workday 23": lambda: WORK("fr", "month", 23),
    "quarter workday -1": lambda: WORK("fr", "quarter", -1),
    "year workday target 2": lambda: WORK("target", "year", 2),
    "year workday -200": lambda: WORK("fr", "year", -200),
    "workday -1 +2": lambda: naive.moved_workdays(WORK("fr", "month", -1), 2, "fr"),
    "workday 1 - 1": lambda: naive.moved_workdays(WORK("fr", "month", 1), -1, "fr"),
    "workday target 1 - 3": lambda: naive.moved_workdays(WORK("target", "month", 1), -3, "target"),
    "workday -1 +2 days": lambda: naive.moved(WORK("fr", "month", -1), 2),
    "day 15 +1": lambda: naive.like("-16"),
    "day 15 +1 workday": lambda: naive.moved_workdays(naive.like("-15"), 1, "fr"),
    "day 15 -2 workdays target": lambda: naive.moved_workdays(naive.like("-15"), -2, "target"),
    "day 25 or workday before": lambda: naive.rolled(naive.like("-25"), False, "fr"),
    "day 25 or workday target after": lambda: naive.rolled(naive.like("-25"), True, "target"),
    "holiday": lambda: set(naive.off("fr")),
    "holiday fr": lambda: set(naive.off("fr")),
    "holiday fr-alsace-moselle": lambda: set(naive.off("fr-alsace-moselle")),
    "holiday target": lambda: set(naive.off("target")),
    "day before holiday fr": lambda: naive.moved(set(naive.off("fr")), -1),
    "day after holiday target": lambda: naive.moved(set(naive.off("target")), 1),
    "workday before holiday fr": lambda: naive.moved_workdays(set(naive.off("fr")), -1, "fr"),
    "workday after 12-25": lambda: naive.moved_workdays(naive.like("-12-25"), 1, "fr"),
    "bridge fr": lambda: naive.bridge("fr"),
    "easter": lambda: {day for day, name in naive.oracle.country_holidays("DE", subdiv="BB", years=naive.YEARS,
                                                                            language="en_US").items()
                       if "Easter Sunday" in name},
    "easter -2": lambda: {day for day, name in naive.oracle.financial_holidays("ECB", years=naive.YEARS).items()
                          if "Good Friday" in name},
    "holiday fr on mon..fri": lambda: set(naive.off("fr")) & naive.weekday(1, 2, 3, 4, 5),
    "day before holiday fr on fri": lambda: naive.moved(set(naive.off("fr")), -1) & naive.weekday(5),
}  # fmt: skip


@pytest.mark.parametrize("text", RULES)
def test_a_rule_means_the_days_that_a_list_of_all_days_gives(text) -> None:
    wanted = naive.seen(RULES[text]())
    assert naive.chosen(read(text).days) == wanted and wanted


BASES = ["workday -1", "workday 1", "quarter workday -1", "holiday fr", "last fri", "day 25", "12-24", "mon",
         "bridge fr"]
WEEKS = {"mon..fri": (1, 2, 3, 4, 5), "sat,sun": (6, 7), "thu": (4,)}


def offset(pair, n, unit, which):
    text, days = pair
    if unit == "d":
        return f"{text} {n:+d} d", naive.moved(days, n)
    return f"{text} {n:+d} wd {which}", naive.moved_workdays(days, n, which)


def choose(pair, week):
    return f"{pair[0]} on {week}", pair[1] & naive.weekday(*WEEKS[week])


def roll(pair, side, which):
    return f"{pair[0]} or workday {which} {side}", naive.rolled(pair[1], side == "after", which)


WHICH = st.sampled_from(["fr", "target", "week", "fr-alsace-moselle"])
COMPOSED = st.recursive(
    st.sampled_from(BASES).map(lambda text: (text, RULES.get(text, lambda: naive.like("-25"))())),
    lambda inner: st.one_of(
        st.builds(offset, inner, st.integers(-9, 9).filter(bool), st.sampled_from(["d", "wd"]), WHICH),
        st.builds(choose, inner, st.sampled_from(sorted(WEEKS))),
        st.builds(roll, inner, st.sampled_from(["before", "after"]), WHICH),
    ),
    max_leaves=3,
)


@given(COMPOSED)
@settings(max_examples=25)
def test_rules_can_be_put_together(pair) -> None:
    text, days = pair
    inside = naive.seen(days)
    got = naive.chosen(read(text).days)
    # the list of all days ends: three shifts of up to nine working days may need days beyond it
    margin = (date(2008, 3, 1), date(2040, 10, 31))
    assert {d for d in got if margin[0] <= d <= margin[1]} == {d for d in inside if margin[0] <= d <= margin[1]}


@pytest.mark.parametrize(
    ("text", "first", "last", "later"),
    [
        ("sun 02:00-06:00", time(2), time(6), False),
        ("3rd sat 22:00 - 4:00", time(22), time(4), True),
        ("workday -1 18:00-24:00", time(18), time(0), True),
        ("2026-12-24 00:00-00:00", time(0), time(0), True),
        ("workday 1 - 1 05:30-06:15", time(5, 30), time(6, 15), False),
    ],
)
def test_times_stand_behind_any_rule(text, first, last, later) -> None:
    rule = read(text)
    assert rule.times == (first, last, later) and rule.timed and rule.days is not None


def test_a_span_of_local_time_is_read_with_t_or_space() -> None:
    wanted = ((date(2026, 12, 24), time(22)), (date(2026, 12, 25), time(4)))
    assert read("2026-12-24T22:00..2026-12-25T04:00").span == wanted
    assert read("2026-12-24 22:00 .. 2026-12-25 04:00").span == wanted
    whole = read("2026-12-24T00:00..2026-12-24T24:00").span
    assert whole == ((date(2026, 12, 24), time()), (date(2026, 12, 25), time()))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a rule such as"),
        ("whenever", 'got "whenever"'),
        ("holyday fr", "did you mean holiday?"),
        ("wrkday -1", "did you mean workday?"),
        ("holiday xx", 'got "holiday xx"'),
        ("2026-02-30", "a day that exists.*got 2026-02-30"),
        ("1-5", "a rule such as"),
        ("13-01", "a day that exists"),
        ("2026-12-24..2026-12-01", "end is not before its start"),
        ("2026-12-24T22:00..2026-12-24T21:00", "end is not before its start"),
        ("day 0", "from 1 to 31"),
        ("day 32", "from 1 to 31"),
        ("day 5..3", "from 1 to 31"),
        ("day 1..2..3", "a rule such as"),
        ("workday 0", "from 1 to 23"),
        ("workday 24", "from 1 to 23"),
        ("workday -2..2", "from 1 to 23"),
        ("quarter workday", "quarter workday -1"),
        ("6th mon", "a rule such as"),
        ("sun 24:30-25:00", "a rule such as"),
        ("sun 24:00-01:00", "starts before 24:00"),
        ("sun 02:00-24:30", "00:00 to 24:00"),
        ("1850-01-01", "from 1900 to 2200"),
        ("day before", "a rule such as"),
        ("day before " * 50 + "mon", "at most 120 characters"),
        ("day before whenever", 'got "whenever"'),
    ],
)
def test_what_cannot_be_read_says_what_a_rule_is(text, says) -> None:
    with pytest.raises(ValueError, match=says):
        read(text)


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_any_text_is_a_rule_or_a_value_error(text) -> None:
    try:
        read(text)
    except ValueError as error:
        assert str(error)


@given(st.lists(st.sampled_from(["workday", "holiday", "day", "-1", "+2", "fr", "on", "or", "before", "sat", "12-24",
                                 "last", "..", ",", "5", "02:00-03:00", "year", "end"]), max_size=8))  # fmt: skip
@settings(max_examples=300)
def test_any_words_of_the_grammar_are_a_rule_or_a_value_error(words) -> None:
    try:
        rule = read(" ".join(words))
    except ValueError:
        return
    assert rule.days is not None and rule.days(date(2026, 12, 24)) in (True, False)
