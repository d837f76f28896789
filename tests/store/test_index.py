"""The index: it finds what reading the whole file finds, and reads no more than it must."""

from __future__ import annotations

import os
import random
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_monitoring.errors import ModelError, NotWritable
from adaptive_monitoring.store import index as module
from adaptive_monitoring.store.index import Index, blocks
from adaptive_monitoring.store.lookup import LookupStore
from adaptive_monitoring.store.rows import Checker, render, row_hash
from store.modelrows import HOSTILE, models, rows_of
from store.naive import Naive
from store.reading import Reader, put

PLAIN = [f"web-{i:02d}" for i in range(30)]
NAMES = st.lists(st.sampled_from(PLAIN) | st.sampled_from(HOSTILE) | st.text(max_size=4), max_size=25, unique=True)


def file_of(entities, metrics=("cpu",), keys=("host",), **other: str) -> bytes:
    """A collection as the store writes it. other: cells that all rows share."""
    columns = models(sorted(entities), sorted(metrics), list(keys), **other)
    return render(columns.names, [[*row[:-1], row_hash(row[:-1])] for row in rows_of(columns)])


def _lines(change):
    return lambda data, chance: b"\n".join(change(data.split(b"\n"), chance))


def _anywhere(new: bytes, width: int = 0):
    """The bytes at a random place replaced by new ones."""

    def change(data: bytes, chance: random.Random) -> bytes:
        at = chance.randrange(len(data) + 1)
        return data[:at] + new + data[at + width :]

    return change


#: What may have happened to a file since the store wrote it.
CHANGES = {
    "nothing": lambda data, chance: data,
    "shuffled": _lines(lambda lines, chance: [lines[0], *chance.sample(lines[1:], len(lines) - 1)]),
    "two rows swapped": _lines(lambda lines, chance: [*lines[:1], *lines[2:3], *lines[1:2], *lines[3:]]),
    "crlf": lambda data, chance: data.replace(b"\n", b"\r\n"),
    "one crlf": _lines(lambda lines, chance: [*lines[:2], *[line + b"\r" for line in lines[2:3]], *lines[3:]]),
    "byte order mark": lambda data, chance: b"\xef\xbb\xbf" + data,
    "a byte": _anywhere(b"7", 1),
    "a letter": _anywhere(b"z", 1),
    "a quote": _anywhere(b'"'),
    "two quotes": lambda data, chance: _anywhere(b'"')(_anywhere(b'"')(data, chance), chance),
    "a comma": _anywhere(b","),
    "an end of line": _anywhere(b"\n"),
    "a carriage return": _anywhere(b"\r"),
    "no UTF-8": _anywhere(b"\xff\xc3"),
    "duplicated": _lines(lambda lines, chance: [*lines, *chance.sample(lines[1:], len(lines) // 2), b""]),
    "empty lines": _lines(lambda lines, chance: [x for line in lines for x in [line, b""][: chance.choice([1, 2])]]),
    "empty lines first": lambda data, chance: b"\n" * chance.randrange(1, 400) + data,
    "half-written": lambda data, chance: data[: chance.randrange(len(data) or 1)],
    "last end lost": lambda data, chance: data[:-1],
    "a cell less": _lines(lambda lines, chance: [x.rpartition(b",")[0] if chance.random() < 0.1 else x for x in lines]),
    "columns turned": _lines(lambda lines, chance: [b",".join(line.split(b",")[::-1]) for line in lines]),
}  # fmt: skip
CHANGED = st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=2)


def naive_or_error(data, wanted):
    try:
        return Naive(data, wanted), ""
    except ModelError as error:
        return None, str(error)


@settings(max_examples=300, deadline=None)
@given(
    NAMES,
    st.booleans(),
    st.sampled_from(["", "10,20%"]),
    CHANGED,
    st.sampled_from([200, 1500, 4000, 65536]),
    st.randoms(use_true_random=False),
)
def test_whatever_happened_to_a_file_the_same_is_found(names, several, floor, changes, size, chance) -> None:
    keys = ["site", "host"] if several else ["host"]
    entities = [(name, chance.choice(names)) for name in names] if several else [(name,) for name in names]
    data = file_of(entities, ["cpu", "mem"], keys, floor=floor)
    for change in changes:
        data = CHANGES[change](data, chance)
    some = frozenset(chance.sample(entities, len(entities) // 3))
    asked = [None, some, frozenset([("web-07",) * len(keys), ("\ud800",) * len(keys)])]
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(module, "BLOCK_BYTES", size)
        path = put(folder, data)
        for wanted in asked:
            naive, error = naive_or_error(data, wanted)
            if naive is None:
                with pytest.raises(ModelError, match=error[:12]):
                    Index(path)
                return
            same(Index(path), naive, wanted)
        assert Index(path).metrics(Checker(Index(path).form)) == sorted({row[len(keys)] for row in Naive(data).rows})


def same(index: Index, naive: Naive, wanted) -> None:
    checker = Checker(index.form, wanted)
    columns = checker.columns(index.records(wanted))
    problems = [*index.problems, *checker.problems]
    assert rows_of(columns) == naive.rows
    assert sorted((p.kind, p.line, p.row) for p in problems) == sorted(naive.problems)
    assert (index.total, index.keys) == (naive.total, naive.keys)
    checker = Checker(index.form, wanted)
    parts = list(index.batches(wanted, checker, 3))
    assert sorted(row for part in parts for row in rows_of(part)) == sorted(naive.rows)
    assert sorted(p.line for p in [*index.problems, *checker.problems]) == sorted(p.line for p in problems)
    entities = [{row[: len(index.keys)] for row in rows_of(part)} for part in parts]
    if wanted is not None:
        assert sum(map(len, entities)) == len(set().union(*entities))  # no entity in two tables


@given(st.binary(max_size=400).map(lambda data: data.replace(b"0", b'"').replace(b"1", b"\n")), st.integers(1, 50))
def test_blocks_are_cut_between_records(data, size) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(module, "BLOCK_BYTES", size)
        with open(put(folder, data), "rb", buffering=0) as stream:
            parts = list(blocks(stream))
    assert b"".join(parts) == data
    assert all(part.endswith(b"\n") and part.count(b'"') % 2 == 0 for part in parts[:-1])


class Counted:
    """How many bytes of blocks are read after the pass."""

    def __init__(self, patch) -> None:
        self.bytes, part = 0, module._part

        def counting(stream, block):
            self.bytes += block.size
            return part(stream, block)

        patch.setattr(module, "_part", counting)


def found(index: Index, wanted) -> list:
    return Checker(index.form, frozenset(wanted)).columns(index.records(wanted)).get(index.keys[0])


def test_entities_that_come_later_cost_their_blocks_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 2000)
    hosts = [f"web-{i:04d}" for i in range(0, 2000, 2)]
    index, read = Index(put(str(tmp_path), file_of(hosts))), Counted(monkeypatch)
    assert found(index, [("web-0500",), ("web-1234",)]) == ["web-0500", "web-1234"]
    assert read.bytes < 20_000 < os.path.getsize(index.path)
    before = read.bytes
    assert found(index, [("web-0501",), ("",), ("a",), ("zzz",), ("web-9999",)]) == []
    assert read.bytes - before < 30_000


def test_a_file_in_another_order_is_searched_whole(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 2000)
    head, *lines = file_of(PLAIN).splitlines(keepends=True)
    index = Index(put(str(tmp_path), b"".join([head, *lines[::-1]])))
    read = Counted(monkeypatch)
    assert found(index, [("web-03",)]) == ["web-03"] and read.bytes == os.path.getsize(index.path)


def test_a_collection_that_is_trained_during_the_search_is_looked_at_anew(store) -> None:
    store.write("web", ["host"], models(["b", "c"]))
    index = store.index("web")
    store.write("web", ["host"], models(["a"], level="77"))
    assert found(index, [("a",), ("c",)]) == ["a", "c"] and index.total == 3
    store.write("web", ["site"], models(["a"], keys=["site"]), mode="replace")
    with pytest.raises(ModelError, match="other columns during the search"):
        found(index, [("a",)])
    store.delete("web")
    with pytest.raises(ModelError, match="deleted during the search"):
        found(index, [("a",)])


def test_only_as_many_rows_are_checked_as_it_takes_to_know_the_metrics(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 2000)
    data = file_of(PLAIN, ["cpu", "mem"]).replace(b"web-29,mem,", b"web-29,new,")
    index = Index(put(str(tmp_path), data))
    checker = Checker(index.form)
    assert index.metrics(checker) == ["cpu", "mem"]
    assert [(problem.kind, problem.row) for problem in checker.problems] == [("tampered", "web-29 new")]
    monkeypatch.setattr(checker, "_verified", lambda *_: pytest.fail("no new metric"))
    clean = Index(put(str(tmp_path), file_of(PLAIN, ["cpu"])))
    monkeypatch.undo()
    assert clean.metrics(Checker(clean.form)) == ["cpu"]


def test_rows_of_unwanted_entities_are_told_only_when_they_are_no_rows() -> None:
    lines = file_of(PLAIN).splitlines(keepends=True)
    lines[3] = lines[3].replace(b",300,", b",600,")
    lines[5] = b"web-04,cpu\n"
    problems = Reader(b"".join(lines), frozenset([("web-20",)])).problems
    assert [(p.kind, p.line, p.row) for p in problems] == [("unreadable", 6, "web-04 cpu")]
    assert [p.kind for p in Reader(b"".join(lines)).problems] == ["unreadable", "tampered"]


def test_a_folder_in_place_of_the_file_is_explained(app) -> None:
    store = LookupStore(app=app)
    os.mkdir(store.path("web"))
    with pytest.raises(NotWritable, match="cannot be read"):
        store.read("web")


def test_quoted_cells_on_one_line_need_no_care(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 2000)
    index = Index(put(str(tmp_path), file_of(PLAIN, floor="10,20%")))
    careful, with_care = [], index._with_care
    monkeypatch.setattr(index, "_with_care", lambda block, data: careful.append(block.line) or with_care(block, data))
    assert len(list(index.records())) == 30 and careful == [1]  # the block with the header
