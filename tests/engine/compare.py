"""Comparisons whose failure is a sentence: arrays, states, scores. Tolerance 0 compares bit by bit, NaN equals NaN."""
from __future__ import annotations

from dataclasses import fields

import numpy as np

from adaptive_monitoring.engine.base import Scores, State


def same_array(a: np.ndarray, b: np.ndarray, what: str, tolerance: float = 0.0) -> None:
    assert a.shape == b.shape, f"{what}: shape {a.shape} became {b.shape}"
    if tolerance == 0.0:
        assert np.array_equal(a, b, equal_nan=True), f"{what} differs"
        return
    if not np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True):
        worst = np.nanmax(np.abs(a - b)) if np.array_equal(np.isnan(a), np.isnan(b)) else float("nan")
        raise AssertionError(f"{what} differs by up to {worst:g} (allowed {tolerance:g})")


def same_state(a: State, b: State, what: str, tolerance: float = 0.0) -> None:
    assert set(a.table) == set(b.table), f"{what}: the state has other columns"
    for name in a.table:
        same_array(a.table[name], b.table[name], f"{what}: state column {name}", tolerance)


def same_scores(a: Scores, b: Scores, what: str, tolerance: float = 0.0) -> None:
    for field in fields(Scores):
        same_array(getattr(a, field.name), getattr(b, field.name), f"{what}: {field.name}", tolerance)


def state_bytes(state: State) -> int:
    """Memory that a state holds."""
    parts = list(state.table.values())
    if state.tail is not None:
        parts += [part for part in vars(state.tail).values() if isinstance(part, np.ndarray)]
    return sum(part.nbytes for part in parts)
