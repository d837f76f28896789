"""Fixture: runs Generate."""

from fixture_commands import Generate

from adaptive_monitoring.protocol.session import run

raise SystemExit(run(Generate))
