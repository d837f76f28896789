"""Bounds from model rows: for each entity, metric and slot of time a lower bound, an expected value and an upper bound.

    expected = level + offset * scale / 16
    lower    = expected - max(lower_k * wider * scale * factor / 64, floor)        upper likewise
    wider    = 1 + eased / (threshold + 2), eased: what operators' verdicts ease the cause `level` by, mostly 0

Limits: slots of the bounds lookup are in UTC, so that plain SPL can compute them; those of a model are local. They are
shifted by the zone's offset at trained_to: after a clock change the bounds are an hour off until the next training.
In zones off by half an hour a slot of the week takes the local slot of its middle. The trend is not continued.
"""

from __future__ import annotations

import re
from math import ceil, log10

from adaptive_monitoring.bounds.peers import of_entities
from adaptive_monitoring.bounds.table import SCHEMA
from adaptive_monitoring.columns import Columns
from adaptive_monitoring.errors import TooLarge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_SLOTS, DAY_STEP_S = 96, 900
WEEK_SLOTS, WEEK_STEP_S, DAY_HOURS = 168, 3600, 24
ROW_LIMIT = 2_500_000  # about 100 MB, the store's limit, at 40 bytes a row
DIGITS, DIGITS_LIMIT = 6, 15
NEEDED = ("level", "scale", "slots", "lower_k", "upper_k", "floor", "tz", "trained_to", "season", "state", "threshold")
EVIDENCE_FLOOR = 2.0  # as engine/evidence.py: a metric is strange from so many decades on
EASED = re.compile(r"(?:^|;)eased=([^ ;]+)").search  # its first number is that of the cause level


class Derived:
    """The bounds of a collection. columns: keys and SCHEMA; models: how many have bounds; skipped: how many have none;
    warnings: for the user."""

    __slots__ = ("columns", "models", "skipped", "warnings")

    def __init__(self, columns: Columns, models: int, skipped: int, warnings: list[str]) -> None:
        self.columns, self.models, self.skipped, self.warnings = columns, models, skipped, warnings


def derive(models: Columns, keys: Sequence[str]) -> Derived:
    """Bounds of every model that has numbers, in the order of the models.

    models: the key columns and those of a model row (text). Untrainable rows and rows that cannot be read are skipped;
    models of groups (peer=) have no bounds: no row belongs to them.
    Raises TooLarge, before any work, when the lookup would be beyond what a store takes.
    """
    models = of_entities(models, keys)
    count = sum(slots.partition("|")[0].count(" ") + 1 for slots in models.get("slots"))
    if count > ROW_LIMIT:
        raise TooLarge(
            f"bounds: {len(models)} models have {count} bounds; allowed are {ROW_LIMIT}. "
            "Use season=day or none, or split the collection"
        )
    zones, rows, skipped = Zones(), [], 0
    names = [*keys, "metric"]
    for head, model in zip(zip(*models.select(names).data), zip(*models.select(NEEDED).data)):
        try:
            rows.extend([(*head, *bound) for bound in of_model(model, zones)])
        except ValueError:
            skipped += 1
    columns = Columns([*keys, *SCHEMA], list(map(list, zip(*rows))) if rows else [[] for _ in (*keys, *SCHEMA)])
    return Derived(columns, len(models) - skipped, skipped, zones.warnings)


def of_model(model: Sequence[str], zones: Zones) -> list[tuple[str, str, str, str]]:
    """(slot, lower, expected, upper) of one model, its cells in the order of NEEDED. Raises ValueError."""
    level, scale = float(model[0]), float(model[1])
    offsets, factors = _slots(model[2], model[8])
    expected = [level + offset * scale / 16 for offset in offsets]
    write = f"%.{_digits(expected, scale)}g"
    floor = _floor(model[5])
    reach = scale * widening(model[9], model[10])
    sides = [_side(k, sign, expected, factors, reach, floor, write) for k, sign in ((model[3], -1), (model[4], 1))]
    order = zones.order(model[8], model[6], model[7])
    return [(slot, sides[0][i], write % expected[i], sides[1][i]) for slot, i in order]


def _side(
    k: str, sign: int, expected: list[float], factors: list[int], scale: float, floor: tuple[float, float], write: str
) -> list[str]:
    """Texts of one bound per local slot; '' where there is none on that side."""
    if not k:
        return [""] * len(expected)
    reach, (least, share) = float(k) * scale, floor
    gaps = [max(reach * factor / 64, least, share * abs(middle)) for middle, factor in zip(expected, factors)]
    return [write % (middle + sign * gap) for middle, gap in zip(expected, gaps)]


def widening(state: str, threshold: str) -> float:
    """How many times wider the bounds are; exactly 1 where nothing is eased. Raises ValueError."""
    found = EASED(state)
    eased = float(found.group(1)) if found else 0.0
    return 1.0 + eased / (float(threshold or 0) + EVIDENCE_FLOOR) if eased else 1.0


def _slots(text: str, season: str) -> tuple[list[int], list[int]]:
    """Offsets in 1/16 and factors in 1/64 of the scale, per local slot. Raises ValueError for another season's.

    The factors of a week are those of the hours of a day: every day has the same.
    """
    if not text:
        offsets, factors = [0], [64]
    else:
        left, _, right = text.partition("|")
        offsets, factors = list(map(int, left.split(" "))), list(map(int, right.split(" ")))
    wanted = {"day": (DAY_SLOTS, DAY_SLOTS), "week": (WEEK_SLOTS, DAY_HOURS)}.get(season, (1, 1))
    if (len(offsets), len(factors)) != wanted:
        raise ValueError(f"season {season} needs {wanted[0]} offsets and {wanted[1]} factors")
    return offsets, factors * (wanted[0] // wanted[1])


def _digits(expected: list[float], scale: float) -> int:
    """Significant digits that keep the rounding below 1/10,000 of the scale. Raises ValueError for a scale <= 0."""
    largest = max(map(abs, expected))
    if not 0 < scale < 1e101 or not largest < 1e101:
        raise ValueError("level or scale out of range")
    ratio = largest / scale
    return min(DIGITS_LIMIT, max(DIGITS, ceil(log10(ratio)) + 5)) if ratio > 1 else DIGITS


def _floor(text: str) -> tuple[float, float]:
    """(absolute, share of the expected value) of `10`, `20%`, `10,20%`; of both the larger gap counts."""
    absolute = share = 0.0
    for part in filter(None, text.split(",")):
        if part.endswith("%"):
            share = float(part[:-1]) / 100
        else:
            absolute = float(part)
    return absolute, share


class Zones:
    """Which local slot each UTC slot takes, by season, zone and the day of training."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._orders: dict[tuple[str, str, str], list[tuple[str, int]]] = {}

    def order(self, season: str, tz: str, trained_to: str) -> list[tuple[str, int]]:
        """(UTC slot, index of the local slot), in the order of time."""
        key = (season, tz, trained_to)
        if key not in self._orders:
            self._orders[key] = self._order(*key)
        return self._orders[key]

    def _order(self, season: str, tz: str, trained_to: str) -> list[tuple[str, int]]:
        if season not in ("day", "week"):
            return [("all", 0)]
        count, step = (DAY_SLOTS, DAY_STEP_S) if season == "day" else (WEEK_SLOTS, WEEK_STEP_S)
        offset = self._offset(tz, trained_to) + step // 2
        return [(f"{season[0]}{i}", (i * step + offset) // step % count) for i in range(count)]

    def _offset(self, tz: str, trained_to: str) -> int:
        """Seconds east of UTC at the end of training; 0 with a warning for a zone that this machine does not know."""
        if not tz:
            return 0
        from datetime import datetime, timezone
        from zoneinfo import ZoneInfo

        try:
            moment = datetime.fromtimestamp(float(trained_to or 0), timezone.utc)
            offset = moment.astimezone(ZoneInfo(tz)).utcoffset()
        except (KeyError, ValueError, OverflowError, OSError):
            text = f'bounds: time zone "{tz}" is not known on this machine; UTC was used. Install tzdata or correct tz='
            if text not in self.warnings:
                self.warnings.append(text)
            return 0
        return int(offset.total_seconds()) if offset else 0
