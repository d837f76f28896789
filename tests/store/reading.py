"""Bytes read as the store reads a file."""

from __future__ import annotations

import os
import tempfile

from adaptive_monitoring.store.index import Index
from adaptive_monitoring.store.rows import Checker


class Reader:
    """One file, read at once. columns: the trusted rows. problems: the others."""

    def __init__(self, data: bytes, wanted=None, thorough: bool = False) -> None:
        with tempfile.TemporaryDirectory() as folder:
            index = Index(put(folder, data))
            checker = Checker(index.form, wanted, thorough)
            self.columns = checker.columns(index.records(wanted))
        self.keys, self.total = index.keys, index.total
        self.problems = [*index.problems, *checker.problems]


def put(folder: str, data: bytes) -> str:
    """The path of a file with these bytes."""
    path = os.path.join(folder, "adaptive_x.csv")
    with open(path, "wb") as stream:
        stream.write(data)
    return path
