"""Profiles of the seasons that were not chosen, small enough for a stored row.

A young metric may still change its season, so nightly updates must not lose what the other profiles have learned. Each
slot is kept as its distance from the next shorter profile, in two digits, three slots to a number.

Limits: distances beyond six scales are cut; once the season is settled (27 days) nothing is kept, and a model that
changes its season later starts the new profile from the old one.
"""

from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.numbers import Floats
from adaptive_monitoring.engine.rolling import some
from adaptive_monitoring.engine.timegrid import DAY_SLOTS, WEEK_SLOTS

SETTLED_BLOCKS = 108.0
_DIGITS, _MIDDLE = 3, 50.0  # slots in a number; the digits 01 to 99 stand for −49 to 49 parts, 00 for nothing kept
_PARTS = 8.0  # of a scale
GOLDEN, _SILVER = 0.6180339887498949, 0.4142135623730951
_POWERS = 100.0 ** np.arange(_DIGITS)
DAY_WORDS, WEEK_WORDS = DAY_SLOTS // _DIGITS, WEEK_SLOTS // _DIGITS

Table = dict[str, np.ndarray]


def packed(table: Table, scale: Floats) -> tuple[Floats, Floats]:
    """The day where it is not chosen, (g, d, 32), and the week where it is not, (g, d, 56); zeros where not needed."""
    young = (table["blocks"] < SETTLED_BLOCKS)[:, None] & (scale > 0)
    season, unit = table["season"], scale[:, :, None] / _PARTS
    blocks = table["blocks"]
    day = _digits(table["day"] - table["constant"][:, :, None], unit, young & (season == 0), blocks)
    week = _digits(table["week"] - hours_of(table["day"]), unit, young & (season != 2), blocks)
    return pack(day), pack(week)


def unpack_into(out: Table, frozen: Table) -> None:
    """Puts the kept profiles into a working table whose constant and chosen profile are there."""
    unit = frozen["scale"][:, :, None] / _PARTS
    if some(frozen["rest_day"]):  # the rule for settled models: nothing was kept
        day = unpack(frozen["rest_day"])
        kept = (day > 0) & (frozen["season"] == 0)[:, :, None]
        out["day"][:] = np.where(kept, out["constant"][:, :, None] + (day - _MIDDLE) * unit, out["day"])
    if some(frozen["rest_week"]):
        week = unpack(frozen["rest_week"])
        kept = (week > 0) & (frozen["season"] != 2)[:, :, None]
        out["week"][:] = np.where(kept, hours_of(out["day"]) + (week - _MIDDLE) * unit, out["week"])


def hours_of(day: Floats) -> Floats:
    """A profile of the day as one of the week. (g, d, 96) → (g, d, 168)"""
    return np.tile(day.reshape(*day.shape[:2], 24, 4).mean(axis=3), 7)


def pack(digits: Floats) -> Floats:
    """Whole numbers from 0 to 99, three to a number. (g, d, n) → (g, d, n / 3)"""
    out: Floats = digits.reshape(*digits.shape[:2], digits.shape[2] // _DIGITS, _DIGITS) @ _POWERS
    return out


def unpack(words: Floats) -> Floats:
    """The inverse of pack(); what lies outside 0 … 999999 is taken as its edge."""
    number = np.clip(np.nan_to_num(words), 0, 100.0**_DIGITS - 1).astype(np.int32)[..., None]
    digits: Floats = (number // _POWERS.astype(np.int32) % 100).astype(np.float64)
    return digits.reshape(*words.shape[:2], words.shape[2] * _DIGITS)


def dither(blocks: Floats, slots: int) -> Floats:
    """Added before rounding down: up is as frequent as the fraction says, so that steps smaller than a part are not
    lost over many nights. blocks: (g,). (g, 1, slots) in 0 … 1, the same for the same age."""
    out: Floats = (np.arange(slots) * GOLDEN + blocks[:, None, None] * _SILVER) % 1.0
    return out


def _digits(distance: Floats, unit: Floats, kept: np.ndarray, blocks: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.floor(distance / unit + dither(blocks, distance.shape[2]))
    parts = np.clip(parts, 1.0 - _MIDDLE, _MIDDLE - 1.0)
    return np.where(kept[:, :, None], parts + _MIDDLE, 0.0)
