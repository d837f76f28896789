"""Kept versions: brought back byte for byte, never over a locked row, never by two at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from adaptive_monitoring.errors import (
    Changed,
    CollectionNotFound,
    Locked,
    ModelError,
    NotReplayable,
    NotWritable,
    VersionNotFound,
)
from adaptive_monitoring.store import files
from adaptive_monitoring.store.base import SCHEMA
from adaptive_monitoring.store.rows import row_hash
from adaptive_monitoring.store.versions import Versions
from store.modelrows import models, rows_of

BIN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(files.__file__))))


@pytest.fixture
def store(app):
    return Versions(app=app)


def get(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def put(path: str, data: bytes) -> None:
    with open(path, "wb") as stream:
        stream.write(data)


def train(store, *levels, hosts="ab", **other) -> list[bytes]:
    """One version for each level. Returns what the file was after each."""
    found = []
    for level in levels:
        store.write("web", ["host"], models(list(hosts), level=str(level), **other))
        found.append(get(store.path("web")))
    return found


def back(store, version=None):
    return store.rollback("web", version, store.content("web"))


def level_of(store, host, name="web"):
    columns = store.read(name).columns
    return columns.get("level")[columns.get("host").index(host)]


def test_a_rollback_restores_the_same_bytes_and_keeps_the_current_ones(store) -> None:
    content = train(store, 1, 2, 3)
    restored, written = back(store, 1)
    assert (restored, written.version, written.before, written.changed, written.locked) == (1, 4, 3, True, 0)
    assert get(store.path("web")) == content[0] == get(store.version_path("web", 1))
    assert get(store.version_path("web", 3)) == content[2] and written.hash == files.sha256(content[0])


def test_without_a_version_it_is_the_one_before_and_a_rollback_can_be_taken_back(store) -> None:
    content = train(store, 1, 2, 3)
    assert back(store)[0] == 2 and get(store.path("web")) == content[1]
    assert back(store)[0] == 3 and get(store.path("web")) == content[2]


def test_the_training_after_a_rollback_gets_a_higher_number_and_no_version_is_lost(store) -> None:
    content = train(store, 1, 2, 3)
    back(store, 1)
    written = store.write("web", ["host"], models(["a", "b"], level="9"))
    assert (written.version, written.before) == (5, 4) and store.read("web").version == 5
    assert [get(store.version_path("web", n)) for n in (1, 2, 3, 4)] == [*content, content[0]]


def test_the_version_that_was_restored_survives_the_pruning(store) -> None:
    content = train(store, *range(1, 9))
    assert store.versions("web") == [3, 4, 5, 6, 7]
    back(store, 3)
    assert store.versions("web") == [3, 4, 5, 6, 7, 8] and get(store.version_path("web", 3)) == content[2]
    train(store, 99)
    assert store.versions("web") == [5, 6, 7, 8, 9]


def test_what_is_in_use_already_is_not_written_again(store) -> None:
    train(store, 1, 2)
    back(store, 1)
    listing = sorted(os.listdir(store.folder))
    restored, written = back(store, 1)
    assert (restored, written.changed, written.route) == (1, False, "none")
    assert sorted(os.listdir(store.folder)) == listing


def test_a_version_that_is_not_kept_names_those_that_are(store) -> None:
    with pytest.raises(CollectionNotFound):
        back(store)
    train(store, 1)
    with pytest.raises(VersionNotFound, match=r"none is kept.*ADM036"):
        back(store)
    train(store, 2, 3)
    for act in (lambda: back(store, 7), lambda: store.read_version("web", 7), lambda: store.version_of("web", 7)):
        with pytest.raises(VersionNotFound, match=r"no version 7.*kept are 1, 2.*ADM036"):
            act()
    assert level_of(store, "a") == "3"


def test_a_locked_row_stays_and_only_its_bytes_differ(store) -> None:
    content = train(store, 1, 2)
    store.set_lock("web", {("a", "cpu")}, True)
    before = get(store.path("web"))
    _, written = back(store, 1)
    assert written.locked == 1 and written.changed
    assert (level_of(store, "a"), level_of(store, "b")) == ("2", "1")
    now = get(store.path("web")).split(b"\n")
    assert now[1] == before.split(b"\n")[1] and now[2] == content[0].split(b"\n")[2]


def test_a_locked_row_that_the_version_does_not_have_stays_too(store) -> None:
    train(store, 1, hosts="b")
    train(store, 2, hosts="ab")
    store.set_lock("web", {("a", "cpu")}, True)
    assert back(store, 1)[1].locked == 1
    assert store.read("web").columns.get("host") == ["a", "b"] and level_of(store, "b") == "1"


def test_a_locked_row_that_is_the_same_in_the_version_leaves_the_bytes_equal(store) -> None:
    train(store, 1)
    store.set_lock("web", {("a", "cpu")}, True)
    content = get(store.path("web"))
    store.write("web", ["host"], models(["b"], level="2"))
    _, written = back(store)
    assert written.locked == 0 and get(store.path("web")) == content


def test_a_changed_collection_is_not_rolled_back(store) -> None:
    train(store, 1, 2)
    seen = store.content("web")
    content = train(store, 3)
    listing = sorted(os.listdir(store.folder))
    with pytest.raises(Changed, match=r"another search.*nothing was written.*ADM037"):
        store.rollback("web", 1, seen)
    assert get(store.path("web")) == content[0] and sorted(os.listdir(store.folder)) == listing


def test_a_version_that_is_no_collection_is_not_restored(store) -> None:
    content = train(store, 1, 2)
    put(store.version_path("web", 1), content[0][:-100])
    with pytest.raises(ModelError, match="half-written"):
        back(store, 1)
    assert get(store.path("web")) == content[1]


def test_a_collection_that_cannot_be_read_can_be_rolled_back(store) -> None:
    content = train(store, 1, 2)
    put(store.path("web"), content[1][:-100])
    back(store, 1)
    assert get(store.path("web")) == content[0] and get(store.version_path("web", 2)) == content[1][:-100]


def test_untrusted_rows_of_a_version_are_told(store) -> None:
    content = train(store, 1, 2)
    put(store.version_path("web", 1), content[0].replace(b",1,", b",7,", 1))
    assert any("1 rows of version 1" in text for text in back(store, 1)[1].warnings)


def test_a_full_disk_leaves_everything_as_it_was(store, monkeypatch) -> None:
    content = train(store, 1, 2)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_synced", full)
    with pytest.raises(NotWritable, match="No space left"):
        back(store)
    assert get(store.path("web")) == content[1] and store.versions("web") == [1]


@pytest.mark.parametrize("mode", ["update", "replace"])
def test_no_training_changes_a_locked_row(store, mode) -> None:
    train(store, 1)
    store.set_lock("web", {("a", "cpu")}, True)
    line = get(store.path("web")).split(b"\n")[1]
    written = store.write("web", ["host"], models(["a", "b"], level="5"), mode)
    assert written.locked == 1 and get(store.path("web")).split(b"\n")[1] == line and level_of(store, "b") == "5"


def test_replacing_by_other_fields_is_refused_while_a_row_is_locked(store) -> None:
    train(store, 1)
    store.set_lock("web", {("a", "cpu")}, True)
    other = models([("a", "c:")], keys=["host", "disk"])
    for mode in ("update", "replace"):
        with pytest.raises(Locked, match=r"1 of its models are locked.*ADM039"):
            store.write("web", ["host", "disk"], other, mode)
    store.set_lock("web", {("a", "cpu")}, False)
    assert store.write("web", ["host", "disk"], other, "replace").changed
    store.set_lock("web", {("a", "c:", "cpu")}, True)
    with pytest.raises(Locked, match="has the by-fields host"):
        back(store, 1)


def test_a_collection_with_a_locked_row_is_not_deleted(store) -> None:
    train(store, 1, 2)
    store.set_lock("web", {("b", "cpu")}, True)
    listing = sorted(os.listdir(store.folder))
    with pytest.raises(Locked, match=r"1 models.*nothing was deleted.*action=unlock.*ADM039"):
        store.delete("web")
    assert sorted(os.listdir(store.folder)) == listing
    store.set_lock("web", {("b", "cpu")}, False)
    assert len(store.delete("web")) == 2


def test_locking_changes_the_lock_and_the_hash_of_the_chosen_rows_and_nothing_else(store) -> None:
    content = train(store, 1, 2)
    written = store.set_lock("web", {("a", "cpu"), ("nobody", "cpu")}, True)
    assert (written.locked, written.changed, written.version) == (1, True, 2) and store.versions("web") == [1]
    old, new = (data.decode().splitlines() for data in (content[1], get(store.path("web"))))
    assert old[0] == new[0] and old[2] == new[2]
    place = 1 + SCHEMA.index("lock")
    a, b = old[1].split(","), new[1].split(",")
    assert [i for i, (x, y) in enumerate(zip(a, b)) if x != y] == [place, len(a) - 1]
    assert b[place] == "1" and row_hash(b[:-1]) == b[-1]
    assert not store.set_lock("web", {("a", "cpu")}, True).changed
    store.set_lock("web", {("a", "cpu")}, False)
    assert get(store.path("web")) == content[1]


def test_a_tampered_row_is_not_locked_and_stays_tampered(store) -> None:
    content = train(store, 41)
    put(store.path("web"), content[0].replace(b",41,", b",42,", 1))
    assert store.set_lock("web", {("a", "cpu"), ("b", "cpu")}, True).locked == 1
    assert [problem.kind for problem in store.read("web").problems] == ["tampered"]


def shadow(store, level, hosts="ab", **other) -> None:
    store.write("web_shadow", ["host"], models(list(hosts), level=str(level), **other))


def test_promoting_is_an_update_with_the_rows_of_the_shadow_which_is_gone_then(store) -> None:
    train(store, 1, hosts="abc")
    store.set_lock("web", {("a", "cpu")}, True)
    shadow(store, 7)
    version, written = store.promote("web")
    assert (version, written.version, written.locked, written.changed) == (1, 2, 1, True)
    assert [level_of(store, host) for host in "abc"] == ["1", "7", "1"]
    assert store.names() == ["web"] and store.shadow("web") == "" and store.versions("web") == [1]
    columns = store.read("web").columns
    assert columns.get("lock") == ["1", "0", "0"] and columns.get("model_version") == ["1", "2", "1"]


def test_a_shadow_can_be_the_first_version(store) -> None:
    shadow(store, 7)
    assert store.shadow("web") == "web_shadow"
    assert store.promote("web")[1].version == 1 and level_of(store, "a") == "7"


def test_what_the_shadow_could_not_learn_does_not_replace_a_model(store) -> None:
    train(store, 1)
    empty = {"level": "", "scale": "", "state": "", "lower_k": "", "upper_k": "", "model_status": "untrainable"}
    shadow(store, "", hosts="ac", **{name: text for name, text in empty.items() if name != "level"})
    _, written = store.promote("web")
    assert level_of(store, "a") == "1" and level_of(store, "c") == ""
    assert any("1 models" in text and "stay" in text for text in written.warnings)


@pytest.mark.parametrize("trouble", ["none", "locked", "tampered", "keys"])
def test_what_cannot_be_promoted_changes_nothing(store, trouble) -> None:
    train(store, 1)
    if trouble == "keys":
        store.write("web_shadow", ["host", "disk"], models([("a", "c:")], keys=["host", "disk"]))
    elif trouble != "none":
        shadow(store, 41)
    if trouble == "locked":
        store.set_lock("web_shadow", {("a", "cpu")}, True)
    if trouble == "tampered":
        put(store.path("web_shadow"), get(store.path("web_shadow")).replace(b",41,", b",42,", 1))
    listing = {name: get(os.path.join(store.folder, name)) for name in os.listdir(store.folder)}
    says = {"none": "no shadow of", "locked": "are locked", "tampered": "not trusted", "keys": "trained by host"}
    with pytest.raises(ModelError, match=says[trouble]):
        store.promote("web")
    assert {name: get(os.path.join(store.folder, name)) for name in os.listdir(store.folder)} == listing


def test_the_file_that_a_training_began_with(store) -> None:
    train(store, 1, 2)
    assert store.base_path("web", 2) == store.version_path("web", 1) and store.base_path("web", 1) is None
    train(store, *range(3, 9))
    with pytest.raises(NotReplayable, match=r"version 2 .*kept are 3, 4, 5, 6, 7.*ADM038"):
        store.base_path("web", 3 - 1)


def test_a_version_is_read_like_a_collection(store) -> None:
    train(store, 1, 2)
    assert set(store.read_version("web", 1).columns.get("level")) == {"1"}
    assert set(store.version_of("web", 2).columns.get("level")) == {"2"}
    assert rows_of(store.version_of("web", 1).columns) == rows_of(store.read_version("web", 1).columns)


ROLLBACK = """
import sys
sys.path.insert(0, {path!r})
from adaptive_monitoring.errors import AdaptiveError
from adaptive_monitoring.store.versions import Versions
store = Versions(app={app!r})
seen = store.content("web")
print("ready", flush=True)
try:
    print(store.rollback("web", int(sys.argv[1]), seen)[0])
except AdaptiveError as error:
    print(error.code)
"""


def test_of_two_rollbacks_at_once_the_second_one_changes_nothing(app, store) -> None:
    content = train(store, 1, 2, 3)
    code = ROLLBACK.format(path=BIN, app=app)
    with files.locked(store.path("web") + ".lock"):
        started = [
            subprocess.Popen([sys.executable, "-c", code, number], stdout=subprocess.PIPE, text=True) for number in "12"
        ]
        assert [process.stdout.readline() for process in started] == ["ready\n"] * 2
        time.sleep(0.2)  # both wait for the lock now
        assert get(store.path("web")) == content[2]
    said = [process.communicate(timeout=60)[0].strip() for process in started]
    assert sorted(said)[1] == "ADM037" and sorted(said)[0] in ("1", "2")
    assert get(store.path("web")) == content[int(sorted(said)[0]) - 1]
    assert store.versions("web") == [1, 2, 3] and get(store.version_path("web", 3)) == content[2]
