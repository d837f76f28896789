"""The work of adaptbacktest with numpy: all rows, then group by group both sides against the incidents."""
from __future__ import annotations

import time

import numpy as np

from adaptive_monitoring.commands import faulting
from adaptive_monitoring.commands.disagreeing import Disagreeing
from adaptive_monitoring.commands.gathering import Gathering, ends_of
from adaptive_monitoring.commands.incidents import Incidents
from adaptive_monitoring.commands.modelling import settings_of
from adaptive_monitoring.commands.quiet import Replayed
from adaptive_monitoring.commands.results import Told, table
from adaptive_monitoring.commands.scoring import zone_of
from adaptive_monitoring.commands.summing import findings, sentence, write
from adaptive_monitoring.commands.thresholds import Thresholds
from adaptive_monitoring.engine import registry, sweep
from adaptive_monitoring.engine.comparing import Ground, Stretches, match
from adaptive_monitoring.engine.groups import entity_groups
from adaptive_monitoring.engine.numbers import Floats
from adaptive_monitoring.engine.outcome import Outcome
from adaptive_monitoring.engine.replay import replay
from adaptive_monitoring.engine.static import Limits, Watch
from adaptive_monitoring.errors import OutOfTime
from adaptive_monitoring.protocol.body import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo

CELLS = 1_000_000  # numbers compared at once: bounds the memory of the pass
FIRST_TOLD = 1_000_000  # rows after which the search says how far it is
CENTRE_ENTITIES = 100  # whose medians say what is usual of a metric


class Backtesting:
    """Collects, replays, compares, answers."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments) -> None:
        self.messages, self.arguments = messages, arguments
        self.settings = settings_of(arguments)
        self.zone = zone_of(self.settings.tz)
        self.thresholds = Thresholds(arguments.static, arguments.by, arguments.limits, arguments.template is not None)
        self.gathering = Gathering(info, messages, arguments, self.settings.tz)
        self.disagreeing = Disagreeing(self.settings, arguments.lang, self.zone, arguments.report is not None)
        self.incidents: Incidents | None = None
        self.told = FIRST_TOLD
        self.started = self.phase = time.monotonic()

    def execute(self, body: Body, finished: bool) -> bytes | None:
        """Keeps the chunk's numbers; with the last one compares and answers."""
        if body.names and len(body):
            self.gathering.add(body)
            self._progress()
        if not finished:
            return None
        if not self.gathering.rows or not self.gathering.shelf.rows.any():
            self._warn(*self.gathering.reader.remarks())
            self.messages.warn("adaptbacktest: no usable rows came in, so nothing was compared")
            return None
        self._phase("reading")
        try:
            return self._answer()
        finally:
            self.gathering.shelf.close()

    def _answer(self) -> bytes:
        gathering, reader = self.gathering, self.gathering.reader
        gathering.finish()
        templates = [gathering.templates.get(e, "") for e in range(gathering.entities)]
        limits = self.thresholds.limits(reader.keys, reader.metrics, templates)
        if self.arguments.incidents is not None:
            self.incidents = Incidents(self.arguments.incidents, reader.keys, self.arguments.by, self.zone)
        self.disagreeing.keys, self.disagreeing.metrics = reader.keys, reader.metrics
        outcome = self._compare(limits)
        self._phase("comparing")
        injected = not outcome.known if self.arguments.inject is None else self.arguments.inject
        faults = faulting.inject(gathering, limits, self.arguments.detector, self.settings) if injected else []
        self._phase("injecting")
        self._remarks(outcome, limits)
        told = Told(outcome, faults, self.disagreeing, reader, limits, self.settings)
        if self.arguments.report is not None:
            found = findings(told, self.arguments, self.thresholds.words, gathering.rows)
            path = write(found, self.arguments.report, self.arguments.lang)
            self.messages.info(f"adaptbacktest: the report is in {path}")
        self.messages.info(f"adaptbacktest: {sentence(outcome, self.settings.budget)}")
        return render(table(told))

    def _compare(self, limits: Limits) -> Outcome:
        """Every group of entities once."""
        outcome, done = Outcome(self.gathering.entities), 0
        centre = self._centre()
        wide = max(1, CELLS // max(1, len(self.gathering.reader.metrics)))
        for a, b in entity_groups(self.gathering.indptr(), wide):
            if self._late(done):
                break
            self._group(a, b, limits.take(slice(a, b)), centre, outcome)
            done = b
            self.messages.metric("entities_compared", done)
        return outcome

    def _group(self, a: int, b: int, limits: Limits, centre: Floats, outcome: Outcome) -> None:
        panel = self.gathering.panel(a, b)
        ground = Ground(panel, self.gathering.since(a, b, panel))
        incidents = self._incidents(a, b, ground, ends_of(panel))
        detector = registry.make(self.arguments.detector, self.settings)
        scores, verdicts = replay(detector, self.settings, panel)
        watch = Watch(panel.t, panel.x, panel.g, ground.gap)
        seen = Replayed(a, panel, ground, scores, verdicts, limits, watch.broken(limits))
        alerts = ground.alerts(seen.broken.any(axis=1)), ground.alerts(verdicts.open)
        sides = match(ground, incidents, alerts[0]), match(ground, incidents, alerts[1])
        outcome.add(a, ground, incidents, sides)
        together = self.disagreeing.look(seen, incidents, sides, alerts)
        outcome.add_overlap(a, alerts, together, b - a)
        score = scores.score.copy()
        static, models = outcome.tallies["static"], outcome.tallies["models"]
        del scores, verdicts, seen
        sweep.compared(static, a, ground, incidents, sweep.static_at(watch, limits, centre))
        sweep.compared(models, a, ground, incidents, sweep.models_at(self.settings, ground, score, panel.indptr))

    def _incidents(self, a: int, b: int, ground: Ground, ends: tuple[Floats, Floats]) -> Stretches:
        if self.incidents is None:
            return Stretches(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
        return ground.clipped(self.incidents.group(a, b, *ends, ground.since))[0]

    def _centre(self) -> Floats:
        """(d,) a usual value of each metric: the median over entities of their medians."""
        entities = self.gathering.entities
        chosen = np.unique(np.linspace(0, entities - 1, min(entities, CENTRE_ENTITIES)).astype(np.int64))
        medians = []
        for e in chosen.tolist():
            x = self.gathering.panel(e, e + 1).x
            medians.append([float(np.median(column[known])) if (known := ~np.isnan(column)).any() else np.nan
                            for column in x.T])
        found = np.array(medians)
        return np.array([float(np.median(c[~np.isnan(c)])) if (~np.isnan(c)).any() else np.nan for c in found.T])

    def _late(self, done: int) -> bool:
        limit = self.arguments.max_runtime
        if not limit or time.monotonic() - self.started <= limit:
            return False
        self.messages.warn(str(OutOfTime(
            f"adaptbacktest: max_runtime={limit} s has passed; {done} of {self.gathering.entities} entities were "
            "compared, and the figures are theirs. Raise it, or split the search")))
        return True

    def _remarks(self, outcome: Outcome, limits: Limits) -> None:
        incidents = self.incidents
        texts = [*self.thresholds.problems, *([] if incidents is None else incidents.remarks())]
        if incidents is not None and not outcome.known:
            texts.append("no incident is left to compare with; what follows is what can be known without")
        for what, count in self.disagreeing.uncounted.items():
            if count and (what == "incidents") == bool(outcome.known):
                texts.append(f"{count} more {what} that only the static rules told are not listed")
        bare = outcome.done & ~limits.some.any(axis=1)
        if bare.any():
            texts.append(f"{int(bare.sum())} entities have no static threshold; only the models watch them")
        short = int((outcome.done & (outcome.rows == 0)).sum())
        if short:
            texts.append(f"{short} entities have no rows after the part that is learned from (after=, history=)")
        self._warn(*self.gathering.reader.remarks(), *(f"adaptbacktest: {text}" for text in texts))
        self.messages.metric("rows", self.gathering.rows)
        self.messages.metric("entities", self.gathering.entities)
        self.messages.metric("incidents", outcome.known)

    def _warn(self, *texts: str) -> None:
        for text in texts:
            self.messages.warn(text)

    def _progress(self) -> None:
        rows = self.gathering.rows
        self.messages.metric("rows_read", rows)
        if rows >= self.told:
            self.messages.info(f"adaptbacktest: {rows} rows of {self.gathering.entities} entities read in "
                               f"{time.monotonic() - self.started:.0f} s")
            self.told = 2 * rows

    def _phase(self, name: str) -> None:
        now = time.monotonic()
        self.messages.metric(f"seconds_{name}", round(now - self.phase, 3))
        self.phase = now
