"""`python build.py demo`: trains, scores, prints incidents and the comparison, writes dist/demo.html."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from demo import compare, page
from demo.compare import Compared
from demo.episodes import Episode, episodes, length, moment
from demo.run import DemoFailed, Run, everything, say
from tools import package

TARGET = package.ROOT / "dist" / "demo.html"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py demo", description=__doc__)
    parser.add_argument("--to", type=Path, default=TARGET, help="where the page goes")
    parser.add_argument("--hosts", default="", help="only the hosts of this name, * allowed")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="adaptive_demo_") as folder:
        app = package.stage(Path(folder))
        say(f"The app as Splunk would install it, in a folder of its own: {len(list(app.rglob('*.*')))} files")
        try:
            run = everything(app, f"host={options.hosts}" if options.hosts else "")
        except DemoFailed as failure:
            say(f"The demo failed. {failure}")
            return 1
    found = sorted((e for host in run.scored for e in episodes(host)), key=lambda e: (e.host, e.start))
    lines = compare.table(run.whole, *over_all(run))
    show(run, found, lines)
    options.to.parent.mkdir(parents=True, exist_ok=True)
    options.to.write_text(page.render(run, found, lines), encoding="utf-8")
    say(f"\n{options.to}: {options.to.stat().st_size / 1e3:.0f} kB. Done in {time.perf_counter() - started:.0f} s.")
    return 0


def over_all(run: Run) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Alerts of both kinds of adaptive scoring over all rows of each host; none in its history."""
    past = {host.name: np.zeros(int(host.history.sum()), dtype=bool) for host in run.whole}
    return (
        {host.name: np.concatenate([past[host.name], host.alert]) for host in run.scored},
        {host.name: np.concatenate([past[host.name], run.bounds[host.name]]) for host in run.scored},
    )


def show(run: Run, found: list[Episode], lines: list[Compared]) -> None:
    """Incidents, checks, sizes, table."""
    say(f"\nAlerts ({len(found)}; + a person had marked an incident there, - nobody had):")
    for e in found:
        mark = "+" if e.labelled else "-"
        when = f"{moment(e.start)}  {length(e.duration_s):>7}"
        say(f"{mark} {e.host:13}  {when}  {e.severity:8}  {e.score:3.0f}  {e.reason}")
    say("")
    for text in run.checks:
        say(text)
    say(run.stored())
    say("\nStatic thresholds against adaptive models, on the part that neither had learned from")
    say(compare.as_text(lines))
    say("Hosts and metrics were chosen for their incidents (tools/sample.py): a demonstration, not a benchmark.")
    say("False: nobody had marked an incident there; some are real all the same. Some marked ones cannot be seen.")


if __name__ == "__main__":
    raise SystemExit(main())
