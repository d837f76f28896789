"""Stored models as a state: in parts, in any order, with odd names, and what spoils nobody else."""

from __future__ import annotations

import random

import numpy as np
import pytest

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands import stored
from adaptive_monitoring.commands.stored import Collection
from adaptive_monitoring.engine import registry
from adaptive_monitoring.engine.base import Settings, State
from adaptive_monitoring.errors import BadValue
from adaptive_monitoring.protocol.session import Messages
from adaptive_monitoring.store import index
from adaptive_monitoring.store.lookup import LookupStore
from adaptive_monitoring.store.rows import render, row_hash

ODD = ['qu"ote', "com,ma", "new\nline", "été", "日本", " ", "a b", "a", "a!", "\udcff", "NULL", "0"]
HOSTS = [*ODD, *(f"web-{i:03d}" for i in range(40))]


class Asked:
    """What Collection needs of the reader of rows."""

    def __init__(self, keys=(), by=("host",), metrics=("cpu", "mem")) -> None:
        self.keys, self.by, self.metrics = list(keys), list(by), list(metrics)

    def wanted(self, metric: str) -> bool:
        return True


@pytest.fixture
def shelf(trained, tmp_path, monkeypatch):
    """A store, and what writes models of the trained collection there under other names: (store, put)."""
    (tmp_path / "lookups").mkdir()
    store = LookupStore(app=str(tmp_path))
    monkeypatch.setattr(stored, "LookupStore", lambda info: store)
    found = trained[0].store.read("web").columns
    models = list(zip(*found.data))

    def put(entities, keys=("host",)) -> None:
        rows = [
            [*entity, *row[1:]] for i, entity in enumerate(entities) for row in models[i % 3 * 2 : i % 3 * 2 + 2]
        ]
        store.write("web", list(keys), Columns([*keys, *found.names[1:]], list(map(list, zip(*rows)))))

    return store, put


def filled(keys, cuts=(), by=("host",), messages=None, metrics=("cpu", "mem")):
    """The state and the facts of these entities, who come in several chunks."""
    asked = Asked([], by, metrics)
    collection = Collection(None, messages or Messages(), "web", asked)
    detector = registry.make("adaptive", Settings())
    state, facts, known = None, stored.Facts(0), 0
    for start, end in zip([0, *cuts], [*cuts, len(keys)]):
        asked.keys += keys[start:end]
        collection.load(asked.keys[start:], start == 0)
        if start == 0:
            assert collection.head()["detector"] == "adaptive"
        fresh = detector.empty(end - start, len(metrics))
        more, models = collection.fill(detector, fresh, start)
        facts, known = facts.joined(more), known + models
        state = fresh if state is None else state.joined(fresh)
    return state, facts, known


def alike(one: State, other: State) -> None:
    assert set(one.table) == set(other.table)
    for name, values in one.table.items():
        np.testing.assert_array_equal(values, other.table[name], err_msg=name)


@pytest.mark.parametrize("cuts", [[], [1], [5, 6, 30]])
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_entities_in_parts_get_what_they_get_at_once(shelf, monkeypatch, cuts, batch) -> None:
    shelf[1]([(host,) for host in HOSTS])
    keys = [(host,) for host in random.Random(3).sample(HOSTS, len(HOSTS))]
    keys[8:8] = [("nobody",)]
    whole, facts, known = filled(keys)
    monkeypatch.setattr(stored, "BATCH_ROWS", batch)
    monkeypatch.setattr(index, "BLOCK_BYTES", 3000)
    parts, again, found = filled(keys, cuts)
    alike(whole, parts)
    assert known == found == len(HOSTS) and again.status.tolist() == facts.status.tolist()
    assert np.isnan(facts.began).tolist() == [key == ("nobody",) for key in keys]


def test_each_entity_gets_its_own_model(shelf) -> None:
    shelf[1]([(host,) for host in HOSTS])
    state, _, _ = filled([(host,) for host in HOSTS])
    levels = state.table["constant"]
    assert len({tuple(row) for row in levels.tolist()}) == 3
    for i in range(3):
        assert (levels[i::3] == levels[i]).all()


def test_a_file_in_another_order_gives_the_same(shelf) -> None:
    shelf[1]([(host,) for host in HOSTS])
    keys = [(host,) for host in HOSTS]
    whole, _, _ = filled(keys)
    columns = shelf[0].read("web").columns
    rows = random.Random(1).sample(list(zip(*columns.data)), len(columns))
    with open(shelf[0].path("web"), "wb") as stream:
        stream.write(render(columns.names, rows))
    alike(whole, filled(keys, [4, 20])[0])


def test_by_fields_may_come_in_another_order_than_they_are_stored(shelf) -> None:
    pairs = [(site, host) for site in ("p,1", "q") for host in HOSTS[:20]]
    shelf[1](pairs, ("site", "host"))
    straight, _, _ = filled(pairs, by=("site", "host"))
    turned, _, known = filled([(host, site) for site, host in pairs], [7], by=("host", "site"))
    alike(straight, turned)
    assert known == len(pairs)
    with pytest.raises(BadValue, match="was trained by site, host; got by host"):
        filled([("a",)])


def test_a_metric_without_a_model_stays_new(shelf) -> None:
    shelf[1]([("a",), ("b",)])
    state, _, known = filled([("b",), ("a",)], metrics=("other", "mem"))
    assert known == 2 and (state.table["scale"][:, 0] == 0).all() and (state.table["scale"][:, 1] > 0).all()


def test_forged_numbers_spoil_their_entity_alone(shelf, monkeypatch) -> None:
    monkeypatch.setattr(stored, "BATCH_ROWS", 6)
    shelf[1]([(host,) for host in HOSTS])
    columns = shelf[0].read("web").columns
    rows = list(map(list, zip(*columns.data)))
    for row in rows:
        if row[0] == "web-007" and row[1] == "mem":
            row[columns.names.index("state")] = "unit=1 2"
            row[-1] = row_hash(row[:-1])
    with open(shelf[0].path("web"), "wb") as stream:
        stream.write(render(columns.names, rows))
    messages = Messages()
    state, facts, known = filled([(host,) for host in HOSTS], [30], messages=messages)
    at = HOSTS.index("web-007")
    assert known == len(HOSTS) - 1 and (state.table["scale"] > 0).all(axis=1).tolist().index(False) == at
    assert facts.status[at] != facts.status[at - 1]
    [[level, text]] = messages.drain()["messages"]
    assert level == "WARN" and "web-007" in text and "none that a detector writes" in text and "ADM031" in text


def test_tampered_rows_are_told_of_entities_in_the_search_alone(shelf) -> None:
    shelf[1]([(host,) for host in HOSTS])
    with open(shelf[0].path("web"), "rb") as stream:
        data = stream.read()
    for host in (b"web-001", b"web-002", b"web-030"):
        data = data.replace(host + b",cpu,1,", host + b",cpu,2,")
    with open(shelf[0].path("web"), "wb") as stream:
        stream.write(data)
    messages = Messages()
    filled([("web-000",), ("web-001",), ("web-030",)], [2], messages=messages)
    texts = [text for _, text in messages.drain()["messages"]]
    assert len(texts) == 2 and "web-001 cpu" in texts[0] and "web-030 cpu" in texts[1]


def test_later_entities_do_not_read_the_collection_again(shelf, monkeypatch) -> None:
    monkeypatch.setattr(index, "BLOCK_BYTES", 3000)
    shelf[1]([(f"web-{i:04d}",) for i in range(300)])
    opened, scanned = [], []
    part, scan = index._part, index.Index._scan
    monkeypatch.setattr(index, "_part", lambda stream, block: opened.append(block.size) or part(stream, block))
    monkeypatch.setattr(index.Index, "_scan", lambda self: scanned.append(1) or scan(self))
    filled([(f"web-{i:04d}",) for i in range(0, 300, 30)], range(1, 10))
    assert len(scanned) == 1 and sum(opened) < 10 * 3 * 6000
