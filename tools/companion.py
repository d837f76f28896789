"""The companion add-on: native libraries for both of Splunk's Pythons, pruned, and proof that what is left works.

Limits: Linux x86_64 only; 3.9 needs glibc 2.17, 3.13 needs glibc 2.28.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Optional

from tools import archive, fetch, package

NAME = "SA-adaptive-libs-linux_x86_64"
TAGS = ("py39", "py313")
TEMPLATES = Path(__file__).with_name("companion")
PLACES = {
    "app.conf": "default/app.conf",
    "distsearch.conf": "default/distsearch.conf",
    "default.meta": "metadata/default.meta",
    "README.md": "README.md",
}

#: Never imported at run time. Kept although it looks like a test: numpy/_core/tests/_natype.py, which numpy.testing
#: imports, which scipy and scikit-learn import. numpy/f2py stays because `from numpy import *` in scipy loads it.
_PRUNED = re.compile(
    r"""(^|/)(tests|test|include|benchmarks|_pyinstaller|__pycache__)/
      | \.(pyi|pyx|pxd|pxi|h|c|cpp|f|f90|tp|a|lib|build|rst|md)$
      | ^sklearn/datasets/(data|images|descr)/
      | ^numpy/(distutils|doc)/
      | ^scipy/misc/.*\.dat$
      | \.data/scripts/
      | \.dist-info/(RECORD|WHEEL|INSTALLER|entry_points\.txt|top_level\.txt)$
      | (^|/)(py\.typed|conftest\.py)$""",
    re.X,
)
_KEPT = re.compile(r"^numpy/_core/tests/(__init__|_natype)\.py$|^joblib/test/__init__\.py$")

#: Run with the pruned folder alone on sys.path; everything that the engine may ask of the libraries, in small.
PROOF = """
import os, sys
sys.path.insert(0, sys.argv[1])
os.environ["PYTHONPATH"] = sys.argv[1]  # joblib's workers are new interpreters that know nothing of our sys.path
import numpy as np
from joblib import Parallel, delayed
from scipy import stats, linalg, signal, optimize
from sklearn.covariance import LedoitWolf, MinCovDet
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest, RandomForestRegressor
from sklearn.linear_model import HuberRegressor, Ridge
x = np.random.default_rng(0).normal(size=(200, 3))
assert IsolationForest(n_estimators=10, random_state=0, n_jobs=2).fit(x).score_samples(x).shape == (200,)
for model in (LedoitWolf(), MinCovDet(random_state=0), PCA(2)):
    model.fit(x)
for model in (Ridge(), HuberRegressor(), RandomForestRegressor(5), HistGradientBoostingRegressor(max_iter=3)):
    model.fit(x[:, :2], x[:, 2]).predict(x[:, :2])
assert Parallel(n_jobs=2)(delayed(abs)(i) for i in (-1, 2)) == [1, 2]
assert abs(stats.genpareto.sf(0.0, 0.1) - 1) < 1e-9
assert all(sys.modules[name].__file__.startswith(sys.argv[1]) for name in ("numpy", "scipy", "sklearn", "joblib"))
print("  proof:", "%d.%d" % sys.version_info[:2], "numpy", np.__version__)
"""


def files(store: Path, python: str, version: str) -> dict[str, archive.Content]:
    """Installed path -> content of the whole add-on."""
    found: dict[str, archive.Content] = {}
    for name, target in PLACES.items():
        found[target] = (TEMPLATES / name).read_text(encoding="utf-8").replace("@VERSION@", version).encode()
    for name in ("LICENSE", "NOTICE"):
        found[name] = package.ROOT / name
    return {**found, **libraries(store, python)}


def libraries(store: Path, python: str) -> dict[str, archive.Content]:
    """lib/py39/... and lib/py313/... -> content, pruned."""
    found: dict[str, archive.Content] = {}
    for tag in TAGS:
        for wheel in fetch.fetch(tag, store / tag, python):
            with zipfile.ZipFile(wheel) as members:
                found.update({f"lib/{tag}/{name}": members.read(name) for name in members.namelist() if kept(name)})
    return found


def kept(name: str) -> bool:
    """Whether a file of a wheel goes into the add-on. Licence texts always do."""
    if name.endswith("/"):
        return False
    return bool(_KEPT.search(name)) or "/licenses/" in name or "LICENSE" in name or not _PRUNED.search(name)


def prove(content: dict[str, archive.Content], pythons: dict[str, str]) -> None:
    """Trains small models with the pruned libraries, on each Python that is here. RuntimeError when one fails.

    pythons: "3.9" -> an executable; Pythons without libraries in the add-on are passed over.
    """
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryDirectory() as folder:
        for path, data in content.items():
            if path.startswith("lib/") and isinstance(data, bytes):
                target = Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        for number, executable in pythons.items():
            lib: Optional[Path] = Path(folder, "lib", "py" + number.replace(".", ""))
            if lib and lib.is_dir():
                proof = Path(folder, "proof.py")
                proof.write_text(PROOF, encoding="utf-8")
                command = [executable, "-s", "-S", "-B", "-W", "ignore", str(proof), str(lib)]
                if subprocess.run(command, env=bare).returncode:
                    raise RuntimeError(f"the pruned libraries do not work on Python {number}")
