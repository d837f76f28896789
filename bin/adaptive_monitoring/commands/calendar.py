"""adaptcalendar: adds day_type, calendar_flags and in_maintenance to every row, on the indexers (commands/daytypes.py).

With import=<file>.ics it makes the rows of a calendar lookup instead, on the search head (commands/ics.py).
"""

from __future__ import annotations

import re

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.commands.options import Spec, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

ICS_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\.ics", re.ASCII)


def ics_file(name: str, default: str | None, help: str) -> kinds.Option:
    """The name of an .ics file in lookups/ of this app."""

    def read(text: str) -> str:
        if not ICS_NAME.fullmatch(text):
            raise ValueError
        return text

    return kinds.Option(name, read, "a file of lookups/ in this app: A-Z a-z 0-9 _ - and .ics", default, help)


def day(name: str, help: str) -> kinds.Option:
    """A date such as 2026-12-24."""

    def read(text: str) -> str:
        from datetime import date

        return date.fromisoformat(text).isoformat()

    return kinds.Option(name, read, "a date such as 2026-12-24", None, help)


SPEC = Spec(
    "adaptcalendar",
    options=(
        kinds.name("calendar", "calendar_fr_bank", "lookup of this app with the rules"),
        kinds.text("tz", "UTC", "time zone of the days, such as Europe/Paris", 64),
        ics_file("import", None, "an iCalendar file, to make rows of a calendar lookup from"),
        kinds.name("day_type", None, "import: day type of the events, default closed"),
        kinds.word("action", ("shift", "skip"), "shift", "import: what the events do"),
        day("from", "import: first day of recurring events, default a year ago"),
        day("until", "import: last day of recurring events, default in two years"),
    ),
    by="optional",
    usage="adaptcalendar [calendar=<lookup>] [tz=<zone>] [by <fields>]  or  | adaptcalendar import=<file>.ics",
)


class Calendar(Command):
    """The command; its work is done by DayTypes or Import. app: folder of the app, for tests."""

    def __init__(self, info: SearchInfo, messages: Messages, app: str | None = None) -> None:
        super().__init__(info, messages)
        arguments = parse(info.args, SPEC)
        self.generating = arguments.options["import"] is not None
        self.work: Command
        if self.generating:
            from adaptive_monitoring.commands.ics import Import

            self.work = Import(info, messages, arguments, app)
        else:
            from adaptive_monitoring.commands.daytypes import DayTypes

            self.work = DayTypes(info, messages, arguments, app)

    def describe(self) -> dict[str, Any]:
        return self.work.describe()

    def execute(self, body: Body, finished: bool) -> bytes | None:
        self.done = self.generating
        return self.work.execute(body, finished)
