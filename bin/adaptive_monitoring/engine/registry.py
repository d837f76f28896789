"""Detectors by name, as text: asking for one loads one file."""

from __future__ import annotations

from importlib import import_module

from adaptive_monitoring.engine.base import Detector, Settings

DETECTORS = {
    "adaptive": "adaptive_monitoring.engine.detectors.adaptive:Adaptive",
    "covariance": "adaptive_monitoring.engine.detectors.covariance:Covariance",
}


def make(name: str, settings: Settings) -> Detector:
    """The detector of that name. KeyError when there is none (the command checks the word first)."""
    module, _, attribute = DETECTORS[name].partition(":")
    detector: Detector = getattr(import_module(module), attribute)(settings)
    return detector
