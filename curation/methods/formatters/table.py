"""A document that is a delimited table, written out as text.

Source: TAPEX (Liu et al. 2022) for ``rows``, as the unified pre-training on tables uses it. A text with fewer than two
lines, or whose lines have no delimiter, is no table and is written plain.
"""

from __future__ import annotations

import csv

import pyarrow as pa

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Formatted, side_by_side
from schemas.formatters import Table


def table(documents: pa.Table, params: Table, *, seed: int, phase: str) -> Formatted:
    """The prompt, then the table (``content``, or ``answer`` where there is a prompt).

    A Python loop over documents: quoted cells are the csv module's business.
    """
    written = [serialise(text, params) for text in as_text(documents["text"]).to_pylist()]
    place = documents.schema.get_field_index("text")
    return side_by_side(body(documents.set_column(place, "text", pa.array(written, pa.large_string()))))


def serialise(text: str, params: Table) -> str:
    """One delimited table as text; what is no table stays as it is. Line breaks in cells become spaces."""
    try:
        read = csv.reader(text.strip("\n").splitlines(keepends=True), delimiter=params.delimiter)
        rows = [[" ".join(cell.split()) for cell in row] for row in read]
    except csv.Error:  # a cell beyond the csv module's limit, a stray quote
        return text
    rows = [row for row in rows if row]
    if len(rows) < 2 or max(len(row) for row in rows) < 2:
        return text
    names, *lines = rows
    lines = [(line + [""] * len(names))[: max(len(names), len(line))] for line in lines]
    if params.style == "markdown":
        escaped = [[cell.replace("|", "\\|") for cell in row] for row in [names, *lines]]
        shown = [f"| {' | '.join(row)} |" for row in escaped]
        return "\n".join([shown[0], f"|{' --- |' * len(names)}", *shown[1:]])
    if params.style == "sentences":
        return "\n".join("; ".join(f"{n}: {c}" for n, c in zip(names, line, strict=False)) + "." for line in lines)
    shown = [f"row {number} : {' | '.join(line)}" for number, line in enumerate(lines, 1)]
    return " ".join([f"col : {' | '.join(names)}", *shown])
