"""The grammar of every command, and every text that a person who typed it wrong gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.options import Arguments, Spec, expand, parse
from adaptive_monitoring.errors import BadGrammar, BadValue, MissingArgument, UnknownOption, UsageError

USAGE = "adaptfit <fields> [BY <fields>] INTO <collection> name=value"
SPEC = Spec(
    "adaptfit",
    [
        kinds.word("season", ["auto", "none", "day", "week"], "auto"),
        kinds.integer("max_series", 1, 1000, 100),
        kinds.number("budget", 0.001, 100, 1.0),
        kinds.span("window", 60, 86400, 900),
        kinds.boolean("pointwise"),
        kinds.k_of_n("open", 50, (3, 5)),
        kinds.floor("floor"),
        kinds.name("model"),
        kinds.text("tz", limit=20),
        kinds.number("limit", float("-inf"), float("inf")),
    ],
    fields="required",
    by="optional",
    into="optional",
    usage=USAGE,
)
BARE = Spec("adaptmodel", [kinds.word("action", ["list", "show"])], required=["action"])


def read(line: str, spec: Spec = SPEC) -> Arguments:
    """Words are separated by |, so that a test says exactly what splunkd hands over."""
    return parse(line.split("|"), spec)


@pytest.mark.parametrize(
    ("line", "fields", "by", "into"),
    [
        ("cpu", [("cpu", None)], [], None),
        ("cpu|mem|by|host", [("cpu", None), ("mem", None)], ["host"], None),
        ("cpu,mem|BY|host,|dc", [("cpu", None), ("mem", None)], ["host", "dc"], None),
        ("cpu,|mem|,|disk", [("cpu", None), ("mem", None), ("disk", None)], [], None),
        ("cpu|As|c|mem|aS|m|By|host|InTo|fleet", [("cpu", "c"), ("mem", "m")], ["host"], "fleet"),
        ("season=day|cpu*|budget=2|mem|into|a_b-1|by|host", [("cpu*", None), ("mem", None)], ["host"], "a_b-1"),
        ('"cpu load"|AS|"the load"|by|"my host"', [("cpu load", "the load")], ["my host"], None),
        ('"by"|by|"into"', [("by", None)], ["into"], None),
        ('"a=b"|"c,d"|"e\\"f\\\\"', [("a=b", None), ("c,d", None), ('e"f\\', None)], [], None),
        ('"a","b"|c', [("a", None), ("b", None), ("c", None)], [], None),
        ("cpu|by|host|host", [("cpu", None)], ["host"], None),
        ("cpu|| |by|host", [("cpu", None)], ["host"], None),
    ],
)
def test_clauses(line, fields, by, into) -> None:
    found = read(line)
    assert (found.fields, found.by, found.into) == (fields, by, into)


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("season=DAY", "season", "day"),
        ("season|=|week", "season", "week"),
        ("season=|week", "season", "week"),
        ("season|=week", "season", "week"),
        ('season="none",', "season", "none"),
        ("max_series=7,", "max_series", 7),
        ("budget=2.5", "budget", 2.5),
        ("window=5m", "window", 300),
        ("window=1d", "window", 86400),
        ("window=90secs", "window", 90),
        ("pointwise=t", "pointwise", True),
        ("pointwise=False", "pointwise", False),
        ("open=4/6", "open", (4, 6)),
        ("floor=10", "floor", (10.0, None)),
        ("floor=20%", "floor", (None, 20.0)),
        ("floor=10,20%", "floor", (10.0, 20.0)),
        ('floor="10, 20%"', "floor", (10.0, 20.0)),
        ("floor=10,|20%", "floor", (10.0, 20.0)),
        ("floor=10|20%", "floor", (10.0, 20.0)),
        ("floor|=|10|20%", "floor", (10.0, 20.0)),
        ("model=fleet_1", "model", "fleet_1"),
        ('tz="Europe/Paris"', "tz", "Europe/Paris"),
        ('tz="a = \\"b\\""', "tz", 'a = "b"'),
        ("tz=a=b", "tz", "a=b"),
        ("limit=-1e9", "limit", -1e9),
    ],
)
def test_options(words, name, value) -> None:
    for line in (f"cpu|{words}", f"{words}|cpu"):
        found = read(line)
        assert getattr(found, name) == value and found.given == {name} and found.fields == [("cpu", None)]


def test_defaults_and_unknown_attributes() -> None:
    found = read("cpu")
    assert (found.season, found.open, found.floor, found.model, found.given) == (
        "auto",
        (3, 5),
        (None, None),
        None,
        set(),
    )
    with pytest.raises(AttributeError):
        found.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        ("cpu|seson=day", UnknownOption, 'adaptfit: no option "seson"; did you mean season? (ADM010)'),
        ("cpu|Season=day", UnknownOption, 'adaptfit: no option "Season"; did you mean season? (ADM010)'),
        (
            "cpu|x=1",
            UnknownOption,
            'adaptfit: no option "x"; it takes budget, floor, limit, max_series, model, open, pointwise, season, '
            "tz, window (ADM010)",
        ),
        ("cpu|season=year", BadValue, 'adaptfit: season must be auto, none, day or week; got "year" (ADM011)'),
        ("cpu|max_series=0", BadValue, 'adaptfit: max_series must be a whole number from 1 to 1000; got "0" (ADM011)'),
        (
            "cpu|max_series=1.5",
            BadValue,
            'adaptfit: max_series must be a whole number from 1 to 1000; got "1.5" (ADM011)',
        ),
        ("cpu|budget=nan", BadValue, 'adaptfit: budget must be a number from 0.001 to 100; got "nan" (ADM011)'),
        ("cpu|budget=inf", BadValue, 'adaptfit: budget must be a number from 0.001 to 100; got "inf" (ADM011)'),
        ("cpu|limit=inf", BadValue, 'adaptfit: limit must be a number; got "inf" (ADM011)'),
        (
            "cpu|window=5x",
            BadValue,
            'adaptfit: window must be a span such as 5m or 1h, from 1m to 1d; got "5x" (ADM011)',
        ),
        (
            "cpu|window=2w",
            BadValue,
            'adaptfit: window must be a span such as 5m or 1h, from 1m to 1d; got "2w" (ADM011)',
        ),
        ("cpu|pointwise=maybe", BadValue, 'adaptfit: pointwise must be true or false; got "maybe" (ADM011)'),
        (
            "cpu|open=6/5",
            BadValue,
            'adaptfit: open must be k/n such as 3/5, with 1 <= k <= n <= 50; got "6/5" (ADM011)',
        ),
        ("cpu|floor=ten", BadValue, 'adaptfit: floor must be a gap such as 10, 20% or 10,20%; got "ten" (ADM011)'),
        ("cpu|floor=", BadValue, 'adaptfit: floor must be a gap such as 10, 20% or 10,20%; got "" (ADM011)'),
        (
            "cpu|model=../x",
            BadValue,
            'adaptfit: model must be 1 to 64 of the characters A-Z a-z 0-9 _ -; got "../x" (ADM011)',
        ),
        ('cpu|tz=""', BadValue, 'adaptfit: tz must be a text of 1 to 20 characters; got "" (ADM011)'),
        (
            'cpu|into|"a b"',
            BadValue,
            "adaptfit: the collection behind INTO must be 1 to 64 of the characters A-Z a-z 0-9 _ -; "
            'got "a b" (ADM011)',
        ),
        ("", MissingArgument, f"adaptfit: no fields; write {USAGE} (ADM012)"),
        ("cpu|by", MissingArgument, f"adaptfit: nothing follows BY; write {USAGE} (ADM012)"),
        ("cpu|into", MissingArgument, f"adaptfit: nothing follows INTO; write {USAGE} (ADM012)"),
        ("cpu|as", MissingArgument, f"adaptfit: nothing follows AS; write {USAGE} (ADM012)"),
        (
            "cpu|by|season=day",
            MissingArgument,
            f"adaptfit: nothing follows BY; season= came instead; write {USAGE} (ADM012)",
        ),
        ("cpu|season=day|season=day", BadGrammar, f"adaptfit: season is given twice; write {USAGE} (ADM013)"),
        ("cpu|by|host|by|dc", BadGrammar, f"adaptfit: BY is given twice; write {USAGE} (ADM013)"),
        ("cpu|into|a|into|b", BadGrammar, f"adaptfit: INTO is given twice; write {USAGE} (ADM013)"),
        ("as|x", BadGrammar, f"adaptfit: AS must follow a field; write {USAGE} (ADM013)"),
        ("cpu|as|a|as|b", BadGrammar, f"adaptfit: AS must follow a field; write {USAGE} (ADM013)"),
        ("cpu|by|host|as|h", BadGrammar, f"adaptfit: AS must follow a field; write {USAGE} (ADM013)"),
        (
            "c*|as|x",
            BadGrammar,
            f'adaptfit: AS takes one plain field and one plain name; got "c*" AS "x"; write {USAGE} (ADM013)',
        ),
        ("cpu|by|h*", BadGrammar, f'adaptfit: a field behind BY cannot be a pattern; got "h*"; write {USAGE} (ADM013)'),
        (
            "cpu|as|by|host",
            BadGrammar,
            f'adaptfit: "by" cannot follow AS; put a field of that name in quotes; write {USAGE} (ADM013)',
        ),
        (
            "cpu|into|a|mem",
            BadGrammar,
            f'adaptfit: "mem" is out of place; the order is fields, BY fields, INTO collection; write {USAGE} (ADM013)',
        ),
        (
            "cpu|by|host|season=day|mem",
            BadGrammar,
            f'adaptfit: "mem" is out of place; the order is fields, BY fields, INTO collection; write {USAGE} (ADM013)',
        ),
        ("=|3|cpu", BadGrammar, f"adaptfit: = without a name before it; write {USAGE} (ADM013)"),
        ('"cpu', BadGrammar, 'adaptfit: a quote is never closed in "cpu (ADM013)'),
        ('cpu|tz="a', BadGrammar, 'adaptfit: a quote is never closed, or text follows it, in "a (ADM013)'),
        ('cpu|tz="a"b', BadGrammar, 'adaptfit: a quote is never closed, or text follows it, in "a"b (ADM013)'),
    ],
)
def test_error_texts(line, error, text) -> None:
    with pytest.raises(error) as caught:
        read(line)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        ("", MissingArgument, "adaptmodel: action= is missing; it must be list or show; write adaptmodel (ADM012)"),
        ("action=list|x", BadGrammar, 'adaptmodel: it takes no fields; got "x"; write adaptmodel (ADM013)'),
        ("action=list|by|x", BadGrammar, "adaptmodel: it takes no BY; write adaptmodel (ADM013)"),
        ("action=list|into|x", BadGrammar, "adaptmodel: it takes no INTO; write adaptmodel (ADM013)"),
    ],
)
def test_clauses_that_a_command_does_not_take(line, error, text) -> None:
    with pytest.raises(error) as caught:
        read(line, BARE)
    assert str(caught.value) == text
    with pytest.raises(UnknownOption, match="it takes no options"):
        read("a=1", Spec("adaptx"))


def test_required_clauses() -> None:
    with pytest.raises(MissingArgument, match="by is missing"):
        parse(["cpu"], Spec("adaptx", fields="optional", by="required"))
    with pytest.raises(MissingArgument, match="into is missing"):
        parse([], Spec("adaptx", into="required"))


@given(st.lists(st.text('ab "\\,=*%5', max_size=6), max_size=6))
def test_any_words_are_read_or_refused(words) -> None:
    try:
        parse(words, SPEC)
    except UsageError as error:
        assert str(error).startswith("adaptfit: ")


def test_expand_matches_only_what_can_be_a_metric() -> None:
    names = ["_time", "host", "cpu_user", "cpu_sys", "mem", "_value", "_raw", "_chunked_idx", "__mv_mem", "a.b", "aXb"]
    assert expand(["cpu*"], names) == ["cpu_user", "cpu_sys"]
    assert expand(["*"], names, by=["host"]) == ["cpu_user", "cpu_sys", "mem", "a.b", "aXb"]
    assert expand(["mem", "*_*", "mem", "absent"], names) == ["mem", "cpu_user", "cpu_sys", "absent"]
    assert expand(["a.*", "_val*", "_t*", "__mv*"], names) == ["a.b", "_value"]
