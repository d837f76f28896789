"""Local days and local wall time of one zone, in seconds UTC, with the two days a year when clocks change defined.

Limits: days of the years 2 to 9998; zones change on quarter hours (all do since 1972). A Python without time zone data
knows no zone but UTC.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import tzinfo

EPOCH_DAY = date(1970, 1, 1).toordinal()
MIDNIGHT = time()
STEP = 1e-6  #: what Splunk's times can still tell apart: the end of a day is this much before the next one


class Zone:
    """A zone by its IANA name, "" = UTC. Raises ValueError for an unknown one."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._zone: tzinfo = timezone.utc
        if name not in ("", "UTC"):
            from zoneinfo import ZoneInfo

            try:
                self._zone = ZoneInfo(name)
            except Exception:  # zoneinfo raises five kinds of errors for bad names
                raise ValueError(f'a time zone of the IANA data base such as Europe/Paris; got "{name}"') from None

    def day(self, t: float) -> date:
        """The local day of a time. Raises ValueError, OverflowError, OSError for a time that no calendar holds."""
        if self._zone is timezone.utc:
            return date.fromordinal(EPOCH_DAY + int(t // 86400))
        return datetime.fromtimestamp(t, self._zone).date()

    def opens(self, day: date, moment: time = MIDNIGHT) -> float:
        """When this wall time comes first. One that clocks skip is read as before the change: 02:30 means 03:30."""
        return datetime.combine(day, moment, self._zone).timestamp()

    def closes(self, day: date, moment: time) -> float:
        """When this wall time comes last: the second time where an hour is repeated. Skipped ones as in opens()."""
        local = datetime.combine(day, moment, self._zone)
        return max(local.timestamp(), local.replace(fold=1).timestamp())

    def span(self, first: tuple[date, time], last: tuple[date, time]) -> tuple[float, float]:
        """From one wall time to another, both ends included.

        Across a clock change it is as long as the clock on the wall says, so an hour more or less; in the repeated
        hour it covers both passes. A span that lies in the skipped hour alone keeps its length, behind the change.
        """
        start, end = self.opens(*first), self.closes(*last)
        length = datetime.combine(*last) - datetime.combine(*first)
        return start, end if end > start else start + max(length.total_seconds(), 0.0)

    def whole(self, first: date, last: date) -> tuple[float, float]:
        """These days, from the first midnight to just before the one behind the last."""
        return self.opens(first), self.opens(last + timedelta(days=1)) - STEP
