"""The rows of a back-test until all are in, as adaptfit keeps them; what they say about templates and history."""
from __future__ import annotations

import os

import numpy as np

from adaptive_monitoring.commands.kinds import TRUE
from adaptive_monitoring.commands.rows import Reader, joined
from adaptive_monitoring.commands.shelf import Shelf
from adaptive_monitoring.commands.windows import windows_of
from adaptive_monitoring.engine.base import Panel
from adaptive_monitoring.engine.numbers import Floats, Ints
from adaptive_monitoring.errors import MissingField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.protocol.body import Body
    from adaptive_monitoring.protocol.session import Messages, SearchInfo


class Gathering:
    """rows: read so far. templates: entity → its first template. learned_to: (entities,) time of the last row that
    history= marks, −inf = none. Values inside a window of suppress= are missing, for both sides."""

    def __init__(self, info: SearchInfo, messages: Messages, arguments: Arguments, tz: str) -> None:
        self.arguments = arguments
        self.reader = Reader("adaptbacktest", arguments)
        self.reader.windows = windows_of("adaptbacktest", "suppress", arguments, tz, messages)
        folder = info.dispatch_dir if os.path.isdir(info.dispatch_dir) else None
        self.shelf = Shelf(folder, command="adaptbacktest")
        self.rows = 0
        self.templates: dict[int, str] = {}
        self.learned_to: Floats = np.zeros(0)
        self.order: Ints | None = None

    @property
    def entities(self) -> int:
        return self.reader.entities

    def add(self, body: Body) -> None:
        """Keeps the numbers of one chunk. Raises NoTime, MissingField, BadValue, NotWritable."""
        batch = joined([self.reader.read(piece) for piece in body.slices()])
        self.rows += len(batch.t)
        more = self.entities - len(self.learned_to)
        self.learned_to = np.append(self.learned_to, np.full(more, -np.inf))
        usable = (batch.entity >= 0) & np.isfinite(batch.t)
        if self.arguments.template is not None:
            self._name(batch.entity, usable, self._texts(body, "template"))
        if self.arguments.history is not None:
            marked = np.fromiter((text.lower() in TRUE for text in self._texts(body, "history")), bool, len(usable))
            rows = np.flatnonzero(usable & marked)
            np.maximum.at(self.learned_to, batch.entity[rows], batch.t[rows])
        self.shelf.add(batch)

    def finish(self) -> None:
        """All rows are in. Raises MissingField when long rows hold no metric that was asked for."""
        reader = self.reader
        if not reader.metrics:
            raise MissingField("adaptbacktest: no metric_name in the rows matches "
                               f"{', '.join(field for field, _ in self.arguments.fields) or '*'}")
        if reader.long:
            order = sorted(range(len(reader.metrics)), key=reader.metrics.__getitem__)
            reader.metrics = [reader.metrics[i] for i in order]
            self.order = np.full(len(order) + 1, -1, dtype=np.int64)
            self.order[order] = np.arange(len(order))

    def indptr(self) -> Ints:
        """Rows of all entities up to each."""
        rows = np.zeros(self.entities + 1, dtype=np.int64)
        rows[1:len(self.shelf.rows) + 1] = self.shelf.rows
        return np.cumsum(rows)

    def panel(self, a: int, b: int) -> Panel:
        """All rows of entities a … b − 1, those of one time in the order in which they came."""
        d = len(self.reader.metrics)
        if not self.shelf.rows[a:b].any():
            return Panel(np.zeros(0), np.zeros((0, d)), np.zeros(b - a + 1, dtype=np.int64))
        return self.shelf.take(a, b, d, self.order).panel(b - a, d)[0]

    def since(self, a: int, b: int, panel: Panel) -> Floats:
        """(b − a,) where the comparison begins: after the rows of history=, else after=, else 7 days or a quarter."""
        first, last = ends_of(panel)
        after = self.arguments.after
        learned = self.learned_to[a:b]
        if self.arguments.history is not None:
            return np.where(learned > -np.inf, np.nextafter(learned, np.inf), first)
        wait = np.minimum(7 * 86400.0, (last - first) / 4) if after is None else float(after)
        return np.asarray(first + wait, dtype=np.float64)

    def _texts(self, body: Body, option: str) -> list[str]:
        field = self.arguments.options[option]
        if field not in body.names:
            raise MissingField(f"adaptbacktest: {option}={field}, but the rows have no such field")
        return list(body.columns([field]).data[0])

    def _name(self, entity: Ints, usable: np.ndarray, texts: list[str]) -> None:
        rows = np.flatnonzero(usable)
        present, first = np.unique(entity[rows], return_index=True)
        for e, row in zip(present.tolist(), rows[first].tolist()):
            if texts[row]:
                self.templates.setdefault(e, texts[row])


def ends_of(panel: Panel) -> tuple[Floats, Floats]:
    """(g,) times of the first and the last row of each entity, NaN without rows."""
    lengths = np.diff(panel.indptr)
    first, last = np.full(len(lengths), np.nan), np.full(len(lengths), np.nan)
    has = lengths > 0
    first[has], last[has] = panel.t[panel.indptr[:-1][has]], panel.t[panel.indptr[1:][has] - 1]
    return first, last
