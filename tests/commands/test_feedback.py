"""adaptfeedback through its real script, from the alert to the model and back."""

from __future__ import annotations

import os
import shutil

import pytest
from searchhead.fakesplunkd import FakeSplunkd
from searchhead.table import read_csv

from adaptive_monitoring.commands.verdicts import COLLECTION, eased_in
from adaptive_monitoring.store.rows import row_hash
from commands.fleet import DAYS, START, App, later, long, said, shifted, wide

DETECT = "adaptdetect cpu mem by host model=web"
JUDGE = "adaptfeedback verdict=verdict by host model=web"


@pytest.fixture(scope="session")
def alerted(trained):
    """(rows in which cpu of host a moves up, the rows of the alert about it)."""
    rows = shifted(later("abc"), "a", "cpu", 40)
    return rows, [row for row in trained[0].search(DETECT, rows).rows if row["anomaly_id"]]


@pytest.fixture
def by_hand():
    """Makes a row of an alert that nobody has told."""

    def row(verdict: str, host: str = "a", hour: float = 1, score: str = "60", **cells: str) -> dict[str, str]:
        start = f"{START + DAYS * 86400 + hour * 3600:.0f}"
        return {"_time": start, "host": host, "anomaly_score": score, "anomaly_id": f"x-{start}",
                "anomaly_start": start, "reason": "cpu is 93.4 (expected 52)", "contributors": "cpu 100%",
                "verdict": verdict, **cells}

    return row


def judged(rows: list[dict[str, str]], word: str) -> list[dict[str, str]]:
    return [{**row, "verdict": word} for row in rows]


def records(app: App) -> list[dict[str, str]]:
    path = os.path.join(app.lookups, f"kv_{COLLECTION}.csv")
    return read_csv(path).rows() if os.path.exists(path) else []


def states(app: App) -> dict[tuple[str, str], str]:
    """Every stored row without its version and hash."""
    return {(row["host"], row["metric"]): repr(sorted((name, cell) for name, cell in row.items()
            if name not in ("model_version", "row_hash"))) for row in app.stored("web").rows()}


def test_a_false_alert_raises_the_level_and_the_same_deviation_is_told_less(copied, alerted) -> None:
    rows, alert = alerted
    before = states(copied)
    result = copied.search(JUDGE, judged(alert, "false_alert"))
    assert not result.errors and len({row["anomaly_id"] for row in alert}) == 1
    assert said(result, "1 verdicts", "recorded by file: 1 false_alert; 1 models moved, version 2", level="INFO")
    assert [{name: row[name] for name in alert[0]} for row in result.rows] == alert
    assert all(float(row["threshold_after"]) > float(row["threshold_before"]) for row in result.rows)
    now = states(copied)
    assert [key for key in now if now[key] != before[key]] == [("a", "cpu")]
    assert all(row_hash(list(row.values())[:-1]) == row["row_hash"] for row in copied.stored("web").rows())
    again = [float(row["anomaly_score"]) for row in copied.search(DETECT, rows).rows if row["host"] == "a"]
    first = [row for row in alert if row["host"] == "a"]  # the kind of its strongest row is eased, others are as before
    assert sum(score >= 50 for score in again) < len(first)
    assert not said(copied.search(DETECT, rows), "")


def test_a_later_verdict_takes_the_earlier_one_back(copied, alerted) -> None:
    before, told = states(copied), copied.search(DETECT, alerted[0]).rows
    for word in ("false_alert", "true_alert", "expected", "unsure"):
        result = copied.search(JUDGE, judged(alerted[1], word))
        assert [record["verdict"] for record in records(copied)] == [word]
        assert (states(copied) == before) is (word in ("true_alert", "unsure"))
    assert result.rows[0]["threshold_after"] < result.rows[0]["threshold_before"]
    assert copied.search(DETECT, alerted[0]).rows == told
    assert copied.store.versions("web") == [1, 2, 3, 4]


def test_a_verdict_says_who_gave_it_and_when_and_why(copied, alerted) -> None:
    rows = [{**row, "why": "backup"} for row in judged(alerted[1], "expected")]
    copied.search(JUDGE + " author=lea comment=why", rows)
    [record] = records(copied)
    assert (record["author"], record["comment"], record["collection"]) == ("lea", "backup", "web")
    assert float(record["time"]) > 1.7e9 and record["entity"] == '{"host": "a"}'
    assert (record["start"], record["end"]) == (alerted[1][0]["anomaly_start"], alerted[1][-1]["_time"])
    strongest = max(alerted[1], key=lambda row: float(row["anomaly_score"]))
    assert (record["score"], record["contributors"]) == (strongest["anomaly_score"], strongest["contributors"])


@pytest.mark.parametrize("chunk_rows", [1, 3, 50_000])
def test_how_the_rows_are_cut_does_not_matter(copied, trained, alerted, by_hand, chunk_rows) -> None:
    rows = [*judged(alerted[1], "false_alert"), by_hand("false_alert", "b"), by_hand("true_alert", "a", 2, "55")]
    mixed = [row for i in range(4) for row in rows[i::4]]
    result = copied.search(JUDGE, mixed, chunk_rows=chunk_rows)
    assert [row["_time"] for row in result.rows] == [row["_time"] for row in mixed] and not result.errors
    whole = App(str(shutil.copytree(trained[0].folder, copied.folder + "2")))
    whole.search(JUDGE, mixed)
    assert states(whole) == states(copied)
    told = [sorted(repr({**record, "time": ""}) for record in records(app)) for app in (copied, whole)]
    assert told[0] == told[1] and len(told[0]) == 3


def test_rows_without_a_verdict_pass_and_nothing_is_written(copied, alerted) -> None:
    data = copied.data("web")
    result = copied.search(JUDGE, judged(alerted[1], "") + judged(alerted[1], " "))
    assert len(result.rows) == 2 * len(alerted[1]) and copied.data("web") == data and records(copied) == []
    missing = copied.search(JUDGE.replace("=verdict", "=said"), alerted[1])
    assert "no row has the field" in missing.errors[0] and "ADM021" in missing.errors[0]


def test_the_strongest_row_decides_where_rows_of_an_alert_disagree(copied, by_hand) -> None:
    rows = [by_hand("true_alert", score="70"), by_hand("false_alert", score="55")]
    result = copied.search(JUDGE, rows, chunk_rows=1)
    assert said(result, "have several verdicts", "strongest") and records(copied)[0]["verdict"] == "true_alert"
    assert copied.store.versions("web") == []


@pytest.mark.parametrize(
    "cells, says",
    [
        ({"verdict": "wrong"}, 'must be true_alert, false_alert, expected, unsure or empty; got "wrong"'),
        ({"anomaly_id": ""}, "no anomaly_id"),
        ({"host": ""}, "it has no host"),
        ({"anomaly_start": "yesterday"}, 'must be epoch seconds; got "yesterday"'),
    ],
)
def test_a_bad_row_is_named_and_the_others_count(copied, by_hand, cells, says) -> None:
    rows = [by_hand("false_alert", "b"), {**by_hand("false_alert"), **cells}, by_hand("false_alert", "c")]
    result = copied.search(JUDGE, rows)
    assert said(result, "row 2 ", says, "ADM028") and len(result.rows) == 3
    assert {record["entity"] for record in records(copied)} == {'{"host": "b"}', '{"host": "c"}'}
    assert "threshold_after" not in result.rows[1] or not result.rows[1]["threshold_after"]


def test_many_bad_rows_are_counted(copied, by_hand) -> None:
    result = copied.search(JUDGE, [by_hand("wrong") for _ in range(40)])
    assert len([text for _, text in result.messages if "no verdict that can be recorded" in text]) == 5
    assert said(result, "40 rows were told about")


def test_verdicts_are_recorded_where_no_model_can_be_changed(copied, by_hand) -> None:
    data = copied.data("web")
    unknown = copied.search(JUDGE, [by_hand("false_alert", "zz")])
    assert said(unknown, "verdicts on zz are recorded but change nothing", "no model of that entity")
    gone = copied.search(JUDGE.replace("web", "gone"), [by_hand("false_alert")])
    assert said(gone, 'no collection "gone"', "recorded all the same", "ADM030")
    keys = copied.search("adaptfeedback verdict=verdict by site model=web", [by_hand("false_alert", site="x")])
    assert said(keys, "was trained by host; got by site", "recorded all the same")
    metric = copied.search(JUDGE, [by_hand("false_alert", contributors="disk 60%; swap 40%")])
    assert said(metric, "name a metric that", "disk 60%")
    assert len(records(copied)) == 4 and copied.data("web") == data


def test_verdicts_given_too_early_count_with_the_first_training(own, by_hand) -> None:
    own.search(JUDGE, [by_hand("false_alert", score="75")])
    result = own.search("adaptfit cpu mem by host into web", wide("ab"))
    assert said(result, '1 models of "web" are eased by verdicts', level="INFO")
    assert [row["host"] for row in own.stored("web").rows() if any(eased_in(row["state"]))] == ["a"]


def test_another_detector_does_not_use_verdicts(own, by_hand) -> None:
    own.search("adaptfit cpu mem by host into web detector=covariance", wide("ab"))
    data = own.data("web")
    result = own.search(JUDGE, [by_hand("false_alert")])
    assert said(result, "only models of detector adaptive") and len(records(own)) == 1 and own.data("web") == data


def test_a_locked_model_stays_as_it_is(copied, alerted) -> None:
    table = copied.stored("web")
    lines = []
    for row in table.rows():
        cells = list({**row, "lock": "1" if row["host"] == "a" else "0"}.values())
        lines.append(",".join([*cells[:-1], row_hash(cells[:-1])]))
    copied.put("web", "\n".join([",".join(table.fields), *lines, ""]).encode())
    data = copied.data("web")
    result = copied.search(JUDGE, judged(alerted[1], "false_alert"))
    assert said(result, "a cpu", "is locked") and copied.data("web") == data and len(records(copied)) == 1
    assert result.rows[0]["threshold_after"] == result.rows[0]["threshold_before"]


def test_long_rows_and_french_reasons(copied) -> None:
    rows = long(shifted(later("ab"), "a", "mem", 900))
    alert = [row for row in copied.search("adaptdetect by host model=web lang=fr", rows).rows if row["anomaly_id"]]
    assert any("vaut" in row["reason"] or "passé" in row["reason"] for row in alert)
    copied.search(JUDGE, judged(alert, "false_alert"))
    assert records(copied)[0]["cause"]
    eased = {(row["host"], row["metric"]): eased_in(row["state"]) for row in copied.stored("web").rows()}
    assert [key for key, numbers in eased.items() if any(numbers)] == [("a", "mem")]
    assert sum(x > 0 for x in eased["a", "mem"]) == 1


@pytest.mark.parametrize("by", [[], ["host", "disk"]])
def test_none_and_several_by_fields(own, by, by_hand) -> None:
    words = f"by {' '.join(by)}" if by else ""
    own.search(f"adaptfit cpu {words} into some", [{**row, "disk": "c:"} for row in wide("a")])
    reverse = f"by {' '.join(by[::-1])}" if by else ""
    result = own.search(f"adaptfeedback verdict=verdict {reverse} model=some", [by_hand("false_alert", disk="c:")])
    assert said(result, "1 models moved, version 2", level="INFO") and not said(result, "")


def test_a_training_keeps_models_eased_and_leaves_judged_alerts_out(copied, alerted, by_hand) -> None:
    history = wide("abc") + alerted[0]
    fit = "adaptfit cpu mem by host into web mode=replace"
    copied.search(JUDGE, judged(alerted[1], "false_alert"))
    plain = copied.search("adaptfit cpu mem by host", history).rows
    learned = copied.search(fit, history)
    assert said(learned, '1 models of "web" are eased by verdicts', level="INFO")
    assert [row["n_points"] for row in learned.rows] == [row["n_points"] for row in plain]
    assert learned.table.get("row_hash") == copied.stored("web").columns["row_hash"]
    before = states(copied)
    assert copied.search(fit, history).errors == [] and states(copied) == before
    for word, eased in (("expected", True), ("true_alert", False)):
        copied.search(JUDGE, judged(alerted[1], word))
        result = copied.search(fit, history)
        assert said(result, "1 alerts called true_alert or expected are left out", level="INFO")
        cpu = next(row for row in result.rows if (row["host"], row["metric"]) == ("a", "cpu"))
        assert int(cpu["n_points"]) < int(plain[0]["n_points"]) and any(eased_in(cpu["state"])) is eased


def test_bounds_follow_when_they_are_exported(copied, by_hand) -> None:
    def widths() -> list[float]:
        copied.search("adaptmodel action=export collection=web")
        rows = copied.search("adaptdetect cpu by host model=web pointwise=true", later("ab", 1)).rows
        full = copied.search("adaptdetect cpu by host model=web", later("ab", 1)).rows
        assert [row["upper_bound"] for row in rows] == pytest.approx([row["upper_bound"] for row in rows])
        for point, row in zip(rows, full):
            wide_as = float(point["upper_bound"]) - float(point["expected"])
            assert wide_as == pytest.approx(float(row["upper_bound"]) - float(row["expected"]), rel=0.02)
        return [float(row["upper_bound"]) - float(row["expected"]) for row in rows]

    before = widths()
    copied.search(JUDGE, [by_hand("false_alert", score="70")])
    after = widths()
    assert all(new > 1.2 * old for new, old in zip(after[::2], before[::2])) and after[1::2] == before[1::2]


def test_nothing_happens_in_a_preview_or_for_no_rows(copied, by_hand) -> None:
    assert copied.search(JUDGE, [by_hand("false_alert")], preview=True).rows == []
    assert copied.search(JUDGE, []).errors == [] and records(copied) == []


def test_fields_of_the_answer_are_replaced_with_a_warning(copied, by_hand) -> None:
    result = copied.search(JUDGE, [by_hand("unsure", threshold_after="mine")])
    assert said(result, "threshold_after of the input were replaced") and result.rows[0]["threshold_after"] != "mine"


def test_verdicts_and_models_go_through_splunkd(copied, alerted, tmp_path, monkeypatch) -> None:
    pytest.importorskip("splunklib.binding")
    with FakeSplunkd(str(tmp_path / "home"), copied.lookups) as splunkd:
        result = copied.search(JUDGE, judged(alerted[1], "false_alert"), splunkd=splunkd)
        assert said(result, "recorded by kvstore", "version 2", level="INFO") and not result.errors
        [stored] = splunkd.collections.store[COLLECTION].values()
        assert stored["verdict"] == "false_alert" and records(copied) == []
        fit = "adaptfit cpu mem by host into web mode=replace"
        splunkd.fail(403, times=9, match=COLLECTION)
        kept = copied.search(fit, wide("abc"), splunkd=splunkd)
        assert said(kept, 'verdicts on "web" cannot be read', "stay eased as they are stored")
        assert any(any(eased_in(row["state"])) for row in copied.stored("web").rows())
        refused = copied.search(JUDGE, judged(alerted[1], "true_alert"), splunkd=splunkd)
        assert refused.errors and "KV store" in refused.errors[0]
        assert any(any(eased_in(row["state"])) for row in copied.stored("web").rows())


def test_splunkd_out_of_reach_changes_no_model(copied, alerted, tmp_path) -> None:
    data = copied.data("web")
    with FakeSplunkd(str(tmp_path / "home"), copied.lookups) as splunkd:
        pass
    result = copied.search(JUDGE, judged(alerted[1], "false_alert"), splunkd=splunkd)
    assert said(result, "earlier verdicts", "cannot be read") and len(records(copied)) == 1
    assert copied.data("web") == data


@pytest.mark.parametrize(
    "words, says",
    [
        ("by host model=web", "verdict= is missing.*ADM012"),
        ("verdict=v by host", "model= is missing.*ADM012"),
        ("verdict=v by host model=web_bounds", "must not end with _bounds.*ADM032"),
        ("cpu verdict=v model=web", "takes no fields.*ADM013"),
        ("verdict=v by metric model=web", "must not be called like a column.*ADM011"),
        ("verdict=v model=web autor=x", "did you mean author.*ADM010"),
    ],
)
def test_what_is_typed_wrong_is_explained(copied, words, says) -> None:
    import re

    errors = copied.search(f"adaptfeedback {words}", []).errors
    assert errors and re.search(says, errors[0])
