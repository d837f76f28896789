"""Synthetic faults: where they are, what they change, who finds them."""

from __future__ import annotations

import numpy as np
import pytest

from adaptive_monitoring.engine import faults, registry
from adaptive_monitoring.engine.base import Panel, Settings
from adaptive_monitoring.engine.static import Limits

DAY = 86400.0
ENTITIES, DAYS = 3, 8


@pytest.fixture(scope="module")
def site() -> faults.Site:
    """Three entities of two metrics that follow one daily wave."""
    random = np.random.default_rng(5)
    n = int(DAYS * DAY / 600)
    t = 1.7e9 // DAY * DAY + 600.0 * np.arange(n)
    wave = np.sin(2 * np.pi * t / DAY)
    x = [np.stack([50 + 10 * wave + random.normal(0, 1, n), 30 + 5 * wave + random.normal(0, 1, n)], 1)
         for _ in range(ENTITIES)]
    panel = Panel(np.tile(t, ENTITIES), np.concatenate(x), n * np.arange(ENTITIES + 1))
    limits = Limits.none(ENTITIES, 2)
    limits.high[:, 0] = 90.0
    return faults.Site(panel, np.full(ENTITIES, t[-1] - faults.WINDOW_S), np.zeros(ENTITIES, dtype=np.int64), limits)


@pytest.fixture(scope="module")
def found(site: faults.Site) -> dict[tuple[str, float], faults.Found]:
    settings = Settings()
    all_of_them = faults.inject(site, registry.make("adaptive", settings), settings)
    return {(one.kind, -1.0 if one.size != one.size else one.size): one for one in all_of_them}


def test_every_kind_and_size_is_put_into_every_site(found) -> None:
    sized = {(kind, size) for kind in faults.SIZED for size in faults.SIZES}
    assert set(found) == sized | {(kind, -1.0) for kind in faults.PLAIN}
    assert {one.injected for one in found.values()} == {ENTITIES}


def test_large_faults_are_found_and_the_limit_finds_what_passes_it(found) -> None:
    assert found["shift", 8.0].models == ENTITIES
    assert found["spike", 1.0].static == 0 and found["flat", -1.0].static == 0
    for kind in faults.SIZED:
        counts = [found[kind, size].static for size in faults.SIZES]
        assert counts == sorted(counts), "a larger fault is never harder for a limit"


def test_nobody_is_credited_for_a_metric_that_is_missing(found) -> None:
    assert (found["silence", -1.0].static, found["silence", -1.0].models) == (0, 0)


@pytest.mark.parametrize("kind", [*faults.SIZED, *faults.PLAIN])
def test_only_the_chosen_metric_changes_and_only_from_the_onset_on(site: faults.Site, kind: str) -> None:
    x = faults._faulty(site, site.panel, kind, 4.0, np.full(ENTITIES, 3.0), Settings())
    before = site.panel.t < site.onset[site.panel.g]
    same = (x == site.panel.x) | (np.isnan(x) & np.isnan(site.panel.x))
    assert same[before].all() and same[:, 1].all() and not same[~before, 0].all()


def test_the_shapes_are_what_they_are_called(site: faults.Site) -> None:
    def added(kind: str, direction: str = "both") -> np.ndarray:
        x = faults._faulty(site, site.panel, kind, 2.0, np.full(ENTITIES, 3.0), Settings(direction=direction))
        return (x - site.panel.x)[(site.panel.t >= site.onset[site.panel.g]) & (site.panel.g == 1), 0]

    assert np.allclose(added("shift"), 6) and np.allclose(added("shift", "low"), -6)
    assert np.allclose(np.diff(added("ramp")), 6 * 600 / faults.WINDOW_S)
    assert np.allclose(added("spike")[:3], 6) and np.allclose(added("spike")[3:], 0)


def test_onsets_leave_four_days_before_and_room_behind() -> None:
    random = np.random.default_rng(1)
    first, last = np.zeros(50), np.r_[np.full(48, 20 * DAY), 3 * DAY, np.nan]
    at = faults.onsets(first, last, random)
    assert np.isnan(at[48:]).all() and (at[:48] >= 10 * DAY).all() and (at[:48] <= 20 * DAY - faults.WINDOW_S).all()
