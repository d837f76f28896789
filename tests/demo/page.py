"""dist/demo.html: one page with everything in it. No script, nothing from outside, light and dark, well-formed as XML."""

from __future__ import annotations

from xml.sax.saxutils import escape

from demo import charts, compare
from demo.compare import Compared
from demo.episodes import Episode, length, moment
from demo.fleet import Host
from demo.look import CSS, colours
from demo.run import SAMPLE, SCORE, TRAIN, Run

SEVERITY_SCORES = {"critical": 95.0, "high": 80.0, "medium": 60.0, "low": 30.0, "info": 0.0}
YES, NO = "<span class='yes'>✓ yes</span>", "<span class='soft'>no</span>"
NOTICE = (
    "Data: excerpts of the Application Server Dataset (InterFusion, © 2021 NetManAIOps), of data sets 2 and 3 of JumpStarter "
    "(© 2021 NetManAIOps) and of the Server Machine Dataset (OmniAnomaly, © 2019 NetManAIOps), all under the MIT License; see NOTICE. "
    "Their authors gave the metrics no names and the rows no real times; the dates are made up, their distances are real."
)
LEGEND = (
    ("observed", '<path class="observed" d="M0 8L8 3L16 9L24 5"/>'),
    ("expected", '<path class="expected" d="M0 6H24"/>'),
    ("usual range", '<rect class="band" width="24" height="12"/>'),
    ("stood out during an alert", '<path class="anomaly" d="M4 10V3M12 9V2M20 10V4"/>'),
    ("alert of the model", '<rect class="alert" y="2" width="24" height="8"/>'),
    ("marked as incident by a person", '<rect class="label" width="24" height="12"/><rect class="labelbar" width="24" height="4"/>'),
)  # fmt: skip


def render(run: Run, found: list[Episode], lines: list[Compared]) -> str:
    """The page. found: all episodes; lines: the comparison."""
    of_host = {host.name: [e for e in found if e.host == host.name] for host in run.scored}
    body = "".join((
        _head(run, found, lines),
        _fleet(run.scored, of_host),
        "<h2>Why: each host against its own normal</h2>"
        "<p class='soft'>The two metrics that show each host's alerts best, after the history that its model was trained on.</p>",
        _legend(),
        *(_host(host, of_host[host.name], i) for i, host in enumerate(run.scored)),
        _incidents(found),
        _comparison(lines),
        _how(run),
        f"<footer><p>{escape(NOTICE)}</p></footer>",
    ))  # fmt: skip
    return (
        '<!DOCTYPE html>\n<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/><title>Adaptive Monitoring: demo</title>'
        f"<style>{CSS}</style></head><body>{body}</body></html>\n"
    )


def _head(run: Run, found: list[Episode], lines: list[Compared]) -> str:
    ours, static = _ours(lines), lines[:2]
    figures = (
        (f"{ours.line.found} of {ours.line.incidents}", f"marked incidents found; static {_range(static, 'found', '{:.0f}')}"),
        (f"{ours.line.false_per_week:.2f}", f"false alerts per host and week; static {_range(static, 'false_per_week', '{:.2f}')}"),
        (f"{ours.line.delay_s / 60:.0f} min", "median delay from start to alert"),
        (f"{len(found)}", f"alerts on {len(run.scored)} hosts in {_weeks(run.scored):.0f} host-weeks"),
        (f"{run.sizes['models'] / run.models / 1e3:.1f} kB", f"per stored model, {run.models} models as readable rows"),
    )
    items = "".join(f"<li><b>{escape(big)}</b><span>{escape(small)}</span></li>" for big, small in figures)
    return (
        "<header><h1>Adaptive Monitoring</h1>"
        f"<p class='story'>{escape(story(run, lines))}</p><ul class='figures'>{items}</ul>"
        f"<pre>{escape(f'{SAMPLE} where history=1 {TRAIN}')}\n{escape(f'{SAMPLE} where history=0 | sort 0 _time | {SCORE}')}</pre></header><main>"
    )


def story(run: Run, lines: list[Compared]) -> str:
    """The result in one sentence, whatever it is."""
    ours, static = _ours(lines).line, lines[:2]
    return (
        f"Two lines of SPL taught Splunk what is normal for each of {len(run.scored)} real hosts; the models then found {ours.found} of the "
        f"{ours.incidents} incidents that people had marked, with {ours.false_per_week:.1f} false alerts per host and week, where "
        f"one template of static thresholds for all hosts of a type finds {_range(static, 'found', '{:.0f}')} with "
        f"{_range(static, 'false_per_week', '{:.1f}')}."
    )


def _ours(lines: list[Compared]) -> Compared:
    return next(one for one in lines if one.rule.startswith("adaptive"))


def _range(lines: list[Compared], name: str, form: str) -> str:
    values = sorted(getattr(one.line, name) for one in lines)
    texts = list(dict.fromkeys(form.format(value) for value in (values[0], values[-1])))
    return " to ".join(texts)


def _weeks(fleet: list[Host]) -> float:
    return sum(float(host.t[-1] - host.t[0]) for host in fleet) / (7 * 86400)


def _fleet(fleet: list[Host], of_host: dict[str, list[Episode]]) -> str:
    tiles = "".join(_tile(host, of_host[host.name], i) for i, host in enumerate(fleet))
    return (
        "<h2>Where: the fleet</h2><p class='soft'>Worst score of each host's alerts, and of each of its days. 50 is the host's own alert level.</p>"
        f"<nav class='tiles' aria-label='Hosts'>{tiles}</nav><div class='scroll'>{charts.fleet_map(fleet)}</div>"
    )


def _tile(host: Host, found: list[Episode], place: int) -> str:
    worst = max((e.score for e in found), default=0.0)
    colour = colours(worst)
    style = f" style='background:{colour[0]};color:{colour[1]}'" if colour else ""
    return (
        f"<a class='tile' href='#host{place}'{style}><b>{f'{worst:.0f}' if found else '–'}</b>{escape(host.name)}<br/>"
        f"{len(found)} alert{'' if len(found) == 1 else 's'}</a>"
    )


def _legend() -> str:
    items = (f"<li><svg viewBox='0 0 24 12' aria-hidden='true'>{mark}</svg>{escape(text)}</li>" for text, mark in LEGEND)
    return f"<ul class='legend'>{''.join(items)}</ul>"


def _host(host: Host, found: list[Episode], place: int) -> str:
    seen = sum(e.labelled for e in found)
    text = f"{host.kind}, {moment(host.t[0])[:10]} to {moment(host.t[-1])[:10]}: {len(found)} alerts, {seen} of them where an incident was marked"
    return (
        f"<section class='host' id='host{place}'><header><h3>{escape(host.name)}</h3><span class='soft small'>{escape(text)}</span></header>"
        f"{charts.host_chart(host, found)}</section>"
    )


def _incidents(found: list[Episode]) -> str:
    """All alerts, worst first."""
    order = sorted(found, key=lambda e: (-SEVERITY_SCORES[e.severity], -e.score))
    rows = "".join(
        f"<tr><td class='w'>{escape(e.host)}</td><td class='w'>{moment(e.told)}</td><td class='n'>{length(e.duration_s)}</td>"
        f"<td>{_chip(e.severity)}</td><td class='n'>{e.score:.0f}</td>"
        f"<td>{escape(e.reason)}<div class='soft small'>{escape(e.contributors)}</div></td>"
        f"<td>{YES if e.labelled else NO}</td></tr>"
        for e in order
    )
    head = "<th>Host</th><th>Alerted (UTC)</th><th class='n'>Lasted</th><th>Severity</th><th class='n'>Score</th><th>Reason</th><th>Marked</th>"
    return (
        "<h2>What: the alerts, with reasons</h2><p class='soft'>Worst first. Marked: a person had marked an incident there.</p>"
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _chip(severity: str) -> str:
    colour = colours(SEVERITY_SCORES[severity])
    style = f" style='background:{colour[0]};color:{colour[1]}'" if colour else ""
    return f"<span class='chip'{style}>{escape(severity)}</span>"


def _comparison(lines: list[Compared]) -> str:
    ours = _ours(lines)
    head = "".join(f"<th{_right(i)}>{escape(name)}</th>" for i, name in enumerate(compare.HEADER))
    rows = "".join(
        ("<tr class='ours'>" if one is ours else "<tr>")
        + "".join(f"<td{_right(i)}>{escape(cell)}</td>" for i, cell in enumerate(compare.cells(one)))
        + "</tr>"
        for one in lines
    )
    return (
        "<h2>Static thresholds against adaptive models</h2><p class='soft'>Both learned from the same history and are judged on what came after "
        "it. Static: one upper threshold per metric and type of host, the same on every host, alerting after 3 of 5 checks.</p>"
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        "<p class='soft small'>An alert is right when it begins within an incident (10 minutes of tolerance); it is told again after each day. "
        "Every other one counts as false, although some unmarked ones are real; some marked incidents cannot be seen in these metrics. "
        "Precision: incidents found, of these and the false alerts.</p>"
    )


def _right(column: int) -> str:
    return " class='n'" if column else ""


def _how(run: Run) -> str:
    """How honest the run was."""
    texts = (
        f"The app was staged as Splunk installs it; its own command scripts were started as child processes and spoken to as splunkd does. "
        f"One search scored {run.rows:,} rows in {run.chunks} chunks, each answered before the next was sent, so nothing knew its future.",
        *run.checks,
        f"Models: {run.sizes['models'] / 1e3:.0f} kB. Bounds lookup, for scoring in plain SPL on the indexers: {run.sizes['bounds'] / 1e3:.0f} kB.",
    )
    return "<h2>How this was run</h2><ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul></main>"
