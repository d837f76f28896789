"""Reads iCalendar text with the libraries icalendar and dateutil: one IcsEvent per occurrence.

Limits: VEVENT only. An exception of a series (RECURRENCE-ID) replaces its occurrence; cancelled events are left out.
Recurring events keep their wall time across clock changes. What is broken is said with the line of the file.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

from adaptive_monitoring.errors import BadCalendar, InternalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

MOST_ROWS = 20_000
TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
MOST_STEPS = 200_000  #: of a recurrence that starts long ago
DAY = timedelta(days=1)


class IcsEvent:
    """One occurrence. start, end: dates (end is the day after the last one) or datetimes (with a zone, or floating)."""

    __slots__ = ("comment", "end", "start", "summary")

    def __init__(self, start: Any, end: Any, summary: str, comment: str) -> None:
        self.start, self.end, self.summary, self.comment = start, end, summary, comment


def events(file: str, text: str, first: date, last: date, problems: list[str]) -> Iterator[IcsEvent]:
    """Occurrences that touch the days from first to last. Events that cannot be read are added to problems.

    file: how messages call it. Raises BadCalendar for a text that is no iCalendar, naming the line.
    """
    lines = _checked(file, text)
    found = _components(file, text)
    if len(found) != len(lines):
        raise BadCalendar(f"{file}: {len(lines)} events begin, {len(found)} can be read; one stands inside another")
    moved = _moved(found)
    for line, component in zip(lines, found):
        try:
            yield from _occurrences(component, first, last, moved)
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
            problems.append(f"{file}, line {line}: {_plain(error)}; the event is left out")


def _checked(file: str, text: str) -> list[int]:
    """The lines at which events begin. Raises BadCalendar naming the first line that is wrong."""
    from icalendar.parser import Contentline

    opened: list[tuple[str, int]] = []
    begins = []
    for number, line in _unfolded(text):
        try:
            name, _, value = Contentline(line).parts()
        except ValueError:
            raise BadCalendar(f"{file}, line {number}: must be NAME:value; got {line[:60]!r}") from None
        if number == 1 and (name.upper(), value.upper()) != ("BEGIN", "VCALENDAR"):
            raise BadCalendar(f"{file}, line 1: an iCalendar file begins with BEGIN:VCALENDAR; got {line[:60]!r}")
        if name.upper() == "BEGIN":
            opened.append((value.upper(), number))
            begins += [number] if value.upper() == "VEVENT" else []
        elif name.upper() == "END" and (not opened or opened.pop()[0] != value.upper()):
            raise BadCalendar(f"{file}, line {number}: END:{value} closes nothing that is open here")
    if opened:
        raise BadCalendar(f"{file}, line {opened[-1][1]}: BEGIN:{opened[-1][0]} is never closed; the file is cut off")
    if not begins:
        raise BadCalendar(f"{file}: no VEVENT in it, so there is nothing to import")
    return begins


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first line; empty ones are none."""
    held, start = "", 0
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line[:1] in (" ", "\t") and held:
            held += line[1:]
            continue
        if held:
            yield start, held
        held, start = line if line.strip() else "", number
    if held:
        yield start, held


def _components(file: str, text: str) -> list[Any]:
    """The events in the order of the file, also of several calendars in it."""
    try:
        from icalendar import Calendar
    except ImportError:
        raise InternalError("adaptcalendar: lib/ of the app holds no icalendar; install the app's archive") from None
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BadCalendar(f"{file}: cannot be read: {_plain(error)}") from None
    return [event for calendar in calendars for event in calendar.walk("VEVENT")]


def _moved(components: Iterable[Any]) -> dict[str, set[datetime]]:
    """UID -> wall times of the occurrences that have an event of their own."""
    found: dict[str, set[datetime]] = {}
    for component in components:
        if "RECURRENCE-ID" in component:
            found.setdefault(str(component.get("UID")), set()).add(_wall(component["RECURRENCE-ID"].dt, None))
    return found


def _occurrences(component: Any, first: date, last: date, moved: dict[str, set[datetime]]) -> Iterator[IcsEvent]:
    """Those of one event that touch the range. Raises ValueError, TypeError, KeyError."""
    if str(component.get("STATUS", "")).upper() == "CANCELLED":
        return
    if component.errors:
        raise ValueError(": ".join(map(str, component.errors[0])))
    if "DTSTART" not in component:
        raise ValueError("no DTSTART")
    start = component["DTSTART"].dt
    length = _length(component, start)
    summary = " ".join(str(component.get("SUMMARY", "")).replace("|", "/").split())
    uid = str(component.get("UID", ""))
    for wall in _starts(component, start, length, first, last, moved):
        begin = wall.date() if not isinstance(start, datetime) else wall.replace(tzinfo=start.tzinfo)
        yield IcsEvent(begin, _end(begin, length), summary, uid)


def _length(component: Any, start: Any) -> timedelta:
    """Of one occurrence; without DTEND and DURATION a day for dates, nothing for times."""
    whole = not isinstance(start, datetime)
    if "DTEND" in component:
        end = component["DTEND"].dt
        if isinstance(end, datetime) == whole:
            raise ValueError("DTSTART and DTEND must both be dates or both be times")
        length: timedelta = end - start if whole else _utc(end) - _utc(start)
    elif "DURATION" in component:
        length = component["DURATION"].dt
    else:
        length = DAY if whole else timedelta()
    if length < timedelta():
        raise ValueError(f"it ends before it starts, {start}")
    return length


def _starts(
    component: Any, start: Any, length: timedelta, first: date, last: date, moved: dict[str, set[datetime]]
) -> Iterator[datetime]:
    """Wall times at which occurrences in range begin, in order, each once. The range is a day wider for other zones."""
    zone = start.tzinfo if isinstance(start, datetime) else None
    early, late = datetime.combine(first - DAY, time()) - length, datetime.combine(last + 2 * DAY, time())
    own = "RECURRENCE-ID" in component
    gone = set() if own else set(moved.get(str(component.get("UID")), ()))
    gone |= {_wall(day.dt, zone) for dates in _listed(component.get("EXDATE")) for day in dates.dts}
    more = {_first(day.dt, zone) for dates in _listed(component.get("RDATE")) for day in dates.dts}
    begin = _wall(start, zone)
    found = _recurring(component, begin, zone, early, late) if "RRULE" in component else [begin]
    wanted = {wall for wall in [*found, *more] if wall not in gone and early < wall < late}
    yield from sorted(wall for wall in wanted if _touches(wall, length, first, last))


def _touches(wall: datetime, length: timedelta, first: date, last: date) -> bool:
    """Whether an occurrence has a local day in the range."""
    return wall.date() <= last and (wall.date() >= first or wall + length > datetime.combine(first, time()))


def _recurring(component: Any, begin: datetime, zone: Any, early: datetime, late: datetime) -> list[datetime]:
    """Wall times of RRULE within the bounds. Counted in wall time, as people mean it, with UNTIL brought there."""
    from dateutil.rrule import rrulestr

    found = []
    for rule in _listed(component.get("RRULE")):
        if str(rule.get("FREQ", [""])[0]) in TOO_OFTEN:
            raise ValueError(f"it recurs more often than daily ({rule['FREQ'][0]})")
        copy = type(rule)(rule)
        if "UNTIL" in copy:
            until = copy["UNTIL"][0]
            last = isinstance(until, datetime)  # a date means all of that day
            copy["UNTIL"] = [_wall(until, zone) if last else datetime.combine(until, time(23, 59))]
        for steps, wall in enumerate(rrulestr(copy.to_ical().decode(), dtstart=begin)):
            if wall >= late:
                break
            if steps > MOST_STEPS:
                raise ValueError(f"more than {MOST_STEPS} occurrences since {begin}")
            if wall > early:
                found.append(wall)
    return found


def _first(day: Any, zone: Any) -> datetime:
    """The wall time of an RDATE, which may be a period."""
    return _wall(day[0] if isinstance(day, tuple) else day, zone)


def _wall(moment: Any, zone: Any) -> datetime:
    """What the clock on the wall of that zone shows; midnight of a date. zone None: the moment's own zone."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time())
    if moment.tzinfo is not None and zone is not None:
        moment = moment.astimezone(zone)
    wall: datetime = moment.replace(tzinfo=None)
    return wall


def _end(begin: Any, length: timedelta) -> Any:
    """That much later: elapsed time for times, so that a job of two hours takes two hours in the night of a change."""
    if isinstance(begin, datetime) and begin.tzinfo is not None:
        return (_utc(begin) + length).astimezone(begin.tzinfo)
    return begin + length


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def _listed(value: Any) -> list[Any]:
    """A property may stand there not at all, once or often."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _plain(error: Exception) -> str:
    return f"{error}"[:200] or type(error).__name__
