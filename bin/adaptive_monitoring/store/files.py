"""Files on disk: whole files, replaced in one step, one writer at a time.

A process killed at any moment leaves the old file or the new one, never a mixture. What it may leave beside it
(`*.tmp`, `*.lock`) is overwritten or taken over by the next writer.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress

from adaptive_monitoring.errors import NotWritable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

LOCK_WAIT_S = 60.0  # a write of 500 MB through splunkd takes tens of seconds; longer means that the other writer hangs
LOCK_POLL_S = 0.05
LOCK_STALE_S = 600.0  # without flock only: an older lock file belongs to a dead process


def staging_folder(app: str) -> str | None:
    """The one folder from which splunkd takes lookup files, None where there is no Splunk around the app."""
    home = os.environ.get("SPLUNK_HOME", "")
    if not home:
        apps = os.path.dirname(app)
        if os.path.basename(apps) != "apps" or os.path.basename(os.path.dirname(apps)) != "etc":
            return None
        home = os.path.dirname(os.path.dirname(apps))
    return os.path.join(home, "var", "run", "splunk", "lookup_tmp")


def read(path: str) -> bytes | None:
    """The whole file, None when there is none. Raises NotWritable when it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from None


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The file for reading. Raises FileNotFoundError, NotWritable when it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as stream:
            yield stream
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(path, error) from None


def stamp(stream: BinaryIO) -> tuple[int, int, int]:
    """What changes when a file is replaced or written to: its inode, time and size."""
    found = os.fstat(stream.fileno())
    return found.st_ino, found.st_mtime_ns, found.st_size


def _unreadable(path: str, error: OSError) -> NotWritable:
    return NotWritable(f"store: {path} cannot be read: {error.strerror}. Check its owner and permissions")


def stage(folder: str, name: str, data: bytes) -> str:
    """Writes a file that splunkd can fetch. Returns its path; remove it when splunkd has not. Raises NotWritable."""
    path = os.path.join(folder, f"{os.getpid()}_{time.time_ns()}_{name}")
    with explained(path):
        os.makedirs(folder, exist_ok=True)
        try:
            _write_synced(path, data)
        except OSError:
            remove(path)
            raise
    return path


def replace(path: str, data: bytes) -> None:
    """Puts data in place of the file in one step. Call under the lock. Raises NotWritable: the old file is intact."""
    beside = path + ".tmp"
    with explained(path):
        try:
            remove(beside)
            _write_synced(beside, data)
            if not holds(beside, data):
                raise OSError(5, "what was read back is not what was written")
            os.replace(beside, path)
            _sync_folder(os.path.dirname(path))
        except OSError:
            remove(beside)
            raise


def holds(path: str, data: bytes) -> bool:
    """Whether this is what the file has. Reads a megabyte at a time: data may be large. Raises OSError."""
    if os.path.getsize(path) != len(data):
        return False
    with open(path, "rb", buffering=0) as stream:
        at = 0
        for part in iter(lambda: stream.read(1_000_000), b""):
            if data[at : at + len(part)] != part:
                return False
            at += len(part)
    return at == len(data)


def sha256(data: bytes) -> str:
    """64 hex digits."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def sha256_of(path: str) -> str:
    """The same of a file, '' when there is none. Raises NotWritable when it cannot be read."""
    import hashlib

    found = hashlib.sha256()
    try:
        with opened(path) as stream:
            for part in iter(lambda: stream.read(1_000_000), b""):
                found.update(part)
    except FileNotFoundError:
        return ""
    return found.hexdigest()


def remove(path: str) -> bool:
    """True when there was such a file. Raises OSError."""
    try:
        os.remove(path)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns trouble of the file system into NotWritable."""
    try:
        yield
    except OSError as error:
        raise NotWritable(
            f"store: {path} could not be written: {error.strerror or error}; what was stored before is unchanged. Free "
            "space on the disk, or give the user that runs Splunk write access to the folder, then run the search again"
        ) from None


@contextmanager
def locked(path: str, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Holds the lock file `path`, so that writers of one collection take turns. Raises NotWritable after wait_s.

    Limits: one machine; writers on two search heads of a cluster are not kept apart, there the last one wins.
    """
    deadline = time.monotonic() + wait_s
    with explained(path):
        handle = _acquire(path)
        while handle is None and time.monotonic() < deadline:
            time.sleep(LOCK_POLL_S)
            handle = _acquire(path)
    if handle is None:
        raise NotWritable(
            f"store: another search has been writing this collection for {wait_s:g} s (lock file {path}). "
            "Wait for it or stop it, and run the search again; nothing was written"
        )
    try:
        yield
    finally:
        _release(path, handle)


def _acquire(path: str) -> int | None:
    """An open lock, or None while somebody else holds it. Raises OSError."""
    try:
        import fcntl
    except ImportError:
        return _acquire_exclusive(path)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _same_file(handle, path):
            return handle
    except BlockingIOError:
        pass
    os.close(handle)
    return None


def _acquire_exclusive(path: str) -> int | None:
    """Where there is no flock (Windows): the file's existence is the lock; an old one is taken over."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        with suppress(OSError):
            if time.time() - os.stat(path).st_mtime > LOCK_STALE_S:
                os.remove(path)
        return None


def _release(path: str, handle: int) -> None:
    """Removes the lock file while it is still held, then lets go: who waits for it sees that the file is gone."""
    if os.name != "nt":
        with suppress(OSError):
            os.remove(path)
    os.close(handle)
    if os.name == "nt":
        with suppress(OSError):
            os.remove(path)


def _same_file(handle: int, path: str) -> bool:
    """False when the file was removed or replaced between opening and locking it."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _write_synced(path: str, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: str) -> None:
    """Makes a rename survive a power cut. Windows cannot open folders, and needs not."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
