"""Puts the libraries of the app and of its companion add-on on sys.path, where they exist.

Limits: one folder per Python (lib/py39, lib/py313); nothing is imported, nothing is written. The app's own folder comes
first. numpy's linear algebra is kept to one thread.
"""

from __future__ import annotations

import os
import sys

COMPANION = "SA-adaptive-libs-linux_x86_64"


def boot() -> None:
    """Inserts the folders that exist behind the script's own folder, which stays first."""
    app = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    tag = f"py{sys.version_info[0]}{sys.version_info[1]}"
    folders = [os.path.join(base, "lib", tag) for base in (app, os.path.join(os.path.dirname(app), COMPANION))]
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # starting threads that numpy never uses here costs 60 ms
    sys.path[1:1] = [folder for folder in folders if folder not in sys.path and os.path.isdir(folder)]


boot()
