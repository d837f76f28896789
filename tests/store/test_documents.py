"""Records of the KV store, and of the file that stands in for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from searchhead.fakesplunkd import FakeSplunkd

from adaptive_monitoring.errors import Busy, Refused
from adaptive_monitoring.store import documents
from adaptive_monitoring.store.documents import Documents

FIELDS = ("time", "host", "said")


@pytest.fixture(params=["kvstore", "file"])
def stored(request, tmp_path):
    if request.param == "file":
        yield Documents("things", FIELDS, app=str(tmp_path))
        return
    with FakeSplunkd(str(tmp_path)) as splunkd:
        splunkd.collections.store["things"] = {}
        session = SimpleNamespace(session_key=splunkd.session_key, splunkd_uri=splunkd.uri)
        yield Documents("things", FIELDS, session, str(tmp_path))


def test_records_come_back_in_the_order_of_their_keys_and_are_found_by_value(stored):
    stored.add([{"_key": "2", "host": "b", "said": 'a "quoted", text\nin two lines'}, {"_key": "1", "host": "a"}])
    stored.add([{"_key": "3", "host": "a", "said": "été"}])
    assert [row["_key"] for row in stored.all()] == ["1", "2", "3"]
    assert stored.all()[1] == {"_key": "2", "time": "", "host": "b", "said": 'a "quoted", text\nin two lines'}
    assert [row["said"] for row in stored.all(host="a")] == ["", "été"]


def test_a_record_that_is_sent_twice_is_stored_once(stored):
    keys = stored.add([{"host": "a"}])
    stored.add([{"_key": keys[0], "host": "b"}])
    assert [row["host"] for row in stored.all()] == ["b"]


def test_deleting_says_how_many_there_were(stored):
    stored.add([{"_key": "1"}, {"_key": "2-3"}])
    assert stored.delete(["1", "2-3", "none"]) == 2
    assert stored.all() == []


def test_more_records_than_a_page(stored, monkeypatch):
    monkeypatch.setattr(documents, "PAGE", 3)
    monkeypatch.setattr(documents, "BATCH", 2)
    stored.add([{"_key": f"{i:02d}"} for i in range(9)])
    assert [row["_key"] for row in stored.all()] == [f"{i:02d}" for i in range(9)]


def test_an_unknown_field_is_a_fault(stored):
    with pytest.raises(KeyError, match="things has no field where"):
        stored.add([{"where": "x"}])


def test_refusals_reach_the_caller_and_nothing_listening_means_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("adaptive_monitoring.splunkd.client.PAUSE_S", 0.001)
    with FakeSplunkd(str(tmp_path)) as splunkd:
        splunkd.collections.store["things"] = {}
        session = SimpleNamespace(session_key=splunkd.session_key, splunkd_uri=splunkd.uri)
        stored = Documents("things", FIELDS, session, str(tmp_path))
        splunkd.fail(403)
        with pytest.raises(Refused, match="KV store"):
            stored.add([{"host": "a"}])
        splunkd.fail(503, times=9)
        with pytest.raises(Busy):
            stored.all()
    stored.add([{"host": "b"}])
    assert stored.route == "file" and "is kept in" in stored.warnings[0]
    assert [row["host"] for row in Documents("things", FIELDS, app=str(tmp_path)).all()] == ["b"]
