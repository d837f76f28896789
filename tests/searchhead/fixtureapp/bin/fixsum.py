"""Fixture: runs Sum."""

from fixture_commands import Sum

from adaptive_monitoring.protocol.session import run

raise SystemExit(run(Sum))
