"""adaptmodel action=verify replay=true: trained again through splunkd, compared cell by cell."""

from __future__ import annotations

import os

import pytest
from searchhead.fakesplunkd import FakeSplunkd
from searchhead.head import SearchHead
from searchhead.table import Table, write_csv

from adaptive_monitoring.commands.replaying import COMPARED, judged, pipeline, replay_search
from adaptive_monitoring.errors import NotReplayable
from adaptive_monitoring.store.base import SCHEMA
from adaptive_monitoring.store.rows import row_hash
from commands.fleet import DAYS, START, App, shifted, wide

pytest.importorskip("splunklib.binding")

TRAIN = "search index=os | adaptfit cpu mem by host into web"
DAY = 86400.0


class Estate:
    """An app, a splunkd, and the events that searches find in it."""

    def __init__(self, app: App, splunkd: FakeSplunkd) -> None:
        self.app, self.splunkd = app, splunkd
        self.head = splunkd.export.head = SearchHead(app.folder, splunkd=splunkd)
        self.events = wide("ab", DAYS + 3)

    def train(self, text: str = TRAIN, first: float = 0, last: float = DAYS):
        """As splunkd would run it over the days first … last of the events."""
        earliest, latest = START + first * DAY, START + last * DAY
        rows = [row for row in self.events if earliest <= float(row["_time"]) < latest]
        result = self.head.search(text, rows, earliest, latest)
        assert not result.errors
        return result

    def model(self, words: str):
        self.splunkd.export.events = self.events
        return self.head.search(f"| adaptmodel {words}")

    def replay(self, more: str = ""):
        """Findings behind those of an ordinary verify: (finding, row)."""
        result = self.model(f"action=verify collection=web replay=true {more}")
        assert not result.errors and self.splunkd.session_key not in str(result.rows) + str(result.messages)
        return [row for row in result.rows if row["finding"] not in ("ok", "bounds_outdated", "tampered")]

    def files(self) -> dict[str, float]:
        """Lookup files and when they were written."""
        paths = {name: os.path.join(self.app.lookups, name) for name in os.listdir(self.app.lookups)}
        return {name: os.path.getmtime(path) for name, path in paths.items()}

    def forge(self, **cells: str) -> None:
        """Cells of the first row changed by somebody who knows how hashes are made."""
        lines = self.app.data("web").decode().split("\n")
        row = lines[1].split(",")
        for name, text in cells.items():
            row[1 + SCHEMA.index(name)] = text
        row[-1] = row_hash(row[:-1])
        self.app.put("web", "\n".join([lines[0], ",".join(row), *lines[2:]]).encode())


@pytest.fixture
def estate(own, tmp_path):
    with FakeSplunkd(str(tmp_path / "home"), own.lookups) as splunkd:
        yield Estate(own, splunkd)


def words(found, *names: str) -> list[str]:
    return [" ".join(row.get(name, "") for name in names or ("finding",)) for row in found]


def test_what_was_trained_is_trained_again_alike_although_newer_data_have_come(estate) -> None:
    estate.train()
    before = estate.files()
    found = estate.replay()
    assert words(found, "finding", "row") == [f"replay_ok {row}" for row in ("a cpu", "a mem", "b cpu", "b mem")]
    assert estate.splunkd.export.searches == [f"{TRAIN} replay=1"]
    assert estate.files() == before and len(estate.splunkd.collections.store["adaptive_audit"]) == 1


def test_what_stands_behind_adaptfit_and_in_front_of_it_is_taken_as_it_was(estate) -> None:
    text = 'search index=os | where cpu>0 | adaptfit cpu BY host budget = 1 INTO "web" floor=1,2% | head 1 | eval x="|"'
    estate.train(text)
    assert words(estate.replay()) == ["replay_ok"] * 2
    assert estate.splunkd.export.searches[0].endswith('INTO "web" floor=1,2% replay=1')


def test_a_forged_number_is_found_although_its_hash_is_right(estate) -> None:
    estate.train()
    estate.forge(level="51.5")
    assert words(estate.model("action=verify collection=web").rows) == ["ok"]
    found = estate.replay()
    assert words(found) == ["replay_differs", "replay_ok", "replay_ok", "replay_ok", "unrecorded_change"]
    assert found[0]["row"] == "a cpu" and found[0]["detail"].startswith('1 cells differ: level "51.5" is "')


def test_a_tampered_row_is_no_row_that_can_be_compared(estate) -> None:
    estate.train()
    line = estate.app.data("web").split(b"\n")[1]
    estate.app.put("web", estate.app.data("web").replace(line, line.replace(b",admin,", b",nobody,")))
    found = estate.replay()
    assert words(found)[:2] == ["replay_differs", "replay_ok"] and "can be trusted" in found[0]["detail"]


def test_other_data_in_the_same_range_are_told_as_such(estate) -> None:
    estate.train()
    estate.events = shifted(estate.events, "b", "cpu", 30, 24)
    found = estate.replay()
    assert words(found) == ["replay_ok", "replay_ok", "replay_data_changed", "replay_data_changed"]
    assert found[2]["row"] == "b cpu" and "level" in found[2]["detail"]
    assert "level" not in found[3]["detail"]  # what both metrics of a host share has moved


def test_other_data_that_move_no_model_are_told_too(estate) -> None:
    estate.train()
    (record,) = estate.splunkd.collections.store["adaptive_audit"].values()
    record["data_hash"] = "0" * 64
    found = estate.replay()
    assert words(found) == [*["replay_ok"] * 4, "replay_data_changed"] and "no model moved" in found[4]["detail"]


def test_an_update_is_repeated_from_the_version_before_it(estate) -> None:
    estate.train()
    estate.train(first=DAYS - 0.4, last=DAYS + 1)
    assert estate.app.store.versions("web") == [1]
    assert words(estate.replay()) == ["replay_ok"] * 4
    assert estate.splunkd.export.searches[-1].endswith("replay=2")
    assert words(estate.replay("version=1")) == ["replay_ok"] * 4
    estate.train(first=DAYS + 0.6, last=DAYS + 2)
    assert words(estate.replay()) == words(estate.replay("version=2")) == ["replay_ok"] * 4


def test_an_update_whose_beginning_is_not_kept_cannot_be_repeated(estate) -> None:
    estate.train()
    estate.train(first=DAYS - 0.4, last=DAYS + 1)
    os.remove(estate.app.store.version_path("web", 1))
    found = estate.replay()
    assert words(found) == ["not_replayable"] and "learned on from version 1, which is not kept" in found[0]["detail"]
    assert "ADM038" in found[0]["detail"] and estate.splunkd.export.searches == []


def test_replace_needs_no_version_before_it(estate) -> None:
    estate.train()
    estate.train(f"{TRAIN} mode=replace", last=DAYS + 1)
    os.remove(estate.app.store.version_path("web", 1))
    assert words(estate.replay()) == ["replay_ok"] * 4


def test_after_a_rollback_the_training_of_what_is_in_use_is_repeated(estate) -> None:
    estate.train()
    estate.train(f"{TRAIN} mode=replace budget=1", last=DAYS + 1)
    estate.model("action=rollback collection=web")
    assert words(estate.replay()) == ["replay_ok"] * 4 and estate.splunkd.export.searches[-1] == f"{TRAIN} replay=1"
    assert words(estate.replay("version=2")) == ["replay_ok"] * 4
    assert estate.splunkd.export.searches[-1].endswith("budget=1 replay=2")
    assert words(estate.replay("version=9")) == ["not_replayable"]


def test_locking_is_no_difference_and_a_locked_row_of_an_older_training_is_skipped(estate) -> None:
    estate.train()
    estate.model("action=lock collection=web where host=a metric=cpu")
    assert words(estate.replay()) == ["replay_ok"] * 4
    estate.train(f"{TRAIN} mode=replace", last=DAYS + 1)
    found = estate.replay()
    assert words(found) == ["replay_skipped", "replay_ok", "replay_ok", "replay_ok"]
    assert "of version 1: it was locked" in found[0]["detail"]


def test_what_verdicts_eased_is_no_difference_and_their_training_is_found(estate) -> None:
    estate.train()
    start = START + (DAYS - 0.3) * DAY
    alert = {"_time": str(start), "host": "a", "verdict": "false_alert", "anomaly_id": f"x-{start:.0f}",
             "anomaly_start": str(start), "anomaly_score": "80", "contributors": "cpu 100%",
             "reason": "cpu at 90 jumped far from its last values"}  # fmt: skip
    text = "search x | adaptfeedback verdict=verdict by host model=web"
    assert not estate.head.search(text, [alert]).errors
    assert "eased=0 0 0 0 0" not in estate.app.stored("web").get("state")[0] and estate.app.store.versions("web") == [1]
    records = sorted(estate.splunkd.collections.store["adaptive_audit"].values(), key=lambda record: record["_key"])
    told = [(row["event"], row["version"], row["rows"]) for row in records]
    assert told == [("train", "1", "4"), ("verdict", "2", "1")]
    assert records[1]["reason"] == "1 false_alert"
    assert words(estate.replay()) == ["replay_ok"] * 4 and estate.splunkd.export.searches == [f"{TRAIN} replay=1"]
    estate.forge(level="51.5")
    assert words(estate.replay())[0] == "replay_differs"


def test_what_was_promoted_is_repeated_by_the_training_of_the_shadow(estate) -> None:
    estate.train()
    estate.train(f"{TRAIN} mode=shadow budget=2", last=DAYS + 1)
    estate.model("action=promote collection=web")
    assert words(estate.replay()) == ["replay_ok"] * 4
    assert estate.splunkd.export.searches[-1] == f"{TRAIN} mode=shadow budget=2 replay=1"


def test_what_nobody_recorded_cannot_be_repeated(estate) -> None:
    estate.train()
    estate.splunkd.collections.store["adaptive_audit"].clear()
    found = estate.replay()
    assert words(found) == ["not_replayable"] and "no record of the training of version 1" in found[0]["detail"]


def test_a_search_without_an_end_cannot_be_repeated(estate) -> None:
    estate.head.search(TRAIN, estate.events)
    found = estate.replay()
    assert words(found) == ["not_replayable"] and "no range of time with an end" in found[0]["detail"]


def test_data_that_are_gone_and_a_search_that_fails_are_said(estate) -> None:
    estate.train()
    events, estate.events = estate.events, []
    found = estate.replay()
    assert words(found) == ["not_replayable"] and "finds nothing today" in found[0]["detail"]
    estate.events = events
    past = os.path.join(estate.app.lookups, "past.csv")
    write_csv(Table({"start": ["1"], "end": ["2"]}), past)
    estate.train("search index=os | adaptfit cpu by host into web exclude=past mode=replace")
    os.remove(past)
    found = estate.replay()
    assert words(found) == ["not_replayable"] and "fails today" in found[0]["detail"] and "past" in found[0]["detail"]


def test_without_splunkd_nothing_can_be_repeated(estate) -> None:
    estate.train()
    head = SearchHead(estate.app.folder)
    result = head.search("| adaptmodel action=verify collection=web replay=true")
    assert not result.errors and words(result.rows)[-1] == "not_replayable"  # its audit trail is another one
    estate.splunkd.fail(403, match="export")
    result = estate.model("action=verify collection=web replay=true")
    assert "not allowed to run the search again" in result.errors[0]
    estate.splunkd.cut(match="export")
    assert "no complete answer" in estate.model("action=verify collection=web replay=true").errors[0]


def test_all_collections_are_repeated_when_none_is_named(estate) -> None:
    estate.train()
    estate.train("search index=os | adaptfit mem by host into other")
    rows = estate.model("action=verify replay=true").rows
    assert [(row["collection"], row["finding"]) for row in rows] == [
        ("other", "ok"), ("web", "ok"), *[("other", "replay_ok")] * 2, *[("web", "replay_ok")] * 4
    ]  # fmt: skip


def test_adaptfit_with_replay_writes_nothing_and_needs_a_collection(estate) -> None:
    estate.train()
    before = estate.app.data("web")
    result = estate.train(f"{TRAIN} replay=1 budget=3", last=2)
    assert estate.app.data("web") == before and len({row["data_hash"] for row in result.rows}) == 1
    assert len(estate.splunkd.collections.store["adaptive_audit"]) == 1
    errors = estate.head.search("search x | adaptfit cpu by host replay=1", estate.events).errors
    assert "replay= repeats what was stored INTO a collection" in errors[0]
    errors = estate.head.search(f"{TRAIN} replay=7", estate.events).errors
    assert "version 7" in errors[0] and "ADM038" in errors[0]


@pytest.mark.parametrize(
    "search, wanted",
    [
        ("| mstats avg(x) by host span=5m | adaptfit x by host into web", "| mstats avg(x) by host span=5m | "),
        ("index=os | adaptfit x by host into web | head 3", "search index=os | "),
        ('search a="|" [search b | fields c] | adaptfit x into web', 'search a="|" [search b | fields c] | '),
        ("search `m(\"a|b\")` | adaptfit y into db | adaptfit x into web | adaptfit z into web2", None),
    ],
)
def test_a_search_is_cut_behind_its_adaptfit(search, wanted) -> None:
    text, mode = replay_search(search, "web", 4)
    assert mode == "update" and text.endswith("into web replay=4")
    assert wanted is None or text.startswith(wanted)
    assert text.count("|") <= search.count("|")


@pytest.mark.parametrize("search", ["", "| `train`", "search x | adaptfit cpu into web2", "search x | adaptfit by"])
def test_a_search_in_which_the_training_cannot_be_seen_is_not_repeated(search) -> None:
    with pytest.raises(NotReplayable, match="in plain sight"):
        replay_search(search, "web", 1)


def test_pipes_in_quotes_brackets_and_macros_do_not_cut() -> None:
    assert pipeline('| a "x|\\"|y" | b [c | d] | e(f|g) | `h(i|j)` | k') == [
        "", 'a "x|\\"|y"', "b [c | d]", "e(f|g)", "`h(i|j)`", "k"
    ]  # fmt: skip


def test_only_what_is_learned_is_compared() -> None:
    row = dict.fromkeys(SCHEMA, "1")
    other = {"author": "else", "lock": "", "row_hash": "", "model_version": "7", "state": "1;eased=0 0.5 0 0 0"}
    assert judged(row, {**row, **other}, False, 1) == ("replay_ok", "")
    assert set(SCHEMA) - set(COMPARED) == {"author", "lock", "row_hash", "model_version"}
    for name in COMPARED:
        assert judged(row, {**row, name: "2"}, False, 1) == (
            "replay_differs", f'1 cells differ: {name} "1" is "2" today'
        )  # fmt: skip
    assert judged(row, {**row, "level": "2"}, True, 1)[0] == "replay_data_changed"
    assert judged(row, {**row, "level": "2"}, False, 2)[0] == "replay_skipped"
    assert judged(None, row, False, 1)[0] == judged(row, None, False, 1)[0] == "replay_differs"
