"""What operators' verdicts do to one entity's model: by how many decades of evidence each kind of deviation is eased.

A kind is a metric and a cause (base.CAUSES). What is eased is taken off the evidence that is told; what the detector
learns from stays as it was, so a verdict that is taken back leaves no trace.

Limits: a verdict knows of its alert what was told: the first few metrics by share, and the cause of the first one,
which is taken as the cause of all of them. One metric at its strongest is told as long as its alert level allows that
at all, so a false alert of the strongest kind comes back. An alert of a metric's other causes is told as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine import evidence
from adaptive_monitoring.engine.base import CAUSES
from adaptive_monitoring.engine.numbers import Floats

WEEK_S = 7 * 86400.0
# Measured on labelled series of six origins (tests/bench/feedback.py, docs/feedback.md): a target of 0.8 left twice as
# many repeats; easing the metric's other causes too, by a quarter or half, cost two to three incidents in a hundred.
TARGET = 0.7  # of the alert level: where the same deviation shall stay
PER_WEEK, MOST = 3.0, 4.0  # decades of evidence per metric and cause, in any 7 days and in all
STRONGEST = evidence.CAP * (evidence.FIRST + evidence.SECOND) - evidence.FLOOR  # of one metric
LEAST = 0.5  # may be eased whatever the alert level is


@dataclass(frozen=True)
class Verdict:
    """One verdict. false: such deviations are eased; otherwise the alert is protected.

    time: when it was given; start: when the alert began (seconds UTC). evidence: what the alert had, in decades, with
    everything in force then taken off. share: (d,) each metric's part of it. causes: (causes,) bool, what was seen.
    """

    false: bool
    time: float
    start: float
    evidence: float
    share: Floats
    causes: np.ndarray


def eased_of(verdicts: Sequence[Verdict], threshold: float, d: int) -> Floats:
    """Decades by which each metric and cause is eased, ≥ 0. (d, causes), zeros without verdicts.

    A pure function: the order of the list does not matter; verdicts of one time count in the order of their alerts.
    threshold: the entity's alert level in decades.
    """
    moves = Moves(threshold, d)
    for verdict in sorted(verdicts, key=_order):
        moves.take(verdict)
    return moves.total


class Moves:
    """Verdicts taken one by one, in the order of their times. total: (d, causes) what is eased after the last one."""

    def __init__(self, threshold: float, d: int) -> None:
        self.threshold = threshold
        self.most = min(MOST, max(STRONGEST - threshold, LEAST))
        self.total = np.zeros((d, len(CAUSES)))
        self.ceiling = np.full((d, len(CAUSES)), self.most)
        self.log: list[tuple[float, Floats, Floats]] = []  # when, the rise, the total after it

    def take(self, verdict: Verdict) -> None:
        """Moves for one verdict, not older than those before it."""
        base, before = self._in_force(verdict.start), self.total
        parts = verdict.share[:, None] * verdict.causes
        if verdict.false:
            wanted = base + max(verdict.evidence - TARGET * self.threshold, 0.0) * parts
            rise = np.clip(np.minimum(wanted, self.ceiling) - before, 0.0, self._allowed(verdict.time))
            self.total = before + rise
        else:
            room = base + max(verdict.evidence - self.threshold, 0.0) * parts
            self.ceiling = np.where(parts > 0, np.minimum(self.ceiling, room), self.ceiling)
            self.total = np.minimum(before, self.ceiling)
        self.log.append((verdict.time, np.maximum(self.total - before, 0.0), self.total))

    def _in_force(self, moment: float) -> Floats:
        """What was eased when an alert of that moment was told."""
        for time, _, total in reversed(self.log):
            if time <= moment:
                return total
        return np.zeros_like(self.total)

    def _allowed(self, moment: float) -> Floats:
        """How much further each kind may be eased at that moment."""
        week = np.zeros_like(self.total)
        for time, rise, _ in self.log:
            if time > moment - WEEK_S:
                week = week + rise
        return np.maximum(PER_WEEK - week, 0.0)


def _order(verdict: Verdict) -> tuple[object, ...]:
    return (verdict.time, verdict.start, not verdict.false, verdict.evidence, verdict.share.tolist(),
            verdict.causes.tolist())
