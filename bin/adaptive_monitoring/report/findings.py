"""What a back-test has found, as plain numbers and texts: the only thing that the page knows.

Times are seconds UTC, durations seconds. NaN = not known. Lists of a series have one number per point.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Side:
    """How one side did: the static rules, or the models.

    alerts: episodes. recall, precision and their bootstrap intervals (lower, upper) are NaN without known incidents.
    lead_s: median of (start of the incident − first alert in it), positive = before; NaN when nothing was caught.
    """

    alerts: int
    alerts_per_entity_week: float
    caught: int
    recall: float
    recall_interval: tuple[float, float]
    precision: float
    precision_interval: tuple[float, float]
    lead_s: float


@dataclass(frozen=True)
class Point:
    """One setting of a side's sensitivity. setting: factor on the alert level, 1 = as it is."""

    setting: float
    alerts_per_entity_week: float
    recall: float


@dataclass(frozen=True)
class Fault:
    """Synthetic faults of one kind and size. size: in usual margins of the metric; NaN where the kind has no size."""

    kind: str
    size: float
    injected: int
    found_static: int
    found_models: int


@dataclass(frozen=True)
class Disagreement:
    """A stretch of time about which the two sides disagree, with the series to plot (some hundred points).

    only: "static" or "models". incident: whether it is a known incident; None without known incidents. reason: why the
    other side was quiet, or what the models saw. limit_low, limit_high: of the static rule, NaN = none. alerts_*:
    (start, end) pairs inside the plotted time.
    """

    entity: str
    metric: str
    only: str
    start: float
    end: float
    incident: bool | None
    reason: str
    t: list[float]
    value: list[float]
    expected: list[float]
    lower: list[float]
    upper: list[float]
    limit_low: float
    limit_high: float
    alerts_static: list[tuple[float, float]] = field(default_factory=list)
    alerts_models: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Findings:
    """Everything on the page.

    rule: the static rules in words. since, until: of the data. incidents: known ones, None = no list was given. both,
    only_static, only_models: incidents caught; without known incidents: alert episodes that overlap or do not.
    same_volume_incidents: incidents the models catch with as many alerts as the static rules raise (−1 = not known);
    same_recall_alerts: alerts the models need for as many incidents as the static rules catch (NaN = not reached).
    budget: allowed false alert episodes per entity and week; budget_kept: share of entities that kept it.
    """

    name: str
    title: str
    rule: str
    made: float
    since: float
    until: float
    entities: int
    metrics: list[str]
    rows: int
    incidents: int | None
    static: Side
    models: Side
    both: int
    only_static: int
    only_models: int
    same_volume_incidents: int
    same_recall_alerts: float
    budget: float
    budget_kept: float
    curve_static: list[Point]
    curve_models: list[Point]
    faults: list[Fault]
    disagreements: list[Disagreement]
    notes: list[str]
