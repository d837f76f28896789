"""Fixture: runs Count."""

from fixture_commands import Count

from adaptive_monitoring.protocol.session import run

raise SystemExit(run(Count))
