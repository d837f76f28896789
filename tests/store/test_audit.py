"""The audit trail: what a record holds, and what happens when it cannot be written."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from searchhead.fakesplunkd import FakeSplunkd
from searchhead.spl import read_conf

from adaptive_monitoring.commands import verdicts
from adaptive_monitoring.store.audit import COLLECTION, FIELDS, Audit, app_version

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def search(**other) -> SimpleNamespace:
    found = {
        "args": ["action=delete", "collection=web"], "command": "adaptmodel", "sid": "1700000000.5",
        "app": "adaptive_monitoring", "owner": "anna", "session_key": "", "splunkd_uri": "",
        "search": "%7C%20adaptmodel%20action%3Ddelete", "earliest": 0.0, "latest": 1700000000.25,
    }  # fmt: skip
    return SimpleNamespace(**{**found, **other})


@pytest.fixture(params=["kvstore", "file"])
def place(request, tmp_path):
    """(search, folder of the app) with a splunkd, and without."""
    if request.param == "file":
        yield search(), str(tmp_path)
        return
    with FakeSplunkd(str(tmp_path)) as splunkd:
        yield search(session_key=splunkd.session_key, splunkd_uri=splunkd.uri), str(tmp_path)


def test_a_record_says_who_did_what_in_which_search(place) -> None:
    info, app = place
    os.makedirs(os.path.join(app, "default"))
    with open(os.path.join(app, "default", "app.conf"), "w") as stream:
        stream.write("[launcher]\nversion = 9.8.7\n")
    told: list[str] = []
    assert Audit(info, told.append, app).record("delete", collection="web", rows=3, changed=True, version=None)
    (record,) = Audit(info, told.append, app).records(collection="web")
    wanted = {
        "event": "delete", "user": "anna", "command": "adaptmodel", "options": "action=delete collection=web",
        "search": "| adaptmodel action=delete", "earliest": "0", "latest": "1700000000.25", "sid": "1700000000.5",
        "app_version": "9.8.7", "rows": "3", "changed": "1", "version": "", "data_hash": "",
    }  # fmt: skip
    assert {name: record[name] for name in wanted} == wanted and float(record["time"]) > 1.7e9 and not told


def test_records_come_back_oldest_first(place) -> None:
    info, app = place
    audit = Audit(info, print, app)
    for rows in range(5):
        audit.record("train", collection="web", rows=rows)
    assert [record["rows"] for record in audit.records(event="train")] == list("01234")


def test_the_session_key_is_in_no_record(place) -> None:
    info, app = place
    info.session_key = info.session_key or "sesame"
    if not info.splunkd_uri:
        info.splunkd_uri = "nowhere"  # no splunkd: the file takes the record
    info.search, info.args = f"x%20{info.session_key}", ["key=" + info.session_key]
    told: list[str] = []
    Audit(info, told.append, app).record("train", reason=f"with {info.session_key}")
    (record,) = Audit(info, told.append, app).records()
    assert record["reason"] == "with [removed]" and info.session_key not in str(record) + str(told)


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_record_that_cannot_be_written_is_a_warning_that_says_what_was_lost(tmp_path, monkeypatch, status) -> None:
    monkeypatch.setattr("adaptive_monitoring.splunkd.client.PAUSE_S", 0.001)
    told: list[str] = []
    with FakeSplunkd(str(tmp_path)) as splunkd:
        splunkd.fail(status, times=9, match=COLLECTION)
        info = search(session_key=splunkd.session_key, splunkd_uri=splunkd.uri)
        assert not Audit(info, told.append, str(tmp_path)).record("rollback", collection="web", version=4)
        assert splunkd.collections.store[COLLECTION] == {}
    assert len(told) == 1 and "not in the audit trail: rollback web 4, by anna; what was done stands" in told[0]
    assert splunkd.session_key not in told[0]


def test_a_full_disk_is_a_warning_too(tmp_path) -> None:
    (tmp_path / "lookups").write_text("in the way")
    told: list[str] = []
    assert not Audit(search(), told.append, str(tmp_path)).record("train", collection="web")
    assert "not in the audit trail: train web" in told[0]


def test_with_nothing_listening_the_file_takes_it_with_a_warning(tmp_path) -> None:
    told: list[str] = []
    info = search(session_key="sesame", splunkd_uri="http://127.0.0.1:9")
    assert Audit(info, told.append, str(tmp_path)).record("train", collection="web")
    assert "this machine only" in told[0] and os.listdir(tmp_path / "lookups") == [f"kv_{COLLECTION}.csv"]


@pytest.mark.parametrize("event, field", [("training", "rows"), ("train", "session_key")])
def test_an_unknown_event_or_field_is_a_fault(tmp_path, event, field) -> None:
    with pytest.raises(KeyError, match="no such event or field"):
        Audit(search(), print, str(tmp_path)).record(event, **{field: 1})


@pytest.mark.parametrize("name, fields", [(COLLECTION, FIELDS), ("adaptive_verdicts", verdicts.FIELDS)])
def test_searches_see_the_fields_of_a_record(name, fields) -> None:
    stanza = read_conf(REPOSITORY, "transforms")[name]
    assert stanza["external_type"] == "kvstore" and stanza["collection"] == name
    assert [field.strip() for field in stanza["fields_list"].split(",")] == ["_key", *fields]
    assert name in read_conf(REPOSITORY, "collections")


def test_the_version_of_the_app_is_the_one_in_app_conf(tmp_path) -> None:
    assert app_version(REPOSITORY).count(".") == 2 and app_version(str(tmp_path)) == ""
