"""Small commands of every type, to test the session and the driver that plays splunkd."""

from __future__ import annotations

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 4, "bin"))

from adaptive_monitoring.columns import Columns
from adaptive_monitoring.commands.base import Command
from adaptive_monitoring.errors import MissingField
from adaptive_monitoring.protocol.body import quote, render

LABEL = 'a,"b\n'


class Add(Command):
    """streaming: double = 2 * cpu, and label with everything that needs quotes."""

    def describe(self):
        return {"type": "streaming", "required_fields": ["cpu"]}

    def execute(self, body, finished):
        parts = []
        for piece in body.slices():
            doubled = [str(2 * float(value)) if value else "" for value in piece.columns(["cpu"]).data[0]]
            parts.append(piece.append(["double", "label"], [f"{value},{quote(LABEL)}" for value in doubled]))
        return b"".join(parts)


class Count(Command):
    """stateful: running number over all chunks; keeps every second row when the word `half` is given."""

    def __init__(self, info, messages):
        super().__init__(info, messages)
        self.rows = 0

    def describe(self):
        return {"type": "stateful", "required_fields": ["cpu"]}

    def execute(self, body, finished):
        numbers = range(self.rows, self.rows + len(body))
        self.rows += len(body)
        self.messages.info(f"pid {os.getpid()}")
        if finished:
            self.messages.metric("rows", self.rows)
        return body.append(
            ["number"], list(map(str, numbers)), [i % 2 == 0 for i in numbers] if "half" in self.info.args else None
        )


class Last(Command):
    """events: gets every field and returns the last row only, at the end."""

    held = b""

    def describe(self):
        return {"type": "events", "required_fields": ["cpu"]}

    def execute(self, body, finished):
        if len(body):
            self.held = body.append([], [], [i == len(body) - 1 for i in range(len(body))])
        return self.held if finished else None


class Sum(Command):
    """reporting with a map phase: sum of cpu by host. `part` marks rows that a map phase made."""

    def __init__(self, info, messages):
        super().__init__(info, messages)
        self.sums: dict[str, float] = {}
        self.map = "phase=map" in info.args

    def describe(self):
        if self.map:
            return {"type": "streaming", "required_fields": ["*"]}
        return {
            "type": "reporting",
            "required_fields": ["cpu", "host", "part"],
            "streaming_preop": "fields cpu host | fixsum phase=map",
        }

    def execute(self, body, finished):
        hosts, cpus, parts = body.columns(["host", "cpu", "part"]).data
        for host, cpu, part in zip(hosts, cpus, parts):
            self.sums[host] = self.sums.get(host, 0.0) + float(part or cpu or 0)
        if self.map:
            result, self.sums = (
                render(Columns(["host", "part"], [list(self.sums), list(map(str, self.sums.values()))])),
                {},
            )
            return result
        if not finished:
            return None
        return render(Columns(["host", "total"], [list(self.sums), list(map(str, self.sums.values()))]))


class Generate(Command):
    """generating: three chunks of two rows."""

    chunks = 0

    def describe(self):
        return {"type": "stateful", "generating": True}

    def execute(self, body, finished):
        self.chunks += 1
        self.done = self.chunks == 3
        return render(Columns(["chunk", "row"], [[str(self.chunks)] * 2, ["0", "1"]]))


class Fail(Command):
    """Goes wrong in the way its first word says, at getinfo when the second is `early`."""

    previews = False

    def __init__(self, info, messages):
        super().__init__(info, messages)
        if "early" in info.args:
            self.go_wrong()

    def execute(self, body, finished):
        self.go_wrong()
        return body.append([], [])

    def go_wrong(self):
        how = self.info.args[0] if self.info.args else ""
        if how == "user":
            raise MissingField('fixfail: no field "mem" in the rows')
        if how == "crash":
            print("noise")
            raise ZeroDivisionError("nobody thought of it")
        if how == "exit":
            sys.stderr.write("last words\n")
            os._exit(3)
        if how == "hang":
            time.sleep(60)

    def close(self):
        if "close" in self.info.args:
            raise OSError("at the end")
