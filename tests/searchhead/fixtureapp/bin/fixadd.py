"""Fixture: runs Add."""

from fixture_commands import Add

from adaptive_monitoring.protocol.session import run

raise SystemExit(run(Add))
