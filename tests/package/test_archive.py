"""What is in the archive, that it is reproducible, and what goes into the companion add-on."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import build
from tools import appinspect, archive, companion, fetch, package

ALLOWED = re.compile(
    r"""default/(app|commands|searchbnf|transforms|macros|savedsearches|distsearch|collections|restmap|web)\.conf
      | default/data/ui/(nav/default|views/[a-z_]+)\.xml
      | metadata/default\.meta
      | bin/adapt[a-z]+\.py
      | bin/adaptive_monitoring/([a-z]+/)*[a-z_]+\.py
      | lookups/[a-z][a-z0-9_]*\.csv(\.gz)?
      | static/app(Icon|IconAlt|Logo)(_2x)?\.png
      | README/[a-z_]+\.conf\.spec
      | README\.md|CHANGELOG\.md|LICENSE|NOTICE""",
    re.X,
)


@pytest.fixture(scope="module")
def files() -> dict[str, archive.Content]:
    return package.source_files()


def test_only_files_that_belong_to_an_app_are_shipped(files: dict[str, archive.Content]) -> None:
    assert [name for name in files if not ALLOWED.fullmatch(name)] == []


def test_what_an_app_needs_is_shipped(files: dict[str, archive.Content]) -> None:
    needed = {
        "default/app.conf",
        "default/commands.conf",
        "metadata/default.meta",
        "bin/adaptboot.py",
        "LICENSE",
        "NOTICE",
    }
    needed |= {"static/appIcon.png", "static/appIcon_2x.png", "default/data/ui/nav/default.xml", "README.md"}
    needed |= {
        f"bin/{path.relative_to(package.ROOT / 'bin').as_posix()}" for path in (package.ROOT / "bin").rglob("*.py")
    }
    assert needed <= set(files)


def test_every_conf_file_has_a_place(files: dict[str, archive.Content]) -> None:
    sources = {path for path in files.values() if isinstance(path, Path)}
    ours = {path for path in (package.ROOT / "default").rglob("*") if path.is_file()}
    assert ours <= sources


def test_collections_of_an_installation_are_not_shipped(files: dict[str, archive.Content]) -> None:
    assert not [name for name in files if name.startswith("lookups/adaptive_")]


def test_same_source_same_bytes(tmp_path: Path, files: dict[str, archive.Content]) -> None:
    turned = dict(reversed(list(files.items())))
    first = archive.write(tmp_path / "a.tar.gz", package.APP, files).read_bytes()
    second = archive.write(tmp_path / "sub" / "b.tar.gz", package.APP, turned).read_bytes()
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()


def test_other_content_other_bytes(tmp_path: Path) -> None:
    first = archive.write(tmp_path / "a.tar.gz", "app", {"x": b"1"}).read_bytes()
    assert first != archive.write(tmp_path / "b.tar.gz", "app", {"x": b"2"}).read_bytes()


def test_archive_resets_owner_mode_and_time(tmp_path: Path, files: dict[str, archive.Content]) -> None:
    path = archive.write(tmp_path / "a.tar.gz", package.APP, files)
    assert path.read_bytes()[4:8] == b"\0\0\0\0"
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "root", "root")}
    assert {member.mtime for member in members} == {archive.EPOCH}
    assert {member.mode for member in members if member.isfile()} == {0o644}
    assert {member.mode for member in members if member.isdir()} == {0o755}
    assert all(member.isfile() or member.isdir() for member in members)
    assert [member.name for member in members if member.isfile()] == sorted(f"{package.APP}/{name}" for name in files)


def test_archive_holds_what_the_files_hold(tmp_path: Path) -> None:
    path = archive.write(
        tmp_path / "a.tar.gz", "app", {"bin/x.py": b"pass\n", "default/app.conf": package.ROOT / "app.conf"}
    )
    with tarfile.open(path) as tar:
        inside = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]
    assert inside == {"app/bin/x.py": b"pass\n", "app/default/app.conf": (package.ROOT / "app.conf").read_bytes()}


def test_staged_app_is_the_archive_laid_out(tmp_path: Path, files: dict[str, archive.Content]) -> None:
    app = package.stage(tmp_path)
    assert app.name == package.APP
    assert {path.relative_to(app).as_posix() for path in app.rglob("*") if path.is_file()} == set(files)


def test_icons_have_the_sizes_that_splunk_asks_for() -> None:
    from tools import icons

    for name, (width, height) in icons.ICONS.items():
        data = (package.ROOT / "static" / name).read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (width, height)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("numpy/_core/_multiarray_umath.cpython-313-x86_64-linux-gnu.so", True),
        ("numpy/_core/tests/_natype.py", True),
        ("numpy.libs/libscipy_openblas64_.so", True),
        ("sklearn/datasets/_base.py", True),
        ("numpy-2.0.2.dist-info/LICENSE.txt", True),
        ("scikit_learn-1.6.1.dist-info/licenses/COPYING", True),
        ("numpy/_core/tests/test_umath.py", False),
        ("sklearn/datasets/data/iris.csv", False),
        ("scipy/stats/tests/data/x.npy", False),
        ("numpy/_core/include/numpy/arrayobject.h", False),
        ("numpy/__init__.pyi", False),
        ("numpy/distutils/__pycache__/x.cpython-39.pyc", False),
        ("scipy/misc/face.dat", False),
    ],
)
def test_companion_keeps_what_runs_and_every_licence(name: str, kept: bool) -> None:
    assert companion.kept(name) is kept


def test_companion_is_never_replicated_and_has_the_apps_version() -> None:
    templates = {name: (companion.TEMPLATES / name).read_text(encoding="utf-8") for name in companion.PLACES}
    assert "@VERSION@" in templates["app.conf"]
    pattern = re.search(r"^adaptive_native_libraries = (.+)$", templates["distsearch.conf"], re.M)
    assert pattern
    assert pattern.group(1) == r"apps[/\\]SA-adaptive-libs-*[/\\]..."
    import adaptboot

    assert adaptboot.COMPANION == companion.NAME


@pytest.mark.parametrize(
    ("which", "number"),
    [("py39", "3.9"), ("py313", "3.13"), ("sdk-py39", "3.9"), ("sdk-py313", "3.13"), ("ics", "3.9"), ("ics", "3.13")],
)
def test_what_is_tested_is_what_is_shipped(which: str, number: str) -> None:
    tested = dict(pin.split("==") for pin in build.PINS[number])
    shipped = {pin.name: pin.version for pin in fetch.pins(which)}
    assert {name: version for name, version in shipped.items() if tested.get(name, version) != version} == {}
    science = {"numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl"}
    assert science <= set(shipped) or set(shipped) in ({"splunk-sdk"}, {"icalendar", "python-dateutil", "six"})


def test_a_pin_without_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.txt").write_text("# tags: cp39 any\nnumpy==2.0.2\n", encoding="utf-8")
    monkeypatch.setattr(fetch, "PINS", tmp_path)
    with pytest.raises(ValueError, match="hash"):
        fetch.pins("x")


def test_a_file_with_another_hash_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins, store = tmp_path / "pins", tmp_path / "store"
    pins.mkdir()
    store.mkdir()
    (pins / "x.txt").write_text(
        f"# tags: source\nx==1 --hash=sha256:{hashlib.sha256(b'good').hexdigest()}\n", encoding="utf-8"
    )
    monkeypatch.setattr(fetch, "PINS", pins)
    monkeypatch.setattr(fetch.subprocess, "run", lambda *args, **kwargs: None)
    (store / "x-1.tar.gz").write_bytes(b"evil")
    with pytest.raises(RuntimeError, match="hash"):
        fetch.fetch("x", store, "python")
    (store / "x-1.tar.gz").write_bytes(b"good")
    assert fetch.fetch("x", store, "python") == [store / "x-1.tar.gz"]


def test_the_rest_client_is_taken_from_source_archive_and_wheel_alike(tmp_path: Path) -> None:
    inside = {
        "splunklib/client.py": b"a",
        "splunklib/searchcommands/x.py": b"b",
        "splunk_sdk-3.dist-info/METADATA": b"c",
        "setup.py": b"d",
    }
    wheel, sdist = tmp_path / "x.whl", tmp_path / "x.tar.gz"
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, data in inside.items():
            packed.writestr(name, data)
    with gzip.open(sdist, "wb") as raw, tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in inside.items():
            header = tarfile.TarInfo(f"splunk-sdk-2/{name}")
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    for path in (wheel, sdist):
        members = package._members(path)
        assert members == inside
        assert {name for name in members if package._wanted(name)} == {
            "splunklib/client.py",
            "splunk_sdk-3.dist-info/METADATA",
        }


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("icalendar/cal.py", True),
        ("icalendar/timezone/windows_to_olson.py", True),
        ("dateutil/rrule.py", True),
        ("dateutil/tz/tz.py", True),
        ("six.py", True),
        ("icalendar-6.3.2.dist-info/licenses/LICENSE.rst", True),
        ("python_dateutil-2.9.0.post0.dist-info/LICENSE", True),
        ("six-1.17.0.dist-info/METADATA", True),
        ("icalendar/tests/test_period.py", False),
        ("icalendar/cli.py", False),
        ("dateutil/zoneinfo/__init__.py", False),
        ("dateutil/zoneinfo/dateutil-zoneinfo.tar.gz", False),
        ("icalendar-6.3.2.dist-info/RECORD", False),
    ],
)
def test_of_the_icalendar_libraries_what_runs_and_every_licence_is_shipped(name: str, kept: bool) -> None:
    assert bool(package.ICS_FILES.fullmatch(name)) is kept


def test_the_pruned_icalendar_libraries_read_a_calendar_alone(tmp_path: Path) -> None:
    from importlib.metadata import files as installed

    for library in ("icalendar", "python-dateutil", "six"):
        for file in installed(library) or []:
            if package.ICS_FILES.fullmatch(str(file)):
                target = tmp_path / str(file)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=W. Europe Standard Time:20260104T020000\nDURATION:PT1H\n"
    text += "RRULE:FREQ=WEEKLY;UNTIL=20260201T000000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    code = f"""
import sys, datetime
sys.path[:0] = sys.argv[1:]
from adaptive_monitoring.commands.icsfile import events
days = datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)
found = list(events("x", {text!r}, *days, []))
assert [event.start.day for event in found] == [4, 11, 18, 25], found
assert not [name for name, module in sys.modules.items() if "site-packages" in str(getattr(module, "__file__", ""))]
"""
    command = [sys.executable, "-S", "-s", "-E", "-B", "-c", code, str(tmp_path), str(package.ROOT / "bin")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def report(*checks: tuple[str, str]) -> dict[str, object]:
    rows = [
        {"name": name, "result": result, "messages": [{"result": result, "message": "m"}]} for name, result in checks
    ]
    return {"reports": [{"groups": [{"checks": rows}]}]}


def test_appinspect_failures_and_unexplained_warnings_are_refused() -> None:
    found = report(("a", "success"), ("b", "warning"), ("c", "warning"), ("d", "failure"), ("e", "error"))
    verdict = appinspect.judge(found, {"b": "because", "d": "no reason helps here"})
    assert [line.split(":")[0] for line in verdict.refused] == ["warning c", "failure d", "error e"]
    assert verdict.accepted == ["b"]


def test_appinspect_without_checks_is_no_success() -> None:
    assert appinspect.judge(report(), {}).refused


def test_accepted_warnings_need_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "accepted.txt"
    path.write_text("# x\ncheck_a: it is so\n", encoding="utf-8")
    with pytest.raises(ValueError, match="reason"):
        appinspect.accepted_checks(path)
    assert appinspect.accepted_checks(Path(__file__).with_name("accepted.txt"))
