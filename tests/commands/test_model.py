"""adaptmodel: through its real script, as splunkd starts it."""

from __future__ import annotations

import os
import shutil

import pytest
from searchhead.fakesplunkd import FakeSplunkd
from searchhead.head import SearchHead
from store.modelrows import HOSTILE, models

from adaptive_monitoring.bounds.derive import derive
from adaptive_monitoring.commands.model import split_where
from adaptive_monitoring.errors import BadGrammar
from adaptive_monitoring.store.lookup import LookupStore

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "app"
    for name in ("bin", "default"):  # copies: scripts find the app's lookups beside their own folder
        shutil.copytree(os.path.join(REPOSITORY, name), folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "lookups").mkdir()
    return str(folder)


@pytest.fixture
def store(app):
    return LookupStore(app=app)


def search(app, words, **settings):
    return SearchHead(app, **settings).search(f"| adaptmodel {words}")


def put(path: str, data: bytes) -> None:
    with open(path, "wb") as stream:
        stream.write(data)


def get(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def test_list_has_a_row_per_collection(app, store) -> None:
    store.write("web", ["host"], models(["a", "b"], ["cpu", "mem"], trained_to="1702419200"))
    store.write("db", ["host", "disk"], models([("a", "c:")], keys=["host", "disk"], model_status="untrainable"))
    put(store.path("broken"), b"")
    result = search(app, "")
    rows = {row["collection"]: row for row in result.rows}
    assert list(rows) == ["broken", "db", "web"] and not result.errors
    web = rows["web"]
    assert (web["entities"], web["metrics"], web["rows"], web["version"]) == ("2", "cpu mem", "4", "1")
    assert (web["trained_to"], web["statuses"], web["status"]) == ("1702419200", "trained=4", "ok")
    assert web["bytes"] == str(os.path.getsize(store.path("web"))) and rows["db"]["by"] == "host disk"
    assert "is empty" in rows["broken"]["status"]


def test_no_collection_is_said(app) -> None:
    result = search(app, "action=list")
    assert result.rows == [] and "no collection yet" in result.messages[0][1]


def test_show_gives_the_models_and_where_chooses(app, store) -> None:
    store.write("web", ["host"], models([*HOSTILE[:6], "été", "web1", "web2"], ["cpu", "mem"], season="week"))
    assert len(search(app, "action=show collection=web").rows) == 18
    rows = search(app, 'action=show collection=web where host="web*" metric=cpu').rows
    assert [(row["host"], row["metric"]) for row in rows] == [("web1", "cpu"), ("web2", "cpu")]
    stored = store.read("web").columns
    place = list(zip(stored.get("host"), stored.get("metric"))).index(("web1", "cpu"))
    assert [rows[0][name] for name in ("slots", "row_hash")] == [
        stored.get(name)[place] for name in ("slots", "row_hash")
    ]
    assert search(app, "action=show collection=web where host = nobody").rows == []
    assert "WHERE must name one of host, metric" in search(app, "action=show collection=web where disk=1").errors[0]


def test_verify_has_a_row_per_finding_or_an_ok(app, store) -> None:
    store.write("good", ["host"], models(["a"]))
    store.write("bad", ["host"], models(["a", "b", "c"], level="41"))
    data = get(store.path("bad"))
    put(store.path("bad"), data.replace(b",41,", b",42,", 1) + data.split(b"\n")[3] + b"\n")
    put(store.path("half"), data[:-50])
    rows = search(app, "action=verify").rows
    assert [(row["collection"], row["finding"], row["line"]) for row in rows] == [
        ("bad", "tampered", "2"),
        ("bad", "duplicate", "5"),
        ("good", "ok", ""),
        ("half", "unreadable", ""),
    ]
    assert rows[0]["row"] == "a cpu" and "half-written" in rows[3]["detail"]
    shown = search(app, "action=show collection=bad")
    assert len(shown.rows) == 2 and any(level == "WARN" and "2 of 4 rows" in text for level, text in shown.messages)
    assert search(app, "action=list collection=bad").rows[0]["tampered"] == "1"


def test_export_writes_the_bounds_and_verify_finds_old_ones(app, store) -> None:
    columns = models(["a", "b"], season="day")
    store.write("web", ["host"], columns)
    row = search(app, "action=export collection=web").rows[0]
    assert (row["models"], row["rows"], row["changed"], row["skipped"]) == ("2", "192", "1", "0")
    assert get(store.bounds_path("web")) == store.rendered(derive(columns, ["host"]).columns)
    assert search(app, "action=export collection=web").rows[0]["changed"] == "0"
    assert search(app, "action=verify collection=web").rows[0]["finding"] == "ok"
    store.write("web", ["host"], models(["a"], season="day", level="1"))
    assert search(app, "action=verify collection=web").rows[0]["finding"] == "bounds_outdated"


def test_proposals_are_rows_and_write_nothing(app, store) -> None:
    store.write("web", ["host"], models(["a", "b"], ["cpu", "mem"], season="day"))
    rows = search(app, "action=export format=proposal collection=web where host=b").rows
    found = [(row["host"], row["metric"], row["direction"]) for row in rows]
    assert found == [("b", metric, side) for metric in ("cpu", "mem") for side in ("high", "low")]
    high, low = rows[:2]
    assert float(high["critical"]) > float(high["warning"]) > float(low["warning"]) > float(low["critical"])
    assert {row["duration"] for row in rows} == {"10m"}
    assert search(app, "action=export format=proposal collection=web open=3/4").rows[0]["duration"] == "15m"
    assert not os.path.exists(store.bounds_path("web"))


def test_delete_removes_collection_and_bounds(app, store) -> None:
    for level in ("1", "2"):
        store.write("web", ["host"], models(["a"], level=level))
    store.write_bounds("web", derive(models(["a"]), ["host"]).columns)
    store.write("keep", ["host"], models(["a"]))
    assert len(search(app, "action=delete collection=web").rows) == 3
    assert store.names() == ["keep"] and store.names(bounds=True) == []


def test_delete_and_export_do_nothing_in_a_preview(app, store) -> None:
    store.write("web", ["host"], models(["a"]))
    for action in ("delete", "export"):
        assert search(app, f"action={action} collection=web", preview=True).rows == []
    assert store.names() == ["web"] and store.names(bounds=True) == []


@pytest.mark.parametrize(
    "words, says",
    [
        ("action=drop collection=web", "action must be list, show, diff, .* delete, verify or export.*ADM011"),
        ("action=show", "collection= is missing.*ADM012"),
        ("action=delete collection=web2", "there are: web.*ADM030"),
        ("action=show collection=../x", "collection must be.*ADM011"),
        ("action=show collection=x_bounds", "must not end with _bounds.*ADM032"),
        ("action=list where host=a", "WHERE goes with.*ADM013"),
        ("action=show collection=web where", "nothing follows WHERE.*ADM012"),
        ("action=show collection=web where host", "WHERE takes.*ADM013"),
        ("action=show colection=web", "did you mean collection.*ADM010"),
        ("cpu", "takes no fields.*ADM013"),
        ("action=list version=3", "version= goes with action=show or diff or rollback or verify; got list.*ADM013"),
        ("action=show collection=web version=x", "version must be the number of a version.*ADM011"),
        ("action=rollback collection=web version=1,2", "one version is enough here; got version=1,2.*ADM013"),
        ("action=verify version=1", "takes version= with collection= and replay=true only.*ADM013"),
        ("action=show collection=web against=db", "against= goes with action=diff.*ADM013"),
        ("action=lock collection=web", "action=lock needs WHERE.*ADM012"),
        ("action=diff collection=web", "no version before the one in use.*none is kept.*ADM036"),
        ("action=rollback collection=web version=7", 'no version 7 of "web".*none is kept.*ADM036'),
        ("action=promote collection=web", "no shadow of \"web\".*mode=shadow.*ADM030"),
    ],
)
def test_what_is_typed_wrong_is_explained(app, store, words, says) -> None:
    store.write("web", ["host"], models(["a"]))
    import re

    errors = search(app, words).errors
    assert errors and re.search(says, errors[0])


def test_where_keeps_quotes_and_spaces() -> None:
    words = ["action=show", "WHERE", 'host="a b"', '"my field"', "=", "x*,", "c=d"]
    assert split_where(words) == (["action=show"], [("host", "a b"), ("my field", "x*"), ("c", "d")])
    with pytest.raises(BadGrammar):
        split_where(["where", "=x"])


def test_writing_goes_through_splunkd(tmp_path, app, store) -> None:
    pytest.importorskip("splunklib.binding")
    store.write("web", ["host"], models(["a"]))
    with FakeSplunkd(str(tmp_path), lookups=store.folder) as splunkd:
        assert search(app, "action=export collection=web", splunkd=splunkd).rows[0]["route"] == "splunkd"
        assert splunkd.lookups.owners["adaptive_web_bounds.csv"] == ("nobody", "app")
        splunkd.fail(403, times=5, match="DELETE")
        refused = search(app, "action=delete collection=web", splunkd=splunkd)
        assert "needs write access to the app" in refused.errors[0] and store.names() == ["web"]
        assert store.names(bounds=True) == ["web"]
        splunkd._faults.clear()
        assert len(search(app, "action=delete collection=web", splunkd=splunkd).rows) == 2
    assert store.names() == [] and splunkd.session_key not in str(refused.messages)
