"""Runs Splunk's AppInspect on the archive and judges what it says.

Errors and failures are never accepted. A warning is, when tests/package/accepted.txt names its check with a reason.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

#: The sets of checks that matter: AppInspect's own choice, Splunk Cloud (vetted, private) and those announced.
TAG_SETS = ("", "cloud", "private_victoria", "private_classic", "future")
BAD = ("failure", "error")


class Verdict(NamedTuple):
    """What one run says: counts of results, and the lines that a person must read."""

    counts: dict[str, int]
    refused: list[str]
    accepted: list[str]


def accepted_checks(path: Path) -> dict[str, str]:
    """check name -> reason, from lines `check: reason`. ValueError when a reason is missing."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(":")
            if len(reason.split()) < 4:
                raise ValueError(f"{path.name}: {name} needs a reason of more than three words")
            found[name.strip()] = reason.strip()
    return found


def judge(report: dict[str, Any], accepted: dict[str, str]) -> Verdict:
    """Sorts the results of one JSON report."""
    checks = [check for app in report["reports"] for group in app["groups"] for check in group["checks"]]
    refused, fine = [], []
    for check in checks:
        if check["result"] in BAD or (check["result"] == "warning" and check["name"] not in accepted):
            refused.append(_line(check))
        elif check["result"] == "warning":
            fine.append(check["name"])
    if not checks:
        refused.append("no check was run")
    return Verdict(dict(Counter(check["result"] for check in checks)), refused, fine)


def run(executable: Path, app: Path, accepted: dict[str, str], tags: str) -> Verdict:
    """One run of AppInspect with one set of tags."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            str(executable),
            "inspect",
            str(app),
            "--mode",
            "test",
            "--data-format",
            "json",
            "--output-file",
            str(report),
        ]
        command += ["--included-tags", tags] if tags else []
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not report.exists():
            raise RuntimeError(f"AppInspect wrote no report:\n{done.stdout[-2000:]}")
        return judge(json.loads(report.read_text(encoding="utf-8")), accepted)


def inspect(executable: Path, app: Path, accepted_file: Path) -> int:
    """Runs every set of tags, prints a line each. 0: nothing is refused and every accepted warning still occurs."""
    accepted = accepted_checks(accepted_file)
    refused, seen = 0, set()
    for tags in TAG_SETS:
        verdict = run(executable, app, accepted, tags)
        numbers = ", ".join(f"{number} {word}" for word, number in sorted(verdict.counts.items()))
        print(f"  {tags or 'default'}: {numbers}", flush=True)
        for line in verdict.refused:
            print(f"    {line}")
        refused += len(verdict.refused)
        seen.update(verdict.accepted)
    stale = sorted(set(accepted) - seen)
    for name in stale:
        print(f"  {accepted_file.name}: {name} does not warn any more; take it out")
    return 1 if refused or stale else 0


def _line(check: dict[str, Any]) -> str:
    texts = [message["message"] for message in check["messages"] if message["result"] == check["result"]]
    return f"{check['result']} {check['name']}: " + " | ".join(texts)[:600]
