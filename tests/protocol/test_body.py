"""Bodies: any bytes round-trip, and untouched cells stay byte for byte. Python's csv module is the judge."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.errors import BadBody, InternalError
from adaptive_monitoring.protocol.body import Body, quote, render
from protocol.tables import ANY, minimal_cell, read_csv, splunkd_cell, splunkd_csv, tables

STYLES = st.tuples(st.sampled_from(["\n", "\r\n"]), st.sampled_from([splunkd_cell, minimal_cell]))


def written(table, style=("\n", splunkd_cell)) -> bytes:
    return splunkd_csv(*table, *style)


@given(tables(), STYLES, st.booleans())
@example((["a"], [[""], ["x"]]), ("\n", splunkd_cell), False)
@example((["a", "b"], [['"', '""'], [",", "\n"], ["\r", "\r\n"]]), ("\r\n", splunkd_cell), False)
@example((["a", "b"], [["1,2", "3"], ["\x1d", "\x1e"]]), ("\n", splunkd_cell), True)
@settings(max_examples=150, deadline=None)
def test_every_value_is_decoded_as_it_was_written(table, style, open_end) -> None:
    names, rows = table
    data = written(table, style)
    body = Body(data[: -len(style[0])] if open_end and rows and len(names) > 1 else data)
    assert body.names == names and len(body) == len(rows)
    assert body.columns(names).data == [[row[i] for row in rows] for i in range(len(names))]
    assert body.columns(names[1:2]).data == [[row[i] for row in rows] for i in range(1, len(names[:2]))]


@given(tables(), STYLES, st.integers(1, 5), st.data())
@settings(max_examples=150, deadline=None)
def test_records_leave_as_they_came_with_new_cells_at_their_end(table, style, size, data) -> None:
    names, rows = table
    extra = data.draw(st.lists(st.lists(ANY, min_size=2, max_size=2), min_size=len(rows), max_size=len(rows)))
    keep = data.draw(st.one_of(st.none(), st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    suffixes = [",".join(map(quote, cells)) for cells in extra]
    reply, done = b"", 0
    for piece in Body(written(table, style)).slices(size):
        part = slice(done, done + len(piece))
        reply += piece.append(["new,1", 'new"2'], suffixes[part], keep[part] if keep is not None else None)
        done += len(piece)
    lines = [",".join([*map(style[1], row), suffix]) for row, suffix in zip(rows, suffixes)]
    kept = [line for i, line in enumerate(lines) if keep is None or keep[i]]
    header = ",".join([*map(style[1], names), '"new,1"', '"new""2"'])
    assert reply == "".join(line + "\n" for line in [header, *kept]).encode("utf-8", "surrogateescape")


@given(tables(min_columns=2), STYLES)
@settings(max_examples=80, deadline=None)
def test_csv_module_reads_the_reply_as_we_meant_it(table, style) -> None:
    names, rows = table
    assert read_csv(Body(written(table, style)).append(["new"], ["1"] * len(rows))) == [
        [*row, cell] for row, cell in zip([names, *rows], ["new"] + ["1"] * len(rows))
    ]


@given(tables(min_columns=3), STYLES, st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_slices_are_the_rows_in_order(table, style, size) -> None:
    names, rows = table
    pieces = list(Body(written(table, style)).slices(size))
    assert [list(row) for piece in pieces for row in zip(*piece.columns(names).data)] == rows
    assert all(piece.names == names for piece in pieces)


@given(tables(min_columns=2), STYLES)
@settings(max_examples=80, deadline=None)
def test_dropped_columns_are_gone_and_the_others_untouched(table, style) -> None:
    names, rows = table
    body = Body(written(table, style)).drop([names[0], "absent"])
    gone = {names[0], "__mv_" + names[0]}
    left = [name for name in names if name not in gone]
    assert body.names == left
    assert body.columns(left).data == [[row[names.index(name)] for row in rows] for name in left]
    assert read_csv(body.append(["n"], ["1"] * len(rows)))[0] == [*left, "n"]


@given(tables())
@settings(max_examples=100, deadline=None)
def test_rendered_columns_are_read_back(table) -> None:
    names, rows = table
    data = render(Columns(names, [[row[i] for row in rows] for i in range(len(names))]))
    assert Body(data).columns(names).data == [[row[i] for row in rows] for i in range(len(names))]
    assert read_csv(data) == [names, *rows]


@given(st.lists(st.text('ab$;,"\n', max_size=5), min_size=2, max_size=4))
@settings(max_examples=80, deadline=None)
def test_multivalues_are_decoded(values) -> None:
    encoded = ";".join("$" + value.replace("$", "$$") + "$" for value in values)
    data = splunkd_csv(["f", "__mv_f"], [["\n".join(values), encoded], ["single", ""], ["", ""]])
    assert Body(data).values("f") == [values, ["single"], [""]]
    assert Body(data).values("absent") == [[""]] * 3


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
@example(b'a"b,c\nd"e,f\n')
@example(b'a,b\n1,2"x\n3"y,4\n')
def test_garbage_is_refused_or_read_never_a_crash(data) -> None:
    try:
        body = Body(data)
        body.columns(dict.fromkeys(body.names))
        body.append(["brand new"], ["1"] * len(body))
    except BadBody as error:
        assert str(error).endswith("(ADM022)")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'a,b\n1,"2\n', "never closed"),
        (b'a,"b\n1,2\n', "quote inside the header"),
        (b"a,b\n1,2\n3\n", r"row 2 of a chunk must have 2 cells as its header; got 1 in '3'"),
        (b"a,b\n1,2,3\n", r"row 1 .* got 3 in '1,2,3'"),
        (b'a,b\n1,"2,3",4\n', "row 1 .* got 3"),
        (b'a,b\nx,1"2,3"4\n', "not doubled, or text follows"),
        (b'a,b\n1,2"x\n3"y,4\n', "not doubled, or text follows"),
    ],
)
def test_a_corrupt_chunk_is_an_error_that_says_where(data: bytes, text: str) -> None:
    with pytest.raises(BadBody, match=text):
        len(Body(data))


def test_rows_that_are_too_short_and_too_long_do_not_make_up_for_each_other() -> None:
    with pytest.raises(BadBody, match="row 1"):
        len(Body(b"a,b,c\n1,2\n1,2,3,4\n"))


def test_empty_bodies() -> None:
    assert (Body(b"").names, len(Body(b"")), Body(b"").append(["n"], []), len(list(Body(b"").slices()))) == (
        [],
        0,
        b"",
        1,
    )
    assert (len(Body(b"a,b\n")), Body(b"a,b\n").append(["n"], []), Body(b"a,b").names) == (0, b"a,b,n\n", ["a", "b"])
    assert (Body(b"\n").names, len(Body(b"\n"))) == ([], 0)


def test_empty_lines_are_no_rows_unless_there_is_one_column() -> None:
    assert Body(b"a,b\n\n1,2\n\r\n\n").append(["n"], ["x"]) == b"a,b,n\n1,2,x\n"
    assert Body(b"a\n\n1\n").columns(["a"]).data == [["", "1"]]


def test_a_quote_inside_an_unquoted_cell_is_a_character() -> None:
    assert Body(b'a,b\n1"2"3,"4"5\n').columns(["a", "b"]).data == [['1"2"3'], ["45"]]


def test_the_same_name_twice_means_the_first_as_in_the_sdk() -> None:
    assert Body(b"a,a\n1,2\n").columns(["a"]).data == [["1"]]


def test_a_surrogate_that_stands_for_no_byte_becomes_the_replacement_character() -> None:
    assert render(Columns(["a"], [["\ud800\udc80"]])) == b"a\n\xef\xbf\xbd\x80\n"


def test_append_refuses_what_would_break_the_table() -> None:
    body = Body(b"a,b\n1,2\n")
    for names, suffixes, keep in ((["a"], ["1"], None), (["n"], [], None), (["n"], ["1"], [])):
        with pytest.raises(InternalError):
            body.append(names, suffixes, keep)
    assert body.append([], [], [False]) == b"a,b\n"


def test_wide_tables_and_large_chunks_are_cut_the_same() -> None:
    names = [f"f{i}" for i in range(30)]
    rows = [[f"v{i}-{j}" if j != 7 or i % 999 else "a,b\n" for j in range(30)] for i in range(9000)]
    body = Body(splunkd_csv(names, rows))
    pieces = list(body.slices())
    assert len(pieces) > 1
    for read in (body, *pieces[:1]):
        assert read.columns(["f7", "f0"]).data[0] == [row[7] for row in rows[: len(read)]]
    assert b"".join(piece.append([], []) for piece in pieces) == splunkd_csv(names, rows)


@given(tables(min_columns=2), st.data())
def test_pieces_begin_with_their_commas_and_are_put_behind_the_records(table, data) -> None:
    """As append() with the pieces joined, whoever reads the records."""
    names, rows = table
    body, twin = (Body(splunkd_csv(names, rows)) for _ in range(2))
    pieces = [[f",{i}{row}" for row in range(len(rows))] for i in range(data.draw(st.integers(1, 3)))]
    keep = data.draw(st.none() | st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    lines = data.draw(st.sampled_from([None, list(twin._rows())]))
    new = [f'new "{i}"' for i in range(len(pieces))]
    found = body.append_pieces(new, pieces, keep, lines)
    assert found == twin.append(new, ["".join(parts)[1:] for parts in zip(*pieces)] if rows else [], keep)
    assert rows == [] or found.endswith(body.headless().append_pieces(new, pieces, keep))
