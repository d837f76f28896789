"""Rows: what is written is read, what was changed is found."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptive_monitoring.errors import BadCollectionName, BadValue, ModelError
from adaptive_monitoring.store.base import SCHEMA, check_keys, check_name
from adaptive_monitoring.store.rows import cells, hash_of_line, records, render, row_hash
from store.modelrows import HOSTILE, models, rows_of
from store.reading import Reader

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8) | st.sampled_from(HOSTILE)


def hashed(columns):
    return [[*row[:-1], row_hash(row[:-1])] for row in rows_of(columns)]


def file_of(columns, change=lambda rows: rows):
    return render(columns.names, change(hashed(columns)))


@given(st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=5))
def test_any_cell_survives(rows) -> None:
    data = render(["a", "b", "c"], rows)
    found = [cells(text) for _, text in records(data.decode("utf-8", "surrogateescape"))]
    assert found == [["a", "b", "c"], *rows]


@given(st.lists(st.lists(TEXT.filter(lambda t: "\0" not in t), min_size=3, max_size=3), max_size=5))
def test_pythons_csv_reads_the_same(rows) -> None:
    text = render(["a", "b", "c"], rows).decode("utf-8", "surrogateescape")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b", "c"], *rows]


def test_hostile_names_round_trip() -> None:
    columns = models(HOSTILE)
    reader = Reader(file_of(columns))
    found = reader.columns
    assert not reader.problems and found.get("host") == HOSTILE and reader.keys == ["host"]


def test_the_hash_is_the_documented_one() -> None:
    from hashlib import sha256

    row = hashed(models(["a"]))[0]
    assert row[-1] == sha256("\x1f".join(row[:-1]).encode()).hexdigest()[:16]
    assert hash_of_line(",".join(row)) == row[-1]


@pytest.mark.parametrize("column", [name for name in SCHEMA if name != "row_hash"])
def test_a_changed_cell_is_reported_and_the_row_left_out(column) -> None:
    columns = models(["a", "b"])
    data = file_of(columns, lambda rows: [_changed(rows[0], columns, column), rows[1]])
    reader = Reader(data)
    assert reader.columns.get("host") == ["b"]
    assert [(p.kind, p.line, p.row.split()[0]) for p in reader.problems] == [("tampered", 2, "a")]


def _changed(row, columns, column):
    place = columns.names.index(column)
    return [*row[:place], row[place] + "1", *row[place + 1 :]]


@pytest.mark.parametrize(
    "column, value",
    [
        ("level", "nan"),
        ("level", "inf"),
        ("level", "1e101"),
        ("level", "1_0"),
        ("level", "x"),
        ("level", "1e"),
        ("scale", "0"),
        ("scale", "-1"),
        ("gap_ratio", "1.5"),
        ("lower_k", "-1"),
        ("model_version", "-1"),
        ("season", "year"),
        ("slots", "1|16"),
        ("state", "a=import os"),
        ("state", "a=nan"),
        ("floor", "10,20,30%"),
        ("direction", "left"),
        ("tz", "../../etc/passwd;"),
        ("lock", "2"),
    ],
)
def test_a_cell_out_of_range_is_reported_and_the_row_left_out(column, value) -> None:
    columns = models(["a", "b"])
    columns.get(column)[0] = value
    reader = Reader(file_of(columns))
    assert reader.columns.get("host") == ["b"]
    assert [problem.kind for problem in reader.problems] == ["out_of_range"]
    assert column in reader.problems[0].detail


@pytest.mark.parametrize("slots", ["--1", "1 ", "5-5", "0|0", "x", "1.5", "9999999999"])
def test_a_thorough_reader_knows_the_grammar_of_slots(slots) -> None:
    columns = models(["a"], season="day")
    good = columns.get("slots")[0]
    columns.get("slots")[0] = good.replace(good.split(" ")[3], slots, 1)
    reader = Reader(file_of(columns), thorough=True)
    assert len(reader.columns) == 0 and [problem.kind for problem in reader.problems] == ["out_of_range"]


@pytest.mark.parametrize("state", ["a=1..2", "a=1 ", "a=-", "a=1  2", "a=1e", "=1"])
def test_a_thorough_reader_knows_the_grammar_of_states(state) -> None:
    reader = Reader(file_of(models(["a", "b"], state=state)), thorough=True)
    assert len(reader.columns) == 0 and [problem.kind for problem in reader.problems] == ["out_of_range"] * 2


def test_a_second_row_of_an_entity_and_metric_is_reported() -> None:
    columns = models(["a", "b"])
    reader = Reader(file_of(columns, lambda rows: [*rows, rows[0]]))
    assert reader.columns.get("host") == ["a", "b"]
    assert [(problem.kind, problem.line) for problem in reader.problems] == [("duplicate", 4)]


def test_a_row_with_a_wrong_number_of_cells_is_reported() -> None:
    lines = file_of(models(["a", "b"])).split(b"\n")
    reader = Reader(b"\n".join([lines[0], b"a,cpu,1", *lines[2:]]))
    assert reader.columns.get("host") == ["b"] and reader.problems[0].kind == "unreadable"


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_half_written_file_is_an_error(cut) -> None:
    data = file_of(models(["a", "b"]))
    with pytest.raises(ModelError, match=r"half-written.*mode=replace"):
        Reader(data[:-40][:-cut])


def test_a_file_cut_inside_the_last_hash_is_not_trusted() -> None:
    reader = Reader(file_of(models(["a", "b"]))[:-4])
    assert reader.columns.get("host") == ["a"] and reader.problems[0].kind == "tampered"


@pytest.mark.parametrize("data", [b"", b"\n", b"host,cpu\nweb,1\n", b"\x00\x01\x02", b"\xff\xfe", b'"', b"host,metric"])
def test_a_file_that_is_no_collection_is_an_error(data) -> None:
    with pytest.raises(ModelError, match="not a collection"):
        Reader(data)


def test_line_ends_a_byte_order_mark_and_the_order_of_columns_do_not_matter() -> None:
    columns = models(["a", "b"], floor="10,20%")
    data = file_of(columns)
    assert len(Reader(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")).columns) == 2
    rows = hashed(columns)
    turned = render(columns.names[::-1], [row[::-1] for row in rows])
    reader = Reader(turned)
    assert rows_of(reader.columns) == list(map(tuple, rows)) and not reader.problems


def test_only_wanted_entities_are_verified() -> None:
    columns = models(["a", "b", "c"])
    data = file_of(columns, lambda rows: [rows[0], _changed(rows[1], columns, "level"), rows[2]])
    reader = Reader(data, frozenset([("a",)]))
    assert reader.columns.get("host") == ["a"] and not reader.problems and reader.total == 3


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a.b", "a b", "x" * 65, "web_bounds", "é", "a\n", "-" * 65])
def test_a_name_that_could_leave_the_folder_is_refused(name) -> None:
    with pytest.raises(BadCollectionName, match="letters"):
        check_name(name)


@pytest.mark.parametrize(
    "keys", [["metric"], ["host", "slot"], ["_time"], ["__mv_a"], [""], ["host", "host"], ["score", "level"]]
)
def test_a_by_field_called_like_a_column_is_refused(keys) -> None:
    with pytest.raises(BadValue, match="by-field"):
        check_keys(keys)
