"""What a training says while it goes on, and that where its rows are kept changes nothing."""

from __future__ import annotations

import pytest
from searchhead import spl
from searchhead.table import encode, from_rows

from adaptive_monitoring.commands import fitting, shelf
from adaptive_monitoring.commands.fit import SPEC
from adaptive_monitoring.commands.options import parse
from adaptive_monitoring.protocol.body import Body
from adaptive_monitoring.protocol.session import Messages
from commands.fleet import wide
from commands.mapreduce import info

WORDS = "cpu mem by host"


def trained(size: int) -> tuple[bytes | None, Messages]:
    """Answer and messages of a training whose rows come in chunks of so many."""
    messages = Messages()
    work = fitting.Fitting(info(WORDS), messages, parse(spl.words(WORDS), SPEC))
    table = from_rows(wide("ab"))
    for at in range(0, len(table), size):
        work.execute(Body(encode(table.slice(at, at + size))), False)
    return work.execute(Body(), True), messages


def test_a_message_each_time_the_rows_have_doubled_and_seconds_for_each_phase(monkeypatch) -> None:
    monkeypatch.setattr(fitting, "FIRST_TOLD", 100)
    inspector = trained(50)[1].drain()
    told = [text.split(" read in ")[0] for _, text in inspector["messages"] if " read in " in text]
    assert told == [f"adaptfit: {n} rows of 2 entities" for n in (100, 200, 400, 800)]
    for name in ("rows_read", "entities_trained", "seconds_reading", "seconds_training", "seconds_storing"):
        assert inspector[f"metric.{name}"] >= 0
    assert inspector["metric.rows_read"] == 1152


@pytest.mark.parametrize("memory", [0, 5000])
def test_models_of_rows_in_the_file_are_those_of_rows_in_memory(memory, monkeypatch) -> None:
    in_memory = trained(300)[0]
    monkeypatch.setattr(shelf.Shelf.__init__, "__defaults__", (None, memory, "adaptfit"))
    assert trained(300)[0] == in_memory is not None
