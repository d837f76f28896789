"""The app's archive: one table says where each part of the source tree lands.

The installed tree is adaptive_monitoring/ with default/, metadata/, bin/, lookups/, static/, README/ and lib/.
"""

from __future__ import annotations

import configparser
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

from tools import archive, fetch

ROOT = Path(__file__).resolve().parent.parent
APP = "adaptive_monitoring"

#: (pattern in the source tree, folder in the installed app). `**` goes down; what no pattern names is not shipped.
PLACES = (
    ("app.conf", "default"),
    ("default/*.conf", "default"),
    ("default/data/**/*.xml", "default/data"),
    ("default/*.conf.spec", "README"),
    ("default/default.meta", "metadata"),
    ("bin/**/*.py", "bin"),
    ("lookups/*.csv", "lookups"),
    ("lookups/*.csv.gz", "lookups"),
    ("static/*.png", "static"),
    ("README.md", ""),
    ("CHANGELOG.md", ""),
    ("LICENSE", ""),
    ("NOTICE", ""),
)
#: Collections belong to an installation; the app never ships (and never overwrites) one.
COLLECTIONS = "adaptive_"
#: The REST client only: no searchcommands, modularinput, ai. 3.x asks its own metadata for its version.
SDK_FILES = ("__init__.py", "binding.py", "client.py", "data.py")
TAGS = ("py39", "py313")
#: What imports of iCalendar files need: no tests, no time zone archive (zoneinfo reads the system's), no build records.
ICS_FILES = re.compile(
    r"(icalendar/(?!tests/|cli\.py).+|dateutil/(?!zoneinfo/).+|six)\.py|[^/]+\.dist-info/(METADATA|(licenses/)?LICENSE.*)"
)


def version() -> str:
    """The version in app.conf."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "app.conf", encoding="utf-8")
    return parser["launcher"]["version"]


def source_files() -> dict[str, archive.Content]:
    """Installed path -> file of the source tree, for everything but lib/."""
    found: dict[str, archive.Content] = {}
    for pattern, folder in PLACES:
        base = ROOT / pattern.split("*")[0].rpartition("/")[0] if "*" in pattern else (ROOT / pattern).parent
        for path in sorted(ROOT.glob(pattern)):
            if folder != "lookups" or not path.name.startswith(COLLECTIONS):
                found["/".join(filter(None, [folder, path.relative_to(base).as_posix()]))] = path
    return found


def sdk_files(store: Path, python: str) -> dict[str, archive.Content]:
    """Installed path -> content of splunklib, once per Python: lib/py39 and lib/py313."""
    found: dict[str, archive.Content] = {}
    for tag in TAGS:
        package = fetch.fetch(f"sdk-{tag}", store, python)[0]
        for name, data in _members(package).items():
            if _wanted(name):
                found[f"lib/{tag}/{name}"] = data
    return found


def ics_files(store: Path, python: str) -> dict[str, archive.Content]:
    """Installed path -> content of icalendar, dateutil and six, the same for each Python."""
    members = {
        name: data
        for package in fetch.fetch("ics", store, python)
        for name, data in _members(package).items()
        if ICS_FILES.fullmatch(name)
    }
    return {f"lib/{tag}/{name}": data for tag in TAGS for name, data in members.items()}


def vendored(store: Path, python: str) -> dict[str, archive.Content]:
    """Everything in lib/ of the app."""
    return {**sdk_files(store, python), **ics_files(store, python)}


def stage(dest: Path) -> Path:
    """Lays the app out below `dest` as Splunk would install it, without lib/. Returns the app's folder."""
    app = dest / APP
    for name, source in source_files().items():
        assert isinstance(source, Path)
        target = app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return app


def app_archive(dist: Path, python: str) -> Path:
    """Writes dist/adaptive_monitoring-<version>.tar.gz. python: any Python with pip, to fetch what goes into lib/."""
    files = {**source_files(), **vendored(dist / "wheels", python)}
    return archive.write(dist / f"{APP}-{version()}.tar.gz", APP, files)


def _members(package: Path) -> dict[str, bytes]:
    """Content of a wheel, or of a source archive without its first folder."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/")}
    with tarfile.open(package) as tar:
        files = [(member.name.partition("/")[2], tar.extractfile(member)) for member in tar if member.isfile()]
        return {name: stream.read() for name, stream in files if stream}


def _wanted(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return (folder == "splunklib" and file in SDK_FILES) or (folder.endswith(".dist-info") and file == "METADATA")
