"""Style sheet of the page: light and dark from one set of names, no file and no font from outside."""

from __future__ import annotations

#: (least score, background, text): blue, yellow, orange and red can be told apart by colour-blind eyes too.
CELLS = ((90, "#d43f43", "#ffffff"), (75, "#e0762c", "#14181d"), (50, "#c7a21c", "#14181d"), (25, "#3c79b6", "#ffffff"))

CSS = """
:root { color-scheme: light dark; --back: #ffffff; --card: #f5f7f9; --text: #14181d; --soft: #56636f; --rule: #d5dbe1;
  --observed: #1f6fb8; --band: #8796a5; --bandfill: #8796a540; --anomaly: #d0282d; --label: #825be5; --labelfill: #825be526;
  --score: #b85b1b; --calm: #8796a524; --good: #2a7558; }
@media (prefers-color-scheme: dark) { :root { --back: #14181d; --card: #1d232a; --text: #eef1f4; --soft: #a9b4bf; --rule: #36404a;
  --observed: #5aa9ec; --band: #8796a5; --bandfill: #8796a54d; --anomaly: #ff6b6f; --label: #a98cf5; --labelfill: #a98cf533;
  --score: #e0924f; --calm: #8796a52e; --good: #5cc29a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 40px; max-width: 1120px; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; } h2 { font-size: 19px; margin: 38px 0 4px; }
h3 { font-size: 15px; margin: 0; } p { margin: 4px 0 10px; } .soft { color: var(--soft); } .small { font-size: 13px; }
.story { font-size: 17px; max-width: 62em; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(175px, 1fr)); gap: 10px; margin: 16px 0; padding: 0;
  list-style: none; }
.figures li, .host { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 14px; }
.figures b { display: block; font-size: 25px; line-height: 1.25; }
.figures span { display: block; color: var(--soft); font-size: 13px; }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 14px; overflow-x: auto;
  white-space: pre-wrap; font: 13px/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; margin: 8px 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(110px, 1fr)); gap: 8px; margin: 10px 0 14px; }
.tile { display: block; border-radius: 8px; padding: 7px 10px; text-decoration: none; background: var(--calm); color: var(--text);
  overflow-wrap: anywhere; font-size: 13px; line-height: 1.3; }
.tile b { display: block; font-size: 23px; line-height: 1.2; } .tile:hover, .tile:focus { outline: 2px solid var(--text); }
svg { display: block; width: 100%; height: auto; } .scroll { overflow-x: auto; }
svg text { font: 11px system-ui, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--soft); } svg .name { fill: var(--text); font-weight: 600; }
svg .cell { font-size: 10px; }
.host { margin: 12px 0; padding: 12px 14px 8px; } .host header { display: flex; flex-wrap: wrap; gap: 0 14px; align-items: baseline; }
.grid { stroke: var(--rule); fill: none; stroke-width: 1; } .band { fill: var(--bandfill); stroke: none; }
.expected { stroke: var(--band); stroke-width: 1.2; fill: none; } .observed { stroke: var(--observed); stroke-width: 1.1; fill: none; }
.anomaly { stroke: var(--anomaly); stroke-width: 2.2; fill: none; stroke-linecap: round; }
.label { fill: var(--labelfill); stroke: none; } .labelbar { fill: var(--label); } .alert { fill: var(--anomaly); } .calm { fill: var(--calm); }
.score { fill: var(--score); stroke: none; } .level { stroke: var(--text); stroke-dasharray: 4 3; fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 6px 0; list-style: none; font-size: 13px; color: var(--soft); }
.legend svg { display: inline-block; width: 24px; height: 12px; vertical-align: -1px; margin-right: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; } th, td { text-align: left; padding: 5px 9px; vertical-align: top;
  border-bottom: 1px solid var(--rule); } th { color: var(--soft); font-weight: 600; } td.n, th.n { text-align: right; white-space: nowrap; }
td.w { white-space: nowrap; } tr.ours td { background: var(--card); font-weight: 600; }
.chip { display: inline-block; min-width: 66px; border-radius: 4px; padding: 0 7px; text-align: center; }
.yes { color: var(--good); font-weight: 600; white-space: nowrap; }
footer { margin-top: 36px; padding-top: 10px; border-top: 1px solid var(--rule); color: var(--soft); font-size: 13px; }
a { color: inherit; }
"""


def colours(score: float) -> tuple[str, str] | None:
    """(background, text) of a score, None below 25 (or when there is none), which takes the page's own."""
    return next(((back, text) for least, back, text in CELLS if score >= least), None)
