"""Start-up: what a process costs before and up to its first scored rows, and what it has imported by then."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from statistics import median
from typing import Any, Callable

from bench import talk
from bench.fleet import COLLECTION, WORDS, Fixture
from bench.rows import NARROW
from bench.stage import Stage

TIMES = 7
GETINFO = {
    "start.getinfo.fit": ("adaptfit", f"cpu by host into {COLLECTION}"),
    "start.getinfo.detect": ("adaptdetect", WORDS["model"]),
    "start.getinfo.pointwise": ("adaptdetect", WORDS["pointwise"]),
    "start.getinfo.model": ("adaptmodel", "action=list"),
}
FIRST = {"start.first.detect": WORDS["model"], "start.first.pointwise": WORDS["pointwise"]}
HEAVY = ("scipy", "sklearn", "joblib", "pandas", "splunklib")
#: Runs a script as the interpreter would, then says on stderr what is loaded.
PROBE = (
    "import json, runpy, sys\n"
    "script = sys.argv[1]\n"
    "sys.argv[:] = [script]\n"
    "import os\n"
    "sys.path[0] = os.path.dirname(script)\n"
    "try:\n"
    "    runpy.run_path(script, run_name='__main__')\n"
    "except SystemExit:\n"
    "    pass\n"
    "sys.stderr.write(json.dumps(sorted(sys.modules)))\n"
)


def measure(stage: Stage, wanted: list[str], times: int = TIMES, rows: int = 500) -> dict[str, Any]:
    """CPU milliseconds (median) and counts of libraries loaded; their names under "details"."""
    fixture = Fixture(stage, rows)
    fixture.train()
    acts = _acts(stage, fixture)
    values: dict[str, Any] = {}
    for name in (name for name in acts if name in wanted):
        acts[name]()  # compiles what was not compiled
        values[name] = 1000 * median(acts[name]() for _ in range(times))
    details = {}
    for name in (name for name in wanted if name.startswith("start.modules.")):
        details[name] = _loaded(stage, fixture, name)
        values[name] = float(len(details[name]))
    return {**values, "details": details}


def _acts(stage: Stage, fixture: Fixture) -> dict[str, Callable[[], float]]:
    """id -> something that returns CPU seconds."""

    def getinfo(verb: str, words: str) -> Callable[[], float]:
        return lambda: stage.getinfo(verb, words).cpu_s

    def first(words: str) -> Callable[[], float]:
        return lambda: stage.hold("adaptdetect", words, fixture.live._replace(steps=1).bodies(NARROW)).cpu_s

    bare = talk.hold
    return {
        "start.bare": lambda: bare([sys.executable, "-c", "pass"], (), stage.environment).cpu_s,
        **{name: getinfo(*pair) for name, pair in GETINFO.items()},
        **{name: first(words) for name, words in FIRST.items()},
    }


def _loaded(stage: Stage, fixture: Fixture, name: str) -> list[str]:
    """Libraries loaded where they should not be."""
    if name == "start.modules.getinfo":
        found = {module for verb, words in GETINFO.values() for module in _modules(stage, verb, words)}
        return sorted(found & {"numpy", *HEAVY})
    words = WORDS["model"] if name == "start.modules.detect" else WORDS["pointwise"]
    modules = _modules(stage, "adaptdetect", words, fixture.bodies())
    return sorted(modules & ({"numpy", *HEAVY} if name == "start.modules.pointwise" else set(HEAVY)))


def _modules(stage: Stage, verb: str, words: str, bodies: Iterable[bytes] | None = None) -> set[str]:
    """Names of all top modules after a search, or after getinfo alone."""
    requests = talk.getinfo(words.split(), str(stage.path))
    requests += b"" if bodies is None else b"".join(talk.execute(bodies))
    python, script = stage.script(verb)
    command = [python, "-c", PROBE, script]
    done = subprocess.run(command, input=requests, capture_output=True, env=stage.environment, check=True)
    return {module.split(".")[0] for module in json.loads(done.stderr)}
