"""Numbers, spans and times as people write them, in the page's language. NaN and infinity are a dash."""

from __future__ import annotations

import math
from datetime import datetime, timezone

from adaptive_monitoring.report.words import Words

_DAY_S = 86400
_LARGE = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_UNWRITTEN = 1e15  # from here on, and below 1 / this, a number has an exponent


class Say:
    """One language's way to write. lang: as for Words. `words` holds the texts."""

    def __init__(self, lang: str) -> None:
        self.words = Words(lang)
        self.unknown = self.words("unknown")

    def number(self, value: float) -> str:
        """Three digits, thousands grouped, no zeros behind the point: 0.43, 12.5, 1,204."""
        if not math.isfinite(value):
            return self.unknown
        size = abs(value)
        if size >= _UNWRITTEN or 0 < size < 1 / _UNWRITTEN:
            return self._local(f"{value:.2e}")
        digits = 0 if size >= 100 or size == 0 else 2 - math.floor(math.log10(size))
        text = f"{value:,.{digits}f}"
        return self._local(text.rstrip("0").rstrip(".") if "." in text else text)

    def count(self, value: float) -> str:
        """A whole number, thousands grouped."""
        return self._local(f"{value:,.0f}") if math.isfinite(value) else self.unknown

    def counted(self, key: str, n: int, **places: str) -> str:
        """A text with a count in it: 1 alert, 2 alerts."""
        return self.words.form(key, n, n=self.count(n), **places)

    def short(self, value: float) -> str:
        """For axes and labels: 12 k, 3.4 M."""
        if math.isfinite(value) and 1e4 <= abs(value) < _UNWRITTEN:
            unit, letter = next((unit, letter) for unit, letter in _LARGE if abs(value) >= unit)
            return f"{self.number(value / unit)}\u00a0{letter}"
        return self.number(value)

    def percent(self, share: float) -> str:
        """A share as a whole per cent; never 0 or 100 where it is not."""
        if not math.isfinite(share):
            return self.unknown
        sign = "<" if 0 < share < 0.005 else ">" if 0.995 <= share < 1 else ""
        whole = 1 if sign == "<" else 99 if sign == ">" else round(100 * share)
        return sign + self.words("percent", n=self.count(whole))

    def with_interval(self, share: float, interval: tuple[float, float]) -> str:
        """31% (20–44%); without the brackets when they are not known."""
        if not math.isfinite(share) or not all(map(math.isfinite, interval)):
            return self.percent(share)
        low, high = (self.count(round(100 * end)) for end in interval)
        between = self.words("percent", n=self.words("range", a=low, b=high))
        return self.words("with_interval", value=self.percent(share), interval=between)

    def span(self, seconds: float) -> str:
        """45 s, 12 min, 1 h 20 min, 2 d 3 h."""
        if not math.isfinite(seconds):
            return self.unknown
        whole = round(abs(seconds))
        if whole < 60:
            return self._units((whole, "s"))
        minutes = round(whole / 60)
        if minutes < 60 * 24:
            return self._units((minutes // 60, "h"), (minutes % 60, "min"))
        hours = round(minutes / 60)
        return self._units((hours // 24, "d"), (hours % 24, "h"))

    def date(self, t: float) -> str:
        """A day of the year. t: seconds UTC."""
        return self._time("date", t)

    def moment(self, t: float) -> str:
        """A day and a time of it, with the zone. t: seconds UTC."""
        return self._time("moment", t)

    def tick(self, t: float, days: bool) -> str:
        """A mark on a time axis: 14:00, or the day where it begins (or wherever marks are whole days apart)."""
        return self._time("day", t) if days or t % _DAY_S == 0 else self.clock(t)

    def clock(self, t: float) -> str:
        """14:05."""
        when = _utc(t)
        return f"{when:%H:%M}" if when else self.unknown

    def between(self, a: float, b: float) -> str:
        """Two times of which the second is short where it is the same day: Tue 3 Mar 14:05–15:20."""
        first, last = _utc(a), _utc(b)
        if not (first and last):
            return self.unknown
        if first.date() == last.date():
            return f"{self._time('day', a)} {self.clock(a)}–{self.clock(b)}"
        return f"{self._time('day', a)} {self.clock(a)} – {self._time('day', b)} {self.clock(b)}"

    def _time(self, key: str, t: float) -> str:
        when = _utc(t)
        if when is None:
            return self.unknown
        month = self.words("months").split()[when.month - 1]
        weekday = self.words("weekdays").split()[when.weekday()]
        parts = {"d": str(when.day), "month": month, "y": str(when.year), "weekday": weekday}
        return self.words(key, clock=f"{when:%H:%M}", **parts)

    def _units(self, *parts: tuple[int, str]) -> str:
        told = [f"{n}\u00a0{self.words('unit_' + unit)}" for n, unit in parts if n]
        return " ".join(told) or "0\u00a0" + self.words("unit_s")

    def _local(self, text: str) -> str:
        swap = {",": self.words("thousands"), ".": self.words("decimal"), "-": "−"}
        return "".join(swap.get(letter, letter) for letter in text)


def _utc(t: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(t, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
