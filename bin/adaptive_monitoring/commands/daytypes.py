"""`adaptcalendar [calendar=<lookup>] [tz=<zone>] [by <fields>]`: the kind of day of each row, and whether in a window.

Limits: reads nothing but lookups/<calendar>.csv beside the app; standard library only, no REST, no state: it runs on
the indexers. day_type and calendar_flags are empty on an ordinary day; calendar_flags joins names with |, those of the
day's rules first, then those of the windows the row lies in. in_maintenance is 0 or 1.
"""

from __future__ import annotations

from adaptive_monitoring.calendars.calendar import read_calendar
from adaptive_monitoring.calendars.moments import Concern, Moments
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.modelling import check_tz
from adaptive_monitoring.errors import BadGrammar
from adaptive_monitoring.protocol.body import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from adaptive_monitoring.calendars.calendar import Calendar, Day, Window
    from adaptive_monitoring.calendars.moments import Answer
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

FIELDS = ("day_type", "calendar_flags", "in_maintenance")
IMPORT_ONLY = ("day_type", "action", "from", "until")
SHOWN_PROBLEMS = 5


class DayTypes(Command):
    """Execution of one such search. arguments: as parsed for adaptcalendar. app: folder of the app, for tests.

    Raises CollectionNotFound, BadCalendar, BadValue, BadGrammar at getinfo already.
    """

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments, app: str | None = None) -> None:
        super().__init__(info, messages)
        typed = [name for name in IMPORT_ONLY if name in arguments.given]
        if typed:
            raise BadGrammar(f"adaptcalendar: {typed[0]}= goes with import=; write | adaptcalendar import=<file>.ics")
        self.calendar = read_calendar("adaptcalendar: calendar", arguments.calendar, check_tz(arguments.tz), app)
        self.by = list(arguments.by or self.calendar.fields)
        self.moments, self.concern = Moments(self.calendar, cells), Concern(self.by)
        self.texts: dict[tuple[tuple[Window, ...], str, tuple[str, ...]], str] = {}
        self.free_names: list[str] = []
        self.untimed = 0
        warn_of(self.calendar, self.by, messages)

    def describe(self) -> dict[str, Any]:
        return {"type": "streaming", "required_fields": list(dict.fromkeys(["_time", *self.by, *FIELDS]))}

    def execute(self, body: Body, finished: bool) -> bytes | None:
        reply = None
        if body.names:
            reply = b"".join([self._add(piece) for piece in self._free(body).slices()])
        if finished and self.untimed:
            self.messages.warn(f"adaptcalendar: {self.untimed} rows without a usable _time are on no day")
        return reply

    def _free(self, body: Body) -> Body:
        """The rows without fields that have the names of the answer."""
        if body.names is self.free_names:  # chunks with one header share its list
            return body
        taken = [name for name in FIELDS if name in body.names]
        if not taken:
            self.free_names = body.names
            return body
        self.messages.warn(f"adaptcalendar: fields {', '.join(taken)} of the input were replaced. Rename them before")
        return body.drop(taken)

    def _add(self, body: Body) -> bytes:
        """The reply for one slice: most rows lie in no window, and their text is ready."""
        times, *keys = body.columns(["_time", *self.by]).data
        found = [self.moments[text] for text in times]
        texts = [answer.text for answer in found]
        for row in [row for row, answer in enumerate(found) if answer.windows]:
            texts[row] = self._inside(found[row], tuple([values[row] for values in keys]))
        self.untimed += found.count(self.moments.unreadable)
        return body.append(FIELDS, texts)

    def _inside(self, answer: Answer, entity: tuple[str, ...]) -> str:
        """The cells of a row whose time lies in windows."""
        key = answer.windows, answer.text, entity
        if key not in self.texts:
            self.texts[key] = cells(answer.day, self.concern.of(answer.windows, entity))
        return self.texts[key]


def cells(day: Day, windows: Sequence[Window]) -> str:
    """The new cells of a row as CSV text. windows: those that the row lies in."""
    flags = dict.fromkeys([*day.flags, *(window.name for window in windows)])
    return f"{quote(day.day_type)},{quote('|'.join(flags))},{int(bool(windows))}"


def warn_of(calendar: Calendar, by: Sequence[str], messages: Messages) -> None:
    """Says which rows of the lookup do not work, and why."""
    for text in calendar.problems[:SHOWN_PROBLEMS]:
        messages.warn(f"adaptcalendar: {text}")
    if len(calendar.problems) > SHOWN_PROBLEMS:
        messages.warn(f"adaptcalendar: {len(calendar.problems) - SHOWN_PROBLEMS} more rows of it were left out")
    lost = [field for field in calendar.fields if field not in by]
    if lost:
        messages.warn(
            f"adaptcalendar: rules of {calendar.name} with a cell in {', '.join(lost)} concern no row: BY names only "
            f"{', '.join(by)}. Add the field to BY, or name the column comment if it is for people"
        )
