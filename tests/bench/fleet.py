"""The collection of the speed, start-up and memory scenarios: 500 hosts, three days at five minutes, season=day."""

from __future__ import annotations

from collections.abc import Iterator

from bench.rows import NARROW, TRAIN, Fleet, Form
from bench.stage import Stage

COLLECTION = "bench"
WORDS = {
    "model": f"cpu by host model={COLLECTION}",
    "pointwise": f"cpu by host model={COLLECTION} pointwise=true",
}


class Fixture:
    """history: what was learned. live: what is scored, the time that follows."""

    def __init__(self, stage: Stage, rows: int, hosts: int = 500, history: int = 2304) -> None:
        self.stage = stage
        self.history = Fleet(hosts, history)
        self.live = self.history.after(max(1, rows // hosts))

    def train(self) -> None:
        """Writes collection and bounds, once per run."""
        if COLLECTION in self.stage.trained:
            return
        self.stage.hold("adaptfit", f"cpu by host into {COLLECTION} season=day", self.history.bodies(TRAIN), whole=True)
        self.stage.hold("adaptmodel", f"action=export collection={COLLECTION}", generating())
        self.stage.trained[COLLECTION] = "done"

    def bodies(self, form: Form = NARROW, chunk_rows: int = 50000) -> Iterator[bytes]:
        return self.live.bodies(form, chunk_rows)


def generating() -> Iterator[bytes]:
    """What a generating command is sent: nothing but the end."""
    yield from ()
