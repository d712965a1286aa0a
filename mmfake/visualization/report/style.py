"""The look of the report."""

from __future__ import annotations

from ..figure_style import BLUE, GREY, VERMILLION

STYLE = f"""
:root {{ color-scheme: light; --manipulated: {VERMILLION}; --original: {BLUE}; --grey: {GREY}; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 960px; padding: 24px 20px 48px; background: #fff; color: #1a1a1a;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }}
h1 {{ font-size: 24px; line-height: 1.2; margin: 0 0 4px; }}
h2 {{ font-size: 17px; margin: 0; overflow-wrap: anywhere; }}
h3 {{ font-size: 14px; margin: 16px 0 4px; }}
p {{ margin: 8px 0; }}
.quiet {{ color: #5a5a5a; font-size: 13px; }}
.meaning {{ border-left: 4px solid #1a1a1a; padding: 2px 0 2px 12px; margin: 16px 0; }}
table {{ border-collapse: collapse; width: 100%; margin: 16px 0; }}
th, td {{ text-align: left; padding: 6px 10px 6px 0; border-bottom: 1px solid #ddd;
  vertical-align: top; }}
th {{ font-size: 12px; color: #5a5a5a; font-weight: 600; }}
td.name {{ overflow-wrap: anywhere; }}
td.reason {{ max-width: 340px; }}
td.number {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
a {{ color: inherit; }}
.bar {{ display: inline-block; position: relative; width: 120px; height: 10px; background: #eee;
  margin-right: 8px; }}
.bar i {{ display: block; height: 100%; background: currentColor; }}
.bar b {{ position: absolute; top: -2px; bottom: -2px; width: 2px; background: #000; }}
.verdict {{ display: inline-block; white-space: nowrap; font-weight: 600; }}
.manipulated {{ color: var(--manipulated); }}
.original {{ color: var(--original); }}
.abstain {{ color: #5a5a5a; }}
section {{ border-top: 3px solid #1a1a1a; margin-top: 32px; padding-top: 12px; }}
section .verdict {{ font-size: 20px; margin-right: 10px; }}
.timeline {{ width: 100%; height: auto; display: block; }}
.timeline text {{ font: 12px system-ui, sans-serif; fill: #444; }}
.ground {{ fill: #f4f4f4; }}
.skipped {{ fill: #d9d9d9; }}
.threshold {{ stroke: #000; stroke-width: 1.2; stroke-dasharray: 5 4; }}
figure {{ margin: 12px 0; }}
figure img {{ display: block; width: 100%; height: auto; }}
figcaption {{ font-size: 13px; color: #444; margin-bottom: 4px; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 6px 16px;
  margin: 12px 0; }}
dt {{ font-size: 12px; color: #5a5a5a; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.warning {{ background: #f4f4f4; padding: 6px 10px; }}
@media print {{ section {{ break-inside: avoid; }} }}
"""
"""str: CSS without any reference to another file."""
