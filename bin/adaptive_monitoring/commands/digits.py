"""Many numbers as text at once, exactly as "%.6g" writes them.

The six digits of a number are made as integers and read from tables of three digits each; unused places hold a filler
that is deleted from the whole text in one go. Numbers with an exponent, and those so near the middle of two texts that
rounding could go wrong, are left to Python.
"""
from __future__ import annotations

import re

import numpy as np

from adaptive_monitoring.engine.numbers import Floats

FILLER = b"\0"
WORDS = 5  # of four characters: sign and three digits, three digits, point and three digits, twice three digits
_FIXED = 1e-4, 999_999.5  # "%.6g" writes an exponent outside
_FEW = 400  # fewer rows are written faster by Python
_NOT_FINITE = re.compile("-?(?:nan|inf)")
_ROWS = 4000  # at once: larger tables leave the processor's cache
_DOUBTFUL = 1e-5  # of a unit of the last digit, next to a half
_POWERS = 10.0 ** np.arange(11)  # the last one where the logarithm of 1e-4 is rounded down
_INTEGERS = (10 ** np.arange(10)).astype(np.int32)


def _words(texts: list[str]) -> np.ndarray:
    """Texts of up to four characters as numbers; a blank is a filler."""
    found = [text.replace(" ", "\0").ljust(4, "\0").encode() for text in texts]
    return np.frombuffer(b"".join(found), dtype=np.uint32)


_DIGITS = [f"{i:03d}" for i in range(1000)]
_LEFT = [text.lstrip("0").rjust(3) for text in _DIGITS]
_RIGHT = [text.rstrip("0") for text in _DIGITS]
#: Digits of 0 … 999, and of 1000 … 1999 where another group that is not 0 stands in front, or follows.
_HIGH = _words([f" {text}" for text in _LEFT])
_LOW = _words([f" {text}" for text in ["  0", *_LEFT[1:], *_DIGITS]])
_FIRST = _words(["", *(f".{text}" for text in [*_RIGHT[1:], *_DIGITS])])
_LATER = _words([*_RIGHT, *_DIGITS])
_COMMA, _LINE_END, _MINUS = _words([",", "   \n", "-"])
_NEXT = _words(["   ,"])[0]  # behind the last three digits


def texts(columns: list[Floats]) -> list[str]:
    """The numbers of each row, each with a comma in front; what is not finite is empty. columns: (n,) each."""
    if len(columns[0]) < _FEW:
        lines = (",%.6g" * len(columns) + "\n") * len(columns[0]) % tuple(np.stack(columns, axis=1).ravel().tolist())
        return (_NOT_FINITE.sub("", lines) if "n" in lines else lines).split("\n")[:-1]
    out: list[str] = []
    for first in range(0, len(columns[0]), _ROWS):
        rows = [values[first : first + _ROWS] for values in columns]
        table = np.zeros((len(rows[0]), 1 + WORDS * len(columns)), dtype=np.uint32)
        table[:, 0] = _COMMA
        for i, values in enumerate(rows):
            _write(table[:, 1 + WORDS * i : 1 + WORDS * (i + 1)], values, _NEXT if i < len(rows) - 1 else _LINE_END)
        out += table.tobytes().translate(None, FILLER).decode("ascii").split("\n")
        del out[-1]
    return out


def _write(out: np.ndarray, values: Floats, end: np.uint32) -> None:
    """Texts of numbers, and what follows them, into (n, WORDS) of fillers."""
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
    high = whole // 1000
    if high.any():
        out[:, 0] = _HIGH.take(high)
        whole += 1000 * (high > 0) - 1000 * high
    if (values < 0).any():
        out[:, 0] |= np.where(values < 0, _MINUS, np.uint32(0))
    out[:, 1] = _LOW.take(whole)
    first = rest // 1_000_000
    rest -= 1_000_000 * first
    out[:, 2] = _FIRST.take(first + 1000 * (rest > 0))
    out[:, 4] = end
    if rest.any():
        second = rest // 1000
        rest -= 1000 * second
        out[:, 3] = _LATER.take(second + 1000 * (rest > 0))
        if rest.any():
            out[:, 4] |= _LATER.take(rest)
    for row in np.flatnonzero(others).tolist():
        text = b"%.6g" % values[row] if np.isfinite(values[row]) else b""
        out[row] = np.frombuffer(text.ljust(4 * WORDS, FILLER), dtype=np.uint32)
        out[row, 4] |= end
