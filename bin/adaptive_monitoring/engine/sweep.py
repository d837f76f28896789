"""Both sides at many sensitivities: the curves of a back-test, and what they say at equal volume and equal recall.

Models: their score divided by the setting, so that 2 asks for twice the alert level. Static limits: their distance to
the usual value of the metric times the setting. 1 is as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adaptive_monitoring.engine.base import Settings
from adaptive_monitoring.engine.comparing import Ground, Match, Stretches, match
from adaptive_monitoring.engine.episodes import Tracker
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.static import Limits, Watch

SETTINGS = (10.0, 5.0, 3.2, 2.2, 1.6, 1.25, 1.0, 0.85, 0.7, 0.6, 0.5, 0.4, 0.3)  # the strictest first
AS_IS = SETTINGS.index(1.0)


class Tally:
    """What one side did, per entity and setting. All (g, settings): alerts, notifications, false, caught."""

    def __init__(self, entities: int) -> None:
        shape = entities, len(SETTINGS)
        self.alerts, self.notifications, self.false, self.caught = (np.zeros(shape, dtype=np.int32) for _ in range(4))

    def add(self, a: int, setting: int, found: Match, incidents: Stretches) -> None:
        """The figures of a group of entities that begins at a."""
        rows = slice(a, a + len(found.alerts))
        self.alerts[rows, setting], self.notifications[rows, setting] = found.alerts, found.notifications
        self.false[rows, setting] = found.false
        self.caught[rows, setting] = np.bincount(incidents.e[found.caught], minlength=len(found.alerts))

    def total(self, what: str, setting: int = AS_IS) -> int:
        """The sum over entities of one of the four."""
        return int(getattr(self, what)[:, setting].sum(dtype=np.int64))

    def one(self, what: str) -> Ints:
        """(g,) one of the four, as it is."""
        return np.asarray(getattr(self, what)[:, AS_IS], dtype=np.int64)


def models_at(settings: Settings, ground: Ground, score: Floats, indptr: Ints) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the setting, flag (n,)) for every setting. score: (n,) of the detector, before episodes."""
    for i, setting in enumerate(SETTINGS):
        if setting != 1.0:
            tracker = Tracker(settings, ground.entities)
            yield i, tracker.follow(ground.t, score / setting, indptr).open


def static_at(watch: Watch, limits: Limits, centre: Floats) -> Iterator[tuple[int, np.ndarray]]:
    """The same for static limits. centre: (d,) usual values."""
    for i, setting in enumerate(SETTINGS):
        if setting != 1.0:
            yield i, watch.alerts(limits.moved(centre, setting))


Flags = Iterator[tuple[int, np.ndarray]]


def compared(tally: Tally, a: int, ground: Ground, incidents: Stretches, flags: Flags) -> None:
    """Adds every setting's figures of a group of entities that begins at a."""
    for i, flag in flags:
        tally.add(a, i, match(ground, incidents, ground.alerts(flag)), incidents)


def same_volume(static: Tally, models: Tally) -> int:
    """The setting of the models at which they come nearest to the static rules' volume without exceeding it, −1 = none.

    Settings are tried from the strictest on until alerts, or notifications, are more than those of the static rules.
    So an alarm that never ends, one alert with many notifications, is not taken for silence.
    """
    best = -1
    for i in range(len(SETTINGS)):
        if any(models.total(what, i) > static.total(what) for what in ("alerts", "notifications")):
            break
        best = i
    return best


def same_recall(static: Tally, models: Tally) -> int:
    """The strictest setting at which the models catch as many incidents as the static rules, −1 = none."""
    wanted = static.total("caught")
    return next((i for i in range(len(SETTINGS)) if models.total("caught", i) >= wanted), -1)
