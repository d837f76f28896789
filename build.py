"""The only developer entry point: `python build.py <what>`. Standard library only, Python 3.9 or later.

It makes its own environments in .venv/ from the pins below, prints what it runs, and its exit code is the verdict.
The rooms that it calls are in tools/ (packaging, fetching, AppInspect, house lints).
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Optional

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
DIST = ROOT / "dist"

#: Exactly what Splunk's two Pythons get. Another Python uses the older one's set up to 3.12, beyond it the newer one's.
PINS = {
    "3.9": (
        "numpy==2.0.2", "scipy==1.13.1", "scikit-learn==1.6.1", "joblib==1.5.3", "threadpoolctl==3.7.0",
        "splunk-sdk==2.1.1", "icalendar==6.3.2", "python-dateutil==2.9.0.post0", "six==1.17.0",
        "pytest==8.4.2", "hypothesis==6.141.1", "holidays==0.83",
    ),
    "3.13": (
        "numpy==2.5.5", "scipy==1.18.1", "scikit-learn==1.9.1", "joblib==1.6.0", "threadpoolctl==3.8.0",
        "splunk-sdk==3.0.1", "icalendar==6.3.2", "python-dateutil==2.9.0.post0", "six==1.17.0",
        "pytest==9.2.0", "hypothesis==6.170.15", "holidays==0.109",
    ),
}  # fmt: skip
CHECKERS = ("ruff==0.17.6", "mypy==2.4.1", "import-linter==2.16")
APPINSPECT = ("splunk-appinspect==4.3.1",)

Command = list[str]


def setup(args: argparse.Namespace) -> int:
    """Makes the environments: the app's on each Python that is here, the checkers', optionally AppInspect's."""
    for number in pythons():
        environment(number)
    checkers()
    if args.inspect:
        appinspect()
    return 0


def demo(args: argparse.Namespace) -> int:
    """Runs the main job on real data without Splunk and writes dist/demo.html."""
    return module("demo", args.rest)


def pictures(args: argparse.Namespace) -> int:
    """Draws the pictures of docs/detection.md from the sample and fills in their figures."""
    return module("pictures", args.rest)


def search(args: argparse.Namespace) -> int:
    """Runs one search, written in SPL, through the driver that plays splunkd."""
    return module("searchhead", args.rest)


def bench(args: argparse.Namespace) -> int:
    """Measures speed, start-up, sizes and detection quality against the baseline; the word list shows what there is."""
    chosen = pythons() if args.python == "both" else [args.python or best()]
    return max(module("bench", args.rest, number) for number in chosen)


def guard(args: argparse.Namespace) -> int:
    """Fails when detection on the shipped sample has become worse than what was accepted."""
    return module("bench.guard", ["--accept"] if args.accept else [])


def ablation(args: argparse.Namespace) -> int:
    """Writes docs/ablation.md: what each ingredient of the detector is worth. Minutes; needs the development data."""
    return module("bench.ablate", args.rest)


def test(args: argparse.Namespace) -> int:
    """Runs the tests on every Python present, side by side; what follows is passed to pytest."""
    chosen = {args.python: pythons()[args.python]} if args.python else pythons()
    commands = {number: [str(environment(number)), "-m", "pytest", *args.rest] for number in chosen}
    codes = together(commands)
    for number, code in codes.items():
        say(f"tests on Python {number}: {'passed' if code == 0 else f'FAILED (exit code {code})'}")
    return max(codes.values())


def check(args: argparse.Namespace) -> int:
    """ruff, mypy, import linter and the house lints."""
    tools, app = checkers(), environment(best())
    ours = ["build.py", "bin", "tests", "tools"]
    codes = [
        run([str(tools), "-m", "ruff", "check", *ours]),
        run([str(tools), "-m", "mypy", "--python-executable", str(app)]),
        run([str(tools.with_name("lint-imports")), "--no-cache"]),
        run([sys.executable, "-m", "tools.lints"]),
    ]
    say("check: " + ("clean" if not any(codes) else "NOT clean"))
    return max(codes)


def package(args: argparse.Namespace) -> int:
    """Writes the archives to dist/: the app and the companion add-on, with --all-in-one also both as one."""
    from tools import archive, companion
    from tools import package as app

    python = str(environment(best()))
    made = [app.app_archive(DIST, python)]
    if not args.app_only:
        content = companion.files(DIST / "wheels", python, app.version())
        companion.prove(content, {number: str(path) for number, path in pythons().items()})
        made.append(archive.write(DIST / f"{companion.NAME}-{app.version()}.tar.gz", companion.NAME, content, level=6))
        if args.all_in_one:
            both = {
                **app.source_files(),
                **app.vendored(DIST / "wheels", python),
                **companion.libraries(DIST / "wheels", python),
            }
            made.append(archive.write(DIST / f"{app.APP}-all-in-one-{app.version()}.tar.gz", app.APP, both, level=6))
    for path in made:
        say(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.2f} MB, {len(archive.names(path))} files")
    return 0


def inspect(args: argparse.Namespace) -> int:
    """Runs Splunk's AppInspect on the app's archive; warnings need a reason in tests/package/accepted.txt."""
    from tools import appinspect as judge
    from tools import package as app

    path = app.app_archive(DIST, str(environment(best())))
    code = judge.inspect(appinspect(), path, ROOT / "tests" / "package" / "accepted.txt")
    say(f"AppInspect: {'nothing to object' if code == 0 else 'NOT accepted'}")
    return code


def clean(args: argparse.Namespace) -> int:
    """Removes what this script and the tools have made."""
    caches = (".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache")
    for folder in (VENV, DIST, *(ROOT / name for name in caches), *ROOT.glob("[bt]*/**/__pycache__")):
        if folder.is_dir():
            say(f"remove {folder.relative_to(ROOT)}")
            shutil.rmtree(folder)
    return 0


def pythons() -> dict[str, Path]:
    """Splunk's Pythons that are here, by number; without either, the one that runs this. Says which one is missing."""
    found = {number: path for number in PINS for path in [find(number)] if path}
    for number in PINS:
        if number not in found and number not in _said:
            _said.add(number)
            say(f"Python {number} was not found (on PATH and among pyenv's versions); going on without it")
    return found or {"%d.%d" % sys.version_info[:2]: Path(sys.executable)}


_said: set[str] = set()


def best() -> str:
    """The newest of the Pythons that are here."""
    return max(pythons(), key=numbers)


def numbers(number: str) -> tuple[int, ...]:
    """ "3.13" -> (3, 13)."""
    return tuple(int(part) for part in number.split("."))


def find(number: str) -> Optional[Path]:
    """A Python of that number that starts: the one that runs this, one on PATH, or pyenv's newest; else None."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = sorted(
        root.glob(f"versions/{number}.*/bin/python"),
        key=lambda path: [int(p) for p in path.parts[-3].split(".") if p.isdigit()],
    )
    candidates = [sys.executable, shutil.which(f"python{number}"), *reversed(installed)]
    return next((Path(path) for path in candidates if path and starts(str(path), number)), None)


def starts(path: str, number: str) -> bool:
    """Whether that file is a Python of that number. pyenv's shims exist for versions that are not active."""
    try:
        done = subprocess.run(
            [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == number


def environment(number: str) -> Path:
    """The Python of the app's environment for that number, made or renewed when its pins have changed."""
    pins = PINS.get(number) or PINS["3.9" if numbers(number) < (3, 13) else "3.13"]
    return made("py" + number.replace(".", ""), pythons()[number], pins)


def checkers() -> Path:
    """The Python of the checkers' environment, on the newest Python here; their verdict is about code for all."""
    base = max((best(), "%d.%d" % sys.version_info[:2]), key=numbers)
    return made("checkers", pythons().get(base, Path(sys.executable)), CHECKERS)


def appinspect() -> Path:
    """The splunk-appinspect program. It needs libmagic on the machine."""
    return made("appinspect", pythons()[best()], APPINSPECT).with_name("splunk-appinspect")


def made(name: str, base: Path, pins: tuple[str, ...]) -> Path:
    """The Python of .venv/<name>; installed anew when the stamp differs from base and pins."""
    folder = VENV / name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp, wanted = folder / "pins.txt", "\n".join((str(base), *pins))
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and python.exists()):
        shutil.rmtree(folder, ignore_errors=True)
        must(
            [str(base), "-m", "venv", str(folder)],
            "this Python cannot make environments; on Debian install python3-venv",
        )
        must(
            [str(python), "-m", "pip", "install", "--use-pep517", "--quiet", "--disable-pip-version-check", *pins],
            "pip needs a package index",
        )
        stamp.write_text(wanted, encoding="utf-8")
    return python


def module(name: str, rest: Command, number: str = "") -> int:
    """Runs `python -m <name>` from tests/ on that Python, default the newest here."""
    return run([str(environment(number or best())), "-m", name, *rest])


def surroundings() -> dict[str, str]:
    """The environment of every child: our folders on the path, nothing written into the source tree."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("bin", "tests", ""))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INPUT": "1"}


def run(command: Command) -> int:
    """Prints and runs a command from the top folder; returns its exit code."""
    say("$ " + shlex.join(command))
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, env=surroundings()).returncode
    if code:
        say(f"exit code {code} after {time.monotonic() - started:.1f} s")
    return code


def must(command: Command, hint: str) -> None:
    """Runs a command that everything after it needs."""
    if run(command):
        raise SystemExit(f"build.py: that did not work ({hint})")


def together(commands: dict[str, Command]) -> dict[str, int]:
    """Runs commands side by side, the first one live, the others' output afterwards. Returns their exit codes."""
    first, *others = commands
    waiting = []
    for name in others:
        output = tempfile.TemporaryFile()  # noqa: SIM115 - lives until the child has ended
        say("$ " + shlex.join(commands[name]) + "   (output follows)")
        waiting.append(
            (
                name,
                output,
                subprocess.Popen(commands[name], cwd=ROOT, env=surroundings(), stdout=output, stderr=subprocess.STDOUT),
            )
        )
    codes = {first: run(commands[first])}
    for name, output, process in waiting:
        codes[name] = process.wait()
        output.seek(0)
        say(f"Python {name}:\n" + output.read().decode("utf-8", "replace"))
        output.close()
    return codes


def say(text: str) -> None:
    """Prints at once, so that it stands before what the child prints."""
    print(text, flush=True)


ACTIONS: tuple[Callable[[argparse.Namespace], int], ...] = (
    setup,
    demo,
    pictures,
    check,
    test,
    bench,
    guard,
    ablation,
    package,
    inspect,
    search,
    clean,
)


def parser() -> argparse.ArgumentParser:
    """The command line: one word per action, its docstring as help."""
    top = argparse.ArgumentParser(prog="build.py", description=(__doc__ or "").splitlines()[0])
    words = top.add_subparsers(metavar="what")
    for action in ACTIONS:
        text = (action.__doc__ or "").splitlines()[0]
        word = words.add_parser(action.__name__, help=text, description=text)
        word.set_defaults(action=action)
        if action in (demo, pictures, search, bench, ablation, test):
            word.add_argument("rest", nargs=argparse.REMAINDER, help="passed on")
        for option, settings in OPTIONS.get(action.__name__, ()):
            word.add_argument(option, **settings)
    return top


OPTIONS: dict[str, tuple[tuple[str, dict[str, object]], ...]] = {
    "setup": (("--inspect", {"action": "store_true", "help": "also the environment of AppInspect"}),),
    "test": (("--python", {"choices": tuple(PINS), "help": "only this one"}),),
    "bench": (("--python", {"choices": (*PINS, "both"), "help": "only this one, or one after the other"}),),
    "guard": (("--accept", {"action": "store_true", "help": "make what is measured now the accepted values"}),),
    "package": (
        ("--app-only", {"action": "store_true", "help": "without the companion add-on"}),
        (
            "--all-in-one",
            {"action": "store_true", "help": "also app and libraries in one archive, for a single server"},
        ),
    ),
}


def main(words: Command) -> int:
    """Runs one action; without any, prints the help."""
    args = parser().parse_args(words)
    if not hasattr(args, "action"):
        parser().print_help()
        return 0
    return int(args.action(args))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
