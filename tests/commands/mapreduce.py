"""The map phase and the reducing side of adaptfit in this process: what many random splits would be too slow for."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from searchhead import spl
from searchhead.table import Row, Table, concat, decode, encode, from_rows

from adaptive_monitoring.commands.fit import SPEC
from adaptive_monitoring.commands.fitting import Fitting
from adaptive_monitoring.commands.intake import Intake
from adaptive_monitoring.commands.options import parse
from adaptive_monitoring.commands.reducing import Map, preop
from adaptive_monitoring.commands.rows import Reader, in_value_order
from adaptive_monitoring.protocol.body import Body
from adaptive_monitoring.protocol.session import Messages, SearchInfo

KEPT = 2_000  # events are cut into chunks of so many rows at most


def info(words: str, sid: str = "") -> SearchInfo:
    """What splunkd says about a search with these words."""
    return SearchInfo({"searchinfo": {"raw_args": spl.words(words), "sid": sid, "command": "adaptfit"}})


def mapped(words: str, rows: list[Row] | Table, chunk: int = KEPT, sid: str = "remote_sh1_1") -> Table:
    """What one indexer sends for its rows. words: behind adaptfit, without phase=map."""
    text = preop(parse(spl.words(words), SPEC))
    assert text is not None
    command = Map(info(spl.pipeline(text)[-1][1], sid), Messages())
    table = rows if isinstance(rows, Table) else from_rows(rows)
    bodies = [table.slice(at, at + chunk) for at in range(0, len(table), chunk)]
    replies = [command.execute(Body(encode(body)), False) for body in bodies]
    replies.append(command.execute(Body(), True))
    return concat([decode(reply) for reply in replies if reply])


def split(rows: list[Row], indexers: int, chance: random.Random) -> list[list[Row]]:
    """The rows at random on so many indexers; some may have none."""
    shares: list[list[Row]] = [[] for _ in range(indexers)]
    for row in rows:
        chance.choice(shares).append(row)
    return shares


def reduced(
    words: str, rows: list[Row], indexers: int, chance: random.Random, raw: float = 0.0, sparse: bool = False
) -> list[Table]:
    """Rows after the map phase, in any order, as chunks.

    raw: share of the indexers that skipped their map phase. sparse: a field that no row of an indexer has does not
    exist there, and fields are in any order.
    """
    arrived = []
    for share in split(rows, indexers, chance):
        table = from_rows(share)
        if sparse:
            table = table.without_empty()
            table = table.select(chance.sample(table.fields, len(table.fields)))
        skipped = chance.random() < raw
        found = table if skipped else mapped(words, table, chance.choice([1, 3, 50, KEPT]))
        arrived += [found.take([i]) for i in range(len(found))] if not skipped else [found]
    chance.shuffle(arrived)
    together = concat(arrived)
    size = chance.choice([1, 7, KEPT]) if len(together) < 100 else KEPT
    return [together.slice(at, at + size) for at in range(0, len(together), size)]


def models(words: str, chunks: list[Table]) -> tuple[bytes | None, list[str]]:
    """The rows of adaptfit and what it says besides the time it took."""
    messages = Messages()
    fitting = Fitting(info(words), messages, parse(spl.words(words), SPEC))
    for chunk in chunks:
        fitting.execute(Body(encode(chunk)), False)
    out = fitting.execute(Body(), True)
    said = [text for level, text in messages.drain().get("messages", []) if level == "WARN" or " models of " in text]
    return out, [text.split(" rows in ")[0] for text in said]


def numbers(words: str, chunks: list[Table]) -> tuple[dict[Any, Any], int, list[str]]:
    """Per entity and metric the times and values that are learned, bit by bit; rows; what is said about the others."""
    arguments = parse(spl.words(words), SPEC)
    reader = Reader("adaptfit", arguments)
    intake = Intake(reader, [], arguments.span or 0)
    batches = [batch for chunk in chunks for batch in intake.read(Body(encode(chunk)))]
    batches += intake.finish(Messages())
    found: dict[Any, Any] = {key: {} for key in reader.keys}
    d = len(reader.metrics)
    if batches and d:
        t, entity = (np.concatenate([getattr(b, name) for b in batches]) for name in ("t", "entity"))
        x = np.concatenate([b.x for b in batches])
        metric = np.concatenate([b.metric for b in batches]) if reader.long else None  # type: ignore[misc]
        panel = in_value_order(type(batches[0])(t, entity, x, metric)).panel(len(reader.keys), d)[0]
        for e, key in enumerate(reader.keys):
            a, b = panel.indptr[e], panel.indptr[e + 1]
            values = {name: panel.x[a:b, m].tobytes() for m, name in enumerate(reader.metrics)}
            found[key] = {"t": panel.t[a:b].tobytes(), **values}
    return found, intake.rows, reader.remarks()
