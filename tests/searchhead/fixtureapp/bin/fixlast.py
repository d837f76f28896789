"""Fixture: runs Last."""

from fixture_commands import Last

from adaptive_monitoring.protocol.session import run

raise SystemExit(run(Last))
