"""Where collections lie, and which there are. Cheap to import: all of the store that the code on indexers needs."""

from __future__ import annotations

import os
import re

from adaptive_monitoring.errors import CollectionNotFound
from adaptive_monitoring.store.base import check_name

FILE = re.compile(r"adaptive_([A-Za-z0-9_-]{1,64}?)(_bounds)?\.csv", re.ASCII).fullmatch


def app_folder() -> str:
    """The folder above bin/: the installed app, on an indexer its copy in the knowledge bundle."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.dirname(os.path.dirname(os.path.dirname(here)))


class Places:
    """The files of one app. app: its folder, default this app."""

    def __init__(self, app: str | None = None) -> None:
        self.app = app or app_folder()
        self.folder = os.path.join(self.app, "lookups")

    def path(self, name: str) -> str:
        """The file of a collection. Raises BadCollectionName."""
        return os.path.join(self.folder, f"adaptive_{check_name(name)}.csv")

    def bounds_path(self, name: str) -> str:
        """The file of a collection's bounds. Raises BadCollectionName."""
        return os.path.join(self.folder, f"adaptive_{check_name(name)}_bounds.csv")

    def version_path(self, name: str, version: int) -> str:
        """The copy of an earlier version. Raises BadCollectionName."""
        return os.path.join(self.folder, f"adaptive_{check_name(name)}.v{version:03d}.csv")

    def names(self, bounds: bool = False) -> list[str]:
        """Collections that exist, sorted; or those that have a bounds lookup."""
        found = [match for match in map(FILE, self.listing()) if match]
        return sorted(match.group(1) for match in found if bool(match.group(2)) is bounds)

    def versions(self, name: str) -> list[int]:
        """Numbers of the kept versions, oldest first."""
        kept = re.compile(rf"adaptive_{check_name(name)}\.v(\d{{3,9}})\.csv", re.ASCII).fullmatch
        return sorted(int(match.group(1)) for match in map(kept, self.listing()) if match)

    def number(self, name: str, newest: int) -> int:
        """The version that a collection's file is now. newest: the highest model_version of its rows.

        After a rollback the rows have an older one than the version that was kept last: the file is then the one after
        that. So no number is given twice.
        """
        kept = self.versions(name)
        last = kept[-1] if kept else -1
        return newest if newest > last else last + (1 if os.path.exists(self.path(name)) else 0)

    def listing(self) -> list[str]:
        """Names of all files in lookups/."""
        return os.listdir(self.folder) if os.path.isdir(self.folder) else []

    def not_found(self, name: str) -> CollectionNotFound:
        """The error for a collection that is not there."""
        return CollectionNotFound(
            f'store: no collection "{name}" in {self.folder}; {_known(self.names())}. '
            f"Train it first: ... | adaptfit <fields> by <entity> into {name}"
        )

    def bounds_not_found(self, name: str) -> CollectionNotFound:
        """The error for a collection without bounds lookup."""
        if os.path.exists(self.path(name)):
            fix = f"Write it: | adaptmodel action=export collection={name}"
        else:
            fix = f"Train it first: ... | adaptfit <fields> by <entity> into {name} (indexers get it a minute later)"
        return CollectionNotFound(
            f'store: no bounds lookup of collection "{name}" in {self.folder}; {_known(self.names(bounds=True))}. {fix}'
        )


def _known(names: list[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"there are: {', '.join(names[:20])}{more}" if names else "there is none yet"
