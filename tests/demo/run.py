"""The searches of the demo, through the driver that plays splunkd."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from searchhead import SearchHead
from searchhead.head import Result
from searchhead.table import Table

from demo.fleet import Host, hosts, numbers
from demo.static import persistent

SAMPLE = "| inputlookup sample_hosts"
TRAIN = "| adaptfit m* by host into demo"
SCORE = "adaptdetect m* by host model=demo"
WINDOW_S, DAY_S, STEP_S = 4 * 3600, 86400, 300


class DemoFailed(Exception):
    """A search ended with an error; its text."""


@dataclass
class Run:
    """What the searches gave.

    scored: the hosts' rows after the history. bounds: host -> (n,) bool, pointwise alerts over the same rows.
    sizes: name -> bytes. checks: sentences.
    """

    whole: list[Host] = field(default_factory=list)
    scored: list[Host] = field(default_factory=list)
    bounds: dict[str, np.ndarray] = field(default_factory=dict)
    models: int = 0
    rows: int = 0
    chunks: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)

    def stored(self) -> str:
        """What lies in lookups/ now."""
        size = self.sizes["models"]
        return (
            f"Stored: {self.models} models in {size / 1e3:.0f} kB ({size / max(self.models, 1) / 1e3:.2f} kB each), "
            f"bounds lookup for scoring in plain SPL {self.sizes['bounds'] / 1e3:.0f} kB."
        )


class Watched(Table):
    """A table that tells how far the driver has read it."""

    def slice(self, start: int, stop: int) -> Table:
        tenth = len(self) // 10 or 1
        if start // tenth != stop // tenth and stop < len(self):
            say(f"    … {stop * 100 // len(self)} %, up to {day(float(self.columns['_time'][stop]))}")
        return super().slice(start, stop)


def say(text: str) -> None:
    """Prints at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def day(t: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(t))


def ask(app: Path, spl: str, rows: Table | None = None, chunk_rows: int = 50000) -> Result:
    """One search. Raises DemoFailed."""
    result = SearchHead(str(app), chunk_rows=chunk_rows).search(spl, rows=rows)
    if result.errors:
        raise DemoFailed(f"{spl}: {'; '.join(result.errors)}")
    return result


def told(result: Result) -> None:
    """What the Job Inspector says."""
    for level, text in result.messages:
        say(f"    {level}: {text}")


def everything(app: Path, condition: str = "", scheduled: bool = True) -> Run:
    """Trains, scores, checks. condition: inputlookup's where, for fewer hosts. scheduled: also the last check."""
    run = Run()
    table = ask(app, f"{SAMPLE} {'where ' + condition if condition else ''} | sort 0 _time").table
    run.whole = hosts(table)
    history = numbers(table.get("history")) > 0
    _train(app, run, table.take(np.flatnonzero(history).tolist()))
    scored = _score(app, run, table.take(np.flatnonzero(~history).tolist()))
    _pointwise(app, run, scored)
    _same_in_steps(app, run, scored)
    if scheduled:
        _same_as_scheduled(app, run, table)
    return run


def _train(app: Path, run: Run, rows: Table) -> None:
    say(f"$ {SAMPLE} where history=1 {TRAIN}")
    result = ask(app, f"search * {TRAIN}", rows)
    told(result)
    run.models = len(result.table)
    run.sizes["models"] = (app / "lookups" / "adaptive_demo.csv").stat().st_size


def _score(app: Path, run: Run, rows: Table) -> Table:
    """One long stateful search in chunks of about an hour of the fleet."""
    size = max(1, 12 * len(set(rows.get("host"))))
    run.rows, run.chunks = len(rows), -(-len(rows) // size)
    say(f"$ {SAMPLE} where history=0 | sort 0 _time | {SCORE}")
    say(f"    one search, {run.chunks} chunks of {size} rows (about an hour of the fleet),")
    say("    each answered before the next is sent: nothing knows its future")
    result = ask(app, f"search * | {SCORE}", Watched(rows.columns), size)
    told(result)
    run.scored = hosts(result.table)
    return rows


def _pointwise(app: Path, run: Run, rows: Table) -> None:
    """The bounds lookup alone: every row by itself, 3 of 5 rows outside make an alert."""
    say(f"$ | adaptmodel action=export collection=demo  and then  | {SCORE} pointwise=true")
    ask(app, "| adaptmodel action=export collection=demo")
    run.sizes["bounds"] = (app / "lookups" / "adaptive_demo_bounds.csv").stat().st_size
    result = ask(app, f"search * | {SCORE} pointwise=true", rows)
    told(result)
    order = np.argsort(numbers(rows.get("_time")), kind="stable")
    names = np.array(rows.get("host"), dtype=object)[order]
    outside = (numbers(result.table.get("is_anomaly")) > 0)[order]
    for name in sorted(set(names.tolist())):
        run.bounds[name] = persistent(outside[names == name][:, None])[:, 0]


def _same_in_steps(app: Path, run: Run, rows: Table) -> None:
    """The first day again, a chunk per 5-minute step, must give the same texts."""
    t = numbers(rows.get("_time"))
    first = rows.take(np.flatnonzero(t < t[0] + DAY_S).tolist())
    size = len(set(first.get("host")))
    result = ask(app, f"search * | {SCORE}", first, size)
    fields = ("anomaly_score", "anomaly_state", "anomaly_id", "reason")
    alike = 0
    for host in hosts(result.table):
        long = next(other for other in run.scored if other.name == host.name)
        n = len(host.t)
        alike += int((np.nan_to_num(host.score, nan=-1) == np.nan_to_num(long.score[:n], nan=-1)).all())
        alike += sum(host.texts[name] == long.texts[name][:n] for name in fields[2:])
    total = 3 * len({*first.get("host")})
    run.checks.append(
        f"The first day again in {-(-len(first) // size)} chunks of one 5-minute step: "
        f"{'same scores, alerts and reasons' if alike == total else 'NOT the same (a defect)'}."
    )


def _same_as_scheduled(app: Path, run: Run, table: Table) -> None:
    """Separate searches as the shipped saved searches run: trained the night before, the last four hours scored."""
    t = numbers(table.get("_time"))
    agree = total = 0
    moments = sample_moments(run.scored)
    for moment in moments:
        night = moment // DAY_S * DAY_S
        ask(app, "search * | adaptfit m* by host into nightly", table.take(np.flatnonzero(t < night).tolist()))
        window = table.take(np.flatnonzero((t > moment - WINDOW_S) & (t <= moment)).tolist())
        result = ask(app, "search * | adaptdetect m* by host model=nightly", window)
        for host in hosts(result.table):
            long = next(other for other in run.scored if other.name == host.name)
            at = np.flatnonzero(long.t == host.t[-1])
            total += len(at)
            agree += int(sum(long.alert[at] == host.alert[-1]))
    run.checks.append(
        f"{len(moments)} runs as a schedule makes them (trained the night before, the last 4 hours scored by a "
        "search of its "
        f"own): {agree} of {total} verdicts on the newest row as in the long search."
    )


def sample_moments(fleet: Iterable[Host]) -> list[float]:
    """Half an hour after a third and after two thirds of the alerts opened, and noon of the middle day."""
    fleet = list(fleet)
    opened = sorted({float(h.texts["anomaly_start"][i]) for h in fleet for i in np.flatnonzero(h.alert)})
    middle = (min(h.t[0] for h in fleet) + max(h.t[-1] for h in fleet)) / 2
    picked = [opened[len(opened) * part // 3] + 1800 for part in (1, 2)] if opened else []
    return [*picked, middle // DAY_S * DAY_S + DAY_S / 2]
