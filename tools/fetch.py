"""Fetches pinned packages and checks their hashes.

A pins file in tools/pins/ is a pip requirements file with one sha256 per line and a comment `# tags: <abi> <platform>…`
or `# tags: source` that says for which Python the files are meant; it need not be the one that runs this.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

PINS = Path(__file__).with_name("pins")
_LINE = re.compile(r"([A-Za-z0-9_.-]+)==(\S+) --hash=sha256:([0-9a-f]{64})")


class Pin(NamedTuple):
    """One line of a pins file."""

    name: str
    version: str
    sha256: str


def pins(which: str) -> list[Pin]:
    """The pins of tools/pins/<which>.txt, in file order. ValueError when a line cannot be read."""
    lines = [line.strip() for line in _text(which).splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    matches = [_LINE.fullmatch(line) for line in lines]
    if not all(matches):
        raise ValueError(f"{which}.txt: every line must be name==version --hash=sha256:<64 hex digits>")
    return [Pin(*match.groups()) for match in matches if match]


def fetch(which: str, store: Path, python: str) -> list[Path]:
    """Files of a pins file, in its order, downloaded into the folder `store` unless they are there already.

    Limits: needs a package index the first time. python: any Python with pip. RuntimeError when a file is missing then.
    """
    store.mkdir(parents=True, exist_ok=True)
    wanted = pins(which)
    if not _found(wanted, store):
        command = [
            python,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
        ]
        command += [*_tag_options(which), "-d", str(store), "-r", str(PINS / f"{which}.txt")]
        print("  " + " ".join(command), flush=True)
        subprocess.run(command, check=True, stdout=sys.stderr)
    found = _found(wanted, store)
    if not found:
        raise RuntimeError(f"not every file of {which}.txt is in {store} with the hash that it must have")
    return found


def _text(which: str) -> str:
    return (PINS / f"{which}.txt").read_text(encoding="utf-8")


def _tag_options(which: str) -> list[str]:
    found = re.search(r"^# tags: (.+)$", _text(which), re.M)
    abi, *platforms = found.group(1).split() if found else ["source"]
    if abi == "source":
        return ["--no-binary", ":all:"]
    options = [
        "--only-binary",
        ":all:",
        "--implementation",
        "cp",
        "--python-version",
        f"{abi[2]}.{abi[3:]}",
        "--abi",
        abi,
        "--abi",
        "none",
    ]
    return options + [word for platform in platforms for word in ("--platform", platform)]


def _found(wanted: list[Pin], store: Path) -> list[Path]:
    """The files with the wanted hashes, or nothing when one is missing."""
    have = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path
        for path in store.iterdir()
        if path.suffix in (".whl", ".gz")
    }
    return [have[pin.sha256] for pin in wanted] if all(pin.sha256 in have for pin in wanted) else []
