"""What detectors that are refitted with a library have in common: one causal pass with bounded history.

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
KEEP = 768  # windows of history per entity
KEEP_S = 28 * DAY_S
SPACING_S = 60.0  # windows are kept at least this far apart; doubled when the history is full
BLOCKS = 224  # peaks of 6 h blocks: 56 days
MIN_ROWS, MIN_S = 50, DAY_S  # cold before
MAX_REFIT_DAYS = 7.0
K = 6.0  # half width of a metric's band in robust standard deviations
FEWEST_PEAKS = 12
FORGET = 1.5  # a row that scored more is remembered as if it had scored this: incidents must not raise the alert level

Table = dict[str, np.ndarray]
Job = tuple[Floats, Floats, Floats]
LAYOUT = {"level": ("metric", 1), "level_rest": ("metric", 1), "scale": ("metric", 1), "lower_k": ("metric", 1),
          "upper_k": ("metric", 1), "threshold": ("entity", 1), "knots": ("entity", len(surprise.SHARES) + 1),
          "span": ("entity", 1), "days": ("entity", 1), "began": ("entity", 1),
          "learned_to": ("entity", 1)}  # what a stored row keeps, besides the method's own


@dataclass(frozen=True)
class Method:
    """A method in three functions.

    lags: rows of a window. latest: the part of the block peaks, the newest ones, that sets the alert level; below 1
    where early models are poor.
    train(jobs, seed): one model per job (windows (n, lags, d), level (d,), scale (d,)): tables without the entity axis.
    degree(table, g, windows): oddness (n,), larger is odder, and each metric's part in it (n, d), at least 0.
    blank(entities, d): the method's columns before any model.
    """

    name: str
    settings: Settings
    lags: int
    latest: float
    train: Callable[[list[Job], int], list[Table]]
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
    return {"since": np.full(entities, np.nan), "fitted_day": np.full(entities, np.nan),
            "recent": np.full((entities, method.settings.open_n - 1), np.nan),
            "tail_t": np.full((entities, method.lags - 1), np.nan), "spacing": np.full(entities, SPACING_S),
            "tail_x": np.full((entities, method.lags - 1, d), np.nan),
            "held": np.zeros(entities), "past_t": np.zeros((entities, KEEP)), "past_step": np.zeros((entities, KEEP)),
            "past_degree": np.zeros((entities, KEEP)), "past": np.zeros((entities, KEEP, method.lags, d)),
            "block": np.full((entities, BLOCKS), np.nan), "peak": np.full((entities, BLOCKS), np.nan)}


def clock_of(state: State) -> Floats:
    """(g,) seconds, NaN = nothing seen."""
    clock: Floats = state.table["learned_to"]
    return clock


def windows_of(method: Method, state: State, panel: Panel) -> Windows:
    """Lagged windows of these rows, across the border to earlier calls."""
    del method
    return lagged(panel, clock_of(state), state.table["tail_t"], state.table["tail_x"])


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
    return judge(method, state, panel, windows_of(method, state, panel))[0]


def stream(method: Method, state: State, panel: Panel, own: bool = False) -> tuple[Scores, State]:
    """Score and learn day by day: a model serves until the first row of a new day has been scored."""
    state = state if own else state.copy()
    panel = Panel(panel.t, missing_as_nan(panel.x), panel.indptr)
    windows = windows_of(method, state, panel)
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
    _remember(state, g, t, windows, rows, degree)
    _peaks(state, g, t, _persistent(method, state, g, degree))
    table["tail_t"], table["tail_x"] = new_tail(panel, fresh, table["tail_t"], table["tail_x"])
    who, last = g[::-1], t[::-1]
    who, first = np.unique(who, return_index=True)
    start = np.searchsorted(g, who)
    began = np.fmin(table["since"][who], t[start])
    was, newest = np.floor(windows.before[rows][start] / DAY_S), last[first]
    table["since"][who], table["began"][who] = began, np.fmin(table["began"][who], began)
    table["learned_to"][who] = newest
    refit(method, state, who[np.floor(newest / DAY_S) > was], forced=False)


def _forgetful(state: State, g: Ints, degree: Floats) -> Floats:
    """Degrees as they are remembered: never far beyond the alert level of their time."""
    table = state.table
    most = surprise.degree_at(FORGET * table["threshold"][g], table["knots"][g])
    return np.where(np.isnan(most), degree, np.minimum(degree, most))


def _remember(state: State, g: Ints, t: Floats, windows: Windows, rows: Ints, degree: Floats) -> None:
    """Add the first window of each time slot to the trailing history."""
    table = state.table
    spacing = table["spacing"][g]
    known = np.isfinite(clock_of(state)[g]) | (np.concatenate([[-1], g[:-1]]) == g)
    keep = ~known | (np.floor(t / spacing) != np.floor(windows.before[rows] / spacing))
    for i in np.unique(g[keep]):
        mine = keep & (g == i)
        held = int(table["held"][i])
        times = np.concatenate([table["past_t"][i, :held], t[mine]])
        chosen, table["spacing"][i] = _thinned(times, table["spacing"][i])
        for name, new in (("past_t", t), ("past_step", t - windows.before[rows]), ("past_degree", degree),
                          ("past", windows.values[rows])):
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


def fit(method: Method, panel: Panel) -> State:
    """Stream through the history, then refit on its end: what is calibrated is what was produced out of sample."""
    state = stream(method, empty(method, len(panel.indptr) - 1, panel.x.shape[1]), panel, own=True)[1]
    refit(method, state, np.arange(state.entities), forced=True)
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


def refit(method: Method, state: State, who: Ints, forced: bool) -> None:
    """Train these entities where it is due, in place. forced: also those whose model is young."""
    table = state.table
    who = np.array([i for i in who if _due(state, int(i), forced)], dtype=np.int64)
    if len(who) == 0:
        return
    jobs = [_job(method, state, int(i)) for i in who]
    models = method.train(jobs, method.settings.seed)
    for i, (_, level, scale), model in zip(who, jobs, models):
        table["level"][i], table["scale"][i] = level, scale
        for name, column in model.items():
            table[name][i] = column
        sides = {"lower_k": "high", "upper_k": "low"}  # the direction that leaves the side open
        for name, one_sided in sides.items():
            table[name][i] = np.inf if method.settings.direction == one_sided else K
        table["fitted_day"][i] = np.floor(table["learned_to"][i] / DAY_S)
        table["days"][i] = (table["learned_to"][i] - table["past_t"][i, 0]) / DAY_S
        table["span"][i] = np.median(table["past_step"][i, : int(table["held"][i])])
    _first_degrees(method, state, who, jobs)
    for i in who:
        _calibrate(method, state, int(i))


def _due(state: State, i: int, forced: bool) -> bool:
    """Enough seen, and the model older than a quarter of the history (at least one day, at most a week)."""
    table = state.table
    clock = clock_of(state)[i]
    _prune(state, i, clock)
    held = int(table["held"][i])
    span = (clock - table["past_t"][i, 0]) / DAY_S
    if held < MIN_ROWS or span * DAY_S < MIN_S or not np.isfinite(table["past"][i, :held, 0]).any():
        return False
    age = np.floor(clock / DAY_S) - table["fitted_day"][i]
    if span < 0.5 * table["days"][i]:  # a model that was read knows more than the rows seen since
        return False
    return bool(forced or np.isnan(age) or age >= np.clip((clock - table["since"][i]) / DAY_S / 4, 1, MAX_REFIT_DAYS))


def _prune(state: State, i: int, clock: float) -> None:
    """Drop what is older than the memory."""
    table = state.table
    keep = np.flatnonzero(table["past_t"][i, : int(table["held"][i])] > clock - KEEP_S)
    for name in ("past", "past_step", "past_degree", "past_t"):
        _replace(table, name, i, table[name][i, keep])
    table["held"][i] = len(keep)
    gone = table["block"][i] * BLOCK_S < clock - BLOCKS * BLOCK_S
    table["block"][i, gone] = np.nan


def _job(method: Method, state: State, i: int) -> Job:
    """Training windows, level and scale of one entity."""
    past = state.table["past"][i, : int(state.table["held"][i])]
    level, scale = robust.level_and_scale(past[:, 0])
    return robust.worth_it(method.settings, past, level), level, scale


def _first_degrees(method: Method, state: State, who: Ints, jobs: list[Job]) -> None:
    """Degrees for a history that no model has scored: each half by a model of the other half."""
    table = state.table
    need = [(int(i), job) for i, job in zip(who, jobs)
            if np.isfinite(table["past_degree"][i, : len(job[0])]).sum() < 0.5 * len(job[0])]
    if not need:
        return
    halves = [(part, job[1], job[2]) for _, job in need for part in np.array_split(job[0], 2)[::-1]]
    models = method.train(halves, method.settings.seed)
    for n, (i, job) in enumerate(need):
        parts = np.array_split(job[0], 2)
        fill = np.concatenate([_degree_of(method, models[2 * n + k], job, parts[k]) for k in (0, 1)])
        known = table["past_degree"][i, : len(fill)].copy()
        table["past_degree"][i, : len(fill)] = np.where(np.isnan(known), fill, known)
        new = np.isnan(known) & np.isfinite(fill)
        _peaks(state, np.full(new.sum(), i), table["past_t"][i, : len(fill)][new], fill[new])


def _degree_of(method: Method, model: Table, job: Job, windows: Floats) -> Floats:
    """Degrees of windows by a model that is not in the state; NaN for windows without values."""
    table = {name: column[None] for name, column in {**model, "level": job[1], "scale": job[2]}.items()}
    degree = method.degree(table, np.zeros(len(windows), dtype=np.int64), windows)[0]
    return np.where(np.isfinite(windows[:, 0]).any(axis=1), degree, np.nan)


def _calibrate(method: Method, state: State, i: int) -> None:
    """Knots, tail and alert level of one entity from its trailing degrees."""
    table = state.table
    degrees = table["past_degree"][i, : int(table["held"][i])]
    degrees = degrees[np.isfinite(degrees)]
    order = np.argsort(table["block"][i])[: np.isfinite(table["block"][i]).sum()]
    latest = max(int(method.latest * len(order)), FEWEST_PEAKS)
    peaks = table["peak"][i][order[-latest:]]
    if len(degrees) == 0:
        table["fitted_day"][i] = np.nan
        return
    knots = surprise.knots_of(degrees)
    said = surprise.evidence(peaks, np.tile(knots, (len(peaks), 1)))
    table["knots"][i] = knots
    table["threshold"][i] = threshold.alert_level(said[None], method.settings.budget)[0]
