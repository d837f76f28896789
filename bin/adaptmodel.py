"""| adaptmodel: the stored models as rows; verify, delete, export."""

from __future__ import annotations

import adaptboot  # noqa: F401
from adaptive_monitoring.commands.model import Model
from adaptive_monitoring.protocol.session import run

raise SystemExit(run(Model))
