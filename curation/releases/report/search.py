"""Looking a document up on the page itself: its id, its own name, its URL or words that it begins with, and what became of it.

A page holds this for small releases only; it is a few hundred bytes a document. The command line and a served page
(`syllabus serve`) look up any.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow.compute as pc

from curation import storage

MOST = 5_000
"""Documents that a page holds."""
MOST_CHARS = 200
FIRST_CHARS = 100
"""Of a text, behind its prefix."""

SCRIPT = """
const rows = JSON.parse(document.getElementById('data').textContent), asked = document.getElementById('asked'),
  found = document.getElementById('found');
function line(place, text, kind) { const p = document.createElement(kind); p.textContent = text; place.append(p); return p }
function show() {
  found.replaceChildren();
  const q = asked.value.trim(), words = q.toLowerCase();
  if (!q) return;
  const hits = rows.filter(r => r[0].startsWith(q) || r[1] === q || (r[4] || '').includes(q) ||
    (r[7] || '').toLowerCase().includes(words));
  line(found, hits.length + ' found' + (hits.length > 20 ? ', the first 20:' : ''), 'p');
  for (const r of hits.slice(0, 20)) {
    const box = line(found, '', 'div'); box.className = 'case ' + (r[5] ? 'dropped' : 'kept');
    line(box, r[0] + (r[1] ? ' (' + r[1] + ')' : ''), 'b');
    line(box, 'source ' + r[2] + ', ' + r[3] + (r[4] ? ', ' + r[4] : ''), 'div').className = 'small';
    if (r[7]) line(box, r[7], 'div').className = 'x';
    line(box, r[5] ? 'dropped by ' + r[5] + (r[6] ? ', for ' + r[6] : '') : 'in the shards', 'div');
  }
}
asked.addEventListener('input', show);
"""

FORM = (
    '<p class="screen"><input id="asked" type="search" placeholder="id, name, URL or first words" aria-label="id, name, URL or first words"></p>'
    '<div id="found"></div>'
)


def places(manifest: dict[str, Any], folder: str) -> list[list[Any]] | None:
    """(id, name, source, path and row, url, verdict, kept id, first words) a document read; None where a page cannot hold them all."""
    if manifest["funnel"][0]["in"] > MOST:
        return None
    verdicts: dict[tuple[str, str, int], tuple[str, str | None, str]] = {}
    for stage in manifest["funnel"]:
        for row in _rows(folder, f"dropped/{stage['stage']}", ["source", "path", "row", "rule", "kept_id", "excerpt"]):
            verdicts[row["source"], row["path"], row["row"]] = (
                f"{stage['stage']}: {row['rule']}",
                row["kept_id"],
                (row["excerpt"] or "")[:FIRST_CHARS],
            )
    first = _first_words(manifest, folder)
    made: list[list[Any]] = []
    for row in _rows(folder, "documents", ["id", "name", "source", "path", "row", "url"]):
        none = (None, None, first.get(row["id"], ""))
        verdict, kept, words = verdicts.get((row["source"], row["path"], row["row"]), none)
        name, url = ((row[key] or "")[:MOST_CHARS] or None for key in ("name", "url"))
        made.append([row["id"], name, row["source"], f"{row['path']} row {row['row']}", url, verdict, kept, words])
    return made


def _first_words(manifest: dict[str, Any], folder: str) -> dict[str, str]:
    """How the texts begin that stand in the shards, by id; none of packed rows."""
    if manifest["recipe"]["shards"].get("sequence_length") is not None:
        return {}
    made: dict[str, str] = {}
    for path in (shard["path"] for shard in manifest["shards"]):
        for table in storage.row_groups(storage.join(folder, path), ["id", "text", "segments"]):
            texts = pc.utf8_slice_codeunits(table["text"], 0, MOST_CHARS)
            for id_, text, segments in zip(
                *(column.to_pylist() for column in (table["id"], texts, table["segments"])), strict=True
            ):
                start = next((one["start"] for one in segments if one["loss"]), 0)
                made.setdefault(id_, text[start : start + FIRST_CHARS] or text[:FIRST_CHARS])
    return made


def _rows(folder: str, table: str, columns: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    place = storage.join(folder, table)
    for name in storage.list_folder(place):
        with storage.open_parquet(storage.join(place, name)) as file:
            frame = pl.from_arrow(file.read(columns=columns))
            assert isinstance(frame, pl.DataFrame)
            rows += frame.to_dicts()
    return rows
