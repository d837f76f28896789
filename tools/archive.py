"""Reproducible .tar.gz files: same content, same bytes.

Limits: the bytes also depend on the zlib of the Python that runs; machines may differ in compression, never in content.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path, PurePosixPath
from typing import Union

EPOCH = 1577836800  # 2020-01-01 UTC; Splunk Web shows it as the age of the files, so not 1970

Content = Union[Path, bytes]


def write(target: Path, root: str, files: dict[str, Content], level: int = 9) -> Path:
    """Writes `files` (path below the folder `root` -> content), sorted, owned by root, mode 0644, folders 0755."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as raw, gzip.GzipFile("", "wb", level, raw, mtime=0) as packed:
        _fill(packed, root, files)
    return target


def _fill(packed: gzip.GzipFile, root: str, files: dict[str, Content]) -> None:
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in _folders(root, files):
            tar.addfile(_header(name, tarfile.DIRTYPE, 0o755, 0))
        for path in sorted(files):
            content = files[path]
            data = content.read_bytes() if isinstance(content, Path) else content
            tar.addfile(_header(f"{root}/{path}", tarfile.REGTYPE, 0o644, len(data)), io.BytesIO(data))


def names(path: Path) -> list[str]:
    """The files in an archive, without folders."""
    with tarfile.open(path) as tar:
        return [member.name for member in tar if member.isfile()]


def _folders(root: str, files: dict[str, Content]) -> list[str]:
    found = {str(parent) for path in files for parent in PurePosixPath(root, path).parents}
    return sorted(found - {"."})


def _header(name: str, kind: bytes, mode: int, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.mode, header.size, header.mtime = kind, mode, size, EPOCH
    header.uname = header.gname = "root"
    return header
