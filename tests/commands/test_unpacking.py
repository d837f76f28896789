"""Packed rows on the search head: they come back as they were, and nothing that is damaged is believed."""

from __future__ import annotations

import json
import random
import tracemalloc
import zlib
from base64 import b64decode, b64encode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from searchhead.table import Table, concat, encode, from_rows

from adaptive_monitoring.commands.fit import SPEC
from adaptive_monitoring.commands.intake import Intake
from adaptive_monitoring.commands.options import parse
from adaptive_monitoring.commands.packed import (
    CELLS,
    MARK,
    PAYLOAD,
    SIZE,
    Packet,
    double_column,
    numbers,
    pack,
    whole_column,
)
from adaptive_monitoring.commands.rows import Reader
from adaptive_monitoring.commands.unpacking import Columns, unpack
from adaptive_monitoring.engine.numbers import to_floats
from adaptive_monitoring.errors import AdaptiveError, BadPacked
from adaptive_monitoring.protocol.body import Body
from adaptive_monitoring.protocol.session import Messages
from commands.fleet import said, wide
from commands.mapreduce import mapped

WORDS = "cpu mem by host"


def packet(words: str = WORDS) -> Table:
    """Two packed rows of different hosts."""
    return concat([mapped(words, wide(host, 0.2)) for host in "ab"])


def take_in(table: Table, words: str = WORDS) -> int:
    """Rows that the reducing side makes of these."""
    arguments = parse(words.split(), SPEC)
    intake = Intake(Reader("adaptfit", arguments), [], arguments.span or 0)
    batches = intake.read(Body(encode(table))) + list(intake.finish(Messages()))
    return sum(len(batch.t) for batch in batches)


def forged(raw: bytes, rows: int, span: int = 0, version: str = "1") -> Table:
    """A packed row with a valid checksum around anything."""
    data = zlib.compress(raw)
    mark = f"{version};{span};{rows};{zlib.crc32(data):08x}"
    return Table({"_time": ["1"], MARK: [mark], PAYLOAD: [b64encode(data).decode()]})


def opened(table: Table) -> bytes:
    return zlib.decompress(b64decode(table.columns[PAYLOAD][0]))


def with_header(change, words: str = WORDS) -> Table:
    """A packed row with another header, its checksum right."""
    table = packet(words)
    raw = opened(table)
    size = int.from_bytes(raw[:4], "big")
    header = json.loads(raw[4 : 4 + size])
    found = change(header)
    text = json.dumps(header if found is None else found).encode()
    _, span, rows, _ = table.columns[MARK][0].split(";")
    return forged(len(text).to_bytes(4, "big") + text + raw[4 + size :], int(rows), int(span))


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_whole_numbers_come_back(values) -> None:
    meta, planes = whole_column(values)
    assert Columns([meta], b"".join(planes), len(values)).wholes().tolist() == values


@given(st.lists(st.one_of(st.floats(), st.integers(-(10**6), 10**6).map(lambda i: i / 100))), st.integers(0, 9))
def test_doubles_come_back_bit_by_bit(values, decimals) -> None:
    texts = list(map(repr, values))
    x = numbers(texts)
    wanted = to_floats(texts)
    np.testing.assert_array_equal(np.array(x), wanted)
    meta, planes = double_column(x, decimals)
    found = Columns([meta], b"".join(planes), len(x)).doubles()
    good = ~np.isnan(wanted)
    assert (np.isnan(found) == ~good).all() and found[good].tobytes() == wanted[good].tobytes()


def test_what_is_packed_is_what_is_taken_in() -> None:
    assert take_in(packet()) == 56
    assert take_in(packet(WORDS + " span=1h"), WORDS + " span=1h") == 10


@pytest.mark.parametrize(
    ("mark", "payload", "text"),
    [
        (lambda m: m.replace("1;", "2;", 1), None, 'version 1; got "2;'),
        (lambda m: "", None, ""),
        (lambda m: "1;0;5", None, "its mark must be"),
        (lambda m: m.replace(";28;", ";-28;"), None, "its mark must be"),
        (lambda m: m.replace(";28;", ";29;"), None, "it must stand for 29 rows, got 28"),
        (lambda m: m[:-1] + ("0" if m[-1] != "0" else "1"), None, "its checksum is wrong"),
        (lambda m: m.replace("1;0;", "1;600;", 1), None, "packed rows with span=600s; the search says span=0s"),
        (None, lambda p: p[:100], "its checksum is wrong"),
        (None, lambda p: "", "its checksum is wrong"),
        (None, lambda p: "é" + p, "its text is no base64"),
        (None, lambda p: p[:60] + ("A" if p[60] != "A" else "B") + p[61:], "its checksum is wrong"),
    ],
)
def test_a_damaged_packed_row_is_refused(mark, payload, text) -> None:
    table = packet()
    if mark:
        table.columns[MARK][0] = mark(table.columns[MARK][0])
    if payload:
        table.columns[PAYLOAD][0] = payload(table.columns[PAYLOAD][0])
    if text:
        with pytest.raises(BadPacked, match="ADM025") as caught:
            take_in(table)
        assert text in str(caught.value)
    else:  # a row without mark is a row like any other, here one without the fields of the search
        with pytest.raises(AdaptiveError, match="ADM021"):
            take_in(table)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: [],
        lambda h: {},
        lambda h: h.update(names=None),
        lambda h: h.update(by=["host", "disk"]),
        lambda h: h.update(long=1),
        lambda h: h.update(long=2),
        lambda h: h.update(keys=[]),
        lambda h: h.update(keys=[["a"], ["b"]]),
        lambda h: h.update(keys=[[1]]),
        lambda h: h.update(sizes=[27]),
        lambda h: h.update(sizes=[29, -1], keys=[["a", "b"]]),
        lambda h: h.update(sizes=[2**70]),
        lambda h: h.update(sizes=[28.0]),
        lambda h: h.update(sizes=[True]),
        lambda h: h.update(values=["cpu"]),
        lambda h: h.update(values=["cpu", "mem", "disk"]),
        lambda h: h.update(columns=h["columns"][:2]),
        lambda h: h.update(columns=[*h["columns"], [0, 0, 0, 0, 0]]),
        lambda h: h.update(columns=[[9, 0, 0, 0, 0]] * 3),
        lambda h: h.update(columns=[[0, 2**80, 0, 0, 0]] * 3),
        lambda h: h.update(columns=[[0, 0, 400, 0, 0]] * 3),
        lambda h: h.update(columns=[[0, 0, 0, 1, 0]] * 3),
        lambda h: h.update(columns=[[0, 0, 0, 0, 5]] * 3),
        lambda h: h.update(columns=[[0, 0, 0, 0]] * 3),
    ],
)
def test_a_forged_header_is_refused(change) -> None:
    with pytest.raises(BadPacked):
        take_in(with_header(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.update(large=None),
        lambda h: h.update(large=[["x"] * h["sizes"][0], []]),
        lambda h: h.update(large=[["1"], []]),
        lambda h: h.update(columns=[*h["columns"][:1], [0, 0], *h["columns"][2:]]),
        lambda h: h.update(columns=[*h["columns"][:2], [0, 99], *h["columns"][3:]]),
        lambda h: h.update(columns=[*h["columns"][:2], [0, -1], *h["columns"][3:]]),
    ],
)
def test_forged_sums_are_refused(change) -> None:
    words = WORDS + " span=1h"
    with pytest.raises(BadPacked):
        take_in(with_header(change, words), words)


def test_a_bomb_is_refused_before_it_takes_memory() -> None:
    header = b'{"names":[],"by":["host"],"values":[],"long":0,"keys":[["a"]],"sizes":[%d],"columns":[%s]}'
    bombs = [
        bytes(50 * SIZE),
        *[
            len(text).to_bytes(4, "big") + text
            for text in (
                header % (CELLS + 1, b"[0,0,0,0,0]"),
                header % (CELLS // 2, b",".join([b"[0,0,0,0,0]"] * 300)),
                header % (10**15, b""),
                b"[" * 10**6,
            )
        ],
    ]
    tables = [forged(raw, 1) for raw in bombs]
    del bombs
    tracemalloc.start()
    try:
        for table in tables:
            with pytest.raises(BadPacked):
                take_in(table)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * SIZE


@given(st.data())
def test_no_bytes_with_a_valid_checksum_do_more_than_be_refused(data) -> None:
    raw = bytearray(opened(packet()))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        take_in(forged(bytes(raw[: data.draw(st.integers(0, len(raw)))]), 28))
    except AdaptiveError:
        return


def test_a_chunk_that_cannot_be_packed_passes_as_it_came(monkeypatch) -> None:
    from adaptive_monitoring.commands import packed

    monkeypatch.setattr(packed, "SIZE", 100)
    assert pack({"names": ["x" * 100]}, [], 0, 1) is None
    rows = wide("a", 0.1)
    assert mapped(WORDS, rows).rows() == rows


def test_rows_that_are_packed_already_pass_the_map_phase() -> None:
    assert mapped(WORDS, packet()).columns == packet().columns


def test_many_rows_are_cut_into_packed_rows_of_bounded_size() -> None:
    chance = random.Random(1)
    rows = [{"_time": str(i), "host": f"h{i % 3}", "cpu": repr(chance.random()), "mem": "1"} for i in range(40000)]
    table = mapped(WORDS, rows, 50000)
    packets = [Packet(*cells) for cells in zip(table.columns[MARK], table.columns[PAYLOAD])]
    assert [p.rows for p in packets] == [13334, 13333, 13333]
    assert sum(len(unpack(p).t) for p in packets) == 40000 and max(map(len, table.columns[PAYLOAD])) < 400_000


def test_through_the_real_script_a_damaged_row_is_an_error_and_nothing_is_stored(own) -> None:
    table = packet()
    table.columns[PAYLOAD][1] = table.columns[PAYLOAD][1][:-8]
    result = own.search("adaptfit cpu mem by host into web", table.rows())
    assert "ADM025" in result.errors[0] and own.store.names() == [] and result.rows == []
    fine = own.search("adaptfit cpu mem by host", packet().rows() + wide("c", 0.2))
    assert [row["host"] for row in fine.rows] == ["a", "a", "b", "b", "c", "c"] and not fine.errors
    assert said(fine, "6 models of 3 entities from 84 rows", level="INFO")


def test_rows_of_before_and_after_are_one_table() -> None:
    assert take_in(concat([packet(), from_rows(wide("c", 0.2))])) == 84
