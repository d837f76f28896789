"""Fixture: runs Fail."""

from fixture_commands import Fail

from adaptive_monitoring.protocol.session import run

raise SystemExit(run(Fail))
