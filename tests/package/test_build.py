"""build.py: one function per word, Pythons found without knowing the machine, environments used again."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import build

HERE = "%d.%d" % sys.version_info[:2]


def fake_python(path: Path, number: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {number}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_without_words_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main([]) == 0
    shown = capsys.readouterr().out
    assert all(action.__name__ in shown for action in build.ACTIONS)


def test_words_of_the_house_are_there() -> None:
    words = {"setup", "demo", "check", "test", "bench", "guard", "ablation", "package", "inspect", "search", "clean"}
    assert words <= {action.__name__ for action in build.ACTIONS}


def test_the_running_python_is_found() -> None:
    assert build.starts(sys.executable, HERE)
    assert build.find(HERE) is not None


def test_pyenvs_newest_is_taken_when_nothing_is_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for patch in ("2", "10"):
        fake_python(tmp_path / "versions" / f"3.99.{patch}" / "bin" / "python", "3.99")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert build.find("3.99") == tmp_path / "versions" / "3.99.10" / "bin" / "python"


def test_a_shim_that_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = fake_python(tmp_path / "bin" / "python3.99", "")
    monkeypatch.setenv("PATH", str(shim.parent))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    assert build.find("3.99") is None


def test_one_python_is_enough_and_the_other_is_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "find", lambda number: Path("somewhere") if number == "3.9" else None)
    monkeypatch.setattr(build, "_said", set())
    assert build.pythons() == {"3.9": Path("somewhere")}
    assert "3.13 was not found" in capsys.readouterr().out
    assert build.best() == "3.9"


def test_without_either_the_running_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "find", lambda number: None)
    assert build.pythons() == {HERE: Path(sys.executable)}


def test_an_environment_is_made_once_per_set_of_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def pretend(command: list[str], hint: str) -> None:
        calls.append(command)
        python = tmp_path / "py" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(build, "VENV", tmp_path)
    monkeypatch.setattr(build, "must", pretend)
    for pins in (("a==1",), ("a==1",), ("a==2",)):
        build.made("py", Path(sys.executable), pins)
    assert [command[-1] for command in calls] == [str(tmp_path / "py"), "a==1", str(tmp_path / "py"), "a==2"]


def test_exit_code_is_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build.run([sys.executable, "-c", "raise SystemExit(3)"]) == 3
    codes = build.together({"a": [sys.executable, "-c", ""], "b": [sys.executable, "-c", "raise SystemExit(2)"]})
    assert codes == {"a": 0, "b": 2}
    with pytest.raises(SystemExit):
        build.must([sys.executable, "-c", "raise SystemExit(1)"], "hint")


@pytest.mark.parametrize("number", build.PINS)
def test_every_pin_is_exact(number: str) -> None:
    assert all(pin.count("==") == 1 for pin in (*build.PINS[number], *build.CHECKERS, *build.APPINSPECT))


def test_build_needs_the_standard_library_of_python_3_9_alone() -> None:
    for path in [build.ROOT / "build.py", *(build.ROOT / "tools").glob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
        imported = {
            alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        imported |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        known = getattr(sys, "stdlib_module_names", imported)
        assert imported <= set(known) | {"tools", "__future__"}, path.name
