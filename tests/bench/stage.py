"""A copy of the app in a scratch folder, with trained collections.

Scripts find their lookups beside themselves, and edits during a run do no harm. Unlike in the source tree, compiled
modules are kept, as on a search head.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Callable, Optional

from bench import talk

ROOT = Path(__file__).resolve().parent.parent.parent
SDK = Path(__file__).resolve().parent / "sdk"


class Stage:
    """Use as a context manager. path: its folder. environment: of all children.

    source: the folder whose bin/ is measured, this version's or an earlier one's.
    """

    def __init__(self, source: Path = ROOT) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="bench_"))
        self.app = self.path / "app"
        shutil.copytree(source / "bin", self.app / "bin", ignore=shutil.ignore_patterns("__pycache__", ".*"))
        shutil.copytree(SDK, self.path / "sdk" / "bin", ignore=shutil.ignore_patterns("__pycache__"))
        (self.app / "lookups").mkdir()
        kept = {name: value for name, value in os.environ.items() if not re.match("PYTHON", name)}
        self.environment = {**kept, "TZ": "UTC"}
        self.trained: dict[str, str] = {}

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def script(self, verb: str) -> list[str]:
        """The command line of a script: one of the app's, or sdk_noop, sdk_six."""
        folder = self.path / "sdk" / "bin" if verb.startswith("sdk_") else self.app / "bin"
        return [sys.executable, str(folder / f"{verb}.py")]

    def hold(
        self,
        verb: str,
        words: str,
        bodies: Iterable[bytes] = (),
        whole: bool = False,
        take: Optional[Callable[[bytes], None]] = None,
        remote: bool = False,
        watch: Optional[Callable[[int], None]] = None,
    ) -> talk.Cost:
        """One search: getinfo, the bodies, the end. words: behind the command. whole: data in the last chunk too.

        remote: on an indexer. watch: gets the process id after every reply.
        """

        def frames() -> Iterable[bytes]:
            yield talk.getinfo(words.split(), str(self.path), "remote_sh1_" if remote else "")
            yield from talk.execute(bodies, whole)

        return talk.hold(self.script(verb), frames(), self.environment, take, watch)

    def getinfo(self, verb: str, words: str) -> talk.Cost:
        """A process that answers getinfo and nothing else."""
        return talk.hold(self.script(verb), [talk.getinfo(words.split(), str(self.path))], self.environment)

    def write(self, name: str, words: str, bodies: Iterable[bytes]) -> Path:
        """A file with the frames of one search."""
        path = self.path / f"{name}.frames"
        with open(path, "wb") as file:
            file.write(talk.getinfo(words.split(), str(self.path)))
            for request in talk.execute(bodies):
                file.write(request)
        return path

    def replay(self, verb: str, path: Path) -> talk.Cost:
        """That search."""
        return talk.hold(self.script(verb), talk.stored(path), self.environment)

    def model_file(self, collection: str) -> Path:
        return self.app / "lookups" / f"adaptive_{collection}.csv"
