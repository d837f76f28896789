"""Kinds of option values: each turns the typed text into a value and says what is allowed when it cannot."""

from __future__ import annotations

import math
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn, TypeVar

    Number = TypeVar("Number", int, float)

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
SPAN = re.compile(r"(\d{1,6})(s|sec|secs|m|min|mins|h|hr|hrs|d|day|days|w|week|weeks)\Z")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
K_OF_N = re.compile(r"(\d{1,4})/(\d{1,4})\Z")
FLOOR = re.compile(r"(?:(\d{1,15}(?:\.\d{1,15})?))?(?:(?:^|[,\s]\s*)(\d{1,6}(?:\.\d{1,6})?)%)?\Z")
TRUE, FALSE = ("1", "t", "true", "yes"), ("0", "f", "false", "no")


class Option:
    """One option of a command.

    name: as typed. default: the value when it is not typed, of the kind's type. allowed: what an error message says
    after "must be". read: text → value, raising ValueError. help: one line for people.
    """

    __slots__ = ("allowed", "default", "help", "name", "read")

    def __init__(self, name: str, read: Callable[[str], Any], allowed: str, default: Any, help: str) -> None:
        self.name = name
        self.read = read
        self.allowed = allowed
        self.default = default
        self.help = help


def word(name: str, words: Sequence[str], default: str | None = None, help: str = "") -> Option:
    """One of these words, in any case; the value is as written here."""
    known = {allowed.lower(): allowed for allowed in words}

    def read(text: str) -> str:
        return known[text.lower()] if text.lower() in known else _refuse()

    return Option(name, read, _either(words), default, help)


def integer(name: str, low: int, high: int, default: int | None = None, help: str = "") -> Option:
    """A whole number, both ends included."""

    def read(text: str) -> int:
        return _within(int(text) if re.match(r"[+-]?\d{1,15}\Z", text) else _refuse(), low, high)

    return Option(name, read, f"a whole number from {low} to {high}", default, help)


def number(name: str, low: float, high: float, default: float | None = None, help: str = "") -> Option:
    """A finite number, both ends included. The bounds may be infinite."""

    def read(text: str) -> float:
        return _within(float(text), low, high)

    return Option(name, read, _range(low, high), default, help)


def span(name: str, low: int, high: int, default: int | None = None, help: str = "") -> Option:
    """A duration such as 30s, 5m, 1h, 2d, 1w. low, high, value: seconds."""

    def read(text: str) -> int:
        found = SPAN.match(text.lower())
        return _within(int(found.group(1)) * SECONDS[found.group(2)[0]], low, high) if found else _refuse()

    return Option(name, read, f"a span such as 5m or 1h, from {_span_text(low)} to {_span_text(high)}", default, help)


def boolean(name: str, default: bool | None = False, help: str = "") -> Option:
    """true/false, t/f, yes/no or 1/0."""

    def read(text: str) -> bool:
        return text.lower() in TRUE if text.lower() in TRUE + FALSE else _refuse()

    return Option(name, read, "true or false", default, help)


def k_of_n(name: str, high: int, default: tuple[int, int] | None = None, help: str = "") -> Option:
    """k of n, written 3/5; 1 ≤ k ≤ n ≤ high. Value: (k, n)."""

    def read(text: str) -> tuple[int, int]:
        found = K_OF_N.match(text)
        k, n = (int(found.group(1)), int(found.group(2))) if found else (0, 0)
        return (k, n) if 1 <= k <= n <= high else _refuse()

    return Option(name, read, f"k/n such as 3/5, with 1 <= k <= n <= {high}", default, help)


def floor(name: str, default: tuple[float | None, float | None] = (None, None), help: str = "") -> Option:
    """A smallest gap: 10 (absolute), 20% (of the expectation) or both, 10,20%.

    Value: (absolute, percent), None = not given.
    """

    def read(text: str) -> tuple[float | None, float | None]:
        found = FLOOR.match(text.strip())
        if not found or not text.strip():
            _refuse()
        absolute, percent = found.groups()
        return (None if absolute is None else float(absolute), None if percent is None else float(percent))

    return Option(name, read, "a gap such as 10, 20% or 10,20%", default, help)


def name(name: str, default: str | None = None, help: str = "") -> Option:
    """The name of a collection or lookup, safe as a part of a file name."""

    def read(text: str) -> str:
        return text if NAME.match(text) else _refuse()

    return Option(name, read, "1 to 64 of the characters A-Z a-z 0-9 _ -", default, help)


def text(name: str, default: str | None = None, help: str = "", limit: int = 10000) -> Option:
    """Any text that is not empty."""

    def read(value: str) -> str:
        return value if 0 < len(value) <= limit else _refuse()

    return Option(name, read, f"a text of 1 to {limit} characters", default, help)


def _refuse() -> NoReturn:
    raise ValueError


def _within(value: Number, low: float, high: float) -> Number:
    return value if low <= value <= high and math.isfinite(value) else _refuse()


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return "a number" if math.isinf(low) else f"a number of at least {low:g}"
    return f"a number from {low:g} to {high:g}" if math.isfinite(low) else f"a number of at most {high:g}"


def _span_text(seconds: int) -> str:
    unit = next(unit for unit in "wdhms" if seconds % SECONDS[unit] == 0)
    return f"{seconds // SECONDS[unit]}{unit}"
