"""What a detector needs that is refitted daily with a library: one causal pass with bounded history.

The method itself comes as two functions (Method); here is everything around it: windows across chunk borders, the
clock, a thinned trailing history, refits when event time enters a new day, calibration on scores as they were produced.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adaptive_monitoring.engine import robust, surprise, threshold
from adaptive_monitoring.engine.base import Panel, Scores, Settings, State
from adaptive_monitoring.engine.numbers import Floats, Ints, missing_as_nan
from adaptive_monitoring.engine.rowformat import rounded
from adaptive_monitoring.engine.timegrid import BLOCK_S, block_of
from adaptive_monitoring.engine.windows import Windows, lagged, new_tail

DAY_S = 86400.0
ROWS = 3  # of a window
KEEP = 768  # windows of history per entity
KEEP_S = 14 * DAY_S
SPACING_S = 60.0  # windows are kept at least this far apart; doubled when the history is full
BLOCKS = 224  # peaks of 6 h blocks: 56 days
MIN_ROWS, MIN_S = 50, DAY_S  # cold before
K = 6.0  # half width of a metric's band in robust standard deviations
NATS = float(np.log(10))  # the alert level's prior expects a mean excess of 1, as probabilities have in this unit

Table = dict[str, np.ndarray]
LAYOUT = {"level": ("metric", 1), "level_rest": ("metric", 1), "scale": ("metric", 1), "lower_k": ("metric", 1),
          "upper_k": ("metric", 1), "threshold": ("entity", 1), "knots": ("entity", len(surprise.SHARES) + 1),
          "span": ("entity", 1), "days": ("entity", 1), "began": ("entity", 1),
          "learned_to": ("entity", 1)}  # what a stored row keeps, besides the method's own


@dataclass(frozen=True)
class Method:
    """A method in two functions, and its columns.

    train(windows, level, scale): the model of one entity, a table without the entity axis. windows: (n, ROWS, d), the
    row itself first, NaN = missing; level, scale: (d,), NaN for metrics never seen.
    degree(table, g, windows): oddness (n,), larger is odder, and each metric's part in it (n, d), at least 0.
    blank(entities, d): the method's columns before any model.
    """

    name: str
    settings: Settings
    train: Callable[[Floats, Floats, Floats], Table]
    degree: Callable[[Table, Ints, Floats], tuple[Floats, Floats]]
    blank: Callable[[int, int], Table]


def empty(method: Method, entities: int, d: int) -> State:
    """Nothing seen. The history's zeros take memory only once they are written to."""
    nan = np.full(entities, np.nan)
    table = {"learned_to": nan.copy(), "began": nan.copy(), "span": np.zeros(entities), "days": np.zeros(entities),
             "threshold": nan.copy(), "knots": np.full((entities, len(surprise.SHARES) + 1), np.nan),
             "level": np.full((entities, d), np.nan), "scale": np.full((entities, d), np.nan),
             "lower_k": np.zeros((entities, d)), "upper_k": np.zeros((entities, d))}
    return State(method.name, {**table, **_working(method, entities, d), **method.blank(entities, d)})


def _working(method: Method, entities: int, d: int) -> Table:
    """The columns that a stored row does not keep."""
    return {"fitted_day": np.full(entities, np.nan),
            "recent": np.full((entities, method.settings.open_n - 1), np.nan),
            "tail_t": np.full((entities, ROWS - 1), np.nan), "spacing": np.full(entities, SPACING_S),
            "tail_x": np.full((entities, ROWS - 1, d), np.nan),
            "held": np.zeros(entities), "past_t": np.zeros((entities, KEEP)), "past_step": np.zeros((entities, KEEP)),
            "past_degree": np.zeros((entities, KEEP)), "past": np.zeros((entities, KEEP, ROWS, d)),
            "block": np.full((entities, BLOCKS), np.nan), "peak": np.full((entities, BLOCKS), np.nan)}


def windows_of(state: State, panel: Panel) -> Windows:
    """Windows of these rows, across the border to earlier calls."""
    table = state.table
    return lagged(panel, table["learned_to"], table["tail_t"], table["tail_x"])


def judge(method: Method, state: State, panel: Panel, windows: Windows) -> tuple[Scores, Floats]:
    """Scores of these rows with the models as they are, and their degrees (n,)."""
    g, table, x = panel.g, state.table, windows.values[:, 0]
    level, scale = table["level"][g], table["scale"][g]
    degree, part = _degree(method, state, g, windows.values)
    said = surprise.evidence(degree, table["knots"][g])
    lower, upper = robust.band(method.settings, level, scale, table["lower_k"][g], table["upper_k"][g])
    part = np.where(np.isnan(x) | np.isnan(level), 0.0, np.fmax(part, 0.0)) + 1e-12 * np.isfinite(x)
    with np.errstate(invalid="ignore"):
        share = np.where(np.isnan(said)[:, None], np.nan, part / part.sum(axis=1, keepdims=True))
    metric = robust.metric_score(x, level, lower, upper)
    score = said / table["threshold"][g]
    return Scores(score, metric, level, lower, upper, share, np.zeros(len(x), dtype=np.int64)), degree


def _degree(method: Method, state: State, g: Ints, values: Floats) -> tuple[Floats, Floats]:
    """Degrees (n,) and parts (n, d); NaN where the row has no value or the entity no model."""
    table = state.table
    degree, part = np.full(len(g), np.nan), np.zeros((len(g), values.shape[2]))
    able = np.flatnonzero(np.isfinite(table["fitted_day"][g]) & np.isfinite(values[:, 0]).any(axis=1))
    if len(able):
        level = table["level"][g[able]][:, None, :]
        degree[able], part[able] = method.degree(table, g[able], robust.worth_it(method.settings, values[able], level))
    return degree, part


def score(method: Method, state: State, panel: Panel) -> Scores:
    """Score every row with the models as they are."""
    panel = Panel(panel.t, missing_as_nan(panel.x), panel.indptr)
    return judge(method, state, panel, windows_of(state, panel))[0]


def stream(method: Method, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
    """Score and learn day by day: a model serves until the first row of a new day has been scored."""
    state = state if own else state.copy()
    panel = Panel(panel.t, missing_as_nan(panel.x), panel.indptr)
    windows = windows_of(state, panel)
    day = np.floor(windows.before / DAY_S)
    parts, order = [judge(method, state, *_rows(panel, windows, np.zeros(0, dtype=np.int64)))[0]], []
    for number in np.unique(day):
        rows = np.flatnonzero(day == number)
        piece, seen = _rows(panel, windows, rows)
        scores, degree = judge(method, state, piece, seen)
        _learn(method, state, piece, seen, degree)
        parts.append(scores)
        order.append(rows)
    back = np.argsort(np.concatenate([np.zeros(0, dtype=np.int64), *order]))
    return join(parts).take(back), state


def join(parts: list[Scores]) -> Scores:
    """Scores one after the other."""
    return Scores(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in Scores.__dataclass_fields__})


def _rows(panel: Panel, windows: Windows, rows: Ints) -> tuple[Panel, Windows]:
    counts = np.bincount(panel.g[rows], minlength=len(panel.indptr) - 1)
    piece = Panel(panel.t[rows], panel.x[rows], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    return piece, Windows(windows.values[rows], windows.fresh[rows], windows.before[rows])


def _learn(method: Method, state: State, panel: Panel, windows: Windows, degree: Floats) -> None:
    """Learn the rows of at most one day, in place; refit the entities that entered a new day."""
    table, fresh = state.table, windows.fresh
    rows = np.flatnonzero(fresh)
    if len(rows) == 0:
        return
    g, t = panel.g[rows], panel.t[rows]
    degree = _forgetful(state, g, degree[rows])
    _remember(state, g, t, windows.before[rows], windows.values[rows], degree)
    _peaks(state, g, t, _persistent(method, state, g, degree))
    table["tail_t"], table["tail_x"] = new_tail(panel, fresh, table["tail_t"], table["tail_x"])
    who, start = np.unique(g, return_index=True)
    newest = t[np.append(start[1:], len(g)) - 1]
    was = np.floor(windows.before[rows][start] / DAY_S)
    table["began"][who] = np.fmin(table["began"][who], t[start])
    table["learned_to"][who] = newest
    refit(method, state, who[np.floor(newest / DAY_S) > was])


def _forgetful(state: State, g: Ints, degree: Floats) -> Floats:
    """Degrees as they are remembered, at most the alert level of their time: incidents must not raise it."""
    most = surprise.degree_at(state.table["threshold"][g], state.table["knots"][g])
    return np.where(np.isnan(most), degree, np.minimum(degree, most))


def _remember(state: State, g: Ints, t: Floats, before: Floats, values: Floats, degree: Floats) -> None:
    """Add the first window of each time slot to the trailing history."""
    table = state.table
    spacing = table["spacing"][g]
    known = np.isfinite(table["learned_to"][g]) | (np.concatenate([[-1], g[:-1]]) == g)
    keep = ~known | (np.floor(t / spacing) != np.floor(before / spacing))
    for i in np.unique(g[keep]):
        mine = keep & (g == i)
        held = int(table["held"][i])
        times = np.concatenate([table["past_t"][i, :held], t[mine]])
        chosen, table["spacing"][i] = _thinned(times, table["spacing"][i])
        for name, new in (("past_t", t), ("past_step", t - before), ("past_degree", degree), ("past", values)):
            _replace(table, name, i, np.concatenate([table[name][i, :held], new[mine]])[chosen])
        table["held"][i] = len(chosen)


def _replace(table: Table, name: str, i: int, values: Floats) -> None:
    table[name][i, : len(values)] = values
    table[name][i, len(values) :] = 0.0


def _thinned(times: Floats, spacing: float) -> tuple[Ints, float]:
    """Indices of the times to keep, and the spacing at which they fit."""
    keep = np.arange(len(times))
    while len(keep) > KEEP:
        spacing *= 2
        slot = np.floor(times[keep] / spacing)
        keep = keep[np.concatenate([[True], slot[1:] != slot[:-1]])]
    return keep, spacing


def _persistent(method: Method, state: State, g: Ints, degree: Floats) -> Floats:
    """The degree that k of the last n rows reached (n,), as alerts need it; remembers the last n - 1 degrees."""
    recent = state.table["recent"]
    entities, width = recent.shape
    owner = np.concatenate([np.repeat(np.arange(entities), width), g])
    order = np.argsort(owner, kind="stable")
    values = np.concatenate([recent[:, ::-1].ravel(), degree])[order]
    back = np.arange(len(values))[:, None] - np.arange(width + 1)
    last = np.sort(np.nan_to_num(values[np.maximum(back, 0)], nan=-np.inf), axis=1)
    reached = np.empty(len(values))
    reached[order] = last[:, -method.settings.open_k]
    ends = np.cumsum(np.bincount(owner, minlength=entities))[:, None] - 1
    state.table["recent"] = values[ends - np.arange(width)]
    return np.where(np.isnan(degree) | np.isinf(reached[entities * width :]), np.nan, reached[entities * width :])


def _peaks(state: State, g: Ints, t: Floats, degree: Floats) -> None:
    """Highest degree of each block of 6 h."""
    block = block_of(t)
    for number in np.unique(block):
        rows = np.flatnonzero((block == number) & np.isfinite(degree))
        who, at = g[rows], int(number) % BLOCKS
        stale = state.table["block"][who, at] != number
        state.table["peak"][who[stale], at] = -np.inf
        state.table["block"][who, at] = number
        np.maximum.at(state.table["peak"][:, at], who, degree[rows])


def fit(method: Method, panel: Panel, start: State | None = None) -> State:
    """Stream through the history, then refit on its end: what is calibrated is what was produced out of sample."""
    state = empty(method, len(panel.indptr) - 1, panel.x.shape[1]) if start is None else start
    state = stream(method, state, panel, own=True)[1]
    refit(method, state, np.arange(state.entities))
    return state


def freeze(method: Method, state: State) -> State:
    """The columns of the layout as text will hold them, 0 where there is nothing; the method packs its own."""
    kept = {name: np.nan_to_num(state.table[name], posinf=np.inf) for name in LAYOUT if name in state.table}
    table = {name: rounded(column, name) for name, column in kept.items()}
    table["level_rest"] = rounded(np.nan_to_num(state.table["level"]) - table["level"], "level_rest")
    return State(method.name, table)


def thaw(method: Method, frozen: State) -> State:
    """A state that scores, and learns as a new host would until it has seen half as much as the model had."""
    entities, d = frozen.table["level"].shape
    table = {name: column.copy() for name, column in frozen.table.items()}
    known = table["scale"] > 0
    table["level"] = np.where(known, table["level"] + table.pop("level_rest"), np.nan)
    table["scale"] = np.where(known, table["scale"], np.nan)
    for name in ("threshold", "began", "learned_to"):
        table[name] = np.where(table["threshold" if name == "threshold" else "learned_to"] == 0, np.nan, table[name])
    table.update(_working(method, entities, d))
    table["fitted_day"] = np.floor(np.where(np.isnan(table["threshold"]), np.nan, table["learned_to"]) / DAY_S)
    return State(method.name, table)


def refit(method: Method, state: State, who: Ints) -> None:
    """Train those of these entities that have seen enough, in place."""
    for i in who.tolist():
        if _due(state, i):
            _refit_one(method, state, i)


def _refit_one(method: Method, state: State, i: int) -> None:
    table, settings = state.table, method.settings
    held = int(table["held"][i])
    past = table["past"][i, :held]
    level, scale = robust.level_and_scale(past[:, 0])
    windows = robust.worth_it(settings, past, level)
    table["level"][i], table["scale"][i] = level, scale
    for name, column in method.train(windows, level, scale).items():
        table[name][i] = column
    table["lower_k"][i] = np.inf if settings.direction == "high" else K
    table["upper_k"][i] = np.inf if settings.direction == "low" else K
    table["fitted_day"][i] = np.floor(table["learned_to"][i] / DAY_S)
    table["days"][i] = (table["learned_to"][i] - table["past_t"][i, 0]) / DAY_S
    table["span"][i] = np.median(table["past_step"][i, :held])
    _first_degrees(method, state, i, windows)
    _calibrate(method, state, i)


def _due(state: State, i: int) -> bool:
    """Enough seen: a day, 50 rows, and half of what a model that was read had seen."""
    table = state.table
    clock = table["learned_to"][i]
    _prune(state, i, clock)
    held = int(table["held"][i])
    seen = clock - table["past_t"][i, 0]
    if held < MIN_ROWS or seen < max(MIN_S, 0.5 * table["days"][i] * DAY_S):
        return False
    return bool(np.isfinite(table["past"][i, :held, 0]).any())


def _prune(state: State, i: int, clock: float) -> None:
    """Drop what is older than the memory."""
    table = state.table
    keep = np.flatnonzero(table["past_t"][i, : int(table["held"][i])] > clock - KEEP_S)
    for name in ("past", "past_step", "past_degree", "past_t"):
        _replace(table, name, i, table[name][i, keep])
    table["held"][i] = len(keep)
    gone = table["block"][i] * BLOCK_S < clock - BLOCKS * BLOCK_S
    table["block"][i, gone] = np.nan


def _first_degrees(method: Method, state: State, i: int, windows: Floats) -> None:
    """Degrees for a history that no model has scored: each half by a model of the other half."""
    n, table = len(windows), state.table
    known = table["past_degree"][i, :n].copy()
    if np.isfinite(known).sum() >= 0.5 * n:
        return
    level, scale = table["level"][i], table["scale"][i]
    halves = np.array_split(windows, 2)
    models = [{**method.train(half, level, scale), "level": level, "scale": scale} for half in halves[::-1]]
    fill = np.concatenate([_degree_of(method, model, half) for model, half in zip(models, halves)])
    table["past_degree"][i, :n] = np.where(np.isnan(known), fill, known)
    new = np.isnan(known) & np.isfinite(fill)
    _peaks(state, np.full(new.sum(), i), table["past_t"][i, :n][new], fill[new])


def _degree_of(method: Method, model: Table, windows: Floats) -> Floats:
    """Degrees of windows by a model that is not in the state; NaN for windows without values."""
    table = {name: column[None] for name, column in model.items()}
    degree = method.degree(table, np.zeros(len(windows), dtype=np.int64), windows)[0]
    return np.where(np.isfinite(windows[:, 0]).any(axis=1), degree, np.nan)


def _calibrate(method: Method, state: State, i: int) -> None:
    """Knots, tail and alert level of one entity from its trailing degrees."""
    table = state.table
    degrees = table["past_degree"][i, : int(table["held"][i])]
    degrees = degrees[np.isfinite(degrees)]
    peaks = table["peak"][i][np.isfinite(table["block"][i])]
    if len(degrees) == 0:
        table["fitted_day"][i] = np.nan
        return
    knots = surprise.knots_of(degrees)
    said = surprise.evidence(peaks, np.tile(knots, (len(peaks), 1)))
    table["knots"][i] = knots
    table["threshold"][i] = threshold.alert_level(NATS * said[None], method.settings.budget)[0] / NATS
