"""The audit trail of everything that changes something: through the real scripts, with a splunkd and without."""

from __future__ import annotations

import hashlib
import os
import random

import numpy as np
import pytest
from searchhead.fakesplunkd import FakeSplunkd
from searchhead.head import SearchHead
from searchhead.table import Table, write_csv

from adaptive_monitoring.commands.hashing import DataHash
from adaptive_monitoring.engine.base import Panel
from adaptive_monitoring.store.audit import FIELDS
from adaptive_monitoring.store.documents import Documents
from commands.fleet import START, App, long, said, wide

KEY = "a-key-that-nobody-may-see"


class Place:
    """An app, with a splunkd or None."""

    def __init__(self, app: App, splunkd: FakeSplunkd | None) -> None:
        self.app, self.splunkd = app, splunkd

    def search(self, text: str, rows=None, **settings):
        head = SearchHead(self.app.folder, splunkd=self.splunkd, **settings)
        return head.search(text if rows is None else f"search x | {text}", rows, START, START + 9 * 86400)

    def records(self) -> list[dict[str, str]]:
        if self.splunkd is None:
            return Documents("adaptive_audit", FIELDS, app=self.app.folder).all()
        found = self.search("| inputlookup adaptive_audit | sort 0 _key").rows
        return [{name: row.get(name, "") for name in FIELDS} for row in found]


@pytest.fixture(params=["kvstore", "file"])
def place(request, own, tmp_path):
    if request.param == "file":
        yield Place(own, None)
        return
    with FakeSplunkd(str(tmp_path / "home"), own.lookups, session_key=KEY) as splunkd:
        yield Place(own, splunkd)


def test_every_change_leaves_one_record(place) -> None:
    place.search("adaptfit cpu mem by host into web mode=replace", wide("ab", 1))
    place.search("adaptfit cpu mem by host into web mode=replace", wide("ab", 1, seed=2))
    place.search("adaptfit cpu mem by host into web mode=shadow", wide("ab", 1, seed=3))
    for words in (
        "lock collection=web where host=a", "unlock collection=web where host=a", "rollback collection=web",
        "promote collection=web", "export collection=web", "export collection=web format=proposal",
        "delete collection=web",
    ):  # fmt: skip
        assert not place.search(f"| adaptmodel action={words}").errors
    for words in ("list", "show collection=web", "verify"):
        place.search(f"| adaptmodel action={words}")
    found = place.records()
    told = [(row["event"], row["collection"], row["version_before"], row["version"]) for row in found]
    assert told == [
        ("train", "web", "", "1"),
        ("train", "web", "1", "2"),
        ("train", "web_shadow", "", "1"),
        ("lock", "web", "2", "2"),
        ("unlock", "web", "2", "2"),
        ("rollback", "web", "2", "3"),
        ("promote", "web", "3", "4"),
        ("export", "web", "", "4"),
        ("export", "web", "", "4"),
        ("delete", "web", "4", ""),
    ]
    assert {row["user"] for row in found} == {"admin"} and all(row["sid"] and row["time"] for row in found)
    assert [row["reason"] for row in found[3:5]] == ["a/cpu, a/mem"] * 2 and found[5]["source_version"] == "1"
    assert (found[6]["source"], found[6]["source_version"]) == ("web_shadow", "1")
    assert [row["reason"] for row in found[7:]] == ["bounds", "proposal", "5 files"]
    assert all(row["rows"] == "4" and row["entities"] == "2" for row in found[:3])
    assert KEY not in str(found)
    for folder, _, names in os.walk(place.app.folder):
        for name in names:
            with open(os.path.join(folder, name), "rb") as stream:
                assert KEY.encode() not in stream.read(), name


def test_a_training_is_recorded_with_all_that_a_repetition_needs(place) -> None:
    result = place.search("adaptfit cpu mem by host into web budget=1", wide("ab", 1))
    (row,) = place.records()
    assert row["search"] == "search x | adaptfit cpu mem by host into web budget=1"
    assert row["options"] == "cpu mem by host into web budget=1" and row["command"] == "adaptfit"
    assert (row["earliest"], row["latest"]) == (str(START), str(START + 9 * 86400))
    assert row["file_hash"] == hashlib.sha256(place.app.data("web")).hexdigest()
    assert row["config_hash"] == result.rows[0]["config_hash"] and len(row["data_hash"]) == 64
    assert row["reason"] == "4 cold" and row["changed"] == "1"
    assert not [text for level, text in result.messages if level == "WARN"]


def test_the_data_hash_is_that_of_the_numbers_in_any_order(place) -> None:
    rows = wide("ab", 1)
    shuffled = list(rows)
    random.Random(5).shuffle(shuffled)
    other = [{**rows[0], "cpu": "55.5"}, *rows[1:]]
    for given in (rows, shuffled, long(rows), other, wide("abc", 1)):
        place.search("adaptfit cpu mem by host into web mode=replace", given, chunk_rows=77)
    found = [row["data_hash"] for row in place.records()]
    assert found[0] == found[1] == found[2] and len(set(found[2:])) == 3
    assert [row["changed"] for row in place.records()][:3] == ["1", "0", "0"]


def test_what_is_left_out_of_training_is_not_in_the_data_hash(place) -> None:
    window = {"start": [str(START)], "end": [str(START + 3600)]}
    write_csv(Table(window), os.path.join(place.app.lookups, "past.csv"))
    rows = wide("a", 1)
    spoilt = [{**row, "cpu": "1e6"} if float(row["_time"]) < START + 3600 else row for row in rows]
    for given in (rows, spoilt):
        place.search("adaptfit cpu by host into web exclude=past", given)
    place.search("adaptfit cpu by host into other", rows)
    found = [row["data_hash"] for row in place.records()]
    assert found[0] == found[1] != found[2]


def test_suppressed_rows_are_one_record_per_search(place) -> None:
    windows = {
        "start": [str(START + 600), str(START + 7200), str(START + 90_000)],
        "end": [str(START + 1800), str(START + 7200), str(START + 95_000)],
        "host": ["a", "*", ""],
        "reason": ["patching", "move", "never reached"],
    }
    write_csv(Table(windows), os.path.join(place.app.lookups, "works.csv"))
    place.search("adaptfit cpu by host into web", wide("ab"))
    rows = wide("ab", 0.2)
    place.search("adaptdetect cpu by host model=web suppress=works", rows, chunk_rows=20)
    place.search("adaptdetect cpu by host suppress=works", rows)
    place.search("adaptdetect cpu by host model=web suppress=works", [row for row in rows if row["host"] == "c"])
    place.search("adaptdetect cpu by host model=web", rows)
    place.search("adaptdetect cpu by host model=web suppress=works", rows, preview=True)
    found = [row for row in place.records() if row["event"] == "suppression"]
    assert [(row["collection"], row["source"], row["rows"], row["entities"]) for row in found] == [
        ("web", "works", "5", "2"),
        ("", "works", "5", "2"),
    ]
    assert {row["reason"] for row in found} == {"patching (3 rows), move (2 rows)"}


def test_a_preview_leaves_no_record(place) -> None:
    place.search("adaptfit cpu by host into web", wide("a", 1), preview=True)
    place.search("| adaptmodel action=delete collection=web", preview=True)
    assert place.records() == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_audit_that_cannot_be_written_fails_nothing(own, tmp_path, status) -> None:
    with FakeSplunkd(str(tmp_path / "home"), own.lookups, session_key=KEY) as splunkd:
        place = Place(own, splunkd)
        for text, rows in (
            ("adaptfit cpu by host into web", wide("a", 1)),
            ("| adaptmodel action=lock collection=web where host=a", None),
            ("| adaptmodel action=unlock collection=web where host=a", None),
            ("| adaptmodel action=delete collection=web", None),
        ):
            splunkd.fail(status, times=9, match="adaptive_audit")
            result = place.search(text, rows)
            splunkd._faults.clear()
            assert not result.errors and result.rows
            assert said(result, "not in the audit trail: ", " web", "by admin; what was done stands")
            assert KEY not in str(result.messages)
        assert own.store.names() == [] and place.records() == []


def test_a_diff_without_audit_is_told_without_it(own, tmp_path) -> None:
    with FakeSplunkd(str(tmp_path / "home"), own.lookups, session_key=KEY) as splunkd:
        place = Place(own, splunkd)
        for seed in (1, 2):
            place.search("adaptfit cpu by host into web mode=replace", wide("a", 1, seed=seed))
        splunkd.fail(403, times=9, match="adaptive_audit")
        result = place.search("| adaptmodel action=diff collection=web")
        assert len(result.rows) == 1 and said(result, "needs read and write access to the KV store")


def panel(hosts: int, order: list[int]) -> tuple[list[tuple[str, ...]], Panel]:
    chance = np.random.default_rng(3)
    x = chance.normal(size=(hosts, 4, 2))
    x[0, 1, 1] = np.nan
    x[0, 2, 0] = 0.0
    t = np.tile(np.arange(4.0), len(order))
    return [(f"h{i}",) for i in order], Panel(t, x[order].reshape(-1, 2), np.arange(len(order) + 1) * 4)


def hashed(*parts, metrics=("cpu", "mem")) -> str:
    found = DataHash()
    for keys, rows in parts:
        found.add(keys, metrics, rows)
    return found.text()


def test_groups_entities_and_metrics_may_come_in_any_order() -> None:
    whole = hashed(panel(3, [0, 1, 2]))
    assert whole == hashed(panel(3, [2, 0, 1])) == hashed(panel(3, [1]), panel(3, [0, 2]))
    keys, rows = panel(3, [0, 1, 2])
    assert whole == hashed((keys, Panel(rows.t, rows.x[:, ::-1], rows.indptr)), metrics=("mem", "cpu"))
    assert whole != hashed((keys, rows), metrics=("mem", "cpu"))


def test_zeros_and_missing_values_are_all_alike_and_everything_else_counts() -> None:
    keys, rows = panel(2, [0, 1])
    signed = Panel(rows.t, np.where(rows.x == 0, -0.0, rows.x), rows.indptr)
    assert np.signbit(signed.x[2, 0]) and hashed((keys, rows)) == hashed((keys, signed))
    for other in (
        (keys, Panel(rows.t + 1, rows.x, rows.indptr)),
        (keys, Panel(rows.t, np.nan_to_num(rows.x), rows.indptr)),
        (keys, Panel(rows.t, rows.x, np.array([0, 3, 8]))),
        ([("h0",), ("h9",)], rows),
        panel(2, [0]),
    ):
        assert hashed(other) != hashed((keys, rows))
