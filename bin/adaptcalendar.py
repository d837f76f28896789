"""SPL command adaptcalendar: says what kind of day each row is on (commands/calendar.py)."""
import adaptboot  # noqa: F401  makes the vendored libraries importable
from adaptive_monitoring.commands.calendar import Calendar
from adaptive_monitoring.protocol.session import run

if __name__ == "__main__":
    raise SystemExit(run(Calendar))
