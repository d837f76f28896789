"""What both sides of a back-test did, gathered group by group: counts per entity, and the figures made of them."""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.comparing import Ground, Match, Stretches, bootstrap
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.engine.sweep import AS_IS, Tally

SIDES = ("static", "models")


class Outcome:
    """Per entity, (g,): rows and weeks compared, weeks outside incidents, incidents; done: whether it was reached.

    both, only_static, only_models: incidents caught. overlap: (g, 2) alerts of each side that overlap the other's.
    leads: per side, start − first notification of what it caught; earlier: by how much the models told it before the
    static rules, where both did.
    """

    def __init__(self, entities: int) -> None:
        self.tallies = {side: Tally(entities) for side in SIDES}
        self.rows, self.incidents, self.both, self.only_static, self.only_models = (
            np.zeros(entities, dtype=np.int64) for _ in range(5))
        self.weeks, self.quiet_weeks = np.zeros(entities), np.zeros(entities)
        self.overlap = np.zeros((entities, 2), dtype=np.int64)
        self.done = np.zeros(entities, dtype=bool)
        self.leads: dict[str, list[Floats]] = {side: [] for side in SIDES}
        self.earlier: list[Floats] = []
        self.since, self.until = np.inf, -np.inf

    def add(self, a: int, ground: Ground, incidents: Stretches, sides: tuple[Match, Match]) -> None:
        """Both sides as they are, on the group of entities that begins at a."""
        rows = slice(a, a + ground.entities)
        self.rows[rows], self.weeks[rows], self.done[rows] = ground.rows, ground.weeks, True
        self.quiet_weeks[rows] = ground.quiet_weeks(incidents)
        static, models = sides[0].caught, sides[1].caught
        for name, some in (("incidents", static | True), ("both", static & models), ("only_static", static & ~models),
                           ("only_models", models & ~static)):
            getattr(self, name)[rows] = np.bincount(incidents.e[some], minlength=ground.entities)
        for side, found in zip(SIDES, sides):
            self.tallies[side].add(a, AS_IS, found, incidents)
            self.leads[side].append((incidents.start - found.told)[found.caught])
        self.earlier.append((sides[0].told - sides[1].told)[static & models])
        if ground.rows.any():
            self.since = min(self.since, float(np.nanmin(ground.first)))
            self.until = max(self.until, float(np.nanmax(ground.last)))

    def add_overlap(self, a: int, alerts: tuple[Stretches, Stretches], together: tuple[np.ndarray, np.ndarray],
                    entities: int) -> None:
        """Alerts of both sides that overlap each other. together: (k,) bool of each side's alerts."""
        for i, (some, both) in enumerate(zip(alerts, together)):
            self.overlap[a:a + entities, i] = np.bincount(some.e[both], minlength=entities)

    @property
    def known(self) -> int:
        """Incidents that were compared."""
        return int(self.incidents.sum())

    def shared(self) -> tuple[Ints, Ints, Ints]:
        """(g,) both, only static, only models: incidents caught; alerts when there are no incidents."""
        if self.known:
            return self.both, self.only_static, self.only_models
        static, models = (self.tallies[side].one("alerts") for side in SIDES)
        return self.overlap[:, 0], static - self.overlap[:, 0], models - self.overlap[:, 1]

    def kept(self, budget: float) -> np.ndarray:
        """(g,) bool: whether the models' false events per week stay within the budget; without incidents all are."""
        false = self.tallies["models"].one("false")
        within: np.ndarray = false <= budget * self.quiet_weeks
        return within & (self.rows > 0)

    def figures(self, side: str) -> dict[str, float | int | tuple[float, float]]:
        """One side in total, by the names of a report's Side."""
        tally, nan = self.tallies[side], float("nan")
        caught, false, weeks = tally.one("caught"), tally.one("false"), float(self.weeks.sum())
        leads = np.concatenate([*self.leads[side], np.zeros(0)])
        known = self.known > 0
        return {
            "alerts": tally.total("alerts"),
            "alerts_per_entity_week": per(tally.total("alerts"), weeks),
            "caught": int(caught.sum()),
            "recall": per(int(caught.sum()), self.known) if known else nan,
            "recall_interval": bootstrap(caught, self.incidents) if known else (nan, nan),
            "precision": per(int(caught.sum()), int(caught.sum() + false.sum())) if known else nan,
            "precision_interval": bootstrap(caught, caught + false) if known else (nan, nan),
            "lead_s": float(np.median(leads)) if len(leads) else nan,
        }


def per(part: float, whole: float) -> float:
    """The quotient, NaN where there is nothing to divide by."""
    return float(part) / float(whole) if whole > 0 else float("nan")
