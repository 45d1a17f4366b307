"""One self-contained HTML page about a release: funnel, dropped samples, mixture planned against realised.

Everything that comes from data is escaped; there is no script and nothing is fetched.
"""

from __future__ import annotations

import html
from typing import Any

import pyarrow.parquet as pq

from curation import storage
from curation.histogram_picture import histograms
from curation.mixture_picture import mixture_over_position

SAMPLES = 4
"""Dropped documents shown a rule."""
MAX_LABELS = 40

STYLE = """
:root{color-scheme:light dark;--line:#8884;--bar:#4a7dbd;--drop:#c9625a}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.bar{display:inline-block;height:.7rem;background:var(--bar)} .bar.drop{background:var(--drop)}
.x{font-family:ui-monospace,monospace;font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere}
h2{margin-top:2rem} @media print{body{max-width:none}}
"""


def report(manifest: dict[str, Any], folder: str) -> str:
    """The page of a release whose ledger stands in ``folder``; the manifest need not be there yet."""
    title = f"{manifest['recipe']['name']} {manifest['release']}"
    parts = [
        _section("Funnel", _funnel(manifest)),
        _section("Mixture, planned and realised", _mixture(manifest)),
        _section("Mixture over training position", mixture_over_position(manifest, folder)),
        _section("What was dropped", _samples(manifest, folder)),
        _section("What the rules measured", histograms(folder)),
        _section("Benchmark items in the sources", _contamination(manifest)),
        _section(
            "Edits",
            _table(
                ["stage", "rule", "documents", "places"],
                [[e["stage"], e["rule"], e["documents"], e["count"]] for e in manifest["edits"]],
            ),
        ),
        _section("Inputs", _inputs(manifest)),
        _section(
            "Shards",
            _table(
                ["file", "phase", "rows", "tokens", "bytes"],
                [[s["path"], s["phase"], s["rows"], s["tokens"], s["bytes"]] for s in manifest["shards"]],
            ),
        ),
        _section("Seconds", _table(["stage", "seconds"], sorted(manifest["timings"].items()))),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{html.escape(title)}</h1><p>Created {html.escape(manifest['created'])}; parent {html.escape(str(manifest['parent']))}.</p>"
        + "".join(parts)
        + "</body></html>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>"


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{html.escape(str(value))}</td>"
    return f'<td class="n">{value:,}</td>' if isinstance(value, int) else f'<td class="n">{value:,.4f}</td>'


def _table(names: list[str], rows: list[Any]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows) + "</table>"


def _funnel(manifest: dict[str, Any]) -> str:
    first = max(manifest["funnel"][0]["in"], 1)
    rows = []
    for stage in manifest["funnel"]:
        gone = stage["in"] - stage["out"]
        kept, lost = (f"{100 * n / first:.2f}%" for n in (stage["out"], gone))
        bar = f'<span class="bar" style="width:{kept}"></span><span class="bar drop" style="width:{lost}"></span>'
        rules = html.escape(
            ", ".join(f"{rule} {n:,}" for rule, n in sorted(stage["dropped"].items(), key=lambda x: -x[1]))
        )
        rows.append(
            f"<tr>{_cell(stage['stage'])}{_cell(stage['in'])}{_cell(gone)}{_cell(stage['out'])}"
            f'<td style="width:35%">{bar}</td><td>{rules}</td></tr>'
        )
    head = "<tr><th>stage</th><th class=n>in</th><th class=n>dropped</th><th class=n>out</th><th></th><th>by rule</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _mixture(manifest: dict[str, Any]) -> str:
    rows = []
    for phase in manifest["phases"]:
        total = sum(a["tokens"] for a in phase["realised"].values()) or 1
        shown = sorted(phase["realised"].items(), key=lambda x: -x[1]["tokens"])[:MAX_LABELS]
        for label, amount in shown:
            rows.append(
                [
                    phase["name"],
                    label,
                    float(phase["weights"].get(label, 0.0)),
                    amount["tokens"] / total,
                    amount["documents"],
                    amount["tokens"],
                ]
            )
    return _table(["phase", "group", "planned", "realised", "documents", "tokens"], rows)


def _samples(manifest: dict[str, Any], folder: str) -> str:
    parts = []
    for stage in manifest["funnel"]:
        shown: dict[str, list[dict[str, Any]]] = {rule: [] for rule in stage["dropped"]}
        place = storage.join(folder, "dropped", stage["stage"])
        for name in storage.list_folder(place) if stage["dropped"] else []:
            with storage.open_read(storage.join(place, name)) as stream:
                table = pq.read_table(stream, columns=["id", "rule", "value", "threshold", "excerpt"])
            for row in table.slice(0, 2000).to_pylist():
                if len(shown.get(row["rule"], ())) < SAMPLES:
                    shown.setdefault(row["rule"], []).append(row)
            if all(len(rows) >= SAMPLES for rows in shown.values()):
                break
        for rule, rows in shown.items():
            body = "".join(
                f"<tr><td>{html.escape(row['id'][:12])}</td>{_cell('' if row['value'] is None else row['value'])}"
                f"{_cell('' if row['threshold'] is None else row['threshold'])}<td class=x>{html.escape(row['excerpt'] or '')}</td></tr>"
                for row in rows
            )
            count = stage["dropped"].get(rule, 0)
            parts.append(
                f"<h3>{html.escape(stage['stage'])}: {html.escape(rule)} ({count:,})</h3><table><tr><th>id</th><th>value</th>"
                f"<th>threshold</th><th>excerpt</th></tr>{body}</table>"
            )
    return "".join(parts) or "<p>Nothing.</p>"


def _contamination(manifest: dict[str, Any]) -> str:
    names = ["benchmark", "source", "items", "items hit", "documents", "share", "over 2 %"]
    rows = [
        [
            r["benchmark"],
            r["source"],
            r["items"],
            r["items_hit"],
            r["documents"],
            r["share"],
            "yes" if r["contaminated"] else "",
        ]
        for r in manifest.get("contamination", [])
    ]
    return _table(names, rows)


def _inputs(manifest: dict[str, Any]) -> str:
    rows = [[i["path"], i["bytes"], i["documents"], i["errors"], i["same_as"] or ""] for i in manifest["inputs"][:500]]
    faults = [[e["path"], e["reason"]] for e in manifest["errors"]["files"][:500]]
    return _table(["path", "bytes", "documents", "errors", "same as"], rows) + (
        "<h3>Files set aside or damaged</h3>" + _table(["path", "reason"], faults) if faults else ""
    )
