"""Rules that find alerts worth a picture, and an incident without one. Each: (fleet) -> Case, None if there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from demo.episodes import Episode, length

from pictures.cases import DAY_S, HOUR_S, Case, Seen, clock


def strongest(fleet: list[Seen]) -> Case | None:
    """The alert with the highest score of those inside a marked incident."""
    pairs = [(seen, e) for seen in fleet for e in seen.episodes if e.labelled]
    if not pairs:
        return None
    seen, e = max(pairs, key=lambda pair: pair[1].score)
    return _alert_case("alert", "Why this alert", seen, e, 3)


def together(fleet: list[Seen]) -> Case | None:
    """The highest alert to which at least four metrics gave alike, each inside its band when it was raised; those that
    were raised inside a marked incident first."""
    pairs = [(seen, e) for seen in fleet for e in seen.episodes if _many_small(seen, e)]
    if not pairs:
        return None
    seen, e = max(pairs, key=lambda pair: (_inside(*pair), pair[1].score))
    case = _alert_case("together", "Many small movements at once", seen, e, 4)
    count = len(parts(e))
    more = f" {count} metrics moved together; when the alert was raised, each was still inside its own usual range."
    return replace(case, figures=case.figures + more)


def _many_small(seen: Seen, e: Episode) -> bool:
    rows, shares = seen.rows(e.start, e.told), parts(e)
    alike = len(shares) >= 4 and shares[0] <= 2 * shares[3]
    return bool(seen.trained[rows].all()) and alike and not seen.outside[rows].any()


def _inside(seen: Seen, e: Episode) -> bool:
    return any(a <= e.told <= b for a, b in seen.incidents)


def parts(e: Episode) -> list[float]:
    """Shares of the contributors in percent, largest first."""
    return [float(part.rpartition(" ")[2].rstrip("%")) for part in e.contributors.split("; ") if part]


def _alert_case(name: str, title: str, seen: Seen, e: Episode, count: int) -> Case:
    a, b = e.told, e.end
    figures = f"Alert at {clock(e.told)}, score {e.score:.0f}, {e.severity}, open for {length(e.duration_s)}."
    for first, last in seen.incidents:
        if first - seen.tolerance <= e.told <= last + seen.tolerance:
            a, b = max(min(a, first), e.told - 12 * HOUR_S), max(b, last)
            gap = e.told - first
            late = f"{length(gap)} after" if gap > 0 else "with" if gap == 0 else f"{length(-gap)} before"
            figures += f" A person had marked an incident here; the alert came {late} its first marked row."
            before = [o for o in seen.episodes if first - seen.tolerance <= o.told < e.told]
            figures += f" An earlier alert had told it at {clock(before[0].told)}." if before else ""
    figures += f" `contributors`: {e.contributors}."
    shown = seen.leaders(seen.peak(e), count)
    marks = [(e.told, f"alert {clock(e.told)[-5:]}, score {e.score:.0f}")]
    return Case(name, title, seen.host, a - 12 * HOUR_S, min(b + 8 * HOUR_S, a + 36 * HOUR_S), shown,
                f"reason: {e.reason}", figures, marks)  # fmt: skip


def missed(fleet: list[Seen]) -> Case | None:
    """The longest marked incident of at most two days during which no alert was open."""
    found = [
        (b - a, seen, a, b)
        for seen in fleet
        for a, b in seen.incidents
        if b - a <= 2 * DAY_S and not seen.host.alert[seen.rows(a - seen.tolerance, b + seen.tolerance)].any()
    ]
    if not found:
        return None
    long, seen, a, b = max(found, key=lambda one: one[0])
    rows, host = seen.rows(a, b), seen.host
    far = np.nan_to_num(np.nanmean(host.bands["score"][rows], axis=0))
    shown = np.argsort(-far, kind="stable")[:3].tolist()
    top = float(np.nanmax(host.score[rows]))
    over = int(seen.level[rows].sum())
    rest = (
        "no row reached the alert level" if not over else f"{over} single rows reached the alert level, none persisted"
    )
    figures = f"A person marked {length(long)} from {clock(a)} on. Highest score inside: {top:.0f}; {rest}."
    edge = min(max(12 * HOUR_S, long / 2), 24 * HOUR_S)
    return Case("missed", "A marked incident without alert", host, a - edge, b + edge, shown,
                f"no alert: highest score {top:.0f}, {rest}",
                figures)  # fmt: skip


def stays(fleet: list[Seen]) -> Case | None:
    """An alert after which a metric stayed at another level, which the expectation took over: the largest move."""
    found = [(size, seen, e, m) for seen in fleet for e in seen.episodes for size, m in _moves(seen, e)]
    if not found:
        return None
    _, seen, e, m = max(found, key=lambda one: one[0])
    at = _followed(seen, e.start, m)
    told = len([o for o in seen.episodes if e.told <= o.told <= at])
    figures = (
        f"Alert at {clock(e.told)}, score {e.score:.0f}, closed after {length(e.duration_s)}. {seen.host.metrics[m]} "
        f"stayed at its new level; the expected line had come half of the way after {length(at - e.start)}. "
        f"Alerts raised until then, with this one: {told}."
    )
    marks = [(e.told, f"alert, score {e.score:.0f}"), (at, "expected line follows")]
    return Case("stays", "A level that stays is adopted", seen.host, e.start - 2 * DAY_S, e.start + 4 * DAY_S, [m],
                f"reason: {e.reason}", figures, marks)  # fmt: skip


def _moves(seen: Seen, e: Episode) -> list[tuple[float, int]]:
    """(size in usual spreads, metric) of the levels that moved with this alert, stayed and were adopted."""
    host, out = seen.host, []
    if e.start - host.t[0] < 3 * DAY_S or host.t[-1] - e.start < 4 * DAY_S:
        return out
    spans = ((-48, -1), (1, 24), (24, 72), (72, 96))
    before, near, after, late = (seen.rows(e.start + u * HOUR_S, e.start + v * HOUR_S) for u, v in spans)
    for m in _named(seen, e):
        x, expected = host.x[:, m], host.bands["expected"][:, m]
        old, soon, new = (float(np.nanmedian(x[rows])) for rows in (before, near, after))
        spread = float(np.nanmedian(np.abs(x[before] - old)))
        size = min(abs(soon - old), abs(new - old)) if (soon - old) * (new - old) > 0 else 0.0
        gap = abs(float(np.nanmedian(expected[late])) - float(np.nanmedian(x[late])))
        lasting = size > 0.05 * np.ptp(x) and gap < 0.25 * size
        if spread > 0 and size > 3 * spread and lasting and np.isfinite(_followed(seen, e.start, m)):
            out.append((size / spread, m))
    return out


def _named(seen: Seen, e: Episode) -> list[int]:
    """The contributors of the alert."""
    return seen.leaders(seen.peak(e), len(parts(e)))


def _followed(seen: Seen, start: float, m: int) -> float:
    """When the expectation had come half of the way from the old level to the new one; inf when it did not."""
    host = seen.host
    old = float(np.nanmedian(host.x[seen.rows(start - 2 * DAY_S, start - HOUR_S), m]))
    new = float(np.nanmedian(host.x[seen.rows(start + DAY_S, start + 3 * DAY_S), m]))
    rows = seen.rows(start, start + 3 * DAY_S)
    near = np.nan_to_num(host.bands["expected"][rows, m] - old) / (new - old) >= 0.5
    return float(host.t[rows][np.argmax(near)]) if near.any() else float("inf")
