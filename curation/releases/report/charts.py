"""Vega-Lite specifications to SVG, drawn in this process (vl-convert): nothing is fetched, and the page needs no script.

Text and lines take the page's own colour, so that a picture reads in light and dark and in print. Data go in as values,
never as names of fields or expressions: what comes from the web is only ever drawn.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

import vl_convert

from curation.releases.report.page import folded, table

VEGA_LITE = "6.4"
WIDTH = 720
KEPT, DROPPED = "#4a7dbd", "#c9625a"
COLOURS = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e"]
OTHERS = "#9498a0"
LABEL_CHARS = 40
NUMBERS = 100
"""Rows of the table beneath a picture."""
NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_TEXT = {
    "labelColor": "currentColor",
    "titleColor": "currentColor",
    "labelFont": "system-ui, sans-serif",
    "titleFont": "system-ui, sans-serif",
    "titleFontWeight": "normal",
    # Vega cuts labels between UTF-16 halves, which vl-convert 1.9 then cannot draw; `short` cuts them before.
    "labelLimit": 0,
}
_CONFIG = {
    "background": None,
    "view": {"stroke": None},
    "axis": {**_TEXT, "gridColor": "#8883", "domainColor": "#8888", "tickColor": "#8888", "labelFontSize": 11},
    "legend": {**_TEXT, "labelFontSize": 11},
    "header": _TEXT,
    "text": {"color": "currentColor", "font": "system-ui, sans-serif"},
    "rule": {"color": "currentColor"},
    "tick": {"color": "currentColor"},
    "title": {"color": "currentColor", "font": "system-ui, sans-serif", "fontSize": 12, "fontWeight": "normal"},
    "range": {"category": COLOURS},
}


def svg(spec: dict[str, Any], label: str) -> str:
    """An ``<svg>`` element as wide as its place allows and no wider than drawn; ``label`` says what it shows."""
    drawn = _drawable({"width": WIDTH, "config": _CONFIG, **spec})
    made = vl_convert.vegalite_to_svg(drawn, vl_version=VEGA_LITE)
    found = re.match(r'<svg [^>]*?width="([\d.]+)" height="[\d.]+"', made)
    assert found is not None
    size = f'style="width:100%;max-width:{float(found[1]):.0f}px;height:auto" role="img" aria-label="{escaped(label)}"'
    opened = re.sub(r' width="[\d.]+" height="[\d.]+"', lambda _: f" {size}", found[0], count=1)
    # What a screen reader is told of every single bar makes most of a picture's bytes; the tables say it.
    inside = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", made[found.end() :])
    return opened + inside


def plot(spec: dict[str, Any], label: str, *, numbers: bool = True) -> str:
    """A picture with what it shows above it and its numbers beneath, the first ``NUMBERS`` of them; numbers: false where a table
    of them stands there anyway."""
    values = _values(spec) if numbers else []
    names = list(dict.fromkeys(name for one in values for name in one))
    rows = [[one.get(name) for name in names] for one in values[:NUMBERS]]
    more = f", the first {NUMBERS} of {len(values):,}" if len(values) > NUMBERS else ""
    beneath = folded(f"its numbers{more}", table(names, rows))
    return f"<figure><figcaption>{escaped(label)}</figcaption>{svg(spec, label)}{beneath}</figure>"


def _values(spec: Any) -> list[dict[str, Any]]:
    """The first data that stand in a specification."""
    if isinstance(spec, dict):
        if isinstance(spec.get("data"), dict) and "values" in spec["data"]:
            return list(spec["data"]["values"])
        spec = list(spec.values())
    found = (_values(one) for one in spec) if isinstance(spec, list) else ()
    return next((values for values in found if values), [])


def _drawable(plain: Any) -> Any:
    """The same with U+FFFD for each character that XML does not take: at one of them vl-convert ends the process."""
    if isinstance(plain, str):
        return NO_XML.sub("\ufffd", plain)
    if isinstance(plain, dict):
        return {_drawable(key): _drawable(value) for key, value in plain.items()}
    return [_drawable(one) for one in plain] if isinstance(plain, list | tuple) else plain


def escaped(text: str) -> str:
    """A string as the value of an attribute or as text."""
    return html.escape(NO_XML.sub("\ufffd", text))


def short(label: str) -> str:
    """A label that fits beside a picture."""
    return label if len(label) <= LABEL_CHARS else label[: LABEL_CHARS - 1] + "…"


def bars(rows: Sequence[tuple[str, float]], *, label: str, value: str = "documents", form: str = ",d") -> str:
    """One bar a row, in the order given."""
    return plot(
        {
            "data": {"values": [{"label": short(name), "value": amount} for name, amount in rows]},
            "padding": {"left": 25, "right": 70, "top": 5, "bottom": 5},
            "height": {"step": 18},
            "encoding": {"y": {"field": "label", "type": "nominal", "sort": None, "title": None}},
            "layer": [
                {
                    "mark": {"type": "bar", "color": KEPT},
                    "encoding": {
                        "x": {
                            "field": "value",
                            "type": "quantitative",
                            "title": value,
                            "axis": {"format": form, "tickCount": 8},
                        }
                    },
                },
                {
                    "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11},
                    "encoding": {
                        "x": {"field": "value", "type": "quantitative"},
                        "text": {"field": "value", "type": "quantitative", "format": form},
                    },
                },
            ],
        },
        label,
    )


def histogram(
    edges: list[float], counts: list[int], *, label: str, bound: float | None = None,
    dropped: list[bool] | None = None, log: bool = False, width: int = 300, height: int = 90, numbers: bool = True,
) -> str:  # fmt: skip
    """A bar a bin on a square-root scale, which shows the few at the edges beside the many in the middle; the bound as a
    dashed line; bins that drop in their own colour."""
    out = dropped or [False] * len(counts)
    values = [
        {"from": edges[i], "to": edges[i + 1], "n": n, "what": "dropped" if out[i] else "kept"}
        for i, n in enumerate(counts)
        if n
    ]
    scale: dict[str, Any] = {"type": "log", "base": 2} if log else {"domain": [edges[0], edges[-1]], "nice": False}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": values},
            "mark": {"type": "bar", "binSpacing": 0.5},
            "encoding": {
                "x": {"field": "from", "type": "quantitative", "scale": scale, "title": None, "axis": {"tickCount": 5}},
                "x2": {"field": "to"},
                "y": {
                    "field": "n",
                    "type": "quantitative",
                    "scale": {"type": "sqrt"},
                    "title": "documents",
                    "axis": {"tickCount": 3, "format": "~s"},
                },
                "y2": {"datum": 0},
                "color": {
                    "field": "what",
                    "type": "nominal",
                    "legend": None,
                    "scale": {"domain": ["kept", "dropped"], "range": [KEPT, DROPPED]},
                },
            },
        }
    ]
    if bound is not None:
        layers.append(
            {
                "data": {"values": [{"bound": bound}]},
                "mark": {"type": "rule", "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "bound", "type": "quantitative"}},
            }
        )
    return plot({"width": width, "height": height, "layer": layers}, label, numbers=numbers)
