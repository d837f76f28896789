"""adaptmodel rollback, lock, unlock, promote, delete and what list says of them: through the real scripts."""

from __future__ import annotations

import os

from searchhead.head import SearchHead

from adaptive_monitoring.bounds.derive import derive
from commands.fleet import DAYS, START, App, said, shifted, wide


def model(app: App, words: str, **settings):
    return SearchHead(app.folder, **settings).search(f"| adaptmodel {words}")


def versions(app: App) -> dict[int, bytes]:
    found = {}
    for version in app.store.versions("web"):
        with open(app.store.version_path("web", version), "rb") as stream:
            found[version] = stream.read()
    return found


def train(app: App, seed: int, hosts: str = "ab", options: str = "mode=replace", days: float = 1):
    result = app.search(f"adaptfit cpu mem by host into web {options}", wide(hosts, days, seed=seed))
    assert not result.errors
    return app.data("web")


def test_a_rollback_restores_the_bytes_and_says_so(own) -> None:
    contents = [train(own, seed) for seed in (1, 2, 3)]
    (row,) = model(own, "action=rollback collection=web version=1").rows
    assert own.data("web") == contents[0] == versions(own)[1] and versions(own)[3] == contents[2]
    assert (row["restored"], row["version"], row["version_before"], row["changed"]) == ("1", "4", "3", "1")
    (row,) = model(own, "action=rollback collection=web").rows
    assert row["restored"] == "3" and own.data("web") == contents[2]
    trained = own.search("adaptfit cpu mem by host into web mode=replace", wide("ab", 1, seed=4))
    assert {row["model_version"] for row in trained.rows} == {"6"}
    (row,) = model(own, "action=list collection=web").rows
    assert (row["version"], row["versions"], row["versions_kept"]) == ("6", "1 2 3 4 5", "5")


def test_a_rollback_to_what_is_there_and_to_what_is_not(own) -> None:
    content = [train(own, seed) for seed in (1, 2)]
    result = model(own, "action=rollback collection=web version=9")
    assert "kept are 1 (ADM036)" in result.errors[0] and own.data("web") == content[1]
    model(own, "action=rollback collection=web")
    again = model(own, "action=rollback collection=web version=1")
    assert said(again, "has the content of version 1 already", level="INFO") and again.rows[0]["changed"] == "0"
    assert own.store.versions("web") == [1, 2]


def test_the_bounds_follow_a_rollback(own) -> None:
    train(own, 1)
    model(own, "action=export collection=web")
    bounds = own.store.stored_bounds("web")
    train(own, 2)
    assert model(own, "action=verify collection=web").rows[0]["finding"] == "bounds_outdated"
    model(own, "action=export collection=web")
    assert own.store.stored_bounds("web") != bounds
    assert model(own, "action=rollback collection=web").rows[0]["bounds"] == "rewritten"
    assert own.store.stored_bounds("web") == bounds
    assert model(own, "action=verify collection=web").rows[0]["finding"] == "ok"


def test_a_locked_row_is_changed_by_no_writer(own) -> None:
    train(own, 1)
    train(own, 2)
    locked = model(own, "action=lock collection=web where host=a metric=cpu")
    assert [(row["host"], row["metric"], row["lock"]) for row in locked.rows] == [("a", "cpu", "1")]
    line = own.data("web").split(b"\n")[1]

    def same() -> bool:
        return own.data("web").split(b"\n")[1] == line

    for options in ("mode=update", "mode=replace"):
        result = own.search(f"adaptfit cpu mem by host into web {options}", wide("ab", 1, seed=3))
        assert same() and said(result, "1 locked models were not changed")
    result = model(own, "action=rollback collection=web version=1")
    assert same() and said(result, "1 locked models stay as they are", "differs from version 1")
    assert result.rows[0]["locked"] == "1"
    own.search("adaptfit cpu mem by host into web mode=shadow", wide("ab", 1, seed=5))
    result = model(own, "action=promote collection=web")
    assert same() and said(result, "1 locked models were not changed") and result.rows[0]["locked"] == "1"
    before = sorted(os.listdir(own.lookups))
    assert "1 models of" in model(own, "action=delete collection=web").errors[0]
    assert same() and sorted(os.listdir(own.lookups)) == before
    unlocked = model(own, "action=unlock collection=web where host=a")
    assert [row["lock"] for row in unlocked.rows] == ["0", "0"] and said(unlocked, "1 of 2 models", level="INFO")
    assert len(model(own, "action=delete collection=web").rows) > 1 and own.store.names() == []


def test_conditions_that_nothing_fulfils_lock_nothing(own) -> None:
    before = train(own, 1)
    result = model(own, "action=lock collection=web where host=nobody")
    assert said(result, "no model", "nothing was locked") and own.data("web") == before


def test_a_shadow_is_listed_scored_and_promoted(own) -> None:
    train(own, 1)
    model(own, "action=export collection=web")
    own.search("adaptfit cpu mem by host into web mode=shadow", wide("ab", 2, seed=7))
    listed = {row["collection"]: row["shadow"] for row in model(own, "").rows}
    assert listed == {"web": "web_shadow", "web_shadow": ""}
    scored = own.search("adaptdetect cpu mem by host model=web_shadow", wide("ab", 0.1))
    assert not scored.errors and len(scored.rows) > 20
    shadow = own.store.read("web_shadow").columns
    (row,) = model(own, "action=promote collection=web").rows
    assert [row[name] for name in ("version", "source", "source_version")] == ["2", "web_shadow", "1"]
    assert row["bounds"] == "rewritten"
    models = own.store.read("web")
    assert models.columns.get("level") == shadow.get("level") and own.store.names() == ["web"]
    assert own.store.stored_bounds("web") == own.store.rendered(derive(models.columns, ["host"]).columns)


def test_list_counts_locked_rows_and_show_gives_an_older_version(own) -> None:
    train(own, 1)
    old = own.store.read("web").columns.get("level")
    train(own, 2)
    model(own, "action=lock collection=web where host=b")
    (row,) = model(own, "action=list").rows
    assert (row["locked"], row["version"], row["versions"]) == ("2", "2", "1")
    assert [row["level"] for row in model(own, "action=show collection=web version=1").rows] == old
    assert "kept are 1" in model(own, "action=show collection=web version=5").errors[0]


def test_nothing_is_changed_in_a_preview(own) -> None:
    train(own, 1)
    before = train(own, 2)
    listing = sorted(os.listdir(own.lookups))
    for words in ("rollback", "lock", "unlock", "promote", "delete"):
        where = "where host=a" if "lock" in words else ""
        assert model(own, f"action={words} collection=web {where}", preview=True).rows == []
    assert own.data("web") == before and sorted(os.listdir(own.lookups)) == listing


def test_proposed_thresholds_become_a_lookup_that_has_the_columns_of_a_back_test(own) -> None:
    train(own, 1)
    result = model(own, "action=export collection=web format=proposal | outputlookup thresholds.csv")
    assert not result.errors
    found = model(own, "action=list | head 0 | inputlookup thresholds.csv").rows
    assert list(found[0]) == ["host", "metric", "warning", "critical", "direction", "duration"]
    assert [(row["host"], row["metric"], row["direction"]) for row in found] == [
        (host, metric, side) for host in "ab" for metric in ("cpu", "mem") for side in ("high", "low")
    ]
    assert {row["duration"] for row in found} == {"20m"}


def test_proposed_thresholds_can_be_back_tested(own) -> None:
    train(own, 1, days=DAYS)
    model(own, "action=export collection=web format=proposal | outputlookup thresholds.csv")
    later = shifted(wide("ab", 8, START + DAYS * 86400), "b", "cpu", 60, 7 * 24 + 12)
    result = own.search("adaptbacktest cpu mem by host static=thresholds", later)
    assert not result.errors and not said(result, "left out")
    total = {row["row"]: row for row in result.rows}["total"]
    quiet = own.search("adaptbacktest cpu mem by host static=thresholds", wide("ab", 8, START + DAYS * 86400))
    calm = {row["row"]: row for row in quiet.rows}["total"]
    assert float(total["static_alerts"]) > float(calm["static_alerts"]) == 0
