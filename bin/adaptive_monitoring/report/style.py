"""What the page looks like: A4 sheets on screen and paper, system fonts, one light look. Nothing from outside."""

from __future__ import annotations

#: Models #0b5fa5 (dark in grey), static rules #b4530a (hatched, dashed): apart for all kinds of colour blindness.
CSS = """
@page { size: A4 portrait; margin: 11mm 12mm 13mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt Arial, sans-serif; color: #56636f; } }
* { box-sizing: border-box; }
html { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
body { margin: 0; background: #e6eaee; color: #14181d;
  font: 12px/1.4 "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; }
.sheet { width: 210mm; max-width: 100%; min-height: 297mm; margin: 14px auto; padding: 11mm 12mm 13mm;
  background: #fff; box-shadow: 0 1px 5px #0003; }
h1 { font-size: 19px; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 13.5px; line-height: 1.25; margin: 0 0 4px; }
h3 { font-size: 12px; margin: 0; overflow-wrap: anywhere; }
p { margin: 0; }
.soft { color: #4a5560; }
.top { display: flex; justify-content: space-between; gap: 16px; color: #4a5560; font-size: 11px;
  margin-bottom: 3px; }
.verdict { border-left: 5px solid #4a5560; background: #f3f5f7; padding: 7px 12px 8px; margin: 9px 0 8px; }
.verdict.better { border-color: #0b5fa5; }
.verdict.worse { border-color: #b4530a; }
.verdict b { display: block; font-size: 17px; line-height: 1.3; }
.verdict p { font-size: 13px; }
.verdict .doubt { font-size: 11.5px; color: #4a5560; margin-top: 2px; }
.facts { margin: 0 0 9px; font-size: 11px; }
.facts div { display: flex; gap: 8px; }
.facts dt { flex: 0 0 88px; color: #4a5560; }
.facts dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.tiles { display: flex; gap: 10px; margin: 0 0 10px; padding: 0; list-style: none; }
.tiles li { flex: 1 1 0; border: 1px solid #c9d0d7; border-radius: 4px; padding: 5px 10px 6px; }
.tiles b { display: block; font-size: 19px; line-height: 1.25; }
.tiles span { display: block; font-size: 11px; color: #4a5560; }
table { border-collapse: collapse; width: 100%; font-size: 12px; }
th, td { text-align: right; padding: 3px 7px; border-bottom: 1px solid #d5dbe1; vertical-align: bottom; }
th { font-weight: 600; font-size: 11px; line-height: 1.2; color: #4a5560; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td { white-space: nowrap; }
td:first-child { font-weight: 600; }
.annex td { white-space: normal; }
td svg, header span svg { display: inline-block; width: 14px; height: 12px; margin-right: 6px; vertical-align: -1px; }
.small { font-size: 10.5px; line-height: 1.35; color: #4a5560; }
.pair { display: flex; gap: 20px; margin: 11px 0 10px; }
.pair .wide { flex: 0 0 420px; }
.pair .thin { flex: 1 1 0; }
.block { margin: 0 0 9px; }
ul.notes { margin: 0; padding-left: 15px; font-size: 10.5px; line-height: 1.35; overflow-wrap: anywhere; }
.case { margin: 0 0 8px; }
.case p { font-size: 11.5px; line-height: 1.3; margin-bottom: 2px; overflow-wrap: anywhere; }
.case header { display: flex; justify-content: space-between; gap: 12px; }
.case .soft { font-size: 11px; text-align: right; }
.cases h2, .annex > h2 { font-size: 16px; }
.annex section { margin: 10px 0; }
.lead { display: flex; justify-content: space-between; align-items: baseline; margin-bottom: 7px; }
.after { margin-top: 6px; }
.key { margin-bottom: 4px; }
.key svg { display: inline-block; width: 18px; height: 9px; margin-right: 5px; }
.key svg + svg { margin-left: 12px; }
svg { display: block; width: 100%; height: auto; }
.defs { position: absolute; width: 0; height: 0; }
svg text { font-size: 10px; fill: #4a5560; }
svg .name { fill: #14181d; font-size: 11px; }
svg .figure { fill: #14181d; font-size: 12px; font-weight: 600; }
svg .tiny { font-size: 9px; fill: #14181d; }
svg .key { fill: #14181d; font-size: 10.5px; }
svg .side { font-size: 11px; font-weight: 600; }
svg .side.models { fill: #0b5fa5; }
svg .side.static { fill: #8f4106; }
.halo { paint-order: stroke; stroke: #fff; stroke-width: 3px; }
.grid { stroke: #e0e5ea; fill: none; }
.axis { stroke: #7b8793; fill: none; }
.free { fill: #eef1f4; }
.line { fill: none; stroke-width: 2; }
.line.models { stroke: #0b5fa5; }
.line.static { stroke: #b4530a; stroke-dasharray: 6 3; }
.dot-models { fill: #0b5fa5; }
.dot-static { fill: #fff; stroke: #b4530a; stroke-width: 1.6; }
.bar-models { fill: #0b5fa5; }
.bar-static { fill: url(#hatch); stroke: #b4530a; stroke-width: .8; }
.bar-both { fill: #c3cbd3; stroke: #4a5560; }
.bar-none { fill: #fff; stroke: #7b8793; stroke-dasharray: 3 2; }
.band { fill: #7d97b3; fill-opacity: .3; }
.expected { fill: none; stroke: #3f6d9c; stroke-width: 1.2; stroke-dasharray: 5 3; }
.value { fill: none; stroke: #14181d; stroke-width: 1.1; stroke-linejoin: round; stroke-linecap: round; }
.limit { fill: none; stroke: #b4530a; stroke-width: 1.5; stroke-dasharray: 9 3 2 3; }
.dispute { fill: #f6e3a1; fill-opacity: .55; }
.strip-dispute { fill: #e3c04a; }
.strip-incident { fill: #14181d; }
@media print { body { background: none; }
  .sheet { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; }
  .sheet + .sheet { break-before: page; }
  .block, .case, .tiles, .verdict, tr { break-inside: avoid; }
  h2 { break-after: avoid; } }
"""
HATCH = (
    '<svg xmlns="http://www.w3.org/2000/svg" class="defs" aria-hidden="true"><defs><pattern id="hatch" width="4" '
    'height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="4" height="4" fill="#fbeee2"/>'
    '<rect width="1.8" height="4" fill="#b4530a"/></pattern></defs></svg>'
)
