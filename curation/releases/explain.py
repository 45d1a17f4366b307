"""``syllabus explain``: the life of a document in a release: where it came from, what became of it, where it stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
from rich.console import Console

from curation import storage
from curation.cleaning import pii
from curation.releases.copies import stands_for
from curation.releases.home import read_manifest
from curation.releases.swarm_runs import refuse_run
from schemas.cleaning import PersonalData
from schemas.errors import UnknownDocument

SHOWN_POSITIONS = 20


@dataclass(frozen=True)
class Place:
    """An input row that the document was read from, and what became of it (None: it is in the shards)."""

    id: str
    name: str | None
    source: str
    path: str
    row: int
    url: str | None
    verdict: dict[str, Any] | None = None
    substrings: list[dict[str, Any]] = field(default_factory=list)
    """Of its text bytes [start, end) that stood before, and where first; cut, where the recipe cuts and the document stays."""


@dataclass(frozen=True)
class Life:
    """Every row that was asked for, the stages it passed, and its positions in the shards."""

    asked: str
    stages: list[str]
    places: list[Place]
    positions: list[dict[str, Any]] = field(default_factory=list)
    copies: int | None = None
    """How many documents it stands for, itself and its copies; None where it is not kept."""


def _as_cleaned(url: str | None, recipe: dict[str, Any]) -> str | None:
    """The URL as the release has it: without the personal data that the recipe masks."""
    params = PersonalData.model_validate(recipe["clean"]["pii"])
    return pii.url_shown(pa.array([url], pa.string()), params)[0].as_py()


def explain(release: str, *, id: str | None = None, url: str | None = None) -> Life:
    """The life of a document, by its id, its own name (``columns.id``) or its URL.

    Raises UnknownDocument where no input row has it.
    """
    manifest = read_manifest(release)
    refuse_run(release, manifest)
    asked = id if id is not None else url
    column = (
        pl.col("url").is_in([url, _as_cleaned(url, manifest["recipe"])])
        if id is None
        else (pl.col("id") == id) | (pl.col("name") == id)
    )
    found = matching(release, "documents", column)
    if not found:
        kind = "id or name" if id is not None else "URL"
        raise UnknownDocument(f"no document of {release} has the {kind} {asked!r}")
    ids = sorted({row["id"] for row in found})
    verdicts = {
        (row["source"], row["path"], row["row"]): row
        for stage in manifest["funnel"]
        for row in matching(release, f"dropped/{stage['stage']}", pl.col("id").is_in(ids))
    }
    spans: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in matching(release, "substrings", pl.col("id").is_in(ids)):
        span = {name: row[name] for name in ("start", "end", "first_id", "first_start")}
        spans.setdefault((row["source"], row["path"], row["row"]), []).append(span)
    places = []
    for row in found:
        verdict = verdicts.get((row["source"], row["path"], row["row"]))
        kept = ("stage", "rule", "value", "threshold", "kept_id")
        said = None if verdict is None else {key: verdict[key] for key in kept}
        repeats = spans.get((row["source"], row["path"], row["row"]), [])
        places.append(Place(row["id"], row["name"], row["source"], row["path"], row["row"], row["url"], said, repeats))
    positions: list[dict[str, Any]] = []
    for shard in [*manifest["shards"], *manifest.get("evaluation", [])]:
        positions += _positions(release, shard["path"], ids)
    return Life(
        str(asked), [stage["stage"] for stage in manifest["funnel"]], places, positions, stands_for(release, ids)
    )


def _positions(release: str, path: str, ids: list[str]) -> list[dict[str, Any]]:
    with storage.open_parquet(storage.join(release, path)) as file:
        packed = "doc_ids" in file.schema_arrow.names
        names = ["position", "phase", "doc_ids"] if packed else ["position", "phase", "epoch", "id"]
        frame = pl.from_arrow(file.read(columns=names))
    assert isinstance(frame, pl.DataFrame)
    if packed:
        frame = frame.explode("doc_ids").rename({"doc_ids": "id"})
    return [{"shard": path, **row} for row in frame.filter(pl.col("id").is_in(ids)).to_dicts()]


def matching(release: str, folder: str, wanted: pl.Expr) -> list[dict[str, Any]]:
    """The rows of a release's table, in any of its files, that an expression picks."""
    rows: list[dict[str, Any]] = []
    where = storage.join(release, folder)
    for name in storage.list_folder(where):
        with storage.open_parquet(storage.join(where, name)) as file:
            for group in range(file.num_row_groups):
                frame = pl.from_arrow(file.read_row_group(group))
                assert isinstance(frame, pl.DataFrame)
                rows += frame.filter(wanted).to_dicts()
    return rows


def as_dict(life: Life) -> dict[str, Any]:
    """The life as plain data, for ``--json``."""
    return asdict(life)


def show(life: Life, console: Console) -> None:
    """Print the life for people; nothing of it is read as markup."""

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    for place in life.places:
        say(f"{place.id}" + (f" ({place.name})" if place.name else ""))
        say(f"  read from {place.path}, row {place.row} (source {place.source})")
        if place.url:
            say(f"  url {place.url}")
        last = place.verdict["stage"] if place.verdict else None
        for stage in life.stages:
            if stage == last and place.verdict is not None:
                say(f"  {stage}: dropped by {place.verdict['rule']}{_measured(place.verdict)}")
                break
            say(f"  {stage}: passed")
            for span in place.substrings if stage == "substrings" else []:
                first = f"first in {span['first_id']} from byte {span['first_start']:,}"
                say(f"    bytes {span['start']:,} to {span['end']:,} stood before, {first}")
    shown = life.positions[:SHOWN_POSITIONS]
    for row in shown:
        epoch = f", epoch {row['epoch']}" if "epoch" in row else ""
        say(f"position {row['position']}: phase {row['phase']}{epoch}, {row['shard']} ({row['id']})")
    if len(life.positions) > len(shown):
        say(f"… and {len(life.positions) - len(shown)} more positions")
    if life.copies is not None and life.copies > 1:
        say(f"it stands for {life.copies:,} documents, itself and its copies")
    if not life.positions:
        say("it stands at no position of the shards")


def _measured(verdict: dict[str, Any]) -> str:
    parts = []
    if verdict["value"] is not None:
        parts.append(f"value {verdict['value']:.6g}, threshold {verdict['threshold']:.6g}")
    if verdict["kept_id"] is not None:
        parts.append(f"kept instead: {verdict['kept_id']}")
    return f" ({'; '.join(parts)})" if parts else ""
