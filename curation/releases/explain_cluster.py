"""``syllabus explain RELEASE --cluster ID``: the documents that were dropped for one that stayed, and in what they differ.

A release holds no dropped text beyond its beginning, so the texts are read again from the input files, as they stand there
now; one that is gone or changed is said to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from rich.console import Console

from curation import storage
from curation.dedup.differences import differences
from curation.readers import read_files
from curation.readers.formats import kind_of
from curation.releases.explain import matching
from curation.releases.home import read_manifest
from schemas.errors import UnknownDocument
from schemas.sources import Source

STAGES = ("exact", "minhash")
SHOWN = 20
BATCH_BYTES = 32_000_000


@dataclass(frozen=True)
class Member:
    """A document of the cluster. similarity: to the one that stays; same, removed, added: words, against it; None where
    the text cannot be read again; changes: some of the places, as (what stands there, what stands here)."""

    id: str
    source: str
    path: str
    row: int
    stage: str
    similarity: float | None
    same: int | None = None
    removed: int | None = None
    added: int | None = None
    changes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cluster:
    """The document that stays, where it was read, and those that were dropped for it."""

    kept: str
    places: list[dict[str, Any]]
    members: list[Member]
    more: int


def cluster(release: str, id: str) -> Cluster:
    """The cluster that a document belongs to, whether it stayed or not.

    Raises UnknownDocument where no exact or near duplicate of it was dropped.
    """
    manifest = read_manifest(release)

    def dropped(column: pl.Expr) -> list[dict[str, Any]]:
        return [row for stage in STAGES for row in matching(release, f"dropped/{stage}", column)]

    # What a cap dropped has no document that stays for it, but others may have gone for it.
    kept = next((row["kept_id"] for row in dropped(pl.col("id") == id) if row["kept_id"] is not None), id)
    rows = sorted(dropped(pl.col("kept_id") == kept), key=lambda row: (-(row["value"] or 0), row["path"], row["row"]))
    if not rows:
        raise UnknownDocument(f"no duplicate of {id!r} was dropped in {release}")
    gone = {(row["source"], row["path"], row["row"]) for row in rows}
    places = [
        place
        for place in matching(release, "documents", pl.col("id") == kept)
        if (place["source"], place["path"], place["row"]) not in gone
    ]
    shown = rows[:SHOWN]
    texts = _texts(manifest, [(p["source"], p["path"], p["row"]) for p in [*places[:1], *shown]])
    stays = texts.get((places[0]["source"], places[0]["path"], places[0]["row"])) if places else None
    members = []
    for row in shown:
        text = texts.get((row["source"], row["path"], row["row"]))
        plain = (row["id"], row["source"], row["path"], row["row"], row["stage"], row["value"])
        members.append(Member(*plain, *(differences(stays, text) if stays is not None and text is not None else ())))
    return Cluster(kept, places, members, len(rows) - len(shown))


def _texts(manifest: dict[str, Any], wanted: list[tuple[str, str, int]]) -> dict[tuple[str, str, int], str]:
    """The texts of rows of input files, those that can still be read."""
    sources = {source["name"]: Source.model_validate(source) for source in manifest["recipe"]["sources"]}
    found: dict[tuple[str, str, int], str] = {}
    for name, path in dict.fromkeys((source, path) for source, path, _ in wanted):
        rows = {row for source, other, row in wanted if (source, other) == (name, path)}
        for row, text in _rows(sources[name], path, rows):
            found[name, path, row] = text
    return found


def _rows(source: Source, path: str, rows: set[int]) -> Iterator[tuple[int, str]]:
    kind = kind_of(path, source.format)
    if kind is None or not storage.exists(path):
        return
    left = set(rows)
    for batch in read_files.read(
        path, read_files.wanted_of(source, {}, BATCH_BYTES), format=kind[0], compression=kind[1]
    ):
        for place, row in enumerate(batch.documents["row"].to_pylist()):
            if row in left:
                left.discard(row)
                yield row, batch.documents["text"][place].as_py()
        if not left:
            return


def as_dict(found: Cluster) -> dict[str, Any]:
    """The cluster as plain data, for ``--json``."""
    return asdict(found)


def show(found: Cluster, console: Console) -> None:
    """Print the cluster for people; nothing of it is read as markup."""

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    say(f"{found.kept} stays")
    for place in found.places:
        say(f"  read from {place['path']}, row {place['row']} (source {place['source']})")
    for member in found.members:
        alike = "" if member.similarity is None else f", similarity {member.similarity:.3f}"
        say(f"{member.id} dropped by {member.stage}{alike}")
        say(f"  read from {member.path}, row {member.row} (source {member.source})")
        if member.same is None:
            say("  its text, or that of the one that stays, cannot be read again")
            continue
        say(f"  {member.same} words in common, {member.removed} only there, {member.added} only here")
        for there, here in member.changes:
            say(f"    [-{there}-] {{+{here}+}}")
    if found.more:
        say(f"… and {found.more} more")
