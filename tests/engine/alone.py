"""Scores a stored model in a fresh process and prints what was imported on the way (for check_scoring_is_light).

Arguments: folders to import from (JSON), module and class of the detector, file with the frozen state and a panel.
"""
from __future__ import annotations

import json
import sys

sys.path[:0] = json.loads(sys.argv[1])
module, name, path = sys.argv[2:5]


def score() -> None:
    from importlib import import_module

    import numpy as np

    from adaptive_monitoring.engine.base import Panel, Settings, State

    detector = getattr(import_module(module), name)(Settings())
    held = np.load(path)
    state = State(detector.name, {k[2:]: held[k] for k in held.files if k.startswith("s_")})
    detector.score(detector.thaw(state), Panel(held["t"], held["x"], held["indptr"]))


score()
print(json.dumps(sorted({m.partition(".")[0] for m in sys.modules})))
