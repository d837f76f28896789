"""The knowledge bundle: what of an app reaches an indexer, laid out as there.

splunkd's defaults (limits of this copy: one app, no users, no kvstore_*): bin/ and lookups/ of the app, and the .conf
files whose type is replicated, in default/ and local/; minus what the app's own default/distsearch.conf denies.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

from searchhead import spl

APP = "adaptive_monitoring"
CONF_TYPES = (
    "app", "authorize", "collections", "commands", "eventtypes", "fields", "literals", "lookups", "multikv", "props",
    "segmenters", "tags", "transactiontypes", "transforms",
)  # fmt: skip
ALLOWED = re.compile(rf"(bin|lookups)/.+|(default|local)/({'|'.join(CONF_TYPES)})\.conf")
#: Compiled modules travel too, but they would hide what is missing: an indexer starts with none.
NEVER = ("__pycache__",)


def replicate(app: str, home: str, search_head: str = "sh1-1700000000") -> str:
    """Copies the app below home as an indexer has it. Returns the folder of the app there."""
    target = os.path.join(home, "var", "run", "searchpeers", search_head, "apps", APP)
    denied = [re.compile(pattern_of(text)) for text in deny_list(app)]
    for path in _files(app):
        if ALLOWED.fullmatch(path) and not any(pattern.fullmatch(f"apps/{APP}/{path}") for pattern in denied):
            os.makedirs(os.path.dirname(os.path.join(target, path)), exist_ok=True)
            shutil.copyfile(os.path.join(app, path), os.path.join(target, path))
    return target


def deny_list(app: str) -> list[str]:
    """The patterns of the app's distsearch.conf."""
    conf = spl.read_conf(app, "distsearch")
    return [value for _, value in conf.items("replicationDenylist")] if conf.has_section("replicationDenylist") else []


def pattern_of(text: str) -> str:
    """Splunk's path patterns: a regular expression in which a dot is literal, ... is anything, * stops at a folder."""
    parts = {"...": ".*", "*": r"[^/\\]*", ".": r"\."}
    return re.sub(r"\.\.\.|\*|\.", lambda found: parts[found.group()], text)


def _files(app: str) -> Iterator[str]:
    for folder in ("bin", "lookups", "default", "local", "lib", "static"):
        for base, folders, names in os.walk(os.path.join(app, folder)):
            folders[:] = [name for name in folders if name not in NEVER]
            for name in names:
                yield os.path.relpath(os.path.join(base, name), app).replace(os.sep, "/")
