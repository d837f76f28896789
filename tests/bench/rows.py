"""Rows as splunkd sends them, many and fast: fixed-width records filled with digits by numpy.

Every value that is not purely [A-Za-z0-9] is quoted, and every field has its empty __mv_ column. Values are load
figures with a daily wave, 100.00 to 999.99; one host-hour in 300 is lifted, so that there is something to find.
"""

from __future__ import annotations

import queue
import re
import threading
import time as clock
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Optional

import numpy as np

DAY_S = 86400
START_S = 1_700_006_400  # a midnight, UTC
PLACE = re.compile(r"\{(\w+):(\d+)\}")


class Form:
    """A kind of rows.

    fields: name -> cell with {what:digits} where numbers go; what: time, host, value, cents, number, noise.
    """

    def __init__(self, fields: dict[str, str]) -> None:
        names = [*fields, *(f"__mv_{name}" for name in fields)]
        self.header = (",".join(_quoted(name) for name in names) + "\n").encode()
        text = ",".join(fields.values()) + "," * len(fields) + "\n"
        self.places: list[tuple[str, int, int]] = []
        plain, at = "", 0
        for found in PLACE.finditer(text):
            plain += text[at : found.start()]
            self.places.append((found.group(1), len(plain), int(found.group(2))))
            plain, at = plain + "0" * int(found.group(2)), found.end()
        self.record = np.frombuffer((plain + text[at:]).encode(), dtype=np.uint8)

    def body(self, numbers: dict[str, np.ndarray]) -> bytes:
        """Header and records. numbers: (n,) integers for each place."""
        n = len(next(iter(numbers.values())))
        out = np.tile(self.record, (n, 1))
        for what, at, width in self.places:
            left = numbers[what].copy()
            for column in range(at + width - 1, at - 1, -1):
                left, digit = np.divmod(left, 10)
                out[:, column] = digit + 48
        return self.header + out.tobytes()


def _quoted(text: str) -> str:
    return text if text.isalnum() else f'"{text}"'


TIME, HOST, CPU = "{time:10}", '"web-{host:4}"', '"{value:3}.{cents:2}"'
NARROW = Form({"_chunked_idx": "{number:6}", "_time": TIME, "host": HOST, "cpu": CPU})
TRAIN = Form({"_time": TIME, "host": HOST, "cpu": CPU})
METRIC = Form(
    {
        "_time": TIME,
        "host": HOST,
        "cpu": CPU,
        "mem": '"4{noise:1}.{noise:2}"',
        "disk": '"8.{noise:2}"',
        "net": "1{noise:4}",
        "index": "osmetrics",
        "source": '"script:/bin/vmstat.sh"',
        "sourcetype": '"linux:os"',
        "region": '"eu-west-1"',
    }
)
#: For more than 10,000 hosts.
WIDE = Form({"_time": TIME, "host": '"srv-{host:6}"', "cpu": CPU})
LINES = (
    "{time:10}.{noise:3} INFO [worker-{noise:2}] com.example.pay.Gateway - request "
    '""GET /api/v1/pay?id={noise:6}&a=1,2"" host=web-{host:4}, cpu={value:3}.{cents:2}, status=200, '
    'took={noise:3} ms, session=""k{noise:6}"", pool=orange-{noise:2}',
    '  at step ""authorise"", 1 of 3, {noise:4} B',
    '  at step ""book"", 2 of 3, {noise:4} B',
)
RAW = Form(
    {
        "_time": TIME,
        "host": HOST,
        "cpu": CPU,
        "index": "osmetrics",
        "source": '"/var/log/app/app.log"',
        "sourcetype": '"app:log"',
        "linecount": "3",
        "_raw": '"' + "\n".join(LINES) + '"',
    }
)


class Fleet(NamedTuple):
    """Hosts that report in step. steps: rows per host; step_s: seconds between them; start: seconds UTC."""

    hosts: int
    steps: int
    step_s: int = 300
    start: int = START_S
    weekly: bool = False

    @property
    def rows(self) -> int:
        return self.hosts * self.steps

    def after(self, steps: int) -> Fleet:
        """The same hosts for so many steps, in the time that follows."""
        return self._replace(start=self.start + self.steps * self.step_s, steps=steps)

    def bodies(self, form: Form, chunk_rows: int = 50000) -> Iterator[bytes]:
        """Chunks in time order. A number depends on host and time alone, not on the cut."""
        for first in range(0, self.rows, chunk_rows):
            yield form.body(self._numbers(np.arange(first, min(first + chunk_rows, self.rows))))

    def _numbers(self, row: np.ndarray) -> dict[str, np.ndarray]:
        host, time = row % self.hosts, self.start + row // self.hosts * self.step_s
        hundredths = np.clip(self._load(host, time), 10000, 99999).astype(np.int64)
        return {
            "number": row - row[0], "time": time, "host": host, "noise": _hash(host, time, 7) % 1_000_000,
            "value": hundredths // 100, "cents": hundredths % 100,
        }  # fmt: skip

    def _load(self, host: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Hundredths: level and daily wave per host, noise, a low level at weekends (weekly), a lift in some hours."""
        wave = np.sin(2 * np.pi * (time / DAY_S + host % 24 / 24)) * (3000 + 200 * (host % 40))
        if self.weekly:
            wave = np.where((time // DAY_S + 3) % 7 >= 5, -12000.0, wave)
        noise = sum(_hash(host, time, salt) % 1000 for salt in (1, 2, 3)) - 1500
        lift = np.where(_hash(host, time // 3600, 5) % 300 == 0, 15000, 0)
        return 30000 + 37 * (host % 300) + wave + noise * (0.5 + host % 5) + lift


def _hash(host: np.ndarray, time: np.ndarray, salt: int) -> np.ndarray:
    """Integers that look random, the same on every machine (splitmix64, Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        z = time.astype(np.uint64) * np.uint64(1_000_003) + host.astype(np.uint64) * np.uint64(8191) + np.uint64(salt)
        z *= np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(20)).astype(np.int64)


class Ahead:
    """Makes bodies in a thread of its own while the script works on those before.

    Limits: two bodies wait at most; whoever stops early leaves the thread waiting, it ends with the process.
    waited_s: how long the script had to wait for rows; made_s: CPU the rows took.
    """

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self.waited_s = self.made_s = 0.0
        self.waiting: queue.Queue[Optional[bytes]] = queue.Queue(2)
        threading.Thread(target=self._make, args=(bodies,), daemon=True).start()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            started = clock.perf_counter()
            body = self.waiting.get()
            self.waited_s += clock.perf_counter() - started
            if body is None:
                return
            yield body

    def _make(self, bodies: Iterable[bytes]) -> None:
        try:
            for body in bodies:
                self.waiting.put(body)
        finally:  # also after an error, which the thread then shows: nobody waits for ever
            self.made_s = clock.thread_time()
            self.waiting.put(None)
