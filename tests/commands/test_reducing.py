"""The map phase of adaptfit: any split over any number of indexers gives what the whole gives."""

from __future__ import annotations

import random
import subprocess
import sys
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searchhead import spl
from searchhead.table import encode, from_rows

from adaptive_monitoring.commands.buckets import Sums, decimal, means, merged
from adaptive_monitoring.commands.fit import SPEC, Fit
from adaptive_monitoring.commands.options import parse
from adaptive_monitoring.commands.packed import MARK, ONE, PAYLOAD, scaled
from adaptive_monitoring.commands.reducing import Map, preop
from adaptive_monitoring.protocol.body import Body
from adaptive_monitoring.protocol.session import Messages
from commands.conftest import REPOSITORY
from commands.fleet import START, long, said, wide
from commands.mapreduce import info, mapped, models, numbers, reduced

HOSTS = st.sampled_from(["a", "b", "web-01", "", 'pa,"ris\n', "é\udc80", ["m", "v"]])
TIMES = st.one_of(
    st.integers(0, 400).map(lambda i: str(START + 30 * i)),
    st.integers(0, 10**6).map(lambda i: f"{START + i / 1000:.3f}"),
    st.sampled_from(["", "yesterday", "1.7e12", "-5", "0", f"{START}.123456789", "nan", "1.7e9"]),
)
ODD = ["", "n/a", "1e5", "-0", "-0.00", " 5", "1_000", "inf", "1e100", "1.1e100", "0.1", "0.30000000000000004"]
VALUES = st.one_of(
    st.integers(-9999, 9999).map(lambda i: f"{i / 100:.2f}"),
    st.floats(allow_nan=True).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(ODD),
    st.just(["1", "2"]),
)
WIDE = st.fixed_dictionaries({"_time": TIMES, "host": HOSTS, "disk": HOSTS, "cpu": VALUES, "mem": VALUES})
NAMES = st.sampled_from(["cpu", "cpu.user", "mem", ""])
LONG = st.fixed_dictionaries({"_time": TIMES, "host": HOSTS, "disk": HOSTS, "metric_name": NAMES, "_value": VALUES})
ROWS = st.one_of(st.lists(WIDE, min_size=1, max_size=40), st.lists(LONG, min_size=1, max_size=40))
WORDS = st.sampled_from(
    ["cpu mem by host", "c* m* by host", "cpu mem", "mem AS x cpu by host", "by host", "cpu by host,disk"]
)
INDEXERS = st.integers(1, 16)
CHANCE = st.randoms(use_true_random=False)
SPANS = pytest.mark.parametrize("span", ["", " span=1m", " span=1h"])


@SPANS
@given(rows=ROWS, words=WORDS, indexers=INDEXERS, chance=CHANCE, raw=st.sampled_from([0.0, 0.4]))
def test_any_split_in_any_order_gives_the_numbers_of_the_whole(rows, words, indexers, chance, raw, span) -> None:
    whole = numbers(words + span, [from_rows(rows)])
    assert numbers(words + span, reduced(words + span, rows, indexers, chance, raw)) == whole


@SPANS
@given(rows=st.lists(st.one_of(WIDE, LONG), min_size=1, max_size=30), indexers=INDEXERS, chance=CHANCE)
def test_a_field_that_an_indexer_does_not_know_may_be_on_another_one(rows, indexers, chance, span) -> None:
    rows.append({"_time": str(START), "host": "a", "cpu": "1.5", "mem": "2"})
    words = "cpu mem by host" + span
    whole = numbers(words, [from_rows(rows)])
    assert numbers(words, reduced(words, rows, indexers, chance, 0, True)) == whole


@SPANS
@pytest.mark.parametrize("form", [list, long])
@pytest.mark.parametrize("seed", range(2))
def test_models_are_the_same_byte_for_byte(seed, form, span) -> None:
    chance = random.Random(seed)
    rows = form(wide("ab", 2, step=500))
    rows = [{**row, "_time": f"{float(row['_time']) + chance.random() * 100:.3f}"} for row in rows]
    name = "cpu" if form is list else "_value"
    rows += [{**chance.choice(rows), name: f"{chance.random():.3f}"} for _ in "123456"]  # two at one time
    rows += [dict(rows[0], host="young"), dict(rows[0], _time="soon"), dict(rows[0], host="")]
    words = f"cpu mem by host{span}"
    whole = models(words, [from_rows(rows)])
    assert whole[0] and whole[0].count(b"\n") >= 7
    shuffled = chance.sample(rows, len(rows))
    assert models(words, [from_rows(shuffled)]) == whole
    for indexers in (1, chance.randint(2, 16)):
        assert models(words, reduced(words, shuffled, indexers, chance, chance.choice([0, 0.3]))) == whole


def test_patterns_mean_the_same_metrics_in_the_same_order_everywhere() -> None:
    chance = random.Random(3)
    rows = [{**row, "z": row["cpu"], "disk": row["mem"] if row["host"] == "a" else ""} for row in wide("ab", 2)]
    whole = models("z cpu* * by host", [from_rows(rows)])
    assert whole[0] and whole[0].count(b"\n") == 9
    for _ in range(3):
        assert models("z cpu* * by host", reduced("z cpu* * by host", rows, 3, chance, 0, True)) == whole


@pytest.mark.parametrize("words", ["cpu mem by host exclude=past", "cpu mem by host suppress=past span=10m"])
def test_windows_count_for_the_time_of_the_row_or_the_start_of_the_bucket(own, words) -> None:
    text = f"start,end,host\n{START + 3000},{START + 90300},a\n"
    with open(f"{own.lookups}/past.csv", "w") as file:
        file.write(text)
    rows = wide("ab", 3, step=300)
    whole = own.search(f"adaptfit {words}", rows)
    plain = own.search(f"adaptfit {words.replace('exclude=past', '').replace('suppress=past', '')}", rows)
    parts = own.search(f"adaptfit {words}", rows, indexers=3)
    assert parts.table.columns == whole.table.columns and not parts.errors
    points = {row["host"]: int(row["n_points"]) for row in whole.rows}
    lost = {row["host"]: int(row["n_points"]) - points[row["host"]] for row in plain.rows}
    # both ends belong to the window; with span=10m the bucket that begins before it and the rows in it stay
    assert lost == {"a": 292 if "span" not in words else 146, "b": 0}


def test_the_mean_of_a_bucket_is_the_mean_of_its_rows(own) -> None:
    rows = [{"_time": str(START + t), "host": "a", "cpu": x} for t, x in ((1, "1.1"), (59, "2.2"), (60, "5"), (62, ""))]
    found, count, _ = numbers("cpu by host span=1m", [from_rows(rows)])
    assert np.frombuffer(found[("a",)]["t"]).tolist() == [START, START + 60] and count == 4
    assert np.frombuffer(found[("a",)]["cpu"]).tolist() == [1.65, 5.0]


@given(st.lists(st.one_of(st.floats(-1e100, 1e100), st.integers(-(10**7), 10**7).map(lambda i: i / 1000)), min_size=1))
def test_sums_are_exact_and_their_means_correctly_rounded(values) -> None:
    exact = [scaled(x) for x in values]
    for x, units in zip(values, exact):
        assert abs(Fraction(units, ONE) - Fraction(x)) <= max(Fraction(1, ONE), abs(Fraction(x)) / 10**14)
    counts, whole, parts = decimal(np.array(values)[:, None])
    assert [int(a) * ONE + int(b) for a, b in zip(whole[:, 0], parts[:, 0])] == exact
    one = np.zeros(len(values), dtype=np.int64)
    sums = merged([Sums(one, one, one.astype(float), counts, whole, parts)])
    assert int(sums.whole[0, 0]) * ONE + int(sums.parts[0, 0]) == sum(exact)
    [[mean]] = means(sums.counts, sums.whole, sums.parts).tolist()
    assert mean == sum(exact) / (len(exact) * ONE)


def test_numbers_with_up_to_fifteen_digits_count_as_they_are_written() -> None:
    for text in ("45.13", "0.1", "123456789012.345", "0.000000000001", "999999999999999", "-7"):
        assert Fraction(scaled(float(text)), ONE) == Fraction(text)


@pytest.mark.parametrize(("form", "most"), [("one", 1.0), ("four", 2.0), ("long", 2.0)])
@pytest.mark.parametrize("chunk", [2500, 50000])
def test_at_most_two_percent_of_the_raw_events_reach_the_search_head(form, most, chunk) -> None:
    chance = random.Random(5)
    rows = []
    for i in range(25000):
        t, host = START + i // 100 * 60 + chance.random(), f"web-{i % 100:04}"
        cpu, mem, load = chance.gauss(50 + i % 7, 3), chance.gauss(900, 20), chance.random()
        x = [f"{cpu:.2f}", f"{mem:.1f}", str(i % 90), f"{load:.2f}"]
        line = f'{t:.3f} INFO [worker-{i % 9}] com.example.pay - "GET /api?id={chance.random()}&a=1,2"\n at step ""'
        rows.append({"_time": f"{t:.0f}", "host": host, "_raw": (line + "x" * 500)[:500], "cpu": x[0]})
        if form == "four":
            rows[-1].update(zip(("mem", "conns", "load"), x[1:]))
        if form == "long":
            rows[-1].update(metric_name=["cpu", "mem"][i % 2], _value=x[i % 2])
            del rows[-1]["cpu"]
    raw = sum(len(row["_raw"]) for row in rows)
    words = {"one": "cpu by host", "four": "cpu mem conns load by host", "long": "by host"}[form]
    narrow = from_rows([{name: text for name, text in row.items() if name != "_raw"} for row in rows])
    sent = len(encode(mapped(words, narrow, chunk), multivalues=False))
    assert 100 * sent / raw <= most
    spanned = len(encode(mapped(words + " span=30m", narrow, 50000), multivalues=False))
    assert 100 * spanned / raw <= 0.3


def test_the_map_phase_is_announced_with_its_fields(own) -> None:
    fit = Fit(info('cpu "memory used" AS mem by host "data center" into x budget=1 span=5m'), Messages())
    described, names = fit.describe(), ["cpu", "memory used"]
    assert described == {
        "type": "reporting",
        "required_fields": ["_time", "host", "data center", *names, "metric_name", "_value", MARK, PAYLOAD],
        "streaming_preop": 'fields _time, host, "data center", cpu, "memory used", metric_name, _value '
        '| fields - _raw | adaptfit phase=map span=300s cpu "memory used" by host "data center"',
    }
    assert Fit(info("c* by host"), Messages()).describe()["required_fields"] == ["*"]
    assert preop(parse(["by", "host"], SPEC)) == "fields - _raw | adaptfit phase=map by host"


NAME = st.text(min_size=1, max_size=8).filter(lambda text: text.strip() and "*" not in text)


@given(st.lists(NAME, min_size=1, max_size=3, unique=True))
def test_names_survive_the_announcement_or_there_is_none(names) -> None:
    quoted = ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names]
    arguments = parse([*quoted, "by", *quoted], SPEC)
    text = preop(arguments)
    if text is None:
        assert any(set(name) & set('"\\`[]|$\x7f') or min(name) < " " for name in names)
        return
    (_, fields), _, (verb, rest) = spl.pipeline(text)
    assert verb == "adaptfit" and list(map(spl.unquoted, spl.words(fields)))[1:-2] == names
    again = Map(info(rest), Messages()).arguments
    assert (again.fields, again.by) == (arguments.fields, arguments.by)


def test_names_that_no_quotes_protect_for_sure_leave_the_map_phase_out(own) -> None:
    rows = [{**row, 'c"pu': row["cpu"]} for row in wide("a", 1)]
    result = own.search(r'adaptfit "c\"pu" by host', rows, indexers=2)
    assert result.rows[0]["metric"] == 'c"pu' and result.rows_from_indexers == len(rows)


def test_on_a_search_head_the_map_phase_passes_rows_on(own) -> None:
    rows = wide("ab", 1)
    table = mapped("cpu by host", [{**row, "note": 'a,"b"\n'} for row in rows], sid="1700000000.1")
    assert [row["note"] for row in table.rows()] == ['a,"b"\n'] * len(rows) and MARK not in table.fields
    body = encode(from_rows(rows))
    assert Map(info("phase=map cpu by host"), Messages()).execute(Body(body), False) == body
    plain, echoed = own.search("adaptfit cpu by host", rows), own.search("adaptfit cpu by host", rows, map_on_head=True)
    assert echoed.table.columns == plain.table.columns and echoed.starts > plain.starts


def test_on_indexers_the_bundle_alone_gives_the_same_models(own) -> None:
    rows = [{**row, "_raw": f"{row['_time']} cpu={row['cpu']}, " + 'a "b"\n' * 80} for row in wide("abc", 2, step=200)]
    whole = own.search("adaptfit cpu mem by host into web", rows)
    data = own.data("web")
    chance = random.Random(2)
    owner = [chance.randrange(5) for _ in rows]
    parts = own.search(
        "adaptfit cpu mem by host into web", rows, indexers=5, split=owner, order=[3, 0, 4, 2, 1], chunk_rows=500
    )
    assert not parts.errors and parts.stderr == "" and parts.table.columns == whole.table.columns
    assert own.data("web") == data and said(parts, "version 1 has these models already", level="INFO")
    assert parts.bytes_from_indexers < 0.02 * sum(len(row["_raw"]) for row in rows)
    assert said(parts, "adaptfit: map phase made", level="INFO")
    assert said(parts, "adaptfit: indexers sent 2592 rows as", level="INFO") and parts.metrics["rows"] == 2592
    assert said(parts, "6 models of 3 entities from 2592 rows", level="INFO")


def test_max_series_and_unusable_rows_are_said_as_without_the_map_phase(own) -> None:
    rows = wide("abc", 1)
    rows += [{**rows[0], "_time": t} for t in ("", "yesterday", "1.7e12")] + [{**rows[0], "host": ""}] * 2
    for span in ("", " span=20m"):
        whole = own.search(f"adaptfit cpu by host max_series=2{span}", rows)
        parts = own.search(f"adaptfit cpu by host max_series=2{span}", rows, indexers=1)
        for result in (whole, parts):
            assert said(result, "3 rows without a usable _time") and said(result, "2 rows without host were not used")
            assert said(result, "ADM023", "1 entities are beyond max_series=2", ": c …")
        assert parts.table.columns == whole.table.columns


def test_missing_fields_and_times_are_errors_as_without_the_map_phase(own) -> None:
    good = wide("a", 0.1)
    for words, rows, code in (
        ("cpu disk by host", good, "ADM021"),
        ("cpu by rack", good, "ADM021"),
        ("cpu by host", [{"host": "a", "cpu": row["cpu"]} for row in good], "ADM020"),
        ("nothing* by host", good, "ADM021"),
    ):
        for indexers in (0, 1):
            assert code in own.search(f"adaptfit {words}", rows, indexers=indexers).errors[0], (words, indexers)


def test_no_rows_on_any_indexer(own) -> None:
    assert said(own.search("adaptfit cpu by host", [], indexers=2), "no rows came in")


def test_the_map_phase_loads_no_numpy() -> None:
    code = (
        "import sys\nsys.modules['numpy'] = None\n"
        "from adaptive_monitoring.commands.fit import Fit\nfrom adaptive_monitoring.protocol.session import run\n"
        "raise SystemExit(run(Fit))"
    )
    from bench import talk

    body = encode(from_rows(wide("a", 1)))
    request = talk.getinfo(["phase=map", "cpu", "by", "host"], ".", "remote_sh1_")
    sent = b"".join([request, *talk.execute([body])])
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=f"{REPOSITORY}/bin", input=sent, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"") and MARK.encode() in done.stdout and b"ERROR" not in done.stdout


def test_the_map_phase_keeps_nothing_between_chunks() -> None:
    body = encode(from_rows(wide("abcdefghij", 3)))
    command = Map(info("phase=map cpu mem by host", "remote_a"), Messages())
    command.execute(Body(body), False)
    tracemalloc.start()
    try:
        for _ in range(3):
            command.execute(Body(body), False)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 50_000 and peak < 40 * len(body)


@settings(max_examples=10)
@given(st.integers(1, 16), CHANCE)
def test_buckets_are_merged_before_they_take_memory(indexers, chance) -> None:
    rows = wide("ab", 0.2, step=60)
    whole = numbers("cpu mem by host span=10m", [from_rows(rows)])
    from adaptive_monitoring.commands import buckets

    old, buckets.COMPACT = buckets.COMPACT, 10
    try:
        assert numbers("cpu mem by host span=10m", reduced("cpu mem by host span=10m", rows, indexers, chance)) == whole
    finally:
        buckets.COMPACT = old


def test_map_false_trains_without_the_map_phase() -> None:
    assert preop(parse(["cpu", "by", "host"], SPEC)) is not None
    assert preop(parse(["cpu", "by", "host", "map=false"], SPEC)) is None
