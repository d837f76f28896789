"""Rows read from the bytes of a chunk and from its texts: the same batches, keys and counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from protocol.tables import splunkd_cell, splunkd_csv

from adaptive_monitoring.commands import cells
from adaptive_monitoring.commands import rows as module
from adaptive_monitoring.commands.cells import Cells
from adaptive_monitoring.commands.modelling import OPTIONS
from adaptive_monitoring.commands.options import Spec, parse
from adaptive_monitoring.commands.rows import Batch, Reader
from adaptive_monitoring.protocol.body import Body


@pytest.fixture(scope="module", autouse=True)
def short_bodies_too() -> Iterator[None]:
    """Bodies of a few rows are read from their bytes here, as long ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "FEW_BYTES", 0)
        yield


SPEC = Spec("adaptfit", options=OPTIONS, fields="optional", by="optional")
TIMES = st.sampled_from(["1700000000", "1700000300.000", "-5", "0", "", "x", "1e10", "1e300", "nan", "17 000"])
HOSTS = st.sampled_from(
    ["a", "b", "c", "d", "web-01", "", "x" * 63, "x" * 64, "x" * 65, 'a"b', "a,b", "é", "\udcff", "a b"]
)
NUMBERS = st.sampled_from(
    ["1", "2.5", "-3.25", "", "-", "null", "0.1", "1e3", "abc", "99999999999999999999", "-0", " 7"]
)
NAMES = st.sampled_from(["cpu", "mem", "disk", "", "m" * 70, "cpu.user", 'o"dd'])
CELLS = {"_time": TIMES, "host": HOSTS, "site": HOSTS, "cpu": NUMBERS, "mem": NUMBERS, "_value": NUMBERS,
         "metric_name": NAMES}


def chunk(names: list[str]):
    return st.lists(st.tuples(*(CELLS[name] for name in names)).map(list), max_size=12).map(
        lambda rows: splunkd_csv(names, rows, "\n", splunkd_cell)
    )


def both(words: str, chunks: list[bytes], closed_from: int = 99) -> tuple[Reader, Reader]:
    """Two readers that have read the same chunks, one from bytes and one from texts; every batch was the same."""
    fast, slow = (Reader("adaptfit", parse(words.split(), SPEC), forgiving=True) for _ in range(2))
    for number, data in enumerate(chunks):
        if number == closed_from:
            fast.closed = slow.closed = True
        body = Body(data)
        assert Cells.of(body) is not None
        ours = fast.read(body)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module.Cells, "of", lambda body: None)
            wanted = slow.read(Body(data))
        check_same(ours, wanted)
        for name in ("keys", "metrics", "columns", "missing", "later", "without_time", "without_entity",
                     "without_model", "beyond", "index", "long"):
            assert getattr(fast, name) == getattr(slow, name), name
        assert fast.remarks() == slow.remarks()
    return fast, slow


def check_same(ours: Batch, wanted: Batch) -> None:
    for name in ("t", "entity", "x", "metric", "window"):
        a, b = getattr(ours, name), getattr(wanted, name)
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_array_equal(a, b, err_msg=name)
            assert a.dtype == b.dtype and a.shape == b.shape, name


WIDE = ["_time", "host", "site", "cpu", "mem"]
FEWER = [["_time", "host", "cpu"], ["_time", "cpu"], ["host", "mem"], ["cpu"]]


@pytest.mark.parametrize(
    "words", ["cpu mem by host", "c* mem by host site max_series=2", "cpu mem AS memory", "* by site"]
)
@given(chunks=st.lists(chunk(WIDE), min_size=1, max_size=4))
def test_wide_rows(words: str, chunks: list[bytes]) -> None:
    both(words, chunks)


@pytest.mark.parametrize(
    "words", ["by host", "cpu* mem AS memory by host site max_series=3", "_value by host max_series=1"]
)
@given(chunks=st.lists(chunk(["_time", "host", "site", "metric_name", "_value"]), min_size=1, max_size=4),
       closed_from=st.integers(0, 4))
def test_long_rows(words: str, chunks: list[bytes], closed_from: int) -> None:
    both(words, chunks, closed_from)


@given(st.lists(st.permutations(WIDE).flatmap(chunk), min_size=1, max_size=3))
def test_columns_in_another_order(chunks: list[bytes]) -> None:
    both("cpu mem by host site", chunks)


@given(st.lists(st.sampled_from([WIDE, *FEWER]).flatmap(chunk), max_size=3), chunk(WIDE))
@example([splunkd_csv(["cpu"], [["1"], ["2"]])], splunkd_csv(WIDE, []))
def test_columns_that_come_and_go(later: list[bytes], first: bytes) -> None:
    both("c* mem by host", [first, *later])


def test_of_two_columns_of_one_name_the_first_counts() -> None:
    fast, _ = both("cpu by host", [b'_time,host,cpu,cpu,host\n1,a,"2.5",7,b\n'])
    assert fast.keys == [("a",)]


def test_thousands_of_entities_beyond_the_limit_are_counted_once_and_stay_without_a_number() -> None:
    rows = [["1", f"host-{i:05d}", "1", "2"] for i in range(12_000)]
    chunks = [splunkd_csv(["_time", "host", "cpu", "mem"], rows[a : a + 5000]) for a in (0, 5000, 7000, 3000)]
    fast, _ = both("cpu mem by host max_series=7", chunks)
    assert len(fast.beyond) == 11_993 and len(fast.keys) == 7
    assert len(fast.known.number) <= 7 + module.MOST_UNUSED + 5000
