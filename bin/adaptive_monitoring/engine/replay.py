"""History as it would have been seen live: one causal pass, refitting as event time passes, and its alert episodes."""

from __future__ import annotations

from adaptive_monitoring.engine.base import Detector, Panel, Scores, Settings
from adaptive_monitoring.engine.episodes import Tracker, Verdicts


def replay(detector: Detector, settings: Settings, panel: Panel) -> tuple[Scores, Verdicts]:
    """Scores and verdicts of every row, from nothing learned on; a row's depend on no later row.

    What adaptdetect does without a model, and what a back-test compares: one function, so that what is proven is what
    runs. panel: whole histories of some entities.
    """
    entities = len(panel.indptr) - 1
    scores, _ = detector.stream(detector.empty(entities, panel.x.shape[1]), panel)
    return scores, Tracker(settings, entities).follow(panel.t, scores.score, panel.indptr)
