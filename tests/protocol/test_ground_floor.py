"""What everything stands on: errors with codes, columns of equal length, the boot of a script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

import adaptboot
from adaptive_monitoring import errors
from adaptive_monitoring.columns import Columns


def leaves(root: type[errors.AdaptiveError]) -> list[type[errors.AdaptiveError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in leaves(child))]


def test_every_error_has_its_own_code_and_a_place_in_the_drawn_tree() -> None:
    tree = [error for error in leaves(errors.AdaptiveError) if error.__module__ == errors.__name__]
    codes = [error.code for error in tree]
    assert len(set(codes)) == len(codes)
    for error in tree:
        line = next(line for line in (errors.__doc__ or "").split("\n") if f" {error.__name__} " in line)
        assert error.code in line.split() and error.__doc__
    assert str(errors.BadValue("adaptfit: no")) == "adaptfit: no (ADM011)" and errors.BadValue("x").text == "x"


def test_columns_keep_equal_lengths() -> None:
    table = Columns(["a", "b"], [["1", "2"], ["3", "4"]])
    table.add("c", ["5", "6"])
    table.add("a", ["7", "8"])
    assert (table.names, table.get("a"), len(table), table.has("d")) == (["a", "b", "c"], ["7", "8"], 2, False)
    assert table.select(["c", "a"]).data == [["5", "6"], ["7", "8"]] and "c" in repr(table)
    only = Columns(["a"], [["1"]])
    only.add("a", ["1", "2"])
    assert len(only) == 2 and len(Columns()) == 0


def test_columns_refuse_what_is_no_table() -> None:
    for names, data in ((["a"], []), (["a", "a"], [["1"], ["2"]]), (["a", "b"], [["1"], []])):
        with pytest.raises(errors.InternalError):
            Columns(names, data)
    table = Columns(["a", "b"], [["1"], ["2"]])
    with pytest.raises(errors.InternalError):
        table.add("c", [])
    with pytest.raises(errors.MissingField, match='no field "x" in the rows; they have a, b'):
        table.get("x")


@pytest.mark.parametrize("present", [[], ["app"], ["companion"], ["app", "companion"]], ids=str)
def test_boot_adds_the_library_folders_that_exist(tmp_path, present) -> None:
    tag = f"py{sys.version_info[0]}{sys.version_info[1]}"
    folders = {
        "app": tmp_path / "adaptive_monitoring" / "lib" / tag,
        "companion": tmp_path / "SA-adaptive-libs-linux_x86_64" / "lib" / tag,
    }
    (tmp_path / "adaptive_monitoring" / "bin").mkdir(parents=True)
    for name in present:
        folders[name].mkdir(parents=True)
    script = shutil.copy(adaptboot.__file__, tmp_path / "adaptive_monitoring" / "bin")
    code = f"import sys; sys.path[0] = {os.path.dirname(script)!r}; import adaptboot; print(sys.path)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    path = eval(done.stdout)
    assert [entry for entry in path if entry.startswith(str(tmp_path))] == [
        os.path.dirname(script),
        *(str(folders[name]) for name in present),
    ]
