"""House lints: rules of this house that no general checker knows. `python -m tools.lints` prints what breaks one.

A lint is a function (source) -> iterator of (line, what is wrong), with a culprit in tests/package/test_lints.py.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
#: What is looked at, in the source tree.
PATTERNS = (
    "*.py", "*.md", "docs/*.md", "*.toml", "*.conf", "NOTICE", ".ci/run",
    "bin/**/*.py", "default/**/*.*", "tests/**/*.py", "tests/**/*.txt", "tools/**/*.*",
)  # fmt: skip
LONGEST = 400

PACKAGE = "bin/adaptive_monitoring/"
#: Rooms that run on indexers and at every start of a command.
PLAIN = tuple(PACKAGE + room for room in ("protocol/", "bounds/", "calendars/", "columns.py", "errors.py"))
PLAIN += tuple(PACKAGE + f"commands/{name}.py" for name in ("packed", "reducing", "calendar", "daytypes"))
SCIENCE = ("numpy", "scipy", "sklearn", "joblib", "pandas")
#: Above one second to import: only inside the function that trains with them.
HEAVY = ("scipy", "sklearn", "joblib", "pandas")
#: numpy at module level is for these; that starting a command loads none of them is a test of its own.
NUMERIC = (PACKAGE + "engine/", PACKAGE + "commands/", PACKAGE + "alerts/")
#: Standard library, but slow to import: getinfo must be answered in 60 ms.
SLOW = ("argparse", "csv", "dataclasses", "difflib", "inspect", "logging", "typing", "unittest", "urllib.request")
UNSAFE_CALLS = ("eval", "exec", "compile", "__import__")
UNSAFE_MODULES = ("pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "xmlrpc", "telnetlib")
UNSAFE_ATTRIBUTES = (
    "os.system",
    "os.popen",
    "joblib.load",
    "numpy.load",
    "np.load",
    "yaml.load",
    "subprocess.getoutput",
)
PRIVATE_PATH = re.compile(r"(?<![\w.$%}/-])/(?:home|root|Users|work|workspace|mnt|media|tmp)/\w|[A-Z]:\\\\?Users\b")


class Source(NamedTuple):
    """One file: its path in the source tree with /, its text, and its syntax tree if it is Python."""

    path: str
    text: str
    tree: ast.AST

    @property
    def shipped(self) -> bool:
        """Whether it runs inside Splunk."""
        return self.path.startswith("bin/")


Findings = Iterator[tuple[int, str]]


def source(path: str, text: str) -> Source:
    """A file to be judged. SyntaxError when it is Python and cannot be parsed."""
    return Source(path, text, ast.parse(text) if path.endswith(".py") else ast.Module([], []))


def no_print(file: Source) -> Findings:
    """stdout belongs to the protocol."""
    for node in _calls(file):
        if file.shipped and _name(node.func) in ("print", "sys.stdout.write", "pprint.pprint", "breakpoint"):
            yield node.lineno, f"{_name(node.func)}() in bin/: stdout belongs to the protocol"


def nothing_stored_is_executed(file: Source) -> Findings:
    """Models are numbers; no text from outside becomes code, no command goes through a shell."""
    if not file.shipped:
        return
    for line, module in _imports(file.tree, everywhere=True):
        if module.split(".")[0] in UNSAFE_MODULES:
            yield line, f"import of {module}: stored things are numbers, never code"
    for node in _calls(file):
        name = _name(node.func)
        if name in UNSAFE_CALLS or name in UNSAFE_ATTRIBUTES:
            yield node.lineno, f"{name}(): nothing from outside may be executed or unpickled"
        if any(word.arg == "shell" and not _false(word.value) for word in node.keywords):
            yield node.lineno, "shell=: commands are lists of words, never shell text"


def plain_rooms(file: Source) -> Findings:
    """What runs on indexers imports no science, not even inside a function, and nothing slow at module level."""
    if not file.path.startswith(PLAIN):
        return
    for line, module in _imports(file.tree, everywhere=True):
        if module.split(".")[0] in SCIENCE:
            yield line, f"import of {module} in a room that is standard library only"
    for line, module in _imports(file.tree, everywhere=False):
        if module in SLOW:
            yield line, f"import of {module} at module level: it slows every start; import it where it is used"


def heavy_imports_inside_functions(file: Source) -> Findings:
    """scikit-learn, scipy and joblib cost a second: only training pays it. numpy is for the engine and commands."""
    if not file.shipped:
        return
    for line, module in _imports(file.tree, everywhere=False):
        top = module.split(".")[0]
        if top in HEAVY or (top == "numpy" and not file.path.startswith(NUMERIC)):
            yield line, f"import of {module} at module level; import it inside the function that needs it"


def short_files(file: Source) -> Findings:
    """A file that outgrows a room is cut in two."""
    lines = len(file.text.splitlines())
    if file.path.endswith(".py") and lines > LONGEST:
        yield LONGEST + 1, f"{lines} lines; at most {LONGEST}"


def docstrings(file: Source) -> Findings:
    """Every module, public class and public function of the app says what it is."""
    if not file.shipped:
        return
    if ast.get_docstring(file.tree) is None and file.text.strip():  # type: ignore[arg-type]
        yield 1, "module without docstring"
    for name, line in _definitions(file.tree):
        yield line, f"{name} is public and has no docstring"


def no_machine_paths(file: Source) -> Findings:
    """Nothing is written for one person's machine."""
    for number, line in enumerate(file.text.splitlines(), 1):
        found = PRIVATE_PATH.search(line)
        if found and "PRIVATE_PATH" not in line:
            yield number, f"path of a machine: {found.group()}…"


def future_annotations(file: Source) -> Findings:
    """Python 3.9 reads X | Y in annotations only with the future import."""
    body = getattr(file.tree, "body", [])
    imported = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in body)
    annotated = any(isinstance(node, (ast.FunctionDef, ast.AnnAssign)) for node in ast.walk(file.tree))
    if file.shipped and annotated and not imported:
        yield 1, "from __future__ import annotations is missing"


LINTS: tuple[Callable[[Source], Findings], ...] = (
    no_print,
    nothing_stored_is_executed,
    plain_rooms,
    heavy_imports_inside_functions,
    short_files,
    docstrings,
    no_machine_paths,
    future_annotations,
)


def version_elsewhere(version: str, file: Source) -> Findings:
    """The version stands in app.conf; the change log names it too, because it is about versions."""
    if file.path in ("app.conf", "CHANGELOG.md"):
        return
    for number, line in enumerate(file.text.splitlines(), 1):
        if re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.]*\d)", line):
            yield number, f"the version {version} stands in app.conf only"


def sources(root: Path = ROOT) -> Iterator[Source]:
    """The files of the source tree that lints look at."""
    for path in sorted({path for pattern in PATTERNS for path in root.glob(pattern) if path.is_file()}):
        name = path.relative_to(root).as_posix()
        if "__pycache__" not in name and path.suffix not in (".gz", ".png"):
            yield source(name, path.read_text(encoding="utf-8"))


def findings(root: Path = ROOT) -> list[str]:
    """Everything that breaks a lint, as `path:line: text (lint)`."""
    version = _version((root / "app.conf").read_text(encoding="utf-8"))
    found = []
    for file in sources(root):
        for lint in LINTS:
            found += [f"{file.path}:{line}: {text} ({lint.__name__})" for line, text in lint(file)]
        found += [f"{file.path}:{line}: {text} (version_elsewhere)" for line, text in version_elsewhere(version, file)]
    return found


def _version(text: str) -> str:
    found = re.search(r"^version = (\S+)$", text, re.M)
    return found.group(1) if found else "?"


def _calls(file: Source) -> Iterator[ast.Call]:
    return (node for node in ast.walk(file.tree) if isinstance(node, ast.Call))


def _name(node: ast.AST) -> str:
    """`a.b.c` of an expression; empty when it is something else."""
    if isinstance(node, ast.Attribute):
        base = _name(node.value)
        return f"{base}.{node.attr}" if base else ""
    return node.id if isinstance(node, ast.Name) else ""


def _false(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _imports(tree: ast.AST, everywhere: bool) -> Iterator[tuple[int, str]]:
    """(line, module) of imports; not those for type checkers; inside functions only if asked for."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, name) for name in _from(node))
        elif isinstance(node, ast.If) and _name(node.test).endswith("TYPE_CHECKING"):
            yield from _imports(ast.Module(node.orelse, []), everywhere)
        elif everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _imports(node, everywhere)


def _from(node: ast.ImportFrom) -> list[str]:
    """`from urllib import request` means urllib and urllib.request."""
    module = node.module or ""
    return [] if node.level else [module, *(f"{module}.{alias.name}" for alias in node.names)]


def _definitions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, line) of public functions and classes without a docstring. Methods of a few lines are said by their name;
    those of a class with a base may be described there."""
    for node in getattr(tree, "body", []):
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if not isinstance(node, kinds) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not (isinstance(tree, ast.ClassDef) and _brief(tree, node)):
            yield node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node)


def _brief(owner: ast.ClassDef, node: ast.AST) -> bool:
    return bool(owner.bases) or (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) <= 5


def main() -> int:
    """Prints the findings; 1 if there are any."""
    found = findings()
    print("\n".join(found) if found else f"house lints: {len(LINTS) + 1} rules, nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
