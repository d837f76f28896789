"""The lookup store: whole files, versions, one writer at a time, and what is left when something breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from adaptive_monitoring.errors import (
    BadCollectionName,
    BadValue,
    CollectionNotFound,
    InternalError,
    ModelError,
    NotWritable,
    TooLarge,
)
from adaptive_monitoring.store import files, lookup
from adaptive_monitoring.store.lookup import LookupStore
from store.modelrows import HOSTILE, models, rows_of

BIN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(files.__file__))))
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def content(store, name="web") -> bytes:
    with open(store.path(name), "rb") as stream:
        return stream.read()


def listing(store) -> list[str]:
    return sorted(os.listdir(store.folder))


def everything(store) -> dict[str, bytes]:
    found = {}
    for name in listing(store):
        with open(os.path.join(store.folder, name), "rb") as stream:
            found[name] = stream.read()
    return found


def put(store, data: bytes, name="web") -> None:
    with open(store.path(name), "wb") as stream:
        stream.write(data)


def test_what_is_written_is_read(store) -> None:
    columns = models(HOSTILE, ["cpu", 'm,e"m'], season="week")
    written = store.write("web", ["host"], columns)
    found = store.read("web")
    assert (written.version, written.rows, written.route, written.changed) == (1, 40, "file", True)
    assert (found.version, found.keys, found.total, found.problems) == (1, ["host"], 40, [])
    plain = [name for name in columns.names if name not in ("model_version", "lock", "row_hash")]
    assert rows_of(found.columns.select(plain)) == sorted(rows_of(columns.select(plain)))
    assert listing(store) == ["adaptive_web.csv"] and store.names() == ["web"]


def test_equal_rows_give_equal_bytes_in_any_order(store) -> None:
    store.write("a", ["host"], models(["x", "y"]))
    columns = models(["x", "y"])
    store.write("b", ["host"], lookup.Columns(columns.names, [values[::-1] for values in columns.data]))
    assert content(store, "a") == content(store, "b")


def test_rows_that_are_stored_already_are_not_written_again(store) -> None:
    store.write("web", ["host"], models(["a", "b"]))
    before = content(store)
    for mode in ("update", "replace"):
        again = store.write("web", ["host"], models(["a", "b"]), mode)
        assert (again.changed, again.version, again.route) == (False, 1, "none") and content(store) == before
    assert not store.versions("web")


def test_update_keeps_other_entities_and_metrics_and_replace_drops_them(store) -> None:
    store.write("web", ["host"], models(["a", "b"], ["cpu", "mem"]))
    written = store.write("web", ["host"], models(["a"], ["cpu"], level="50"))
    found = store.read("web").columns
    assert (written.version, written.kept, len(found)) == (2, 3, 4)
    assert found.get("model_version") == ["2", "1", "1", "1"] and found.get("level")[0] == "50"
    store.write("web", ["host"], models(["a"], ["cpu"], level="51"), mode="replace")
    assert store.read("web").columns.get("model_version") == ["3"]


def test_a_locked_row_is_never_changed(store) -> None:
    store.write("web", ["host"], models(["a", "b"], lock="1"))
    for mode in ("update", "replace"):
        written = store.write("web", ["host"], models(["a"], level="77"), mode=mode)
        assert written.locked == 1 and not written.changed
        assert "77" not in store.read("web").columns.get("level")
    assert len(store.read("web")) == 2


def test_five_versions_are_kept(store) -> None:
    before = {}
    for level in range(1, 9):
        store.write("web", ["host"], models(["a"], level=str(level)))
        before[level] = content(store)
    assert store.versions("web") == [3, 4, 5, 6, 7] and store.read("web").version == 8
    with open(store.version_path("web", 6), "rb") as stream:
        assert stream.read() == before[6]
    assert store.names() == ["web"]


def test_a_tampered_row_is_left_out_kept_in_the_file_and_replaced_by_training(store) -> None:
    store.write("web", ["host"], models(["a", "b"], level="41"))
    put(store, content(store).replace(b",41,", b",42,", 1))
    assert store.read("web").columns.get("host") == ["b"]
    written = store.write("web", ["host"], models(["c"]))
    assert [p.kind for p in store.read("web").problems] == ["tampered"] and "not trusted" in written.warnings[0]
    assert store.read("web").total == 3
    store.write("web", ["host"], models(["a"], level="41"))
    assert store.read("web").columns.get("host") == ["a", "b", "c"] and not store.read("web").problems


def test_a_file_that_cannot_be_read_stops_update_but_not_replace(store) -> None:
    store.write("web", ["host"], models(["a", "b"]))
    half = content(store)[:-100]
    put(store, half)
    with pytest.raises(ModelError, match="half-written"):
        store.write("web", ["host"], models(["c"]))
    assert content(store) == half
    store.write("web", ["host"], models(["c"]), mode="replace")
    assert store.read("web").columns.get("host") == ["c"]
    with open(store.version_path("web", store.versions("web")[-1]), "rb") as stream:
        assert stream.read() == half


def test_other_by_fields_are_refused(store) -> None:
    store.write("web", ["host"], models(["a"]))
    with pytest.raises(ModelError, match="trained by host; got by host, disk"):
        store.write("web", ["host", "disk"], models([("a", "c:")], keys=["host", "disk"]))
    store.write("web", ["host", "disk"], models([("a", "c:")], keys=["host", "disk"]), mode="replace")
    assert store.read("web").keys == ["host", "disk"] and store.read("web").version == 2


def test_what_cannot_be_asked_for_is_refused(store) -> None:
    for act in (store.read, store.delete, store.path):
        with pytest.raises(BadCollectionName):
            act("../etc/passwd")
    with pytest.raises(BadValue, match="mode must be"):
        store.write("web", ["host"], models(["a"]), mode="append")
    with pytest.raises(InternalError, match="occur twice"):
        store.write("web", ["host"], models(["a", "a"]))
    store.write("cpu", ["host"], models(["a"]))
    with pytest.raises(CollectionNotFound, match=r"there are: cpu.*adaptfit"):
        store.read("web")


def test_sizes_are_limited(store, monkeypatch) -> None:
    store.write("web", ["host"], models(["a"]))
    before, files_before = content(store), listing(store)
    monkeypatch.setattr(lookup, "REFUSE_BYTES", 1000)
    with pytest.raises(TooLarge, match="Split the collection"):
        store.write("web", ["host"], models(["b", "c", "d"], season="week"))
    assert content(store) == before and listing(store) == files_before
    monkeypatch.setattr(lookup, "REFUSE_BYTES", 10_000_000)
    monkeypatch.setattr(lookup, "WARN_BYTES", 1000)
    warnings = store.write("web", ["host"], models(["b"], season="week", reason="x" * 3000)).warnings
    assert any("MB" in text for text in warnings) and any("longer than" in text for text in warnings)


def test_no_rows_make_an_empty_collection(store) -> None:
    store.write("web", ["host"], models([]))
    assert len(store.read("web")) == 0 and store.read("web").version == 0


@pytest.mark.parametrize("fault", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(store, monkeypatch, fault) -> None:
    store.write("web", ["host"], models(["a"]))
    before = content(store)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if fault == "write":
            patch.setattr(files, "_write_synced", full)
        else:
            patch.setattr(os, fault, full)
        with pytest.raises(NotWritable, match=r"No space left.*unchanged.*Free space.*ADM033"):
            store.write("web", ["host"], models(["b"]))
    assert content(store) == before and listing(store) == ["adaptive_web.csv"]


def test_a_file_size_limit_leaves_the_old_file(store) -> None:
    resource = pytest.importorskip("resource")
    store.write("web", ["host"], models(["a"]))
    before = content(store)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 500, hard))
    try:
        with pytest.raises(NotWritable, match="unchanged"):
            store.write("web", ["host"], models(["b", "c", "d"], season="week"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert content(store) == before and not [name for name in listing(store) if name.endswith(("tmp", "lock"))]


def test_a_file_holds_what_it_was_given_and_nothing_else(tmp_path) -> None:
    path, data = str(tmp_path / "x"), bytes(range(256)) * 10_000  # more than is compared at once
    (tmp_path / "x").write_bytes(data)
    assert files.holds(path, data)
    assert not any(files.holds(path, other) for other in (data[:-1], data + b"x", data[:-1] + b"x", b""))


def test_bounds_are_refused_earlier_than_collections(store, monkeypatch) -> None:
    store.write("web", ["host"], models(["a"]))
    monkeypatch.setattr(lookup, "REFUSE_BOUNDS_BYTES", 10)
    with pytest.raises(TooLarge, match="Split the collection"):
        store.write_bounds("web", lookup.Columns(["host", "metric"], [["a"], ["cpu"]]))


def test_only_the_columns_that_are_asked_for_are_kept(store) -> None:
    store.write("web", ["host"], models(["a", "b"], ["cpu", "mem"]))
    found = store.read("web", only=["metric", "trained_to"])
    assert found.columns.names == ["host", "metric", "trained_to"] and len(found) == 4 and found.version == 1


def test_a_folder_that_cannot_be_written_is_explained(store, monkeypatch) -> None:
    store.write("web", ["host"], models(["a"]))

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "open", refused)
    with pytest.raises(NotWritable, match=r"Permission denied.*write access to the folder"):
        store.write("web", ["host"], models(["b"]))


def test_what_was_not_written_as_it_should_be_is_not_put_in_place(store, monkeypatch) -> None:
    store.write("web", ["host"], models(["a"]))
    before, holds = content(store), files.holds
    monkeypatch.setattr(files, "holds", lambda path, data: not path.endswith(".tmp") and holds(path, data))
    with pytest.raises(NotWritable, match="read back"):
        store.write("web", ["host"], models(["b"]))
    assert content(store) == before


def test_writers_in_threads_take_turns(app) -> None:
    def train(number: int) -> None:
        for turn in range(5):
            LookupStore(app=app).write("web", ["host"], models([f"h{number}-{turn}"]))

    threads = [threading.Thread(target=train, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = LookupStore(app=app).read("web")
    assert len(found) == 20 and found.version == 20 and not found.problems
    assert not [name for name in os.listdir(os.path.join(app, "lookups")) if name.endswith((".lock", ".tmp"))]


WRITER = """
import sys
sys.path[:0] = {path!r}
from adaptive_monitoring.store.lookup import LookupStore
from store.modelrows import models
turn, name = 0, sys.argv[1]
print("ready", flush=True)
while turn < int(sys.argv[2]):
    turn += 1
    hosts = [f"{{name}}-{{i}}" for i in range(40)]
    LookupStore(app={app!r}).write("web", ["host"], models(hosts, season="week", level=str(turn)))
"""


def writer(app: str, name: str, turns: int) -> subprocess.Popen:
    code = WRITER.format(path=[BIN, TESTS], app=app)
    process = subprocess.Popen([sys.executable, "-c", code, name, str(turns)], stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def test_writers_in_processes_take_turns(app) -> None:
    processes = [writer(app, name, 4) for name in ("a", "b")]
    for process in processes:
        assert process.wait(60) == 0
        process.stdout.close()
    found = LookupStore(app=app).read("web")
    assert len(found) == 80 and found.version == 8 and not found.problems
    assert set(found.columns.get("level")) == {"4"}


def test_a_killed_writer_leaves_the_old_or_the_new_file_and_no_lock(app) -> None:
    store = LookupStore(app=app)
    store.write("web", ["host"], models(["kept"]))
    for delay in (0.002, 0.005, 0.011, 0.017, 0.023, 0.031):
        process = writer(app, "k", 10_000)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
        found = store.read("web")
        assert not found.problems and len(found) in (1, 41) and "kept" in found.columns.get("host")
        assert len(set(found.columns.get("level")[:-1])) <= 1  # the rows of one training, never of two
        store.write("web", ["host"], models(["after"], level=str(delay)), mode="update")
        store.write("web", ["host"], models(["kept"], level=str(delay)), mode="replace")
    assert not [name for name in listing(store) if name.endswith((".lock", ".tmp"))]


def test_a_writer_that_hangs_is_named(store, monkeypatch) -> None:
    monkeypatch.setattr(files, "LOCK_POLL_S", 0.001)
    path = os.path.join(store.folder, "adaptive_web.csv.lock")
    says = pytest.raises(NotWritable, match=r"another search.*adaptive_web.csv.lock")
    with files.locked(path), says, files.locked(path, wait_s=0.01):
        raise AssertionError("two writers at once")
    with files.locked(path, wait_s=0):
        pass
    assert not os.path.exists(path)


def test_without_flock_the_file_is_the_lock_and_an_old_one_is_taken_over(store, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(files, "LOCK_POLL_S", 0.001)
    path = os.path.join(store.folder, "x.lock")
    with files.locked(path), pytest.raises(NotWritable), files.locked(path, wait_s=0.01):
        raise AssertionError("two writers at once")
    with open(path, "w"):
        os.utime(path, (1, 1))
    with files.locked(path, wait_s=0.5):
        assert os.path.exists(path)
    assert not os.path.exists(path)


def test_delete_removes_everything_of_a_collection(store) -> None:
    for level in ("1", "2"):
        store.write("web", ["host"], models(["a"], level=level))
        store.write("web2", ["host"], models(["a"], level=level))
    bounds = lookup.Columns(["host", "metric"], [["a"], ["cpu"]])
    store.write_bounds("web", bounds)
    assert [os.path.basename(path) for path in store.delete("web")] == [
        "adaptive_web_bounds.csv",
        "adaptive_web.csv",
        "adaptive_web.v001.csv",
    ]
    assert listing(store) == ["adaptive_web2.csv", "adaptive_web2.v001.csv"]
    with pytest.raises(CollectionNotFound, match="there are: web2"):
        store.delete("web")


def test_delete_keeps_nothing_half(store, monkeypatch) -> None:
    store.write("web", ["host"], models(["a"]))
    store.write_bounds("web", lookup.Columns(["host", "metric"], [["a"], ["cpu"]]))
    before, remove = everything(store), os.remove

    def fails(path):
        if path == store.path("web"):
            raise PermissionError(13, "Permission denied")
        remove(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "remove", fails)
        with pytest.raises(NotWritable, match="Permission denied"):
            store.delete("web")
    assert everything(store) == before
