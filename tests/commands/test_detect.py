"""adaptdetect through its real script: with a model, without one, pointwise."""

from __future__ import annotations

import os
import random
import re

import pytest
from protocol.conversation import execute, getinfo, hold_script

from commands.fleet import DAYS, START, STEP, later, levels, long, said, shifted, wide

HOST = [
    "anomaly_score",
    "is_anomaly",
    "anomaly_state",
    "anomaly_id",
    "anomaly_start",
    "severity",
    "reason",
    "contributors",
    "model_status",
    "suppressed_by",
]
METRIC = ["expected", "lower_bound", "upper_bound", "score"]
WAYS = ["model=web", "", "model=web pointwise=true"]


@pytest.fixture(scope="module")
def incident(trained):
    """Twelve hours of a, b, c; after six of them b's mem jumps by 15 scales. Searched with the model."""
    rows = shifted(later("abc"), "b", "mem", 450)
    return rows, trained[0].search("adaptdetect cpu mem by host model=web", rows)


def test_the_host_with_the_incident_is_found_and_the_metric_is_named_first(incident) -> None:
    rows, result = incident
    since = int(rows[0]["_time"]) + 6 * 3600
    odd = [row for row in result.rows if row["is_anomaly"] == "1"]
    assert {row["host"] for row in odd} == {"b"} and len({row["anomaly_id"] for row in odd}) == 1
    assert {row["anomaly_start"] for row in odd} == {str(since)} and int(odd[0]["_time"]) <= since + 2 * STEP
    assert re.fullmatch(r"mem \d+%.*", odd[0]["contributors"])
    assert all(row["contributors"].startswith("mem") for row in odd if row["contributors"])
    assert all(float(row["anomaly_score"]) >= 50 for row in odd[:3]) and odd[0]["severity"] in (
        "medium",
        "high",
        "critical",
    )
    calm = [row for row in result.rows if row["host"] != "b"]
    assert {(row["severity"], row["anomaly_state"], row["model_status"]) for row in calm} <= {
        ("info", "normal", "trained"),
        ("info", "pending", "trained"),
    }


def test_the_reason_names_value_expectation_bounds_and_beginning(incident) -> None:
    outside = [row for row in incident[1].rows if row["is_anomaly"] == "1" and float(row["mem_score"]) >= 50]
    assert outside
    number = r"(-?[0-9.]+)"
    form = rf"mem .* {number}, {number} above the expected {number} \(usual {number} to {number}\)"
    for row in outside:
        value, gap, *rest = (float(text) for text in re.match(form, row["reason"]).groups())
        wanted = [float(row[name]) for name in ("mem", "mem_expected", "mem_lower_bound", "mem_upper_bound")]
        assert [value, *rest] == pytest.approx(wanted, abs=0.06 * (wanted[3] - wanted[1]))
        assert gap == pytest.approx(value - rest[0])
        assert re.search(r", since 2023-11-\d\d \d\d:\d\d UTC", row["reason"])


def test_bands_and_metric_scores_never_disagree(incident) -> None:
    for row in incident[1].rows:
        for name in ("cpu", "mem"):
            low, expected, high = (
                float(row[f"{name}_{field}"]) for field in ("lower_bound", "expected", "upper_bound")
            )
            assert low <= expected <= high
            assert (float(row[f"{name}_score"]) >= 50) == (not low <= float(row[name]) <= high)


def test_the_message_counts_rows_entities_and_episodes(incident) -> None:
    rows, result = incident
    odd = sum(row["is_anomaly"] == "1" for row in result.rows)
    assert said(result, f"{len(rows)} rows of 3 entities", f"{odd} rows in 1 alert episodes", '"web"', level="INFO")
    assert levels(result) == {"INFO"} and (result.metrics["rows"], result.metrics["episodes"]) == (len(rows), 1)
    assert result.stderr == ""


@pytest.mark.parametrize("way", WAYS)
def test_every_row_comes_out_in_order_with_its_cells_untouched(trained, way) -> None:
    notes = ['"', ",", "a\nb", "\udcff\udc80", "", "ü", "  ", ["x", "y;$z"], "'", "{}"]
    rows = [{**row, "note": notes[i % 10], "n": str(i), "kpi": "1,5"} for i, row in enumerate(later("abcd", 3))]
    random.Random(1).shuffle(rows)
    result = trained[0].search(f"adaptdetect cpu mem by host {way}", rows)
    assert [{name: row[name] for name in rows[0]} for row in result.rows] == rows and not result.errors


@pytest.mark.parametrize("way", [["model=web"], []])
@pytest.mark.parametrize("fields", [["mem"], ["cpu", "mem"]])
def test_the_new_fields_are_those_of_the_design(trained, way, fields) -> None:
    """Looked at in the bare reply: fields that are empty in every row do not exist in search results."""
    words = ["adaptdetect.py", getinfo(*fields, "by", "host", *way, session_key="")]
    body = b'"_chunked_idx","_time",host,cpu,mem\n0,1700352000,a,50,1000\n'
    told, stderr, code = hold_script(*words, execute(body, True), folder=os.path.join(trained[0].folder, "bin"))
    prefixes = [f"{name}_" for name in fields] if len(fields) > 1 else [""]
    header = told[1][1].split(b"\n")[0].decode().split(",")
    assert header[5:] == [*HOST, *(prefix + field for prefix in prefixes for field in METRIC)] and (stderr, code) == (
        "",
        0,
    )


def test_only_chooses_rows(incident, trained) -> None:
    rows, whole = incident
    search = trained[0].search
    odd = search("adaptdetect cpu mem by host model=web only=anomalies", rows).rows
    everything = [{name: value for name, value in row.items() if value} for row in whole.rows]
    assert [{k: v for k, v in row.items() if v} for row in odd] == [r for r in everything if r["is_anomaly"] == "1"]
    changes = search("adaptdetect cpu mem by host model=web only=changes", rows).rows
    state = dict.fromkeys("abc", "normal")
    wanted = []
    for row in whole.rows:
        if row["anomaly_state"] != state[row["host"]]:
            wanted.append((row["_time"], row["host"], row["anomaly_state"]))
        state[row["host"]] = row["anomaly_state"]
    assert wanted and [(row["_time"], row["host"], row["anomaly_state"]) for row in changes] == wanted


def test_the_reason_is_french_where_that_is_asked_for(incident, trained) -> None:
    rows = trained[0].search("adaptdetect cpu mem by host model=web lang=fr only=anomalies", incident[0]).rows
    assert re.match(
        r"mem .* \d+, .* au-dessus de la valeur attendue .* \(habituellement de \S+ à \S+\),.* depuis le ",
        rows[0]["reason"],
    )


def test_fields_of_the_input_with_names_of_the_answer_are_replaced_with_a_warning(trained) -> None:
    rows = [{**row, "severity": "loud", "expected": "9", "is_anomaly": "?"} for row in later("a", 1)]
    for way in WAYS[:2]:
        result = trained[0].search(f"adaptdetect mem by host {way}", rows)
        assert said(result, "severity", "expected", "is_anomaly", "replaced")
        assert {row["severity"] for row in result.rows} == {"info"} and "?" not in result.table.get("is_anomaly")
        assert "9" not in result.table.get("expected")


@pytest.mark.parametrize("size", [7, 100, 2500])
def test_any_cutting_into_chunks_gives_the_same_answers(incident, trained, size) -> None:
    for last in (False, True)[: 1 + (size == 100)]:
        cut = trained[0].search(
            "adaptdetect cpu mem by host model=web", incident[0], chunk_rows=size, data_in_last_chunk=last
        )
        assert cut.rows == incident[1].rows


def test_long_rows_are_scored_like_wide_ones(incident, trained) -> None:
    rows, wide_answer = incident
    spread = long(rows)
    for way in WAYS[:2]:
        whole = wide_answer if way else trained[0].search("adaptdetect cpu mem by host", rows)
        for size in (50000, 200):
            result = trained[0].search(f"adaptdetect by host {way}", spread, chunk_rows=size)
            assert result.table.get("anomaly_score") == [row["anomaly_score"] for row in whole.rows for _ in range(2)]
            assert result.table.get("reason") == [row.get("reason", "") for row in whole.rows for _ in range(2)]
            wanted = [row[f"{name}_expected"] for row in whole.rows for name in ("cpu", "mem")]
            assert result.table.get("expected") == wanted


def test_without_a_model_the_order_of_the_rows_does_not_matter(incident, trained) -> None:
    rows = wide("ab", 2) + incident[0][:150]
    ordered = trained[0].search("adaptdetect cpu mem by host", rows)
    mixed = list(rows)
    random.Random(8).shuffle(mixed)
    found = trained[0].search("adaptdetect cpu mem by host", mixed, chunk_rows=200)
    assert sorted(found.rows, key=lambda row: (float(row["_time"]), row["host"])) == ordered.rows
    assert not said(found, "") and said(found, "learned in this search", level="INFO")


def test_without_a_model_later_rows_change_no_earlier_answer(incident, trained) -> None:
    rows = shifted(wide("ab", 3.5), "a", "cpu", 100, after_h=60)
    whole = trained[0].search("adaptdetect cpu mem by host", rows).rows
    cut = len(rows) * 5 // 6
    first = trained[0].search("adaptdetect cpu mem by host", rows[:cut]).rows
    assert any(row["is_anomaly"] == "1" for row in first)
    assert [{**dict.fromkeys(whole[0], ""), **row} for row in first] == whole[:cut]
    assert {row["model_status"] for row in first} == {"cold", "trained"}


def test_a_new_entity_is_cold_and_disturbs_nobody(incident, trained) -> None:
    rows = incident[0] + later("n")
    result = trained[0].search(
        "adaptdetect cpu mem by host model=web", sorted(rows, key=lambda row: float(row["_time"]))
    )
    assert {row["model_status"] for row in result.rows if row["host"] == "n"} == {"cold"}
    assert {row["is_anomaly"] for row in result.rows if row["host"] == "n"} == {"0"}
    assert [row for row in result.rows if row["host"] != "n"] == incident[1].rows
    assert said(result, "1 entities have no model", level="INFO")


def test_windows_of_a_schedule_find_the_same_episode(incident, trained) -> None:
    """Every five minutes the last forty are searched again: nobody else alerts, the beginning does not move."""
    rows, since = incident[0], int(incident[0][0]["_time"]) + 6 * 3600
    found = []
    for end in range(since - 1800, since + 2400, 1200):
        window = [row for row in rows if end - 2400 <= int(row["_time"]) < end]
        found += trained[0].search("adaptdetect cpu mem by host model=web only=anomalies", window).rows
    assert {(row["host"], row["anomaly_start"]) for row in found} == {("b", str(since))}
    assert len({row["anomaly_id"] for row in found}) == 1


def test_pointwise_bounds_are_those_of_the_model_right_after_training(trained) -> None:
    rows = later("abc", 2)
    names = ["mem_expected", "mem_lower_bound", "mem_upper_bound"]
    model = trained[0].search("adaptdetect cpu mem by host model=web", rows)
    point = trained[0].search("adaptdetect cpu mem by host model=web pointwise=true", rows)
    assert trained[0].stored("web").get("season")[1::2] == ["none"] * 3
    for name in names:
        assert list(map(float, model.table.get(name))) == pytest.approx(
            list(map(float, point.table.get(name))), rel=1e-5
        )
    differences = [abs(float(a) - float(b)) for a, b in zip(model.table.get("mem_score"), point.table.get("mem_score"))]
    assert max(differences) <= 0.011 and said(point, "36 of 36 rows scored", level="INFO")


def test_missing_numbers_are_missing_in_the_answer(trained) -> None:
    rows = later("a", 1)
    rows[2] = {**rows[2], "mem": "", "cpu": "n/a"}
    rows[3] = {**rows[3], "mem": ""}
    result = trained[0].search("adaptdetect cpu mem by host model=web", rows).rows
    assert (result[2]["anomaly_score"], result[2]["anomaly_state"], result[2]["mem_score"]) == ("", "missing", "")
    assert result[3]["mem_score"] == "" and result[3]["cpu_score"] and result[3]["anomaly_score"]


def test_another_detector_trains_stores_and_scores(own) -> None:
    trained = own.search("adaptfit cpu mem by host detector=covariance into odd", wide("ab"))
    assert {row["model_status"] for row in trained.rows} == {"trained"} and not said(trained, "")
    rows = shifted(later("ab"), "b", "mem", 600)
    result = own.search("adaptdetect cpu mem by host model=odd only=anomalies", rows)
    assert {row["host"] for row in result.rows} == {"b"} and result.rows[0]["contributors"].startswith("mem")
    refused = own.search("adaptdetect cpu mem by host model=odd detector=adaptive", rows)
    assert "was trained with detector=covariance" in refused.errors[0] and "ADM011" in refused.errors[0]
    own.search("adaptfit cpu mem by host into odd", wide("z"))
    mixed = own.search("adaptdetect cpu mem by host model=odd", later("abz", 2))
    assert {row["host"] for row in mixed.rows if row["model_status"] == "cold"} == {"z"}
    assert said(mixed, "z cpu", "it is of detector adaptive", "ADM031")


def test_options_that_are_stored_count_whichever_host_comes_first(own) -> None:
    own.search("adaptfit mem by host direction=low into web", wide("ab"))
    rows = shifted(later("ab"), "b", "mem", 600)
    result = own.search("adaptdetect mem by host model=web", later("n", 0.5) + rows, chunk_rows=3)
    assert {row["is_anomaly"] for row in result.rows} == {"0"}
    assert {row.get("upper_bound", "") for row in result.rows if row["host"] == "b"} == {""}


def test_rows_of_old_models_are_stale_and_other_steps_are_said(trained) -> None:
    result = trained[0].search("adaptdetect cpu mem by host model=web", wide("a", 0.1, START + (DAYS + 20) * 86400, 60))
    assert {row["model_status"] for row in result.rows} == {"stale"}
    assert said(result, "ADM035", "a every 60 s, trained on 600 s")


def test_newest_rows_first_are_said_to_be_late(trained) -> None:
    result = trained[0].search("adaptdetect cpu mem by host model=web", later("a", 3)[::-1], chunk_rows=6)
    assert said(result, "12 rows came after newer rows", "sort 0 _time") and len(result.rows) == 18


def test_a_collection_without_by_fields(own) -> None:
    rows = [{k: v for k, v in row.items() if k != "host"} for row in wide("a", 3)]
    own.search("adaptfit mem into one", rows)
    assert own.stored("one").get("entity") == ["all"]
    result = own.search(
        "adaptdetect mem model=one", [{**row, "_time": str(float(row["_time"]) + 3 * 86400)} for row in rows[:9]]
    )
    assert {row["model_status"] for row in result.rows} == {"trained"} and not result.errors
    refused = own.search("adaptdetect mem by host model=one", wide("a", 0.1))
    assert "was trained by entity; got by host" in refused.errors[0]
