"""The page around the sections: one file, nothing fetched, light and dark, on paper too.

All that comes from data is escaped; and should that ever fail, the page's own policy lets no script run but the one
that stands here, by its checksum, and lets nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import Any

SCROLLED = 4
"""Columns of a table that is wider than a narrow screen."""
SERVED = "<!--served-->"
"""Where a server that shows the page may put more."""

STYLE = """
:root{color-scheme:light dark;--line:#8884;--kept:#4a7dbd;--drop:#c9625a;--soft:#8881;--gone:light-dark(#a83a33,#f0a09a);--here:light-dark(#2b5c98,#8fb8ee)}
*{box-sizing:border-box}
body{background:Canvas;color:CanvasText;font:15px/1.5 system-ui,sans-serif;max-width:74rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:0} h2{margin-top:2.5rem;border-bottom:1px solid var(--line)} h3{margin:1.5rem 0 .3rem}
nav{columns:14rem;margin:1rem 0} nav a{display:block}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td:first-child{overflow-wrap:break-word}
.figures{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}
.figures div{background:var(--soft);border-radius:.5rem;padding:.5rem 1rem} .figures b{display:block;font-size:1.3rem}
.pictures{display:flex;flex-wrap:wrap;gap:1rem} .pictures>*{flex:0 1 21rem}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem} .pair>*{min-width:0} @media(max-width:50rem){.pair{grid-template-columns:1fr}}
.case{border-left:3px solid var(--line);padding:.2rem .6rem;margin:.4rem 0} .case.dropped{border-color:var(--drop)} .case.kept{border-color:var(--kept)}
.x{font-family:ui-monospace,monospace;font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere}
figure{margin:0 0 1rem} figcaption{font-size:12px;opacity:.85;margin:.4rem 0}
.strip{display:flex;gap:2px;margin:1rem 0} .strip div{background:var(--soft);padding:.3rem .5rem;min-width:0;overflow:hidden;font-size:12px} .strip b{display:block}
.given{opacity:.55;background:var(--soft)} .trained{border-bottom:1px solid var(--kept)}
.small{font-size:12px;opacity:.8} del{color:var(--gone)} ins{color:var(--here)} summary{cursor:pointer}
input{font:inherit;width:100%;padding:.3rem .6rem} mark{background:none;color:var(--gone)}
@media(max-width:40rem){body{margin:1rem auto}nav{columns:1}table{display:block;overflow-x:auto}.pictures svg{max-width:100%;height:auto}}
@media print{body{max-width:none;margin:0} nav,.screen{display:none} section{break-inside:avoid-page} details>*{display:block}}
"""


def page(title: str, lead: str, sections: list[tuple[str, str]], *, script: str = "", data: Any = None) -> str:
    """The whole document. lead and the sections' bodies are HTML; titles are text; data: JSON for the script."""
    shown = [(f"s{i}", name, body) for i, (name, body) in enumerate(sections) if body]
    contents = "".join(f'<a href="#{at}">{html.escape(name)}</a>' for at, name, _ in shown)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"script-src 'sha256-{digest}'" if script else "script-src 'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; {allowed}"
    tail = ""
    if script:
        tail = f'<script type="application/json" id="data">{in_script(data)}</script><script>{script}</script>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<title>{html.escape(title)}</title><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>{html.escape(title)}</h1>{lead}"
        f'<nav aria-label="Sections">{contents}</nav>{SERVED}'
        + "".join(f'<section id="{at}"><h2>{html.escape(name)}</h2>{body}</section>' for at, name, body in shown)
        + f"</main>{tail}</body></html>"
    )


def in_script(data: Any) -> str:
    """JSON that cannot end the element that it stands in."""
    plain = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def cell(value: Any) -> str:
    """One cell: numbers to the right, all else escaped."""
    if value is None:
        return "<td></td>"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{html.escape(str(value))}</td>"
    return f'<td class="n">{value:,}</td>' if isinstance(value, int) else f'<td class="n">{value:,.4f}</td>'


def table(names: list[str], rows: list[Any]) -> str:
    """A table of plain values; nothing where there are no rows."""
    if not rows:
        return ""
    numbers = [all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(names))]
    head = "".join(
        f"<th{' class=n' if number else ''}>{html.escape(name)}</th>" if name else "<td></td>"
        for name, number in zip(names, numbers, strict=True)
    )
    # On a narrow screen the keyboard has to reach a wide one, to scroll it.
    reached = ' tabindex="0"' if len(names) >= SCROLLED else ""
    return (
        f"<table{reached}><tr>{head}</tr>" + "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows) + "</table>"
    )


def folded(summary: str, body: str) -> str:
    """What is only shown when asked for."""
    return f"<details><summary>{html.escape(summary)}</summary>{body}</details>" if body else ""


def changed(there: str, here: str) -> str:
    """A place where two texts differ: what stands in the one that stays, and in the other."""
    return f'<div class="x"><del>{html.escape(there)}</del> <ins>{html.escape(here)}</ins></div>'


def figures(values: list[tuple[str, str]]) -> str:
    """A few figures that stand out, each with what it is."""
    return (
        '<div class="figures">'
        + "".join(f"<div><b>{html.escape(v)}</b>{html.escape(k)}</div>" for k, v in values)
        + "</div>"
    )
