"""Windows of suppress= and exclude=: times, wildcards, ends, bad rows; and what the commands make of them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adaptive_monitoring.commands.windows import Windows, seconds
from adaptive_monitoring.errors import CollectionNotFound, MissingField

KEYS = [("web01",), ("web02",)]


def windows(folder: Path, text: str, by: tuple[str, ...] = ("host",)) -> Windows:
    (folder / "lookups").mkdir(exist_ok=True)
    (folder / "lookups" / "downtimes.csv").write_text(text, encoding="utf-8")
    return Windows("adaptdetect: suppress", "downtimes", by, app=str(folder))


def test_both_ends_belong_to_the_window_and_other_entities_do_not(tmp_path: Path) -> None:
    found = windows(tmp_path, "host,start,end,reason\nweb01,100,200,patch\n").find(
        np.array([99.0, 100.0, 200.0, 201.0, 150.0]), np.array([0, 0, 0, 0, 1]), KEYS)
    assert found.tolist() == [-1, 0, 0, -1, -1]


def test_an_empty_cell_or_a_star_means_every_entity(tmp_path: Path) -> None:
    found = windows(tmp_path, "host,start,end\n*,0,9\n,20,29\n").find(
        np.array([5.0, 5.0, 25.0]), np.array([0, 1, 1]), KEYS)
    assert found.tolist() == [0, 0, 1]


def test_entities_that_come_later_are_matched_too(tmp_path: Path) -> None:
    found = windows(tmp_path, "host,start,end\nweb02,0,9\n")
    assert found.find(np.array([5.0]), np.array([0]), KEYS[:1]).tolist() == [-1]
    assert found.find(np.array([5.0]), np.array([1]), KEYS).tolist() == [0]


def test_bad_rows_are_named_and_the_others_count(tmp_path: Path) -> None:
    read = windows(tmp_path, "host,start,end\nweb01,soon,later\nweb01,2024-01-01T00:00:00Z,1704070800\n")
    assert len(read.rows) == 1 and "line 2" in read.problems[0] and "soon" in read.problems[0]
    assert read.rows[0][:2] == (1704067200.0, 1704070800.0)


@pytest.mark.parametrize("text", ["", "x", "nan", "1e300", "2024-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        seconds(text)


def test_missing_lookup_and_missing_columns_are_errors(tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFound, match="there is no"):
        Windows("adaptfit: exclude", "nothing", ["host"], app=str(tmp_path))
    with pytest.raises(MissingField, match="start and end"):
        windows(tmp_path, "host,from,to\nweb01,1,2\n")
