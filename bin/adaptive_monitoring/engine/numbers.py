"""Numbers in and out: the one place where missing is decided.

Not a number, infinite or beyond ±1e100 is missing and becomes NaN; NaN stays NaN to the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LARGEST = 1e100  # products of two such numbers still fit into a float64
_NULLS = {"": "nan", "-": "nan", "null": "nan", "NULL": "nan", "N/A": "nan"}


def to_floats(texts: Sequence[str]) -> Floats:
    """Numbers of a text column. (n,) float64; whatever is no finite number within ±1e100 is NaN."""
    try:
        out = np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        out = np.array([_to_float(text) for text in texts], dtype=np.float64)
    return missing_as_nan(out)


class Times(dict):  # type: ignore[type-arg]
    """Numbers of a column whose texts repeat, such as _time: each is read once. Forgets when it exceeds 100,000."""

    def __missing__(self, text: str) -> float:
        if len(self) >= 100_000:
            self.clear()
        number = self[text] = _to_float(text)
        return number

    def read(self, texts: Sequence[str]) -> Floats:
        """As to_floats()."""
        return missing_as_nan(np.fromiter(map(self.__getitem__, texts), np.float64, len(texts)))


def _to_float(text: str) -> float:
    try:
        return float(_NULLS.get(text, text))
    except ValueError:
        return float("nan")


def missing_as_nan(x: Floats) -> Floats:
    """The same array with infinities and magnitudes beyond 1e100 as NaN (a copy only when something changes)."""
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(x) <= LARGEST)
    if bad.any():
        x = np.where(bad, np.nan, x)
    return x
