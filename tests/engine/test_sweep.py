"""Equal volume and equal recall: what is chosen from the settings."""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine import sweep
from adaptive_monitoring.engine.sweep import AS_IS, SETTINGS, Tally


def tally(alerts: list[int], caught: list[int], notifications: list[int] | None = None) -> Tally:
    """One entity."""
    out = Tally(1)
    out.alerts[0], out.caught[0], out.notifications[0] = alerts, caught, notifications or alerts
    return out


RISING = [2 * i for i in range(len(SETTINGS))]


def test_settings_go_from_strict_to_lax_and_hold_the_one_that_is() -> None:
    assert list(SETTINGS) == sorted(SETTINGS, reverse=True) and SETTINGS[AS_IS] == 1.0


def test_equal_volume_is_the_last_setting_within_the_alerts_of_the_other_side() -> None:
    static = tally([11] * len(SETTINGS), [3] * len(SETTINGS))
    models = tally(RISING, list(range(len(SETTINGS))))
    assert sweep.same_volume(static, models) == 5
    assert sweep.same_recall(static, models) == 3
    assert sweep.same_volume(tally([0] * len(SETTINGS), [0] * len(SETTINGS)), tally([1] * len(SETTINGS), RISING)) == -1


def test_an_alarm_that_never_ends_is_not_taken_for_few_alerts() -> None:
    """Alerts fall again when they run into one another; notifications do not."""
    n = len(SETTINGS)
    static = tally([10] * n, [3] * n)
    alerts = [*RISING[:7], *[1] * (n - 7)]
    assert sweep.same_volume(static, tally(alerts, RISING)) == 5
    ending = tally([1] * n, RISING, [1] * 4 + [50] * (n - 4))
    assert sweep.same_volume(static, ending) == 3


def test_what_is_never_reached_is_said() -> None:
    n = len(SETTINGS)
    assert sweep.same_recall(tally([5] * n, [9] * n), tally(RISING, [1] * n)) == -1
    assert np.array_equal(tally(RISING, RISING).one("caught"), [RISING[AS_IS]])
