"""What the headline says, whichever way the figures point."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from adaptive_monitoring.report.findings import Findings
from adaptive_monitoring.report.say import Say
from adaptive_monitoring.report.verdict import Verdict, saving, verdict, volume
from report import made

NAN = math.nan


def told(f: Findings, lang: str = "en") -> Verdict:
    return verdict(f, Say(lang))


def test_better_models_are_called_better_with_both_figures() -> None:
    v = told(made.findings())
    assert (v.kind, v.doubt) == ("better", "")
    assert v.title == "The models do better than the static rules."
    assert v.sentence == (
        "With as many alerts as today, the models catch 12 more of 54 known incidents (29 instead of 17); "
        "to catch as many as the static rules (17) they would need 61% fewer alerts."
    )


def test_worse_models_are_called_worse_plainly() -> None:
    v = told(made.worse())
    assert v.kind == "worse"
    assert v.title == "The models do worse than the static rules."
    assert "9 fewer of 54" in v.sentence
    assert "at none of the settings tried" in v.sentence


def test_fewer_than_six_incidents_prove_nothing_either_way() -> None:
    for base, kind, count in ((made.findings(), "better", 22), (made.worse(), "worse", 12)):
        few = told(replace(base, same_volume_incidents=count))
        assert few.kind == kind
        assert "does not prove it" in few.title
        assert "may be chance" in few.doubt


def test_six_incidents_are_enough() -> None:
    v = told(replace(made.findings(), same_volume_incidents=23))
    assert (v.title, v.doubt) == ("The models do better than the static rules.", "")


def test_one_figure_up_and_one_down_is_mixed() -> None:
    assert told(replace(made.findings(), same_recall_alerts=1200.0)).kind == "mixed"
    assert told(replace(made.findings(), same_volume_incidents=9)).kind == "mixed"


def test_as_many_incidents_with_fewer_or_more_alerts_says_so() -> None:
    even = replace(made.findings(), same_volume_incidents=17)
    assert told(even).title == "The models catch as many incidents with fewer alerts."
    dearer = told(replace(even, same_recall_alerts=1000.0))
    assert (dearer.kind, dearer.title) == ("worse", "The models catch as many incidents but need more alerts.")
    assert "20% more alerts" in dearer.sentence


def test_equal_sides_are_called_equal() -> None:
    f = made.findings()
    assert told(replace(f, models=f.static, same_volume_incidents=17, same_recall_alerts=830.0)).kind == "same"


def test_what_runs_worse_than_the_equal_volume_figure_is_told() -> None:
    f = made.findings()
    v = told(replace(f, models=replace(f.models, caught=12)))
    assert v.kind == "better"
    assert v.doubt.startswith("As they are set, the static rules catch 17 of 54 known incidents with 830 alerts")


def test_silent_static_rules_leave_only_the_comparison_as_set() -> None:
    f = made.findings()
    quiet = replace(f, static=replace(f.static, alerts=0, caught=0))
    assert (volume(quiet), saving(quiet)) == (None, None)
    v = told(quiet)
    assert v.kind == "mixed"
    assert v.sentence == "As they are set, the static rules catch 0 of 54 known incidents with 0 alerts, " \
                         "the models 24 with 512 alerts."  # fmt: skip


def test_nobody_caught_anything_is_not_a_draw() -> None:
    f = made.findings()
    nothing = {"caught": 0, "alerts": 5}
    static, models = replace(f.static, **nothing), replace(f.models, **nothing)
    blind = replace(f, static=static, models=models, same_volume_incidents=0)
    assert told(blind).title == "Neither side caught a known incident."


def test_without_incidents_nothing_is_decided() -> None:
    v = told(made.unlabelled())
    assert (v.kind, v.title) == ("open", "Not decided: no known incidents were given.")
    assert "830 alerts, the models 512 alerts (38% fewer); of 800 synthetic faults" in v.sentence
    assert "lies in the replayed time" in told(replace(made.unlabelled(), incidents=0)).title


def test_nothing_replayed_and_no_alert_at_all_are_told() -> None:
    assert told(made.empty()).title == "Nothing was replayed."
    assert told(replace(made.empty(), entities=1, rows=9)).sentence == "Neither side raised an alert."


@pytest.mark.parametrize("same", [NAN, math.inf])
def test_recall_that_is_never_reached_is_not_a_saving(same: float) -> None:
    assert saving(replace(made.findings(), same_recall_alerts=same)) == -math.inf


def test_french_headline() -> None:
    v = told(made.findings(), "fr")
    assert v.title == "Les modèles font mieux que les seuils statiques."
    assert "12 de plus sur 54 incidents connus (29 au lieu de 17)\u202f; pour en détecter" in v.sentence
    assert "61\u202f% d'alertes en moins" in v.sentence
