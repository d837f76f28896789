"""The cells of a chunk against protocol/body.py, Python's csv module and float()."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from protocol.tables import CELLS, read_csv, splunkd_cell, splunkd_csv, tables

from adaptive_monitoring.commands import cells as module
from adaptive_monitoring.commands.cells import Cells, Known
from adaptive_monitoring.engine.numbers import to_floats
from adaptive_monitoring.errors import BadBody
from adaptive_monitoring.protocol.body import Body, render


@pytest.fixture(scope="module", autouse=True)
def short_bodies_too() -> Iterator[None]:
    """Bodies of a few rows are read from their bytes here, as long ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW_BYTES", 0)
        yield


DIGITS = st.text(st.sampled_from("0123456789"), max_size=20)
SIGNS = st.sampled_from(["", "", "", "-", "+", "--", "-+"])
PLAIN = st.tuples(SIGNS, DIGITS, st.sampled_from(["", "."]), DIGITS).map("".join)
EXPONENTS = st.sampled_from(["e3", "E-7", "e", "e+400", "e-400", "f", "-", "+1", ".", " ", "\t", "_", "\0"])
ODD = st.tuples(PLAIN, EXPONENTS, st.sampled_from(["", "1", "12345678"])).map("".join)
BITS = st.floats(allow_nan=False).map(repr)
BAR = "|"
WORDS = (
    "nan|NaN|inf|-inf|Infinity|0x10|1_000|_1|1__0| 5|5 | -5 |.5|5.|-.5|-5.|.|-.|-|--1|1.2.3|1..2|..1|-0|-0.0|00012|"
    "1-|1-2|12:30|12/3|1e5|1E5|1e|e1|null|NULL|N/A|999999999999999|9999999999999999|99999999.99999999|"
    "123456789012345678901234567890|1700000000.000|-1700000000.123456|0.1|0.30000000000000004|2.675|1e100|1.1e100|"
    "٣|½|1\n2|1,5|\"1|1\"2|\0001|1\0|é|1é|\udcff|100000000|12345678.5|0.0000001|0.00000001|1234567.1234567"
)
NUMBERS = st.one_of(PLAIN, ODD, BITS, st.sampled_from(WORDS.split(BAR)), st.just(""))
ALPHABET = st.sampled_from([*'a1,"\n', '""', '","', '"\n', '"a"', '"x,y"', "\r", "-1.5", "é", "\0"])


def written(names: list[str], columns: list[list[str]], cell=splunkd_cell) -> Body:
    return Body(splunkd_csv(names, [list(row) for row in zip(*columns)], cell=cell))


def same_bits(ours: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether numbers are the same, −0.0 and 0.0 told apart; one NaN is as good as another."""
    blank = np.isnan(ours) & np.isnan(wanted)
    return bool((blank | (ours.view(np.int64) == wanted.view(np.int64))).all())


def told_apart(keys: module.Keys, n: int) -> list[tuple[int, ...]]:
    """The words of each row's key as one tuple."""
    return [tuple(int(keys[i][row]) for i in sorted(keys)) for row in range(n)]


def check_as_the_body_reads(data: bytes) -> bool:
    """Whether the cells were found; then they are what Body and csv read, by every road."""
    body = Body(data)
    cells = Cells.of(body)
    try:
        rows = len(body)
    except BadBody:
        assert cells is None, data
        return False
    if cells is None:
        return False
    columns = body.columns(body.names).data
    assert len(cells) == rows and cells.lines() == body._rows()
    judge = read_csv(data[body.span()[1] :])
    judge = judge if len(body.names) > 1 else [row or [""] for row in judge]
    assert [list(row) for row in zip(*columns)] == judge
    for place, texts in enumerate(columns):
        assert cells.texts(place) == texts
        some = np.arange(rows)[::-2]
        assert cells.texts(place, some) == [texts[row] for row in some]
        assert cells.empty(place).tolist() == [text == "" for text in texts]
        assert same_bits(cells.numbers(place), to_floats(texts))
    places = list(range(min(len(columns), 3)))
    keys = cells.keys(places)
    if keys is not None:
        texts = list(zip(*(columns[place] for place in places)))
        assert len(set(told_apart(keys, rows))) == len(set(texts))
        assert not any('"' in text for row in texts for text in row)
    return True


@given(tables())
def test_what_splunkd_writes_is_read_as_body_and_csv_read_it(table: tuple[list[str], list[list[str]]]) -> None:
    names, rows = table
    data = splunkd_csv(names, rows)
    found = check_as_the_body_reads(data)
    assert found or b"\r" in data[Body(data).span()[1] :]
    if rows:
        check_as_the_body_reads(data[:-1])


HEADERS = st.sampled_from(["a", "a,b", '"a",b,c', "a,b\r", "x" * 90 + ",b"])


@given(HEADERS, st.booleans(), st.lists(ALPHABET, max_size=14))
@example("a", False, [])
@example("a", True, ["\n"])
@example("a,b", True, ["\n"])
@example("a,b", True, ['"', '""', '"', ",", "\n"])
@example("a,b", True, ["1", '"', ",", '"', "1", "\n"])
@settings(max_examples=400)
def test_whatever_else_comes_is_left_to_the_body_or_read_alike(header: str, ended: bool, parts: list[str]) -> None:
    text = header + ("\n" + "".join(parts) if ended else "")
    check_as_the_body_reads(text.encode("utf-8", "surrogateescape"))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8), st.data())
def test_bodies_with_one_byte_changed_are_left_to_the_body_or_read_alike(rows: list[list[str]], data) -> None:
    whole = bytearray(splunkd_csv(["a", "b"], rows))
    at = data.draw(st.integers(4, len(whole) - 1))
    whole[at : at + data.draw(st.integers(0, 1))] = data.draw(st.sampled_from([b"", b'"', b",", b"\n", b"\xff", b"0"]))
    check_as_the_body_reads(bytes(whole))


def test_slices_of_a_body_and_hundreds_of_quotes_are_read_like_the_whole() -> None:
    rows = [[f"web-{i:03d}", "12.5", 'a "b", c\nd'] for i in range(700)]
    body = Body(splunkd_csv(["host", "cpu", "note"], rows))
    pieces = [Cells.of(piece) for piece in body.slices(5000)]
    assert len(pieces) > 3 and None not in pieces
    assert [text for piece in pieces if piece for text in piece.texts(2)] == [row[2] for row in rows]
    assert [line for piece in pieces if piece for line in piece.lines()] == body._rows()
    assert all((piece.numbers(1) == 12.5).all() for piece in pieces if piece)


def test_bytes_that_are_no_utf_8_survive_whole_and_cut() -> None:
    data = b'host,x\n"\xe2\x82",1\n\xff\xc3,2\n"\xe2\x82\xac\n",3\n'
    assert check_as_the_body_reads(data)
    cells = Cells.of(Body(data))
    assert cells is not None and cells.texts(0) == ["\udce2\udc82", "\udcff\udcc3", "€\n"]


@given(st.lists(NUMBERS, min_size=1, max_size=40), st.booleans())
@settings(max_examples=300)
def test_numbers_are_bit_by_bit_those_of_their_texts(texts: list[str], quoted: bool) -> None:
    cell = splunkd_cell if quoted else None
    columns = [texts, ["x"] * len(texts)]
    for names in (["n", "x"], ["x", "n"]):
        table = columns if names[0] == "n" else columns[::-1]
        body = written(names, table) if cell else Body(render(written(names, table).columns(names)))
        cells = Cells.of(body)
        if cells is None:
            assert any("\r" in text for text in texts)
            continue
        assert same_bits(cells.numbers(names.index("n")), to_floats(texts)), texts


def test_every_count_of_digits_and_decimals_is_read_exactly() -> None:
    chance = np.random.default_rng(5)
    for whole in range(21):
        for decimals in range(21):
            digits = ["".join(map(str, chance.integers(0, 10, whole + decimals))) for _ in range(4)]
            texts = [sign + text[:whole] + "." + text[whole:] for text in digits for sign in ("", "-")]
            texts += ["9" * whole + "." + "9" * decimals, "0" * whole + "." + "0" * decimals, "9" * whole]
            cells = Cells.of(written(["n", "x"], [texts, ["1"] * len(texts)]))
            assert cells is not None and same_bits(cells.numbers(0), to_floats(texts)), (whole, decimals)


def test_every_byte_beside_digits_makes_the_number_python_reads() -> None:
    for byte in range(256):
        if byte in b'\r\n",':
            continue
        text = bytes([byte]).decode("utf-8", "surrogateescape")
        texts = [text.join(parts) for parts in (("", ""), ("1", "2"), ("12345678", "9"), ("", "7"), ("3.", "5"))]
        cells = Cells.of(written(["n", "x"], [texts, ["1"] * len(texts)]))
        assert cells is not None and same_bits(cells.numbers(0), to_floats(texts)), byte


def keys_of(*columns: list[str]) -> module.Keys:
    cells = Cells.of(written([f"by{i}" for i in range(len(columns))] + ["x"], [*columns, ["1"] * len(columns[0])]))
    assert cells is not None
    keys = cells.keys(list(range(len(columns))))
    assert keys is not None
    return keys


def follow(known: Known, numbers: dict[tuple[str, ...], int], rows: list[tuple[str, ...]]) -> None:
    """Looks rows up, compares with a plain dictionary, and adds those that are not known."""
    columns = [list(column) for column in zip(*rows)]
    keys = keys_of(*columns)
    found, unknown = known.find(keys)
    assert found.tolist() == [numbers.get(row, -1) for row in rows]
    assert unknown.tolist() == [row not in numbers for row in rows]
    first = {row: i for i, row in reversed(list(enumerate(rows))) if row not in numbers}
    for row in first:
        numbers[row] = len(numbers)
    known.add(keys, np.array(list(first.values()), dtype=np.int64), np.array([numbers[row] for row in first], int))


PARTS = st.text(st.sampled_from("ab\0"), max_size=20).filter(bool)


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.lists(st.tuples(*[PARTS] * n), min_size=1), max_size=5)))
def test_known_keys_are_those_of_a_dictionary(chunks: list[list[tuple[str, ...]]]) -> None:
    known, numbers = Known(), {}
    for rows in chunks:
        follow(known, numbers, rows)


@given(st.lists(st.lists(st.tuples(PARTS, PARTS), min_size=1), max_size=4), st.integers(0, 3))
def test_known_keys_that_all_collide_are_told_apart(chunks: list[list[tuple[str, str]]], spread: int) -> None:
    class Crowded(Known):
        def _slot(self, keys: module.Keys) -> np.ndarray:
            return (len(self.slots) - 1 + super()._slot(keys) % (spread + 1)) & (len(self.slots) - 1)

    known, numbers = Crowded(), {}
    for rows in chunks:
        follow(known, numbers, rows)


@pytest.mark.parametrize("fields", [1, 2])
def test_thousands_of_keys_that_are_parts_of_each_other_and_grow_longer(fields: int) -> None:
    known, numbers = Known(), {}
    for chunk in range(6):
        stem = "host-" * (chunk + 1)
        names = [f"{stem}{i}" for i in range(700)] + ["x" * i for i in range(1, 8 * module.MOST_WORDS + 1)]
        names += [name[1:] for name in names[:300]] + [name[:-1] for name in names[:300]]
        rows = [tuple([name] * (fields - 1) + [name[::-1] if fields > 1 else name]) for name in names if name]
        follow(known, numbers, rows)
        follow(known, numbers, rows[::-1])
    assert len(known.number) == len(numbers) > 4000 and 4 * len(numbers) <= len(known.slots)


def test_parts_of_keys_do_not_flow_into_each_other() -> None:
    known, numbers = Known(), {}
    follow(known, numbers, [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("a" * 8, "a"), ("a", "a" * 8)])
    assert len(numbers) == 6


def test_keys_with_quotes_inside_and_very_long_ones_are_read_as_texts() -> None:
    for text in ('say "hi"', "x" * (8 * module.MOST_WORDS + 1)):
        cells = Cells.of(written(["by", "x"], [[text, "a"], ["1", "2"]]))
        assert cells is not None and cells.keys([0]) is None and cells.keys([1]) is not None
        assert cells.texts(0) == [text, "a"]


def test_a_column_that_is_not_there_is_empty() -> None:
    cells = Cells.of(written(["by", "x"], [["a", ""], ["", "2"]]))
    assert cells is not None and cells.empty(-1).all() and cells.empty(0).tolist() == [False, True]


@given(tables(), st.integers(1, 60))
def test_slices_are_cut_between_records_and_give_the_whole(table: tuple[list[str], list[list[str]]], size: int) -> None:
    body = Body(splunkd_csv(*table))
    pieces = module.slices(body, size)
    assert [line for piece in pieces for line in piece.append([], []).splitlines(True)] == list(
        body.append([], []).splitlines(True)
    )
    assert sum(map(len, pieces)) == len(body)
