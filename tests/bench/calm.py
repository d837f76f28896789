"""Data without incidents, seeded: every alert on it is a false one. catalogue.CALM says what each kind is.

A maker gets a generator, times t (n,) seconds and the number of entities; it returns values (n, entities, metrics).
Limits: textbook processes, cleaner than what hosts report; a budget kept here is necessary, not sufficient.
"""

from __future__ import annotations

import zlib
from typing import Callable, NamedTuple

import numpy as np

from bench.judge import Truth
from bench.labelled import Dataset

DAY_S = 86400.0
WEEKS, UNCOUNTED_WEEKS = 6, 2
START_S = 1_699_833_600  # a Monday, 0:00 UTC
Maker = Callable[[np.random.Generator, np.ndarray, int], np.ndarray]


class Kind(NamedTuple):
    """How one kind is made. step_s: seconds between rows."""

    make: Maker
    entities: int = 20
    step_s: int = 300


def white(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Normal, independent."""
    return 50 + 5 * random.standard_normal((len(t), entities, 1))


def ar1(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """A metric that remembers about twenty rows."""
    return 50 + 5 * _autoregressive(random, (len(t), entities, 1), 0.95)


def day(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """A daily wave with a busy hour of each entity's own, and noise of a fifth of it."""
    wave = np.sin(2 * np.pi * (t[:, None] / DAY_S + random.random(entities)))
    return (50 + 20 * wave)[:, :, None] + 4 * random.standard_normal((len(t), entities, 1))


def week(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """The same, at half height on Saturdays and Sundays."""
    weekend = (t - START_S) // DAY_S % 7 >= 5
    return day(random, t, entities) * np.where(weekend, 0.5, 1.0)[:, None, None]


def poisson(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Counts with a mean of 0.5 to 20."""
    return random.poisson(np.geomspace(0.5, 20, entities)[:, None], (len(t), entities, 1)).astype(float)


def zeros(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Two bursts a day on average, of one to four rows, of a few events each."""
    shape = (len(t), entities, 1)
    begins = random.random(shape) < 2 * (t[1] - t[0]) / DAY_S
    lasts = random.integers(1, 5, shape)
    on = np.zeros(shape, dtype=bool)
    for rows in range(4):
        on[rows:] |= (begins & (lasts > rows))[: len(t) - rows]
    return np.where(on, 1.0 + random.poisson(2.0, shape), 0.0)


def levels(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Four values without noise; a switch every six hours on average, at any time."""
    shape = (len(t), entities, 1)
    switched = random.random(shape) < (t[1] - t[0]) / (DAY_S / 4)
    switched[0] = True
    last = np.maximum.accumulate(np.where(switched, np.arange(len(t))[:, None, None], 0), axis=0)
    return np.take_along_axis(random.choice([10.0, 20.0, 30.0, 50.0], shape), last, axis=0)


def wander(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Small steps, forgotten over a day (Ornstein-Uhlenbeck)."""
    return 50 + 10 * _autoregressive(random, (len(t), entities, 1), float(np.exp(-(t[1] - t[0]) / DAY_S)))


def heavy(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Far deviations are common, and independent."""
    return 50 + 5 * random.standard_t(3, (len(t), entities, 1))


def factor(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Eight witnesses of one thing, each with noise of its own."""
    common = _autoregressive(random, (len(t), entities, 1), 0.9)
    return 50 + 5 * common * np.linspace(0.5, 2.0, 8) + 2 * random.standard_normal((len(t), entities, 8))


def independent(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Eight metrics that have nothing to do with each other."""
    return 50 + 5 * random.standard_normal((len(t), entities, 8))


def counter(random: np.random.Generator, t: np.ndarray, entities: int) -> np.ndarray:
    """Bytes since the start, back to 0 at a limit that is reached every 12 to 48 hours."""
    steps = random.gamma(4.0, 25.0, (len(t), entities, 1))
    rows = np.linspace(0.5, 2.0, entities) * DAY_S / (t[1] - t[0])
    return np.cumsum(steps, axis=0) % (100.0 * rows)[:, None]


def _autoregressive(random: np.random.Generator, shape: tuple[int, ...], keep: float) -> np.ndarray:
    """Variance 1, first row drawn from it. keep: share of the value that the next row keeps."""
    noise = random.standard_normal(shape)
    noise[1:] *= np.sqrt(1 - keep**2)
    for row in range(1, len(noise)):
        noise[row] += keep * noise[row - 1]
    return noise


KINDS = {
    "white": Kind(white),
    "ar1": Kind(ar1),
    "day": Kind(day),
    "week": Kind(week),
    "poisson": Kind(poisson),
    "zeros": Kind(zeros),
    "levels": Kind(levels),
    "wander": Kind(wander),
    "heavy": Kind(heavy),
    "factor": Kind(factor, entities=10),
    "independent": Kind(independent, entities=10),
    "counter": Kind(counter),
    "hourly": Kind(day, step_s=3600),
    "minute": Kind(day, entities=5, step_s=60),
}


def dataset(name: str, weeks: float = WEEKS, uncounted: float = UNCOUNTED_WEEKS) -> Dataset:
    """One kind as a table for the script; its first weeks are history, nothing is an incident."""
    kind = KINDS[name]
    t = START_S + kind.step_s * np.arange(int(weeks * 7 * DAY_S / kind.step_s))
    # Each kind has a seed of its own, so that a new one changes no figure of another.
    x = kind.make(np.random.default_rng(zlib.crc32(name.encode())), t, kind.entities)
    hosts = [f"{name}-{i:02d}" for i in range(kind.entities)]
    metrics = [f"m{i}" for i in range(x.shape[2])]
    texts = np.char.mod("%.6g", x)
    cells = [
        (str(time), host, *row.tolist()) for time, rows in zip(t.tolist(), texts) for host, row in zip(hosts, rows)
    ]
    none, history = np.zeros(len(t)), int((t < START_S + uncounted * 7 * DAY_S).sum())
    truths = {host: Truth(host, t.astype(float), none, history) for host in hosts}
    return Dataset(f"calm_{name}", "host", metrics, cells, truths)
