"""The style sheet of the report's page."""

from __future__ import annotations

from nago_orchestrator.report.style import ACCENT, FAINT, FONT, INK, MUTED

STYLE_SHEET = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: #f4f6f8; color: {INK}; font: 15px/1.5 {FONT}; }}
main {{ max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }}
header {{ margin-bottom: 20px; }}
h1 {{ font-size: 28px; margin: 0 0 2px; letter-spacing: -0.01em; overflow-wrap: anywhere; }}
h2 {{ font-size: 18px; margin: 0 0 4px; }}
p {{ margin: 0 0 8px; max-width: 96ch; }}
.lead, .reading, footer {{ color: {MUTED}; }}
.reading {{ font-size: 14px; }}
.note {{ font-size: 13px; color: {MUTED}; border-left: 3px solid {FAINT}; padding-left: 10px; margin-top: 8px; }}
section {{ background: white; border: 1px solid #e4e8ec; border-radius: 10px;
  padding: 20px 22px; margin: 0 0 18px; }}
nav {{ display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 14px; margin-top: 10px; }}
nav a {{ color: #1864ab; text-decoration: none; }}
nav a:hover {{ text-decoration: underline; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 14px 22px; margin: 0; }}
dt {{ font-size: 12px; color: {MUTED}; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.state {{ display: inline-block; padding: 1px 9px; border-radius: 9px; font-size: 13px;
  background: #e7f0f9; color: #0b4a86; }}
.state.completed {{ background: #e6f4ea; color: #1b6b33; }}
.state.failed {{ background: #fdeaea; color: #a61e1e; }}
.state.paused, .state.cancelled {{ background: #f1f3f5; color: #495057; }}
.big {{ font-size: 30px; font-weight: 600; color: {ACCENT}; line-height: 1.2; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; width: 100%; }}
th {{ text-align: left; font-weight: 600; font-size: 12px; color: {MUTED}; border-bottom: 1px solid {FAINT}; }}
th, td {{ padding: 5px 14px 5px 0; white-space: nowrap; }}
td {{ border-bottom: 1px solid #eef1f4; }}
tr:last-child td {{ border-bottom: 0; }}
details {{ margin-top: 10px; font-size: 14px; }}
summary {{ cursor: pointer; color: #1864ab; font-size: 13px; }}
details .scroll {{ margin-top: 6px; max-height: 420px; overflow-y: auto; }}
.columns {{ column-width: 320px; column-gap: 40px; }}
.columns tr {{ break-inside: avoid; }}
.fixed td {{ color: {MUTED}; }}
.pair {{ display: grid; grid-template-columns: minmax(280px, 1fr) minmax(0, 1.6fr); gap: 26px; align-items: start; }}
.drawing svg {{ max-width: 100%; height: auto; }}
footer {{ font-size: 13px; text-align: center; }}
@media (max-width: 760px) {{ .pair {{ grid-template-columns: 1fr; }} section {{ padding: 16px 14px; }} }}
@media print {{ body {{ background: white; }} section {{ break-inside: avoid; border: 0; padding: 0; }}
  nav {{ display: none; }} }}
"""
