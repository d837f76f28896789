"""`| adaptcalendar import=<file>.ics`: events of an iCalendar file (RFC 5545) as rows of a calendar lookup.

Limits: reads lookups/<file>.ics of this app on the search head. All-day events and day types become dates, timed events
with action=skip become windows in local time, to the minute. Recurring events are written out from `from` to `until`;
what recurs more often than daily is refused. Needs the libraries icalendar and python-dateutil, which the app brings.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta, timezone

from adaptive_monitoring.calendars.rows import FIELDS
from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.icsfile import MOST_ROWS, IcsEvent, events
from adaptive_monitoring.commands.modelling import check_tz
from adaptive_monitoring.errors import BadCalendar, BadGrammar, BadValue, CollectionNotFound
from adaptive_monitoring.protocol.body import render
from adaptive_monitoring.store.paths import app_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

MOST_BYTES = 10_000_000
SHOWN_PROBLEMS = 20
MINUTE = timedelta(minutes=1)


class Import(Command):
    """Execution of one such search. arguments: as parsed for adaptcalendar. app: folder of the app, for tests."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments, app: str | None = None) -> None:
        super().__init__(info, messages)
        if arguments.by or "calendar" in arguments.given:
            raise BadGrammar("adaptcalendar: import= takes neither BY nor calendar=; it reads the file alone")
        self.file: str = arguments.options["import"]
        self.path = os.path.join(app or app_folder(), "lookups", self.file)
        self.skip = arguments.action == "skip"
        self.day_type = "" if self.skip else arguments.day_type or "closed"
        self.tz = check_tz(arguments.tz)
        self.typed_tz = "tz" in arguments.given
        self.first, self.last = _range(arguments.options["from"], arguments.options["until"])
        if not os.path.isfile(self.path):
            raise CollectionNotFound(
                f"adaptcalendar: import must name a file of this app; there is no {self.path}. Copy it there"
            )

    def describe(self) -> dict[str, Any]:
        return {"type": "stateful", "generating": True}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        rows: list[tuple[str, ...]] = []
        problems: list[str] = []
        for event in self._events(problems):
            rows.append(self._row(event))
            if len(rows) >= MOST_ROWS:
                problems.append(f"{self.file}: more than {MOST_ROWS} rows; the others are left out. Narrow the range")
                break
        for text in problems[:SHOWN_PROBLEMS]:
            self.messages.warn(f"adaptcalendar: {text}")
        if len(problems) > SHOWN_PROBLEMS:
            self.messages.warn(f"adaptcalendar: {len(problems) - SHOWN_PROBLEMS} more events were left out")
        self.messages.info(
            f"adaptcalendar: {len(rows)} rows of {self.file} from {self.first} to {self.last}. "
            "Keep them: | outputlookup append=true <calendar>.csv"
        )
        rows = sorted(dict.fromkeys(rows))
        return render(Columns(FIELDS, list(map(list, zip(*rows))))) if rows else None

    def _events(self, problems: list[str]) -> Iterator[IcsEvent]:
        """The events in range. Raises BadCalendar."""
        if os.path.getsize(self.path) > MOST_BYTES:
            raise BadCalendar(f"adaptcalendar: {self.file} must be at most {MOST_BYTES} bytes")
        with open(self.path, "rb") as stream:
            text = stream.read().decode("utf-8-sig", "replace")
        return events(self.file, text, self.first, self.last, problems)

    def _row(self, event: IcsEvent) -> tuple[str, ...]:
        """The cells of one event, in the order of FIELDS."""
        start, end, tz = event.start, event.end, ""
        if isinstance(start, datetime) and isinstance(end, datetime):
            start, end, tz = self._local(start, end)
            if not self.skip:
                last = end - timedelta(microseconds=1) if end > start else end
                start, end, tz = start.date(), last.date(), ""
        else:
            end = max(end - timedelta(days=1), start)  # DTEND is the day after the last one
        action = "skip" if self.skip else "shift"
        return _rule(start, end), self.day_type, action, "", "", tz, event.summary, event.comment

    def _local(self, start: datetime, end: datetime) -> tuple[datetime, datetime, str]:
        """In the zone of tz= if it was typed, else in the event's own, else (a zone without a name) in UTC."""
        if start.tzinfo is None:
            return start, end, self.tz if self.typed_tz else ""
        zone: Any = start.tzinfo
        name = self.tz or "UTC" if self.typed_tz else str(getattr(zone, "key", "") or "UTC")
        if self.typed_tz or name == "UTC":
            zone = _zone(name)
        return start.astimezone(zone).replace(tzinfo=None), end.astimezone(zone).replace(tzinfo=None), name


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    return timezone.utc if name == "UTC" else ZoneInfo(name)


def _rule(start: date, end: date) -> str:
    """The rule of a stretch: to the minute, so that it covers the seconds of the event."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        first = start.replace(second=0, microsecond=0)
        last = end.replace(second=0, microsecond=0)
        last += MINUTE if last < end else timedelta()
        return f"{first:%Y-%m-%dT%H:%M}..{last:%Y-%m-%dT%H:%M}"
    return f"{start}" if start == end else f"{start}..{end}"


def _range(first: str | None, last: str | None) -> tuple[date, date]:
    """A year back to two years ahead where nothing was typed. Raises BadValue."""
    today = datetime.now(timezone.utc).date()
    start = date.fromisoformat(first) if first else today - timedelta(days=366)
    end = date.fromisoformat(last) if last else today + timedelta(days=731)
    if not date(1900, 1, 1) <= start <= end <= date(2200, 12, 31):
        raise BadValue(f"adaptcalendar: from must not be after until, and both from 1900 to 2200; got {start} to {end}")
    return start, end
