"""Frozen states as readable text cells, and back.

Numbers keep six significant digits (levels twelve, times and counts all of theirs): freezing rounds once, text loses
nothing.
Columns of their own: those of COLUMNS and the slots; everything else goes into the `state` cell, name=number number….
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from adaptive_monitoring.engine.base import SEASONS, State
from adaptive_monitoring.engine.numbers import Floats, Ints

COLUMNS = ("level", "scale", "trend_per_day", "lower_k", "upper_k", "threshold", "budget_observed", "span")
_SHORT = 8  # longer lists of nothing but zeros are left empty
_SLOTS = {0: (0, 0), 1: (96, 96), 2: (168, 24)}  # offsets and factors; those of a week repeat every day
_EXACT = ("offsets", "factors", "began", "learned_to", "blocks", "peak_count", "peak_ages", "usual", "clock_s",
          "clock_day", "moved", "adopted", "alarm_since", "alarm_at", "rest_day", "rest_week")
_COARSE = ("knots", "peaks")  # many of them, and known to a few per cent only
Layout = Mapping[str, tuple[str, int]]


def rounded(values: np.ndarray, name: str) -> Floats:
    """The numbers as they will be after a round trip through text. NaN and infinities stay."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return np.array(list(map(float, map(_format(name).__mod__, flat.tolist()))), dtype=np.float64).reshape(values.shape)


def _format(name: str) -> str:
    if name in _EXACT:
        return "%.15g"
    if name == "level":
        return "%.12g"  # a level may be large against its scale
    return "%.4g" if name in _COARSE else "%.6g"


def encode(frozen: State, layout: Layout) -> dict[str, list[str]]:
    """Text columns, one row per entity and metric, entity by entity. Values that are not finite become empty cells."""
    g, d = _shape(frozen, layout)
    cells = {
        name: _texts(frozen.table[name], kind, g, d, name) for name, (kind, _) in layout.items() if name in COLUMNS
    }
    out = {name: cells[name] for name in COLUMNS if name in cells}
    if "season" in layout:
        season = frozen.table["season"].astype(np.int64).ravel()
        out["season"] = [SEASONS[i] for i in season]
        out["slots"] = _slot_texts(frozen, season)
    rest = [name for name in layout if name not in COLUMNS and name not in ("season", "offsets", "factors")]
    parts = [_list_texts(frozen.table[name], layout[name][0], g, d, name) for name in rest]
    out["state"] = [";".join(row) for row in zip(*parts)] if parts else [""] * (g * d)
    return out


def _shape(frozen: State, layout: Layout) -> tuple[int, int]:
    name = next(name for name, (kind, width) in layout.items() if kind == "metric" and width == 1)
    g, d = frozen.table[name].shape
    return g, d


def _per_row(values: np.ndarray, kind: str, g: int, d: int) -> np.ndarray:
    """(g * d, …): what belongs to the entity is repeated for each of its metrics."""
    values = np.repeat(values, d, axis=0) if kind == "entity" else values.reshape((g * d,) + values.shape[2:])
    return values.reshape(g * d, -1)


def _texts(values: np.ndarray, kind: str, g: int, d: int, name: str) -> list[str]:
    form = _format(name)
    return [form % v if np.isfinite(v) else "" for v in _per_row(values, kind, g, d)[:, 0].tolist()]


def _list_texts(values: np.ndarray, kind: str, g: int, d: int, name: str) -> list[str]:
    rows = _per_row(values, kind, g, d)
    form = name + "=" + " ".join([_format(name)] * rows.shape[1])
    if rows.shape[1] <= _SHORT:
        return [form % tuple(row) for row in np.nan_to_num(rows).tolist()]
    return [form % tuple(row) if any(row) else name + "=" for row in np.nan_to_num(rows).tolist()]


def _slot_texts(frozen: State, season: Ints) -> list[str]:
    width = frozen.table["offsets"].shape[-1]
    offsets = frozen.table["offsets"].reshape(-1, width).astype(np.int64).tolist()
    factors = frozen.table["factors"].reshape(-1, width).astype(np.int64).tolist()
    out = []
    for i, o, f in zip(season.tolist(), offsets, factors):
        n, m = _SLOTS[i]
        out.append(" ".join(map(str, o[:n])) + "|" + " ".join(map(str, f[:m])) if n else "")
    return out


def decode(
    rows: Mapping[str, Sequence[str]], entity: Ints, metric: Ints, g: int, d: int, detector: str, layout: Layout
) -> State:
    """A frozen state from text columns. Entities without a row for a metric keep empty numbers there.

    rows: the columns encode() made; entity, metric: (n,) where each row belongs. Raises ValueError for cells that are
    no numbers or too many or few of them (the store has checked the row's hash; this is the last line of defence).
    """
    table: dict[str, np.ndarray] = {}
    for name, (kind, width) in layout.items():
        shape = (g,) if kind == "entity" else (g, d)
        table[name] = np.zeros(shape if width == 1 else (*shape, width))
    for name in COLUMNS:
        if name in layout:
            empty = "inf" if name in ("lower_k", "upper_k") else "0"
            _put(table[name], layout[name][0], entity, metric, np.array([float(v or empty) for v in rows[name]]))
    if "season" in layout:
        season = np.array([SEASONS.index(v or "none") for v in rows["season"]], dtype=np.int64)
        _put(table["season"], "metric", entity, metric, season.astype(np.float64))
        _put_slots(table, rows["slots"], season, entity, metric)
    rest = [name for name in layout if name not in COLUMNS and name not in ("season", "offsets", "factors")]
    _put_state(table, rows["state"], rest, layout, entity, metric)
    return State(detector, table)


def _put(target: np.ndarray, kind: str, entity: Ints, metric: Ints, values: np.ndarray) -> None:
    if kind == "entity":
        target[entity] = values
    else:
        target[entity, metric] = values


def _put_slots(table: dict[str, np.ndarray], texts: Sequence[str], season: Ints, entity: Ints, metric: Ints) -> None:
    table["factors"][:] = 64.0
    for i in (1, 2):
        at = np.flatnonzero(season == i)
        if not len(at):
            continue
        n, m = _SLOTS[i]
        both = _numbers(" ".join([texts[k] for k in at.tolist()]).replace("|", " "), np.int64).reshape(len(at), n + m)
        table["offsets"][entity[at], metric[at], :n] = both[:, :n]
        table["factors"][entity[at], metric[at], :n] = np.tile(both[:, n:], n // m)


def _put_state(
    table: dict[str, np.ndarray], texts: Sequence[str], names: Sequence[str], layout: Layout, entity: Ints, metric: Ints
) -> None:
    if not len(texts) or not names:
        return
    head = [name + "=" for name in names]
    cells = [text.split(";") for text in texts]
    for text, parts in zip(texts, cells):
        if len(parts) != len(head) or not all(map(str.startswith, parts, head)):
            raise ValueError(f"a state cell must hold {', '.join(names)}; got {text[:60]!r}")
    columns = []
    for name, start, column in zip(names, map(len, head), zip(*cells)):
        width = layout[name][1]
        nothing = "0" + " 0" * (width - 1) if width > _SHORT else ""
        if not nothing or any(len(part) > start for part in column):  # else: zeros in every row, as in the table
            columns.append((name, width, [part[start:] or nothing for part in column]))
    flat = _numbers(" ".join(map(" ".join, zip(*[column for _, _, column in columns]))), np.float64)
    flat = flat.reshape(len(texts), sum(width for _, width, _ in columns))
    at = 0
    for name, width, _ in columns:
        values = flat[:, at] if width == 1 else flat[:, at : at + width]
        _put(table[name], layout[name][0], entity, metric, values)
        at += width


def _numbers(text: str, kind: type) -> np.ndarray:
    """Numbers between spaces. Raises ValueError where one is none. numpy reads the text itself: no object a number."""
    if text.isspace():
        return np.empty(0, dtype=kind)  # numpy finds one number here
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # numpy's word for the first text that is no number
        try:
            return np.fromstring(text, dtype=kind, sep=" ")
        except DeprecationWarning as warning:
            raise ValueError(f"numbers were expected: {warning}") from None
