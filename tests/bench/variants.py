"""The engine with a changed constant or option, over labelled data, in process: what ablations are made of.

All series of a data set are one panel: an entity's score depends on no other entity, which the contract tests hold.
Limits: no script, no text in between; a stored model is frozen and thawed, which is what its row holds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from adaptive_monitoring.engine import registry
from adaptive_monitoring.engine.base import Panel, Settings, State
from adaptive_monitoring.engine.episodes import Tracker
from bench import attribution, judge, labelled, ranking
from bench.ablation import Variant
from bench.ranking import Scored

ENGINE = "adaptive_monitoring.engine"
DETECTOR = "adaptive"


class Loaded(NamedTuple):
    """One data set as numbers. panel: all its series; truths: in the same order."""

    name: str
    panel: Panel
    truths: list[judge.Truth]

    def part(self, history: bool) -> tuple[np.ndarray, Panel]:
        """Rows of the history, or those after it: their places in the panel, and their own panel."""
        place = np.arange(len(self.panel.t)) - np.repeat(self.panel.indptr[:-1], np.diff(self.panel.indptr))
        ends = np.repeat([truth.history for truth in self.truths], np.diff(self.panel.indptr))
        rows = np.flatnonzero((place < ends) == history)
        lengths = np.bincount(self.panel.g[rows], minlength=len(self.truths))
        return rows, Panel(self.panel.t[rows], self.panel.x[rows], np.r_[0, np.cumsum(lengths)])


def load(path: Path) -> Loaded:
    """One table."""
    return numbers(labelled.load(path))


def numbers(data: labelled.Dataset) -> Loaded:
    """A table as numbers, series by series."""
    truths = list(data.truths.values())
    values = attribution.by_host(data)
    indptr = np.r_[0, np.cumsum([len(truth.t) for truth in truths])]
    x = np.concatenate([values[truth.name] for truth in truths])
    return Loaded(data.name, Panel(np.concatenate([truth.t for truth in truths]), x, indptr), truths)


@contextlib.contextmanager
def applied(changes: Mapping[str, Any]) -> Iterator[None]:
    """The engine with these constants; as it was afterwards. Raises LookupError for a constant that does not exist."""
    before = []
    try:
        for path, value in changes.items():
            module, name = place(path)
            now = getattr(module, name)
            before.append((module, name, now))
            setattr(module, name, np.array(value, dtype=now.dtype) if isinstance(now, np.ndarray) else value)
        yield
    finally:
        for module, name, now in reversed(before):
            setattr(module, name, now)


def place(path: str) -> tuple[Any, str]:
    """Module and attribute of a path such as tails.TAIL_SHARE. Raises LookupError when there is none."""
    room, _, name = path.rpartition(".")
    try:
        module = import_module(f"{ENGINE}.{room}")
    except ImportError:
        raise LookupError(f"no module {ENGINE}.{room} for {path}") from None
    if not hasattr(module, name):
        raise LookupError(f"{ENGINE}.{room} has no {name}; see the list in bench/ablation.py")
    return module, name


def key(variant: Variant) -> tuple[Any, ...]:
    """The same for variants that make the same engine: what differs from the engine as it is. Raises LookupError."""
    constants = []
    for path, value in sorted(variant.changes.items()):
        module, name = place(path)
        if not np.array_equal(getattr(module, name), value):
            constants.append((path, repr(value)))
    shipped = vars(Settings())
    unknown = set(variant.settings) - set(shipped)
    if unknown:
        raise LookupError(f"Settings have no {', '.join(sorted(unknown))}; see the list in bench/ablation.py")
    changed = [(name, value) for name, value in sorted(variant.settings.items()) if shipped[name] != value]
    return (*constants, "settings", *changed)


def figures(data: Loaded, variant: Variant, ways: tuple[str, ...], evaluate: Any) -> dict[str, dict[str, float]]:
    """way -> what judge.summary and ranking.figures give, of the engine so changed."""
    with applied(variant.changes):
        found = read(data, Settings(**variant.settings), ways)
    return {way: _judged(data.name, some, evaluate) for way, some in found.items()}


def read(data: Loaded, settings: Settings, ways: tuple[str, ...]) -> dict[str, list[Scored]]:
    """Scores and flags of every series: learn = one causal pass, model = stored after the history, then the rest.

    Fitting is the causal pass that also learns a last block that is complete, so the history is passed once for each.
    """
    detector = registry.make(DETECTOR, settings)
    before, history = data.part(True)
    after, rest = data.part(False)
    early, state = detector.stream(detector.empty(len(data.truths), data.panel.x.shape[1]), history, own=True)
    model = detector.thaw(detector.freeze(detector.fit(history))) if "model" in ways else None
    out = {}
    if "learn" in ways:
        score = np.full(len(data.panel.t), np.nan)
        score[before], score[after] = early.score, _scores(detector, state, rest)
        out["learn"] = _of_hosts(data, settings, score, data.panel, np.arange(len(score)))
    if model is not None:
        score = np.full(len(data.panel.t), np.nan)
        score[after] = _scores(detector, model, rest)
        out["model"] = _of_hosts(data, settings, score, rest, after)
    return out


def _scores(detector: Any, state: State, panel: Panel) -> np.ndarray:
    score: np.ndarray = detector.stream(state, panel, own=True)[0].score
    return score


def _of_hosts(data: Loaded, settings: Settings, score: np.ndarray, seen: Panel, rows: np.ndarray) -> list[Scored]:
    """seen, rows: what the episodes are followed on, and its places in the panel."""
    flag, shown = np.zeros(len(score)), np.full(len(score), np.nan)
    verdicts = Tracker(settings, len(data.truths)).follow(seen.t, score[rows], seen.indptr)
    flag[rows], shown[rows] = verdicts.open, verdicts.score
    cuts = zip(data.truths, data.panel.indptr[:-1], data.panel.indptr[1:])
    return [Scored(truth, shown[a:b], flag[a:b]) for truth, a, b in cuts]


def _judged(name: str, found: list[Scored], evaluate: Any) -> dict[str, float]:
    outcomes = [
        judge.judged(one.truth, one.flag)._replace(vuspr=judge.ranking(evaluate, one.truth, one.score)) for one in found
    ]
    return {**judge.summary(outcomes), **ranking.figures(evaluate, name, found)}


_data: dict[str, Loaded] = {}
_evaluate: list[Any] = [None]


def begin(loaded: list[Loaded], folder: Optional[Path]) -> None:
    """Called once in every working process: the data, and where evaluate.py lies."""
    _data.update({data.name: data for data in loaded})
    _evaluate[0] = labelled.evaluator(folder) if folder else None


def work(name: str, variant: Variant, ways: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """figures() of one data set that begin() was given."""
    return figures(_data[name], variant, ways, _evaluate[0])
