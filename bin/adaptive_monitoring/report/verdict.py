"""What the figures say, in words, whichever way they point.

Limits: the figures at equal volume and at equal recall have no interval of their own. What differs by fewer than six
incidents is called unproven: even if all of them went one way, a sign test at 5 % would not tell it from chance.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from adaptive_monitoring.report.findings import Fault, Findings
from adaptive_monitoring.report.say import Say

FEW = 6  # the least n with 2 · 0.5ⁿ < 0.05
_SAME = 0.005  # a share of alerts that is written as 0 %


class Verdict(NamedTuple):
    """kind: better, worse, mixed, same or open. title, sentence: always there. doubt: may be empty."""

    kind: str
    title: str
    sentence: str
    doubt: str


def verdict(f: Findings, say: Say) -> Verdict:
    """The headline."""
    if not f.entities or not f.rows:
        return Verdict("open", say.words("empty"), say.words("empty_why"), "")
    return _decided(f, say) if f.incidents else _open(f, say)


def volume(f: Findings) -> int | None:
    """Incidents that the models catch more than the static rules with as many alerts; None when not known."""
    known = f.incidents and f.static.alerts > 0 and f.same_volume_incidents >= 0
    return f.same_volume_incidents - f.static.caught if known else None


def saving(f: Findings) -> float | None:
    """Share of the alerts spared for as many incidents: −inf when never reached, None when there is no such figure."""
    if not f.incidents or f.static.alerts <= 0 or f.static.caught <= 0:
        return None
    share = 1 - f.same_recall_alerts / f.static.alerts
    return (0.0 if abs(share) < _SAME else share) if math.isfinite(share) else -math.inf


def found(faults: list[Fault]) -> tuple[int, int, int]:
    """Faults injected, found by the static rules, found by the models."""
    return (sum(x.injected for x in faults), sum(x.found_static for x in faults), sum(x.found_models for x in faults))


def _decided(f: Findings, say: Say) -> Verdict:
    more, less = volume(f), saving(f)
    signs = [_sign(x) for x in (more, less) if x is not None]
    as_set = [_sign(f.models.caught - f.static.caught), _sign(f.static.alerts - f.models.alerts)]
    kind = _kind(signs or as_set)
    difference = more if more is not None else f.models.caught - f.static.caught
    few = 0 < abs(difference) < FEW and kind in ("better", "worse")
    parts = [_volume(f, say, more)] if more is not None else []
    parts += [_saving(f, say, less)] if less is not None else []
    doubts = [say.words("doubt_few")] if few else []
    if signs and kind in ("better", "same") and min(as_set) < 0:
        doubts.append(_as_set(f, say))  # the reader must not take the equal-volume figure for what runs
    sentence = _joined(say, parts) if parts else _as_set(f, say)
    return Verdict(kind, say.words(_title(f, kind, difference, few)), sentence, " ".join(doubts))


def _kind(signs: list[int]) -> str:
    if not any(signs):
        return "same"
    return "mixed" if min(signs) < 0 < max(signs) else "better" if max(signs) > 0 else "worse"


def _title(f: Findings, kind: str, difference: int, few: bool) -> str:
    if kind == "same" and not f.static.caught and not f.models.caught:
        return "blind"
    if kind in ("better", "worse") and difference == 0 and saving(f) != -math.inf:
        return "cheaper" if kind == "better" else "dearer"
    return kind + "_weak" if few else kind


def _volume(f: Findings, say: Say, more: int) -> str:
    of = say.counted("incidents", f.incidents or 0)
    key = "volume_" + ("more" if more > 0 else "fewer" if more < 0 else "same")
    a, b = say.count(f.same_volume_incidents), say.count(f.static.caught)
    return say.words(key, d=say.count(abs(more)), of=of, a=a, b=b)


def _saving(f: Findings, say: Say, less: float) -> str:
    ways = (("never", math.isinf(less)), ("fewer", less > 0), ("more", less < 0), ("same", True))
    key = "saving_" + next(way for way, so in ways if so)
    return say.words(key, c=say.count(f.static.caught), p=say.percent(abs(less)))


def _as_set(f: Findings, say: Say) -> str:
    of = say.counted("incidents", f.incidents or 0)
    a, b = say.count(f.static.caught), say.count(f.models.caught)
    return say.words("as_set", a=a, b=b, of=of, x=alerts(say, f.static.alerts), y=alerts(say, f.models.alerts))


def alerts(say: Say, n: int) -> str:
    """1 alert, 2 alerts."""
    return say.counted("alerts", n)


def _open(f: Findings, say: Say) -> Verdict:
    parts = [say.words("quiet")]
    if f.static.alerts or f.models.alerts:
        x, y = alerts(say, f.static.alerts), alerts(say, f.models.alerts)
        parts = [say.words("alerted", x=x, y=y, change=_change(f, say))]
    n, by_static, by_models = found(f.faults)
    if n:
        told = say.counted("faults_n", n)
        a, b = say.percent(by_models / n), say.percent(by_static / n)
        parts.append(say.words("faults_found", n=told, a=a, b=b))
    title = say.words("open" if f.incidents is None else "open_none")
    return Verdict("open", title, _joined(say, parts), say.words("doubt_open"))


def _change(f: Findings, say: Say) -> str:
    if not f.static.alerts or f.models.alerts == f.static.alerts:
        return ""
    share = 1 - f.models.alerts / f.static.alerts
    return say.words("change_fewer" if share > 0 else "change_more", p=say.percent(abs(share)))


def _joined(say: Say, parts: list[str]) -> str:
    return ("\u202f; " if say.words.lang == "fr" else "; ").join(parts) + "."


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
