"""The fake splunkd answers splunklib.client as splunkd does, and fails when told to."""

from __future__ import annotations

import os

import pytest

from searchhead.fakesplunkd import FakeSplunkd

binding = pytest.importorskip("splunklib.binding")
client = pytest.importorskip("splunklib.client")
LOOKUPS = "data/lookup-table-files"


@pytest.fixture
def splunkd(tmp_path):
    with FakeSplunkd(str(tmp_path)) as fake:
        yield fake


def connect(splunkd, key=None):
    port = int(splunkd.uri.rsplit(":", 1)[1])
    return client.Service(
        handler=binding.handler(timeout=2),
        token=key or splunkd.session_key,
        scheme="http",
        host="127.0.0.1",
        port=port,
        owner="nobody",
        app="adaptive_monitoring",
    )


def stage(splunkd, text: str, name: str = "staged.csv") -> str:
    path = os.path.join(splunkd.lookups.staging, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def upload(service, splunkd, name: str, text: str) -> None:
    service.post(LOOKUPS, body={"name": name, "eai:data": stage(splunkd, text)})


def test_lookup_files_are_created_updated_shared_and_deleted(splunkd) -> None:
    service = connect(splunkd)
    with pytest.raises(binding.HTTPError, match="404"):
        service.post(f"{LOOKUPS}/a.csv", body={"eai:data": stage(splunkd, "x\n1\n")})
    upload(service, splunkd, "a.csv", "x\n1\n")
    assert splunkd.lookups.owners["a.csv"] == ("admin", "app")
    service.post(f"{LOOKUPS}/a.csv/acl", body={"owner": "nobody", "sharing": "app"})
    service.post(f"{LOOKUPS}/a.csv", body={"eai:data": stage(splunkd, "x\n2\n")})
    with open(splunkd.lookups.path("a.csv"), encoding="utf-8") as file:
        assert file.read() == "x\n2\n"
    assert os.listdir(splunkd.lookups.staging) == [] and splunkd.lookups.owners["a.csv"] == ("nobody", "app")
    text = service.get(f"{LOOKUPS}/a.csv", output_mode="json").body.read()
    assert splunkd.lookups.path("a.csv").encode() in text
    service.delete(f"{LOOKUPS}/a.csv")
    assert not os.path.exists(splunkd.lookups.path("a.csv"))


def test_a_file_staged_elsewhere_is_refused_and_an_existing_name_conflicts(splunkd, tmp_path) -> None:
    service = connect(splunkd)
    (tmp_path / "elsewhere.csv").write_text("x\n")
    with pytest.raises(binding.HTTPError, match="400"):
        service.post(LOOKUPS, body={"name": "a.csv", "eai:data": str(tmp_path / "elsewhere.csv")})
    upload(service, splunkd, "a.csv", "x\n")
    with pytest.raises(binding.HTTPError, match="409"):
        upload(service, splunkd, "a.csv", "x\n")


def test_kv_store_collections_keep_documents(splunkd) -> None:
    service = connect(splunkd)
    service.kvstore.create("incidents")
    data = service.kvstore["incidents"].data
    key = data.insert({"host": "a", "score": 3})["_key"]
    assert data.batch_save({"_key": "k2", "host": "b", "score": 9}, {"_key": key, "host": "a", "score": 4}) == [
        "k2",
        key,
    ]
    assert [doc["host"] for doc in data.query(sort="score:-1")] == ["b", "a"]
    assert [doc["_key"] for doc in data.query(query={"score": {"$gt": 5}})] == ["k2"]
    data.update("k2", {"host": "c"})
    assert data.query_by_id("k2")["host"] == "c"
    with pytest.raises(binding.HTTPError, match="409"):
        data.insert({"_key": "k2"})
    with pytest.raises(binding.HTTPError, match="400"):
        data.batch_save(*[{"n": i} for i in range(1001)])
    data.delete_by_id("k2")
    data.delete()
    assert data.query() == []
    with pytest.raises(binding.HTTPError, match="404"):
        data.query_by_id("k2")


def test_passwords_are_kept(splunkd) -> None:
    passwords = connect(splunkd).storage_passwords
    passwords.create("s3cret&<é", "reader", "elastic")
    (entry,) = passwords.list()
    assert (entry.clear_password, entry.realm, entry.username, entry.name) == (
        "s3cret&<é",
        "elastic",
        "reader",
        "elastic:reader:",
    )
    passwords.delete("reader", "elastic")
    assert splunkd.passwords.store == {}


@pytest.mark.parametrize("status", [401, 403, 404, 409, 429, 500, 503])
def test_a_status_can_be_switched_on_for_some_requests(splunkd, status) -> None:
    service = connect(splunkd)
    splunkd.fail(status, times=2, match=LOOKUPS)
    for _ in range(2):
        with pytest.raises((binding.HTTPError, binding.AuthenticationError)):
            service.get(LOOKUPS)
    assert service.get(LOOKUPS).status == 200
    assert [entry[2] for entry in splunkd.log] == [status, status, 200]


def test_slow_cut_full_and_deaf(splunkd) -> None:
    service = connect(splunkd)
    splunkd.cut()
    with pytest.raises(OSError):
        service.get(LOOKUPS)
    splunkd.disk_full()
    with pytest.raises(binding.HTTPError, match="No space left"):
        upload(service, splunkd, "a.csv", "x\n")
    splunkd.ignore()
    upload(service, splunkd, "a.csv", "x\n")
    assert not os.path.exists(splunkd.lookups.path("a.csv"))
    service.http.handler = binding.handler(timeout=0.05)
    splunkd.slow(0.3)
    with pytest.raises(OSError):
        service.get(LOOKUPS)


def test_a_wrong_key_is_not_accepted(splunkd) -> None:
    with pytest.raises(binding.AuthenticationError):
        connect(splunkd, "wrong").get(LOOKUPS)
