"""The pattern that reads records: Python's csv module and the slow grid are its judges."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_monitoring.errors import BadBody
from adaptive_monitoring.protocol.body import Body
from adaptive_monitoring.protocol.grid import Grid
from adaptive_monitoring.protocol.records import HEADERS, LEARN, LESSONS, Plan, plan_of
from protocol.tables import read_csv, splunkd_cell, splunkd_csv

NAMES = ["_time", "host", "_raw", "__mv__raw"]
PIECES = ['"', '""', ",", "\n", "\r\n", '",', '"\n', ',"', "x", "took 3 ms", "é", "\udc80", "$a$;$b$"]
EVENTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
HOSTS = st.sampled_from(["web1", "web-01", "", 'we"b', "a,b", "two\nlines"])
CELLS = st.tuples(st.just("1700006400"), HOSTS, EVENTS, st.sampled_from(["", "", "$a$"]))
ROWS = st.lists(CELLS.map(list), max_size=30)


@given(ROWS, st.integers(1, 200))
@settings(max_examples=150, deadline=None)
def test_events_are_read_as_the_csv_module_reads_them_wherever_a_slice_ends(rows, size) -> None:
    data = splunkd_csv(NAMES, rows)
    records = [",".join(map(splunkd_cell, row)) for row in rows]
    assert read_csv(data) == [NAMES, *rows]
    reply, values = b"", []
    for piece in Body(data).slices(size):
        values += map(list, zip(*piece.columns(NAMES).data))
        reply += piece.append(["n"], ["1"] * len(piece))
    assert values == rows
    assert reply == "".join(f"{line}\n" for line in [*_header("n"), *(f"{r},1" for r in records)]).encode(
        "utf-8", "surrogateescape"
    )


def _header(*more: str) -> list[str]:
    return [",".join([*map(splunkd_cell, NAMES), *more])]


@given(ROWS.filter(bool), st.data(), st.lists(st.integers(0, 3), unique=True).map(sorted))
@settings(max_examples=300, deadline=None)
def test_what_the_pattern_accepts_the_grid_reads_the_same(rows, data, places) -> None:
    text = splunkd_csv(NAMES, rows).decode("utf-8", "surrogateescape").split("\n", 1)[1]
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 2))
    text = text[:at] + data.draw(st.sampled_from(["", *PIECES])) + text[at + cut :]
    text += "" if text.endswith("\n") or not text else "\n"
    plan = Plan(_header()[0])
    found = plan.read(text, places)
    again = plan.read(text, places)
    assert found == again
    if found is not None:
        grid = Grid(text.encode("utf-8", "surrogateescape"), len(NAMES))
        assert found == (grid.lines, grid.columns(places))


def test_kinds_of_cells_may_change_at_any_row() -> None:
    kinds = ["", "bare", "not bare", 'dou"bled', "a,b\n"]
    rows = [[str(i), kinds[i // (LEARN + 5) % 5], kinds[i // 3 % 5], ""] for i in range(20 * LEARN)]
    body = Body(splunkd_csv(NAMES, rows))
    for _ in range(2):  # values are handed out once, and read again when they are asked for again
        assert list(map(list, zip(*body.columns(NAMES).data))) == rows
    assert len(body) == len(rows)
    assert body.append([], []) == splunkd_csv(NAMES, rows)


def test_columns_may_change_their_kind_more_often_than_a_pattern_is_compiled() -> None:
    names = [f"f{i}" for i in range(3 * LESSONS)]
    rows = [["" if place > row // (LEARN + 5) else 'a "b"' for place in range(len(names))] for row in range(1000)]
    rows += [["1", "b", "", "c-d", "e,f", *row[5:]] for row in rows]
    assert list(map(list, zip(*Body(splunkd_csv(names, rows)).columns(names).data))) == rows


def test_a_body_of_several_slices_is_one_table() -> None:
    rows = [[str(i), f"web-{i % 7}", f'said ""{i}"", then\n{"x" * 90}', ""] for i in range(12_000)]
    data = splunkd_csv(NAMES, rows)
    body, other = Body(data), Body(data)
    assert len(body.slices()) > 2 and len(body) == len(rows)
    assert body.columns(NAMES).data == other.columns(NAMES).data == list(map(list, zip(*rows)))
    assert b"".join(piece.append([], []) for piece in body.slices()) == data == other.append([], [])
    assert body.headless().append([], []) == data[len(_header()[0]) + 1 :] == b"".join(
        piece.append([], []) for piece in body.headless().slices()
    )
    assert body.drop(["host"]).append([], []) == splunkd_csv(
        ["_time", "_raw", "__mv__raw"], [[row[0], *row[2:]] for row in rows]
    )


def test_a_row_of_a_later_slice_has_its_number_in_the_chunk() -> None:
    rows = [[str(i), "web-1", "x" * 200, ""] for i in range(5000)]
    data = splunkd_csv(NAMES, rows) + b"1,2\n"
    for read in (len, lambda body: [len(piece) for piece in body.slices()]):
        with pytest.raises(BadBody, match="row 5001 "):
            read(Body(data))


@pytest.mark.parametrize("event", ['"', '""x' * 200_000, "x" * 1_000_000, ',"' * 200_000], ids=len)
def test_a_quote_that_is_never_closed_is_found_in_linear_time(event) -> None:
    good = splunkd_csv(NAMES, [["1", "web-1", 'a "b"', ""]] * 1000).decode()
    with pytest.raises(BadBody):
        len(Body(f'{good}1,"web-1","{event},\n1,"web-1",a"\n'.replace('"a "b""', "").encode()))


def test_windows_events_and_line_ends() -> None:
    inside = b'a,b,c\n1,"x\r\ny\r",\n2,z,\n'
    assert Body(inside).append(["n"], ["5", "6"]) == b'a,b,c,n\n1,"x\r\ny\r",,5\n2,z,,6\n'
    assert Body(inside).columns(["b", "c"]).data == [["x\r\ny\r", "z"], ["", ""]]
    outside = b'a,b,c\r\n1,"x\r\ny\r","3"\r\n2,z,\r\n'
    assert Body(outside).append(["n"], ["5", "6"]) == b'a,b,c,n\n1,"x\r\ny\r","3",5\n2,z,,6\n'
    assert Body(outside).columns(["b", "c"]).data == [["x\r\ny\r", "z"], ["3", ""]]


def test_plans_are_kept_for_some_headers() -> None:
    first = plan_of(b"a,b\n")
    assert plan_of(b"a,b\n") is first and first.names == ["a", "b"]
    for i in range(HEADERS):
        plan_of(b"a,b%d\n" % i)
    assert plan_of(b"a,b\n") is not first
