"""New hosts that start with the model of their group: adaptfit peer=, adaptdetect model= peer=, through the scripts."""

from __future__ import annotations

import random

import pytest

from adaptive_monitoring.bounds.peers import is_peer_row, of_entities, peer_key
from adaptive_monitoring.columns import Columns
from adaptive_monitoring.store.rows import row_hash
from commands.fleet import DAYS, START, App, Row, later, long, said, shifted, wide

HOUR = 3600
OLD, NEW = "abc", "n"


def roled(rows: list[Row], role: str = "web", **others: str) -> list[Row]:
    """The same rows with a role; others: host=role."""
    return [{**row, "role": others.get(row["host"], role)} for row in rows]


@pytest.fixture(scope="module")
def grouped(stage, tmp_path_factory):
    """(app, result): collection web of a, b, c in group web, d in group db. Not to be written."""
    import shutil

    app = App(str(shutil.copytree(stage, tmp_path_factory.mktemp("grouped") / "app")))
    return app, app.search("adaptfit cpu mem by host into web peer=role", roled(wide("abcd"), d="db"))


@pytest.fixture
def writable(grouped, tmp_path):
    """An app with that collection, to be written."""
    import shutil

    return App(str(shutil.copytree(grouped[0].folder, tmp_path / "app")))


def detect(app: App, rows: list[Row], options: str = "peer=role", **settings):
    return app.search(f"adaptdetect cpu mem by host model=web {options}", rows, **settings)


def of(result, host: str) -> list[dict[str, str]]:
    return [row for row in result.rows if row["host"] == host]


def test_a_group_of_three_gets_a_model_and_a_group_of_one_none(grouped) -> None:
    result = grouped[1]
    assert not result.errors and result.stderr == ""
    rows = [row for row in result.rows if row["model_status"] == "peer"]
    assert [(row["host"], row["metric"], row["peer"]) for row in rows] == [
        ("peer:web", "cpu", "web"),
        ("peer:web", "mem", "web"),
    ]
    assert all(row["reason"] == "the model of a group of 3 members" for row in rows)
    assert {row["peer"] for row in result.rows} == {"web", "db"}
    assert said(result, "1 groups by role have fewer than 3 trained members", ": db")
    assert said(result, "8 models of 4 entities", "8 trained", level="INFO")
    assert all(len(line) <= 2048 for line in grouped[0].data("web").split(b"\n")[1:])


def test_rows_of_entities_are_those_of_a_training_without_groups(grouped, own) -> None:
    plain = own.search("adaptfit cpu mem by host into web", roled(wide("abcd"), d="db"))
    same = ("host", "metric", "level", "scale", "slots", "state", "threshold", "model_status", "reason")
    entities = [row for row in grouped[1].rows if not row["host"].startswith("peer:")]
    ours, theirs = ([[row.get(name) or "" for name in same] for row in rows] for rows in (entities, plain.rows))
    assert ours == theirs


def test_a_group_lies_between_its_members(grouped) -> None:
    rows = {row["host"]: row for row in grouped[1].rows if row["metric"] == "cpu"}
    levels = sorted(float(rows[host]["level"]) for host in OLD)
    assert levels[0] <= float(rows["peer:web"]["level"]) <= levels[2]
    assert rows["peer:web"]["season"] == "day" and rows["peer:web"]["span"] == "600"


def test_the_order_of_rows_decides_nothing(grouped, own) -> None:
    rows = roled(wide("abcd"), d="db")
    random.Random(5).shuffle(rows)
    result = own.search("adaptfit cpu mem by host into web peer=role", rows)
    assert own.data("web") == grouped[0].data("web") and not result.errors


def test_a_new_host_is_scored_from_its_first_row(grouped) -> None:
    rows = roled(later("an", hours=72))
    result = detect(grouped[0], rows)
    new = of(result, NEW)
    assert not result.errors and new[0]["anomaly_score"] != "" and new[0]["cpu_upper_bound"] != ""
    statuses = [row["model_status"] for row in new]
    assert statuses[: 2 * 144] == ["peer"] * 2 * 144 and set(statuses[2 * 144 :]) == {"trained"}
    assert {row["model_status"] for row in of(result, "a")} == {"trained"}
    assert not any(row["is_anomaly"] == "1" for row in new)
    assert said(result, "1 entities have no model of their own yet", level="INFO")


def test_without_a_group_the_first_hours_are_blind(grouped) -> None:
    result = detect(grouped[0], later(NEW), options="")
    assert all(row["anomaly_score"] == "" and row["model_status"] == "cold" for row in result.rows[:30])


def test_other_hosts_do_not_notice_the_new_one(grouped) -> None:
    alone = detect(grouped[0], roled(later("ab")))
    crowd = detect(grouped[0], roled(later("abn")))
    for host in "ab":
        assert of(alone, host) == of(crowd, host)


@pytest.mark.parametrize("lang, says", [("en", "(compared with its group web)"), ("fr", "(comparé à son groupe web)")])
def test_a_fault_in_the_first_hours_is_found_and_is_at_most_medium(grouped, lang, says) -> None:
    rows = roled(shifted(later(NEW), NEW, "cpu", 400, after_h=2))
    found = [row for row in detect(grouped[0], rows, f"peer=role lang={lang}").rows if row["is_anomaly"] == "1"]
    assert found and float(found[0]["_time"]) <= START + DAYS * 86400 + 2.5 * HOUR
    assert says in found[0]["reason"] and found[0]["severity"] == "medium"
    assert {row["severity"] for row in found} <= {"low", "medium"}


def test_a_host_at_another_level_takes_its_own(grouped) -> None:
    rows = roled([{**row, "cpu": str(float(row["cpu"]) + 12)} for row in later(NEW, hours=60)])
    new = detect(grouped[0], rows).rows
    begin, after = new[6], new[40]
    width = [float(row["cpu_upper_bound"]) - float(row["cpu_lower_bound"]) for row in (begin, after)]
    assert abs(float(begin["cpu_expected"]) - float(begin["cpu"])) > 6
    assert abs(float(after["cpu_expected"]) - float(after["cpu"])) < 6 and width[1] < width[0]


def test_unknown_groups_start_cold_and_are_told(grouped) -> None:
    rows = roled(later("nop"), n="web", o="lost", p="")
    result = detect(grouped[0], rows)
    assert [of(result, host)[0]["model_status"] for host in "nop"] == ["peer", "cold", "cold"]
    assert said(result, "2 entities start cold", "has no model of their role: (none), lost")


@pytest.mark.parametrize("chunk", [1, 7, 50, 1000])
def test_chunks_cut_anywhere_give_the_same(grouped, chunk) -> None:
    rows = roled(shifted(later("an", hours=8), NEW, "cpu", 60, after_h=2), n="web")
    assert detect(grouped[0], rows, chunk_rows=chunk).rows == detect(grouped[0], rows).rows


def test_the_group_of_the_first_row_counts(grouped) -> None:
    rows = roled(later(NEW, hours=2))
    changed = [rows[0], *({**row, "role": "lost"} for row in rows[1:])]
    assert [r["anomaly_score"] for r in detect(grouped[0], changed).rows] == [
        r["anomaly_score"] for r in detect(grouped[0], rows).rows
    ]


def test_long_rows_lend_the_same(own) -> None:
    def tall(rows: list[Row]) -> list[Row]:
        return [{**row, "role": "web"} for row in long(rows)]

    own.search("adaptfit by host into web peer=role", tall(wide("abcd")))
    assert [key for key in own.stored("web").get("host") if ":" in key] == ["peer:web"] * 2
    result = own.search("adaptdetect by host model=web peer=role", tall(later(NEW)))
    assert not result.errors
    assert result.rows[1]["anomaly_score"] != "" and result.rows[0]["model_status"] == "peer"


def test_two_by_fields_in_any_order(own) -> None:
    rows = [{**row, "disk": disk} for row in roled(wide("ab")) for disk in "xy"]
    own.search("adaptfit cpu by host disk into web peer=role", rows)
    keys = set(zip(own.stored("web").get("host"), own.stored("web").get("disk")))
    assert ("peer:web", "*") in keys and len(keys) == 5
    new = [{**row, "disk": "z"} for row in roled(later(NEW))]
    for by in ("host disk", "disk host"):
        result = own.search(f"adaptdetect cpu by {by} model=web peer=role", new)
        assert result.rows[0]["model_status"] == "peer" and not result.errors


def test_a_young_host_starts_from_its_group_and_says_so(own) -> None:
    young = roled(wide("n", days=1, start=START + 9 * 86400))
    result = own.search("adaptfit cpu mem by host into web peer=role", roled(wide("abc", days=10)) + young)
    rows = {row["host"]: row for row in result.rows if row["metric"] == "cpu"}
    assert rows[NEW]["model_status"] == "peer" and rows[NEW]["season"] == "day"
    assert "until then its group's model counts" in rows[NEW]["reason"]
    assert said(result, "1 young entities were trained from theirs on", level="INFO")
    cold = own.search("adaptfit cpu mem by host into cold", young)
    assert cold.rows[0]["model_status"] == "cold" and cold.rows[0]["season"] == "none"
    days = own.search("adaptfit cpu by host peer=role", roled(wide("abc", days=10)) + roled(wide("n", days=3)))
    assert [row["model_status"] for row in days.rows if row["host"] == NEW] == ["trained"]


def test_a_stored_young_host_is_peer_until_it_has_two_days(own) -> None:
    young = roled(wide("n", days=1, start=START + 9 * 86400))
    own.search("adaptfit cpu mem by host into web peer=role", roled(wide("abc", days=10)) + young)
    more = roled(wide("n", days=2, start=START + 10 * 86400))
    statuses = [row["model_status"] for row in own.search("adaptdetect cpu mem by host model=web", more).rows]
    assert statuses[:144] == ["peer"] * 144 and set(statuses[144:]) == {"trained"}


def test_a_nightly_update_goes_on_with_a_young_host(own) -> None:
    def day(hosts: str, number: float, days: float = 1.0) -> list[Row]:
        return roled(wide(hosts, days=days, start=START + number * 86400))

    own.search("adaptfit cpu by host into web peer=role", day("abc", 0, 10) + day("n", 9.5, 0.5))
    result = own.search("adaptfit cpu by host into web peer=role", day("abcn", 10))
    rows = {row["host"]: row for row in result.rows}
    assert rows[NEW]["model_status"] == "peer" and rows[NEW]["trained_from"] == str(int(START + 9.5 * 86400))
    assert rows["peer:web"]["reason"].endswith("of 3 members")
    again = own.search("adaptfit cpu by host into web peer=role", day("abcn", 11))
    assert [row["model_status"] for row in again.rows if row["host"] == NEW] == ["trained"]


def test_a_host_of_several_groups_belongs_to_the_latest(own) -> None:
    rows = roled(wide("abc"))
    for row in rows:
        if row["host"] == "c" and float(row["_time"]) < START + 86400:
            row["role"] = "db"
    result = own.search("adaptfit cpu by host into web peer=role", rows)
    assert {row["peer"] for row in result.rows} == {"web"}
    assert said(result, "1 entities have several role: c", "latest row")


def test_hosts_without_a_group_lend_nothing(own) -> None:
    result = own.search("adaptfit cpu by host into web peer=role", roled(wide("abcd"), d=""))
    assert said(result, "1 entities have no role: d")
    assert {row["host"]: row["peer"] for row in result.rows}["d"] == ""
    assert [row["reason"] for row in result.rows if row["host"] == "peer:web"] == [
        "the model of a group of 3 members"
    ]


def test_a_row_of_a_group_that_was_changed_by_hand_lends_nothing(writable) -> None:
    data = writable.data("web")
    line = next(line for line in data.split(b"\n") if line.startswith(b"peer:web,cpu"))
    writable.put("web", data.replace(line, line.replace(b"season_error=", b"season_error=9", 1)))
    result = detect(writable, roled(later(NEW)))
    assert said(result, "peer:web cpu", "is not used") and not result.errors
    assert result.rows[0].get("cpu_upper_bound", "") == "" and result.rows[0]["mem_upper_bound"] != ""


def test_forged_numbers_of_a_group_spoil_nobody(writable) -> None:
    lines = writable.data("web").decode().split("\n")
    for i, line in enumerate(lines):
        if line.startswith("peer:web"):
            cells = line.split(",")
            cells = [cell.replace(";apart=", ";apart=1 ") if "apart=" in cell else cell for cell in cells]
            lines[i] = ",".join([*cells[:-1], row_hash(cells[:-1])])
    writable.put("web", "\n".join(lines).encode())
    result = detect(writable, roled(later("an")))
    assert said(result, "peer:web", "its numbers are none that adaptfit writes")
    assert [of(result, host)[0]["model_status"] for host in "an"] == ["trained", "cold"]


def test_list_counts_hosts_and_exports_leave_groups_out(writable) -> None:
    row = writable.search("adaptmodel action=list").rows[0]
    assert (row["entities"], row["rows"], row["statuses"]) == ("4", "10", "trained=8")
    exported = writable.search("adaptmodel action=export collection=web")
    assert (exported.rows[0]["models"], exported.rows[0]["skipped"]) == ("8", "0")
    proposal = writable.search("adaptmodel action=export collection=web format=proposal")
    assert {row["host"] for row in proposal.rows} == set("abcd")
    assert writable.search("adaptmodel action=verify collection=web").rows[0]["finding"] == "ok"


@pytest.mark.parametrize(
    "words, says",
    [
        ("adaptdetect cpu by host peer=role", "needs model=<collection>.*ADM013"),
        ("adaptdetect cpu by host model=web peer=role pointwise=true", "does not go with pointwise=true.*ADM013"),
        ("adaptdetect cpu by host model=plain peer=role", 'collection "plain" has no models of groups.*ADM011'),
        ("adaptdetect cpu by host model=web peer=tier", "no field tier to group by.*ADM021"),
        ("adaptfit cpu by host into x peer=tier", "no field tier to group by.*ADM021"),
        ("adaptfit cpu into x peer=role", "needs entities that can be peers.*ADM011"),
        ("adaptfit cpu by host into x peer=role detector=covariance", "must go with detector=adaptive.*ADM011"),
    ],
)
def test_what_cannot_be_lent_is_explained(writable, words, says) -> None:
    import re

    writable.search("adaptfit cpu by host into plain", wide("a", 1))
    writable.search("adaptmodel action=export collection=web")
    errors = writable.search(words, roled(wide("a", 0.1))).errors
    assert errors and re.search(says, errors[0]), errors


def test_the_group_is_no_metric(own) -> None:
    rows = [{**row, "role": "7"} for row in wide("abc", 3)]
    result = own.search("adaptfit * by host into web peer=role", rows)
    assert {row["metric"] for row in result.rows} == {"cpu", "mem"}


def test_raw_events_are_not_reduced_on_the_indexers(own) -> None:
    result = own.search("adaptfit cpu by host into web peer=role map=true", roled(wide("abc", 3)), indexers=2)
    assert not result.errors and "peer:web" in own.stored("web").get("host")
    assert said(result, "with peer= rows are not reduced on indexers", level="INFO")
    assert not said(result, "packed rows of", level="INFO")


def test_only_such_keys_are_groups() -> None:
    assert is_peer_row(peer_key("web", 2), "web") and peer_key("web", 2) == ("peer:web", "*")
    assert not is_peer_row(("peer:web", "c"), "web") and not is_peer_row(("peer:web",), "db")
    assert not is_peer_row(("peer:",), "") and not is_peer_row(("a",), "web")
    models = Columns(["host", "peer"], [["a", "peer:w", "peer:v"], ["w", "w", ""]])
    assert of_entities(models, ["host"]).data == [["a", "peer:v"], ["w", ""]]
