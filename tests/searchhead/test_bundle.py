"""Indexers: what the knowledge bundle holds, what they can import, whose rows are whose."""

from __future__ import annotations

import os

import pytest

from searchhead import SearchHead
from searchhead.bundle import replicate
from searchhead.test_searchhead import ROWS, SPY, add_command, app  # noqa: F401

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WHERE = (
    SPY
    + """
info, _ = read()
sid = info["searchinfo"]["sid"]
try:
    import numpy as found
except ImportError:
    found = None
seen = [__file__, found is not None]
write({"type": "streaming", "required_fields": ["*"]})
while True:
    request, body = read()
    said = [["INFO", json.dumps([sid, len(body.splitlines()) - 1, *seen])]]
    write({"finished": request["finished"], "inspector": {"messages": said if body else []}}, body)
"""
)


def test_the_bundle_holds_code_and_bounds_and_no_collections_or_libraries(tmp_path) -> None:
    source = tmp_path / "app"
    for name in (
        "bin/x.py", "bin/deep/y.py", "bin/__pycache__/x.pyc", "lib/py39/z.py", "static/icon.png", "local/props.conf",
        "lookups/adaptive_web.csv", "lookups/adaptive_web_bounds.csv", "lookups/adaptive_web.csv.lock",
        "default/commands.conf", "default/macros.conf", "default/data/ui/nav/default.xml", "README.md",
    ):  # fmt: skip
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x = 1\n")
    with open(os.path.join(REPOSITORY, "default", "distsearch.conf"), encoding="utf-8") as file:
        (source / "default" / "distsearch.conf").write_text(file.read())
    target = replicate(str(source), str(tmp_path))
    assert target.endswith(os.path.join("var", "run", "searchpeers", "sh1-1700000000", "apps", "adaptive_monitoring"))
    found = [os.path.relpath(os.path.join(base, name), target) for base, _, names in os.walk(target) for name in names]
    assert sorted(found) == [
        "bin/deep/y.py", "bin/x.py", "default/commands.conf", "local/props.conf", "lookups/adaptive_web_bounds.csv",
    ]  # fmt: skip


def test_indexers_run_from_the_bundle_without_numpy(app) -> None:  # noqa: F811
    import json

    add_command(app, "where", WHERE)
    result = SearchHead(str(app), indexers=2).search("where | fixadd | fixlast | where", ROWS)
    told = [json.loads(text) for _, text in result.messages]
    assert [sid.startswith("remote_") for sid, *_ in told] == [True, True, False]
    assert ["searchpeers" in path for _, _, path, _ in told] == [True, True, False]
    assert [numpy for *_, numpy in told] == [False, False, True]


@pytest.mark.parametrize("form", [list, lambda owner: lambda rows, indexers: owner[:rows]])
def test_rows_may_be_split_in_any_way_and_come_back_in_any_order(app, form) -> None:  # noqa: F811
    owner = form([2, 2, 0, 2, 0, 2, 2])
    head = SearchHead(str(app), indexers=3, split=owner, order=[2, 1, 0])
    assert [row["cpu"] for row in head.search("fixadd", ROWS).rows] == ["1", "2", "4", "6", "7", "3", "5"]
    assert [row["cpu"] for row in SearchHead(str(app), indexers=3).search("fixadd", ROWS).rows] == list("1472536")


def test_only_required_fields_leave_the_indexers(app) -> None:  # noqa: F811
    add_command(app, "greedy", WHERE.replace('"streaming"', '"reporting"').replace('["*"]', '["cpu", "ho*"]'))
    result = SearchHead(str(app), indexers=2).search("greedy", ROWS)
    assert result.fields == ["host", "cpu"] or result.fields == ["cpu", "host"]
    assert result.rows_from_indexers == len(ROWS) and 0 < result.bytes_from_indexers < 100
