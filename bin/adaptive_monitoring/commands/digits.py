"""Many numbers as text at once, exactly as "%.6g" writes them.

The six digits of a number are made as integers and read from tables of three digits each; unused places hold a filler
that is deleted from the whole text in one go. Numbers with an exponent, and those so near the middle of two texts that
rounding could go wrong, are left to Python.
"""
from __future__ import annotations

import numpy as np

from adaptive_monitoring.engine.numbers import Floats

FILLER = b"\0"
WIDTH = 17  # sign, six digits, point, nine digits
_FIXED = 1e-4, 999_999.5  # "%.6g" writes an exponent outside
_ROWS = 2000  # at once: larger tables leave the processor's cache
_DOUBTFUL = 1e-5  # of a unit of the last digit, next to a half
_POWERS = 10.0 ** np.arange(11)  # the last one where the logarithm of 1e-4 is rounded down
_INTEGERS = (10 ** np.arange(10)).astype(np.int32)


def _table(strip: str) -> np.ndarray:
    """The three digits of 0 … 999, without leading or trailing zeros, or with all."""
    texts = [f"{i:03d}" for i in range(1000)]
    if strip == "left":
        texts = [text.lstrip("0").rjust(3, "\0") for text in texts]
    if strip == "right":
        texts = [text.rstrip("0") for text in texts]
    return np.array(texts, dtype="S3").view(np.uint8).reshape(1000, 3)


_ALL, _LEFT, _RIGHT = (_table(strip) for strip in ("", "left", "right"))
_INTEGER = np.concatenate([_LEFT, _ALL])  # behind a group that is 0; behind another one
_INTEGER_LAST = _INTEGER.copy()
_INTEGER_LAST[0, 2] = ord("0")  # 0.5 has a 0 in front
_FRACTION = np.concatenate([_RIGHT, _ALL])  # nothing follows; something does


def texts(columns: list[Floats]) -> list[str]:
    """The numbers of each row, each with a comma in front; what is not finite is empty. columns: (n,) each."""
    out: list[str] = []
    for first in range(0, len(columns[0]), _ROWS):
        rows = [values[first : first + _ROWS] for values in columns]
        table = np.zeros((len(rows[0]), len(columns) * (WIDTH + 1) + 1), dtype=np.uint8)
        for i, values in enumerate(rows):
            at = i * (WIDTH + 1)
            table[:, at] = ord(",")
            _write(table[:, at + 1 : at + 1 + WIDTH], values)
        table[:, -1] = ord("\n")
        out += table.tobytes().translate(None, FILLER).decode("ascii").split("\n")
        del out[-1]
    return out


def _write(out: np.ndarray, values: Floats) -> None:
    """Texts of numbers into (n, WIDTH) bytes of fillers."""
    size = np.abs(values)
    with np.errstate(invalid="ignore"):
        others = ~((size >= _FIXED[0]) & (size < _FIXED[1]))
    if others.any():
        size = np.where(others, 1.0, size)
    decimals = 5 - np.floor(np.log10(size)).astype(np.int32)
    scaled = size * _POWERS.take(decimals)
    digits = np.rint(scaled)
    others |= np.abs(scaled - digits) > 0.5 - _DOUBTFUL
    short = digits >= 1e6  # rounded up to the next power, or its logarithm was
    if short.any():
        decimals[short] -= 1
        digits[short] = np.rint(size[short] * _POWERS[decimals[short]])
    others |= digits < 1e5
    number = digits.astype(np.int32)
    power = _INTEGERS.take(decimals)
    whole = number // power
    rest = (number - whole * power) * _INTEGERS.take(9 - decimals)
    if (values < 0).any():
        out[:, 0] = np.where(values < 0, ord("-"), 0)
    high = whole // 1000
    if high.any():
        out[:, 1:4] = _INTEGER.take(high, axis=0)
        whole += 1000 * (high > 0) - 1000 * high
    out[:, 4:7] = _INTEGER_LAST.take(whole, axis=0)
    out[:, 7] = np.where(rest > 0, ord("."), 0)
    first = rest // 1_000_000
    rest -= 1_000_000 * first
    out[:, 8:11] = _FRACTION.take(first + 1000 * (rest > 0), axis=0)
    if rest.any():
        second = rest // 1000
        rest -= 1000 * second
        out[:, 11:14] = _FRACTION.take(second + 1000 * (rest > 0), axis=0)
        if rest.any():
            out[:, 14:17] = _FRACTION.take(rest, axis=0)
    for row in np.flatnonzero(others).tolist():
        text = b"%.6g" % values[row] if np.isfinite(values[row]) else b""
        out[row] = np.frombuffer(text.ljust(WIDTH, FILLER), dtype=np.uint8)
