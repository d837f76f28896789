"""Cold start: the bench tells a host with a group from one without, and the group is worth having."""

from __future__ import annotations

import numpy as np

from bench import catalogue, coldstart


def test_a_group_finds_in_the_first_hours_what_a_cold_start_cannot() -> None:
    found = coldstart.figures(coldstart.made(1, False, hosts=6, days=22))
    assert found["peer.outage_6h"] > 0.9
    assert found["cold.outage_6h"] <= 1 / 3  # of three faults the last one reaches to the end of the blind hours
    assert found["peer.spike_6h"] > found["cold.spike_6h"] == 0.0
    assert found["peer.fa_week"] <= 0.5 and np.isnan(found["peer.incidents"])


def test_every_scenario_has_a_figure_and_missing_data_are_told(tmp_path) -> None:
    found = coldstart.figures(coldstart.made(1, True, hosts=4, days=22))
    names = {id.split(".", 2)[2] for id in catalogue.BY_ID if id.startswith("coldstart.")}
    assert names == set(found)
    told = coldstart.measure(None, ["coldstart.JS2.peer.fa_week"], tmp_path)
    assert told == {"details": {"skipped": ["coldstart.JS2: no such development data"]}}
