"""House lints: the source tree is clean, and every lint rejects its culprit."""

from __future__ import annotations

from typing import Callable

import pytest

from tools import lints

HEAD = '"""Doc."""\nfrom __future__ import annotations\n'
COMMAND = "bin/adaptive_monitoring/commands/fit.py"
PLAIN = "bin/adaptive_monitoring/protocol/body.py"
HOME = "/".join(["", "home", "anna"])
ENGINE = "bin/adaptive_monitoring/engine/level.py"

CULPRITS = [
    (lints.no_print, COMMAND, "print('x')"),
    (lints.no_print, COMMAND, "def f() -> None:\n    import sys\n    sys.stdout.write('x')"),
    (lints.nothing_stored_is_executed, COMMAND, "eval('1')"),
    (lints.nothing_stored_is_executed, COMMAND, "def f(x: str) -> None:\n    exec(x)"),
    (lints.nothing_stored_is_executed, COMMAND, "import pickle"),
    (lints.nothing_stored_is_executed, COMMAND, "def f() -> None:\n    from pickle import loads"),
    (lints.nothing_stored_is_executed, ENGINE, "import joblib\njoblib.load('x')"),
    (lints.nothing_stored_is_executed, COMMAND, "import os\nos.system('x')"),
    (lints.nothing_stored_is_executed, COMMAND, "import subprocess\nsubprocess.run('x', shell=True)"),
    (lints.plain_rooms, PLAIN, "import numpy as np"),
    (lints.plain_rooms, PLAIN, "def f() -> None:\n    from numpy import array"),
    (lints.plain_rooms, "bin/adaptive_monitoring/errors.py", "import sklearn.ensemble"),
    (lints.plain_rooms, "bin/adaptive_monitoring/commands/reducing.py", "def f() -> None:\n    import numpy"),
    (lints.plain_rooms, "bin/adaptive_monitoring/columns.py", "import dataclasses"),
    (lints.plain_rooms, "bin/adaptive_monitoring/bounds/score.py", "from typing import Any"),
    (lints.plain_rooms, PLAIN, "try:\n    import logging\nfinally:\n    pass"),
    (lints.heavy_imports_inside_functions, ENGINE, "from sklearn.ensemble import IsolationForest"),
    (lints.heavy_imports_inside_functions, ENGINE, "class A:\n    import scipy.stats"),
    (lints.heavy_imports_inside_functions, "bin/adaptive_monitoring/store/lookup.py", "import numpy"),
    (lints.short_files, "tests/engine/test_long.py", "x = 1\n" * 401),
    (lints.docstrings, COMMAND, "def fit() -> None:\n    pass"),
    (lints.docstrings, COMMAND, "class Fit:\n    pass"),
    (lints.docstrings, COMMAND, 'class Fit:\n    """Doc."""\n    def run(self) -> None:\n' + "        x = 1\n" * 7),
    (lints.no_machine_paths, "tests/test_x.py", f"PATH = '{HOME}/data.csv'"),
    (lints.no_machine_paths, "README.md", f"see {HOME.replace('home', 'tmp')}"),
    (lints.no_machine_paths, "README.md", r"see C:\Us" + "ers"),
]

INNOCENTS = [
    (lints.no_print, "tests/demo.py", "print('x')"),
    (lints.no_print, COMMAND, "fingerprint('x')"),
    (lints.nothing_stored_is_executed, COMMAND, "import re\nre.compile('x')"),
    (lints.nothing_stored_is_executed, COMMAND, "import subprocess\nsubprocess.run(['x'], shell=False)"),
    (lints.plain_rooms, PLAIN, "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from typing import Any"),
    (lints.plain_rooms, PLAIN, "def f() -> None:\n    import csv"),
    (lints.plain_rooms, ENGINE, "import numpy as np"),
    (lints.heavy_imports_inside_functions, ENGINE, "import numpy as np\ndef f() -> None:\n    import joblib"),
    (lints.short_files, "tests/engine/test_long.py", "x = 1\n" * 398),
    (lints.docstrings, COMMAND, "def _fit() -> None:\n    pass"),
    (lints.docstrings, "tests/test_x.py", "def fit() -> None:\n    pass"),
    (
        lints.no_machine_paths,
        "README.md",
        "https://example.org/home/page, $SPLUNK_HOME/tmp/x, bin/../tmp/x, etc/users/anna",
    ),
]


def judged(lint: Callable[[lints.Source], lints.Findings], path: str, text: str) -> list[tuple[int, str]]:
    return list(lint(lints.source(path, HEAD + text if path.endswith(".py") else text)))


def test_the_source_tree_is_clean() -> None:
    assert lints.findings() == []


@pytest.mark.parametrize(("lint", "path", "text"), CULPRITS)
def test_culprit_is_rejected(lint: Callable[[lints.Source], lints.Findings], path: str, text: str) -> None:
    assert judged(lint, path, text)


@pytest.mark.parametrize(("lint", "path", "text"), INNOCENTS)
def test_innocent_passes(lint: Callable[[lints.Source], lints.Findings], path: str, text: str) -> None:
    assert judged(lint, path, text) == []


def test_future_import_is_demanded_in_the_app() -> None:
    function = '"""Doc."""\ndef f(x: int) -> None:\n    pass\n'
    assert list(lints.future_annotations(lints.source(COMMAND, function)))
    assert not list(lints.future_annotations(lints.source(COMMAND, HEAD + function)))
    assert not list(lints.future_annotations(lints.source("bin/adaptfit.py", '"""Doc."""\nimport adaptboot\n')))


def test_module_docstring_is_demanded_in_the_app() -> None:
    assert list(lints.docstrings(lints.source(COMMAND, "import re\n")))


def test_version_elsewhere_is_rejected() -> None:
    assert list(lints.version_elsewhere("4.5.6", lints.source("README.md", "adaptive_monitoring-4.5.6.tar.gz")))
    assert not list(lints.version_elsewhere("4.5.6", lints.source("README.md", "numpy 14.5.6, host 4.5.6.7")))
    assert not list(lints.version_elsewhere("4.5.6", lints.source("CHANGELOG.md", "## 4.5.6")))


def test_every_lint_has_a_culprit() -> None:
    named = {lint for lint, _, _ in CULPRITS} | {lints.future_annotations}
    assert named == set(lints.LINTS)
