"""Writing through splunkd, and every way in which splunkd can refuse."""

from __future__ import annotations

import os
import socket

import pytest

pytest.importorskip("splunklib.binding")

from searchhead.fakesplunkd import FakeSplunkd

from adaptive_monitoring.errors import Busy, Conflict, NotWritable, Refused, SplunkdError, Unreachable
from adaptive_monitoring.splunkd import client
from adaptive_monitoring.store.lookup import LookupStore
from store.modelrows import models


class Session:
    def __init__(self, key: str, uri: str) -> None:
        self.session_key, self.splunkd_uri = key, uri


@pytest.fixture
def splunkd(tmp_path, monkeypatch):
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    monkeypatch.setattr(client, "PAUSE_S", 0.001)
    with FakeSplunkd(str(tmp_path)) as fake:
        yield fake


@pytest.fixture
def store(splunkd, app):
    return LookupStore(Session(splunkd.session_key, splunkd.uri), app)


def content(store) -> bytes:
    with open(store.path("web"), "rb") as stream:
        return stream.read()


def staged(splunkd) -> list[str]:
    return os.listdir(splunkd.lookups.staging)


def test_a_collection_goes_through_splunkd_and_belongs_to_nobody(store, splunkd) -> None:
    written = store.write("web", ["host"], models(["a"]))
    assert (written.route, written.warnings) == ("splunkd", []) and splunkd.lookups.owners["adaptive_web.csv"] == (
        "nobody",
        "app",
    )
    written = store.write("web", ["host"], models(["b"]))
    assert (written.route, written.version, written.warnings) == ("splunkd", 2, []) and staged(splunkd) == []
    assert store.read("web").columns.get("host") == ["a", "b"] and store.versions("web") == [1]


@pytest.mark.parametrize(
    "status, error, says",
    [
        (401, Refused, "session has expired"),
        (403, Refused, "capability upload_lookup_files"),
        (409, Conflict, "changed meanwhile"),
        (500, SplunkdError, "No space left on device"),
    ],
)
def test_a_refusal_is_explained_and_leaves_the_old_file(store, splunkd, status, error, says) -> None:
    store.write("web", ["host"], models(["a"]))
    before = content(store)
    splunkd.fail(status, times=10, match="POST")
    with pytest.raises(error, match=says) as caught:
        store.write("web", ["host"], models(["b"]))
    assert splunkd.session_key not in str(caught.value)
    assert content(store) == before and staged(splunkd) == [] and store.read("web").version == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_splunkd_is_asked_again_a_few_times(store, splunkd, status) -> None:
    splunkd.fail(status, times=2, match="POST")
    assert store.write("web", ["host"], models(["a"])).route == "splunkd"
    before = content(store)
    splunkd.fail(status, times=100, match="POST")
    with pytest.raises(Busy, match="later"):
        store.write("web", ["host"], models(["b"]))
    assert content(store) == before and len([entry for entry in splunkd.log if entry[2] == status]) == 2 + client.TRIES


def test_a_404_on_update_creates_and_a_lookup_that_is_there_conflicts(store, splunkd) -> None:
    store.write("web", ["host"], models(["a"]))
    splunkd.fail(404, match="POST")
    with pytest.raises(Conflict, match="exists already"):
        store.write("web", ["host"], models(["b"]))
    assert store.read("web").columns.get("host") == ["a"]


def test_a_cut_connection_says_that_the_outcome_is_unknown(store, splunkd) -> None:
    store.write("web", ["host"], models(["a"]))
    splunkd.cut(match="POST")
    with pytest.raises(Unreachable, match="may or may not"):
        store.write("web", ["host"], models(["b"]))
    assert staged(splunkd) == []


def test_a_slow_splunkd_times_out(store, splunkd, monkeypatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", 0.1)
    splunkd.slow(0.5, match="POST")
    with pytest.raises(Unreachable, match="no complete answer"):
        store.write("web", ["host"], models(["a"]))


def test_a_200_without_a_write_is_found_out(store, splunkd) -> None:
    store.write("web", ["host"], models(["a"]))
    splunkd.ignore(match="POST")
    with pytest.raises(NotWritable, match="does not have its content"):
        store.write("web", ["host"], models(["b"]))
    assert store.read("web").columns.get("host") == ["a"] and staged(splunkd) == []


def test_a_lookup_that_cannot_be_shared_is_stored_all_the_same(store, splunkd) -> None:
    splunkd.fail(403, times=10, match="/acl")
    written = store.write("web", ["host"], models(["a"]))
    assert written.route == "splunkd" and "other users may not see it" in written.warnings[0]
    assert len(store.read("web")) == 1


def test_with_nothing_listening_the_file_is_replaced_with_a_warning(app, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = LookupStore(Session("secret", f"https://127.0.0.1:{port}"), app)
    written = store.write("web", ["host"], models(["a"]))
    assert (
        written.route == "file" and "this machine only" in written.warnings[0] and "secret" not in written.warnings[0]
    )
    assert len(store.read("web")) == 1


def test_without_a_session_key_the_file_is_replaced_silently(app) -> None:
    written = LookupStore(Session("", ""), app).write("web", ["host"], models(["a"]))
    assert (written.route, written.warnings) == ("file", [])


def test_delete_goes_through_splunkd_and_a_refusal_leaves_all(store, splunkd) -> None:
    store.write("web", ["host"], models(["a"]))
    splunkd.fail(403, times=10, match="DELETE")
    with pytest.raises(Refused, match="write access to the app"):
        store.delete("web")
    assert len(store.read("web")) == 1
    splunkd._faults.clear()
    store.delete("web")
    assert store.names() == [] and "adaptive_web.csv" not in splunkd.lookups.owners


@pytest.mark.parametrize("uri", ["", "127.0.0.1:8089", "ftp://127.0.0.1:1", "https://"])
def test_an_address_that_is_none_is_unreachable(uri) -> None:
    with pytest.raises(Unreachable, match="no session key or no address"):
        client.connect(Session("k", uri))
