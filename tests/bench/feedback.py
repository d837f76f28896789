"""What one verdict changes: an operator who judges alerts once a day, against one who never does.

Every host is scored causally, day by day. At the end of a day the operator says false_alert to the first false alert
of each host and kind (strongest metric and cause), judged by the labels with the judge's tolerance; the verdict counts
from then on. Repeats are later false alerts of the same kind on the same host. Both runs see the same rows.

Limits: true alerts get no verdict, so nothing is protected; a kind that alerts once has no repeats to save.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from adaptive_monitoring.commands.fields import LARGEST_SCORE, to_hundred
from adaptive_monitoring.engine import feedback, registry
from adaptive_monitoring.engine.base import CAUSES, Panel, Scores, Settings
from adaptive_monitoring.engine.episodes import Tracker
from adaptive_monitoring.engine.numbers import missing_as_nan
from bench import judge, labelled
from bench.stage import ROOT, Stage

DAY_S = 86400.0
NAMED, SHOWN = 5, 0.05  # contributors that a row names
Kind = tuple[int, int]  # metric, cause


class Alert(NamedTuple):
    """One alert of a host as an operator sees it at the end of its first day."""

    start: float
    kind: Kind
    verdict: feedback.Verdict
    true: bool


class Seen(NamedTuple):
    """One run over one host. flag: (n,). judged: kind -> time of the verdict."""

    truth: judge.Truth
    flag: np.ndarray
    alerts: list[Alert]
    judged: dict[Kind, float]


class Host(NamedTuple):
    """One host's rows and labels. incidents: (begin, end) with tolerance."""

    truth: judge.Truth
    x: np.ndarray
    incidents: list[tuple[float, float]]


def measure(stage: Stage, wanted: list[str], folder: Path = ROOT.parent / "shared") -> dict[str, Any]:
    """Figures of the data sets that are there, and of all together; "details" has the counts behind them."""
    del stage  # the engine itself is driven: a search a day and host would be the same numbers, an hour later
    files = labelled.development(folder)
    values: dict[str, float] = {}
    skipped = [] if files else [f"skipped: no data in {folder.name}/ beside the repository"]
    details: dict[str, Any] = {"skipped": skipped}
    counts = [compared(labelled.load(path)) for path in files.values()]
    for name, count in zip([*files, "all"], [*counts, total(counts)] if counts else []):
        details[name] = count
        values.update({f"feedback.{name}.{figure}": value for figure, value in figures(count).items()})
    return {**{name: value for name, value in values.items() if name in wanted}, "details": details}


def figures(count: dict[str, int]) -> dict[str, float]:
    """Shares of the counts; what cannot be divided is left out."""
    out = {"verdicts": float(count["verdicts"]), "repeats": float(count["repeats_without"])}
    if count["repeats_without"]:
        out["fewer_repeats"] = 1 - count["repeats_with"] / count["repeats_without"]
    if count["false_without"]:
        out["fewer_false"] = 1 - count["false_with"] / count["false_without"]
    if count["incidents"]:
        out["recall_loss"] = (count["found_without"] - count["found_with"]) / count["incidents"]
    return out


def total(counts: list[dict[str, int]]) -> dict[str, int]:
    """The counts of all data sets together."""
    return {name: sum(count[name] for count in counts) for name in counts[0]}


def compared(data: labelled.Dataset) -> dict[str, int]:
    """Counts with and without verdicts on one data set."""
    hosts = hosts_of(data)
    without, with_them = run(hosts, False), run(hosts, True)
    out = dict.fromkeys(("verdicts", "repeats_without", "repeats_with", "false_without", "false_with", "found_without",
                         "found_with", "incidents"), 0)
    for plain, told in zip(without, with_them):
        out["verdicts"] += len(told.judged)
        out["repeats_without"] += repeats(plain, told.judged)
        out["repeats_with"] += repeats(told, told.judged)
        before, after = (judge.judged(seen.truth, seen.flag) for seen in (plain, told))
        out["false_without"] += before.false_events
        out["false_with"] += after.false_events
        out["found_without"] += before.found
        out["found_with"] += after.found
        out["incidents"] += before.incidents
    return out


def repeats(seen: Seen, judged: dict[Kind, float]) -> int:
    """False alerts that began after the verdict on their kind."""
    return sum(not alert.true and alert.start >= judged.get(alert.kind, np.inf) for alert in seen.alerts)


def hosts_of(data: labelled.Dataset) -> list[Host]:
    """Rows by host."""
    rows: dict[str, list[tuple[str, ...]]] = {name: [] for name in data.truths}
    for row in data.cells:
        rows[row[1]].append(row)
    out = []
    for name, truth in data.truths.items():
        x = np.array([[float(cell or "nan") for cell in row[2:]] for row in rows[name]])
        dt = float(np.median(np.diff(truth.t)))
        t, label = truth.t[truth.history :], truth.label[truth.history :] > 0
        margin = max(2 * dt, 600.0)
        pairs = judge.merged(t, label, max(3 * dt, 1800.0))
        out.append(Host(truth, missing_as_nan(x), [(t[a] - margin, t[b] + margin) for a, b in pairs]))
    return out


def run(hosts: list[Host], verdicts: bool, budget: float = 0.5) -> list[Seen]:
    """All hosts side by side, a day of each at a time."""
    settings = Settings(budget=budget)
    detector = registry.make("adaptive", settings)
    d = hosts[0].x.shape[1]
    state, tracker = detector.empty(len(hosts), d), Tracker(settings, len(hosts))
    operators = [Operator(host, d) for host in hosts]
    day = [np.floor((host.truth.t - host.truth.t[0]) / DAY_S).astype(np.int64) for host in hosts]
    for number in range(max(int(days[-1]) for days in day) + 1):
        parts = [slice(*np.searchsorted(days, [number, number + 1]).tolist()) for days in day]
        t = np.concatenate([host.truth.t[part] for host, part in zip(hosts, parts)])
        x = np.concatenate([host.x[part] for host, part in zip(hosts, parts)])
        indptr = np.cumsum([0, *(part.stop - part.start for part in parts)])
        scores, state = detector.stream(state, Panel(t, x, indptr), own=True)
        found = tracker.follow(t, scores.score, indptr)
        for i, operator in enumerate(operators):
            rows = np.arange(indptr[i], indptr[i + 1])
            level = float(state.table["threshold"][i])
            operator.look(parts[i], level, t[rows], found.open[rows], found.start[rows], found.score[rows],
                          scores.take(rows))
            if verdicts and operator.judges():
                state.table["eased"][i] = feedback.eased_of(operator.given, level, d)
    return [operator.seen() for operator in operators]


class Operator:
    """What one person notes about one host."""

    def __init__(self, host: Host, d: int) -> None:
        self.host, self.d = host, d
        self.flag = np.zeros(len(host.truth.t), dtype=bool)
        self.alerts: list[Alert] = []
        self.judged: dict[Kind, float] = {}
        self.given: list[feedback.Verdict] = []
        self.known: set[float] = set()
        self.now = 0.0

    def look(self, rows: slice, level: float, t: np.ndarray, is_open: np.ndarray, start: np.ndarray,
             score: np.ndarray, scores: Scores) -> None:
        """Takes note of a day's alerts that are new, at their strongest row."""
        self.flag[rows] = is_open
        self.now = float(t[-1]) if len(t) else self.now
        judged_from = self.host.truth.t[min(self.host.truth.history, len(self.host.truth.t) - 1)]
        for begun in np.unique(start[is_open]).tolist():
            mine = np.flatnonzero(is_open & (start == begun))
            says = mine[scores.share[mine].any(axis=1)]
            if begun in self.known or begun < judged_from or not len(says):
                continue
            self.known.add(begun)
            shown = np.round(to_hundred(score[says]), 2)
            strongest = says[shown == shown.max()]
            best = strongest[-1]
            causes = np.isin(np.arange(len(CAUSES)), scores.cause[strongest])
            self.alerts.append(self._alert(begun, float(t[mine[-1]]), level, score[best], scores.share[best],
                                           int(scores.cause[best]), causes))

    def _alert(self, start: float, end: float, level: float, score: float, share: np.ndarray, cause: int,
               causes: np.ndarray) -> Alert:
        order = np.argsort(-share, kind="stable")[:NAMED]
        named = [m for m in order.tolist() if share[m] >= SHOWN]
        parts = np.zeros(self.d)
        parts[named] = np.round(share[named], 2)
        parts = parts if named else np.ones(self.d)
        shown = float(np.round(to_hundred(np.array(score)), 2))
        ratio = shown / (100 - shown) if shown < 100 else LARGEST_SCORE
        verdict = feedback.Verdict(True, np.nan, start, ratio * level, parts / parts.sum(), causes)
        said = np.arange(start, end + 1, DAY_S)
        true = any(bool(((said >= a) & (said <= b)).any()) for a, b in self.host.incidents)
        return Alert(start, (int(order[0]), cause), verdict, true)

    def judges(self) -> bool:
        """Whether there was a first false alert of a kind; the verdict is given at the end of the day."""
        news = [alert for alert in self.alerts if not alert.true and alert.kind not in self.judged]
        for alert in news:
            if alert.kind not in self.judged:
                self.judged[alert.kind] = self.now
                v = alert.verdict
                self.given.append(feedback.Verdict(True, self.now, v.start, v.evidence, v.share, v.causes))
        return bool(news)

    def seen(self) -> Seen:
        """The whole run."""
        return Seen(self.host.truth, self.flag, self.alerts, self.judged)
