"""The checks and their panels are plain modules beside the tests; the engine lives in bin/."""
from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parents[1] / "bin"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
