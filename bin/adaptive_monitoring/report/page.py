"""The printable page of a back-test: page one with the figures, then the worst disagreements, then what did not fit.

Limits: page one holds what is told shortly. Long rules, many metrics, notes and faults go on into an annex; nothing is
left out without saying so, but disagreements beyond the first TEN are only counted.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Callable

from adaptive_monitoring.report import charts, plots
from adaptive_monitoring.report.findings import Disagreement, Fault, Findings, Side
from adaptive_monitoring.report.markup import cut, element, rect, safe, svg
from adaptive_monitoring.report.say import Say
from adaptive_monitoring.report.style import CSS, HATCH
from adaptive_monitoring.report.verdict import found, saving, verdict, volume

TEN = 10
#: Of page one: 8 lines of notes fit beside 2 of the title, 1 + 2 of the verdict, 4 of facts and 183 px of faults.
_NOTE_LINES, _NOTE_LETTERS = 8 + 1.6 * 2 + 1.6 + 1.3 * 2 + 1.1 * 4 + 183 / 14, 125
_TITLE, _RULE, _NAMES, _REASON = 140, 210, 160, 600  # most letters on page one, or of one case
_HEAD = (
    '<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>"
)


def render(findings: Findings, lang: str = "en") -> str:
    """The whole file: XHTML that is HTML too, no script, nothing from outside, the same text for equal findings.

    lang: one of words.LANGUAGES, otherwise BadValue.
    """
    say = Say(lang)
    title, kept = safe(cut(findings.title or findings.name, _TITLE)), _fitting(findings, say)
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}" xmlns="http://www.w3.org/1999/xhtml"><head>{_HEAD}<title>{title}</title>'
        f"<style>{CSS}</style></head><body>{HATCH}{_first(findings, title, kept, say)}"
        f"{_cases(findings, say)}{_annex(findings, kept, say)}</body></html>\n"
    )


def _first(f: Findings, title: str, kept: int, say: Say) -> str:
    content = (
        f'<div class="top"><span>{safe(say.words("kicker"))}</span>'
        f"<span>{safe(say.words('made', when=say.moment(f.made)))}</span></div>",
        element("h1", title), _verdict(f, say), _facts(f, say), _tiles(f, say), _sides(f, say), _pair(f, say),
        _faults(f, say), _notes(f.notes[:kept], len(f.notes) - kept, say), _peace(f, say),
    )  # fmt: skip
    return element("main", "".join(content), "sheet")


def _peace(f: Findings, say: Say) -> str:
    return "" if f.disagreements or not f.rows else element("p", safe(say.words("worst_none")))


def _verdict(f: Findings, say: Say) -> str:
    v = verdict(f, say)
    doubt = element("p", safe(v.doubt), "doubt") if v.doubt else ""
    return element("div", f"<b>{safe(v.title)}</b><p>{safe(v.sentence)}</p>{doubt}", f"verdict {v.kind}")


def _facts(f: Findings, say: Say) -> str:
    rows = "".join(f"<div><dt>{safe(name)}</dt><dd>{safe(told)}</dd></div>" for name, told in _told(f, say))
    return element("dl", rows, "facts")


def _told(f: Findings, say: Say) -> tuple[tuple[str, str], ...]:
    """What was replayed, and against what."""
    w = say.words
    known = w("incidents_none") if f.incidents is None else say.counted("incidents", f.incidents)
    told = w(
        "replayed", entities=say.counted("entities", f.entities), metrics=_metrics(f, say),
        rows=say.counted("rows", f.rows), since=say.moment(f.since), until=say.moment(f.until),
        days=_days(f.until - f.since, say), incidents=known,
    )  # fmt: skip
    rule = f.rule.strip() or w("rule_missing")
    short = rule if len(rule) <= _RULE else cut(rule, _RULE) + w("more", where=w("in_annex"))
    return (w("replayed_label"), told), (w("rule_label"), short)


def _metrics(f: Findings, say: Say) -> str:
    if not f.metrics:
        return say.words("no_metrics")
    names = ", ".join(f.metrics)
    if len(names) > _NAMES:
        names = say.words("and_more", names=cut(names, _NAMES).rstrip("…, "))
    return say.counted("metrics", len(f.metrics), names=names)


def _days(seconds: float, say: Say) -> str:
    if not math.isfinite(seconds) or seconds <= 0:
        return ""
    key, unit = ("days", 86400) if seconds >= 2 * 86400 else ("hours", 3600)
    return say.words(key, n=say.count(round(seconds / unit)))


def _tiles(f: Findings, say: Say) -> str:
    tiles = [_volume_tile, _saving_tile] if f.incidents else [_alerts_tile, _faults_tile]
    told = [tile(f, say) for tile in (*tiles, _budget_tile)]
    items = "".join(f"<li><b>{safe(big)}</b><span>{safe(small)}</span></li>" for big, small in told)
    return element("ul", items, "tiles")


def _volume_tile(f: Findings, say: Say) -> tuple[str, str]:
    known = volume(f) is not None
    a, b = say.count(f.same_volume_incidents), say.count(f.static.caught)
    return say.words("instead", a=a, b=b) if known else say.unknown, say.words("tile_volume")


def _saving_tile(f: Findings, say: Say) -> tuple[str, str]:
    share = saving(f)
    if share is None:
        return say.unknown, say.words("tile_recall_none" if not f.static.caught else "tile_recall", c="–")
    ways = ((math.isinf(share), "not_reached"), (share > 0, "fewer_alerts"), (share < 0, "more_alerts"))
    key = next((key for so, key in ways if so), "same_alerts")
    big = say.words(key, p=say.percent(abs(share)))
    return big, say.words("tile_recall", c=say.count(f.static.caught))


def _alerts_tile(f: Findings, say: Say) -> tuple[str, str]:
    a, b = say.count(f.models.alerts), say.count(f.static.alerts)
    return say.words("instead", a=a, b=b), say.words("tile_alerts")


def _faults_tile(f: Findings, say: Say) -> tuple[str, str]:
    n, by_static, by_models = found(f.faults)
    if not n:
        return say.unknown, say.words("tile_faults_none")
    a, b = say.percent(by_models / n), say.percent(by_static / n)
    return say.words("instead", a=a, b=b), say.words("tile_faults")


def _budget_tile(f: Findings, say: Say) -> tuple[str, str]:
    if not (math.isfinite(f.budget) and math.isfinite(f.budget_kept)):
        return say.unknown, say.words("tile_budget_none")
    return say.percent(f.budget_kept), say.words.form("tile_budget", f.budget, budget=say.number(f.budget))


def _sides(f: Findings, say: Say) -> str:
    w = say.words
    names = (w("as_set_label"), w("th_alerts"), w("th_rate"), w("th_caught"), w("th_recall"), w("th_precision"),
             w("th_lead"))  # fmt: skip
    head = "".join(element("th", safe(name)) for name in names)
    rows = _side("static", f.static, f, say) + _side("models", f.models, f, say)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return element("div", table + element("p", safe(w("table_note")), "small"), "block")


def _side(name: str, side: Side, f: Findings, say: Say) -> str:
    known = f.incidents is not None
    cells = (
        say.count(side.alerts), say.number(side.alerts_per_entity_week),
        say.words("of", a=say.count(side.caught), b=say.count(f.incidents or 0)) if known else say.unknown,
        say.with_interval(side.recall, side.recall_interval),
        say.with_interval(side.precision, side.precision_interval), _lead(side.lead_s, say),
    )  # fmt: skip
    sign = svg(14, 12, say.words(name), charts.mark(name, 7, 6, 5))
    first = element("td", sign + safe(say.words(name.capitalize())))
    return element("tr", first + "".join(element("td", safe(cell)) for cell in cells))


def _lead(seconds: float, say: Say) -> str:
    if not math.isfinite(seconds):
        return say.unknown
    if abs(seconds) < 1:
        return say.words("at_start")
    return say.words("before" if seconds > 0 else "after", span=say.span(seconds))


def _pair(f: Findings, say: Say) -> str:
    recall = any(math.isfinite(p.recall) for p in (*f.curve_static, *f.curve_models))
    curve = charts.curves(f, say)
    name = "fig_setting" if curve and not recall else "fig_curve"
    left = curve or element("p", safe(say.words("no_curve")), "soft")
    anything = f.both + f.only_static + f.only_models + (f.incidents or 0)
    right = charts.caught(f, say) if anything else element("p", safe(say.words("fig_none")), "soft")
    if anything:
        lost, won = say.count(f.only_static), say.count(f.only_models)
        told = say.words("caught_note", lost=lost, won=won) if f.incidents else say.words("alerts_note")
        right += element("p", safe(told), "small after")
    title = "fig_caught" if f.incidents else "fig_alerts"
    return (
        f'<div class="pair block"><div class="wide">{_titled(name, left, say)}</div>'
        f'<div class="thin">{_titled(title, right, say)}</div></div>'
    )


def _titled(key: str, content: str, say: Say) -> str:
    return element("h2", safe(say.words(key))) + content


def _faults(f: Findings, say: Say) -> str:
    if not f.faults:
        content = element("p", safe(say.words("no_faults")), "soft")
    else:
        content = element("p", _key(say) + safe("· " + say.words("fault_note")), "small key")
        content += charts.faults(f.faults, say)
    return element("div", _titled("fig_faults", content, say), "block")


def _key(say: Say) -> str:
    """Which bar is whose."""
    names = (("models", say.words("models")), ("static", say.words("static")))
    return "".join(svg(18, 9, name, rect("bar-" + side, 1, 1, 16, 7)) + safe(name) + " " for side, name in names)


def _notes(notes: list[str], rest: int, say: Say) -> str:
    """The notes of page one, and how many more there are."""
    items = [safe(note) for note in notes]
    if rest:
        items.append(safe(say.counted("notes_more", rest)))
    listed = element("ul", "".join(element("li", item) for item in items), "notes")
    content = listed if items else element("p", safe(say.words("no_notes")), "soft")
    return element("div", _titled("notes", content, say), "block")


def _fitting(f: Findings, say: Say) -> int:
    """How many notes fit on page one. In lines of notes, measured once in print and estimated from text lengths."""
    v = verdict(f, say)
    taken = 1.6 * _lines(cut(f.title, _TITLE), 66) + 1.6 * _lines(v.title, 76) + 1.3 * _lines(v.sentence, 108)
    taken += 1.2 * _lines(v.doubt, 118) + 1.1 * sum(_lines(told, 108) for _, told in _told(f, say))
    room = _NOTE_LINES - taken - charts.faults_high(f.faults) / 14
    lines = [_lines(note, _NOTE_LETTERS) for note in f.notes]
    if sum(lines) <= room:
        return len(lines)
    return sum(total <= room - 1 for total in accumulate(lines))  # a line for "more in the annex"


def _lines(text: str, letters: int) -> int:
    return -(-len(text) // letters)


def _cases(f: Findings, say: Say) -> str:
    shown = f.disagreements[:TEN]
    if not shown:
        return ""
    span = {"since": say.date(f.since), "until": say.date(f.until)}
    if len(f.disagreements) > len(shown):
        told = say.words("worst_of", n=say.count(len(shown)), of=say.count(len(f.disagreements)), **span)
    else:
        told = say.counted("worst_all", len(shown), **span)
    cases = "".join(_case(i, d, say) for i, d in enumerate(shown, 1))
    head = element("div", element("h2", safe(say.words("worst"))) + element("p", safe(told), "soft"), "lead")
    return element("section", head + cases, "sheet cases")


def _case(number: int, d: Disagreement, say: Say) -> str:
    known = "was_unknown" if d.incident is None else "was_incident" if d.incident else "was_none"
    name = cut(f"{d.entity} · {d.metric}", 70)
    told = f"{say.words('only_' + d.only)} · {say.words(known)} · {say.between(d.start, d.end)}"
    sign = svg(14, 12, say.words("Static" if d.only == "static" else "Models"), charts.mark(d.only, 7, 6, 4.5))
    header = f"<h3>{number}. {safe(name)}</h3>{element('span', sign + safe(told), 'soft')}"
    reason = element("p", safe(cut(d.reason, _REASON)))
    return element("article", element("header", header) + reason + plots.plot(d, say), "case")


def _annex(f: Findings, kept: int, say: Say) -> str:
    """What page one could not hold; nothing when it held everything."""
    parts = []
    if len(f.rule.strip()) > _RULE:
        parts.append(_section("annex_rule", element("p", safe(f.rule.strip())), say))
    if len(", ".join(f.metrics)) > _NAMES:
        parts.append(_section("annex_metrics", element("p", safe(", ".join(f.metrics))), say))
    if kept < len(f.notes):
        items = "".join(element("li", safe(note)) for note in f.notes[kept:])
        parts.append(_section("annex_notes", element("ul", items, "notes"), say))
    if sum(len(sizes) for _, sizes in charts.shown(f.faults)) < len(f.faults):
        parts.append(_section("annex_faults", _table(f.faults, say), say))
    if not parts:
        return ""
    return element("section", element("h2", safe(say.words("annex"))) + "".join(parts), "sheet annex")


def _section(key: str, content: str, say: Say) -> str:
    return element("section", _titled(key, content, say))


def _table(faults: list[Fault], say: Say) -> str:
    heads = ("th_fault", "th_size", "th_injected", "Static", "Models")
    columns: tuple[Callable[[Fault], str], ...] = (
        lambda one: charts.kind_name(one.kind, say), lambda one: say.number(one.size),
        lambda one: say.count(one.injected), lambda one: say.count(one.found_static),
        lambda one: say.count(one.found_models),
    )  # fmt: skip
    head = "".join(element("th", safe(say.words(key))) for key in heads)
    rows = "".join(element("tr", "".join(element("td", safe(of(one))) for of in columns)) for one in faults)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
