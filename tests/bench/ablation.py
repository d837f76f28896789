"""The ingredients of the detector, and what stands in their place when each is taken away. Edit this list freely.

changes: constants of the engine by path below adaptive_monitoring.engine, such as "tails.TAIL_SHARE", and what they are
set to; a constant that one module imports from another by name must be changed where it is used. settings: options of
engine.base.Settings. A test holds that every constant and option named here exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """One row of a table. name: short; what: one sentence, what the ingredient is for and what replaces it."""

    name: str
    what: str
    changes: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


DEFAULT = Variant("as shipped", "Nothing is taken away.")

_GONE = 1e-6  # a weight of 0 without a division by 0

INGREDIENTS = [
    Variant(
        "no level",
        "A value is not held against its expected value.",
        {"evidence.WEIGHTS": (_GONE, 1.0, 1.0, 1.0)},
    ),
    Variant(
        "no jump",
        "A value is not held against the 25 minutes before it.",
        {"evidence.WEIGHTS": (0.45, _GONE, 1.0, 1.0)},
    ),
    Variant(
        "no shift",
        "The last rows are not held against two hours.",
        {"evidence.WEIGHTS": (0.45, 1.0, _GONE, 1.0)},
    ),
    Variant(
        "no spread",
        "The amount of movement is not looked at, flat lines neither.",
        {"evidence.WEIGHTS": (0.45, 1.0, 1.0, _GONE)},
    ),
    Variant(
        "level at full weight",
        "Evidence of the level counts as much as that of changes, though neighbouring rows repeat it.",
        {"evidence.WEIGHTS": (1.0, 1.0, 1.0, 1.0)},
    ),
    Variant(
        "no confirmation",
        "The strongest view of a metric counts alone, not with the second one.",
        {"evidence.FIRST": 1.0, "evidence.SECOND": 0.0},
    ),
    Variant("no flat lines", "Standing still is no evidence.", {"deviations._FLAT_UNITS": 0.0}),
    Variant("returns are told", "After an alarm, moves back to the expected value count.", {"deviations._FAR": 1e9}),
    Variant(
        "nothing is usual",
        "What came at the same half hour on earlier days is not taken off.",
        {"evidence.DISCOUNT": 0.0},
    ),
    Variant("tail from 98 %", "The exponential tail begins at 98 %, not at 85 %.", {"tails.TAIL_SHARE": 0.02}),
    Variant("no borrowing", "A side never seen takes nothing from the other side.", {"tails.BORROWED": 0.0}),
    Variant("no forgetting", "The first days count in the tails as much as the latest.", {"learning._YOUNG": _GONE}),
    Variant("alarms learned in full", "Rows in alarm count in the tails as all others.", {"learning._ALARM_WEIGHT": 1}),
    Variant("alarms are peaks in full", "An alarm raises the level by all it was.", {"learning._ALARM_PEAK": 1e9}),
    Variant("no floor of evidence", "A metric counts from any evidence on.", {"evidence.FLOOR": 0.0}),
    Variant("no cap of evidence", "One view may say as much as it likes.", {"evidence.CAP": 1e9}),
    Variant("all peaks", "The alert level follows from all peaks, not from the latest.", {"threshold.RECENT": 1.0}),
    Variant("no raised level", "After an alert the same news are told again.", {"episodes.RAISED": 0.0}),
    Variant("no decay", "The shown score drops at once.", {"episodes.DECAY_S": 1.0}),
    Variant("no season", "No daily or weekly expectation.", settings={"season": "none"}),
    Variant("no persistence", "One row opens an episode, not two of three.", settings={"open_k": 1, "open_n": 1}),
    *(
        Variant(f"budget {budget:g}", f"{budget:g} false alerts allowed a week.", settings={"budget": budget})
        for budget in (0.1, 0.25, 1.0, 3.0)
    ),
]

#: For the check that leaves one data set out; the settings as shipped are a candidate too.
ALTERNATIVES = [
    Variant(f"budget {budget:g}, floor {floor:g}", "", {"evidence.FLOOR": floor}, {"budget": budget})
    for budget in (0.35, 0.5, 0.7)
    for floor in (1.5, 2.0, 2.5)
]
