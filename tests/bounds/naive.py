"""Slow twins: bounds and pointwise scores as the specification says them, one row at a time, with csv and datetime."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone


def local_slot(time: float, season: str, offset_s: int) -> int:
    """Slot of the local day or week at a fixed offset from UTC."""
    local = datetime(1970, 1, 1) + timedelta(seconds=time + offset_s)
    quarter = local.hour * 4 + local.minute // 15
    return {"none": 0, "day": quarter, "week": local.weekday() * 24 + local.hour}[season]


def utc_slot(time: float, season: str) -> str:
    moment = datetime.fromtimestamp(time, timezone.utc)
    quarter = moment.hour * 4 + moment.minute // 15
    return {"none": "all", "day": f"d{quarter}", "week": f"w{moment.weekday() * 24 + moment.hour}"}[season]


def bounds(model: dict, slot: int) -> tuple:
    """(lower, expected, upper) as numbers, None for no bound."""
    offsets, factors = (
        ([0], [64]) if not model["slots"] else [list(map(int, part.split())) for part in model["slots"].split("|")]
    )
    level, scale = float(model["level"]), float(model["scale"])
    expected = level + offsets[slot] * scale / 16
    gap = 0.0
    for part in filter(None, model["floor"].split(",")):
        gap = max(gap, float(part[:-1]) / 100 * abs(expected) if part.endswith("%") else float(part))
    reach = scale * factors[slot % len(factors)] / 64
    lower = expected - max(float(model["lower_k"]) * reach, gap) if model["lower_k"] else None
    upper = expected + max(float(model["upper_k"]) * reach, gap) if model["upper_k"] else None
    return lower, expected, upper


def read_bounds(data: bytes) -> dict:
    """(keys, metric, slot) -> (lower, expected, upper) as text; the first row counts."""
    text = data.decode("utf-8", "surrogateescape").replace("\0", "\ud800")  # Python 3.9's csv refuses NUL
    rows = [[cell.replace("\ud800", "\0") for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]
    found: dict = {}
    for row in rows[1:]:
        found.setdefault((tuple(row[:-5]), row[-5], row[-4]), tuple(row[-3:]))
    return found


def score(table: dict, entity: tuple, metric: str, time: str, value: str) -> dict:
    """Fields of one row, one metric, as the plain SPL of the macro would compute them."""
    status = "trained" if any(key[:2] == (entity, metric) for key in table) else "cold"
    found = None
    for season in ("none", "day", "week"):
        try:
            slot = utc_slot(float(time) // 1, season)
        except (ValueError, OverflowError):
            slot = "all"
        found = found or table.get((entity, metric, slot))
    lower, expected, upper = found or ("", "", "")
    fields = {"expected": expected, "lower_bound": lower, "upper_bound": upper, "score": "", "anomaly_score": ""}
    fields.update(is_anomaly="0", model_status=status)
    try:
        x = float(value)
    except ValueError:
        x = float("nan")
    if not abs(x) <= 1e100 or not expected:
        return fields
    s, e = 0.0, float(expected)
    if upper and x > e:
        s = (x - e) / (float(upper) - e)
    if lower and x < e:
        s = (e - x) / (e - float(lower))
    outside = bool((upper and x > float(upper)) or (lower and x < float(lower)))
    fields.update(
        score=f"{100 * s / (1 + s):.2f}", anomaly_score=f"{100 * s / (1 + s):.2f}", is_anomaly=str(int(outside))
    )
    return fields
