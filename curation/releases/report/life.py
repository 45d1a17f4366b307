"""`syllabus explain` as a page: the life of a document, and the duplicates that went with it."""

from __future__ import annotations

import html
from typing import Any

from curation.releases import explain_cluster
from curation.releases.explain import Life, explain
from curation.releases.report.page import changed, page, table
from schemas.errors import UnknownDocument


def life(release: str, asked: str) -> str:
    """The page of a document, found by its id, its own name or its URL; one that says so where there is none."""
    try:
        found = _found(release, asked)
    except UnknownDocument:
        lead = f"<p>No document of this release has the id, name or URL <b>{html.escape(asked)}</b>.</p>"
        return page("No such document", lead, [])
    sections = [("Where it was read, and what became of it", _places(found)), ("In the shards", _positions(found))]
    for one in dict.fromkeys(place.id for place in found.places):
        try:
            sections.append((f"Duplicates with {one[:12]}", _cluster(release, one)))
        except UnknownDocument:
            continue
    return page(f"Document {asked}", "", sections)


def _found(release: str, asked: str) -> Life:
    try:
        return explain(release, id=asked)
    except UnknownDocument:
        return explain(release, url=asked)


def _places(found: Life) -> str:
    rows: list[list[Any]] = []
    for place in found.places:
        said = "in the shards"
        if place.verdict is not None:
            v = place.verdict
            measured = "" if v["value"] is None else f", {v['value']:.4g}"
            bound = "" if v["threshold"] is None else f" against {v['threshold']:.4g}"
            kept = f"; {v['kept_id']} stays" if v["kept_id"] else ""
            said = f"dropped by {v['stage']}: {v['rule']}{measured}{bound}{kept}"
        rows.append([place.id, place.source, f"{place.path} row {place.row}", place.url or "", said])
    return table(["id", "source", "read from", "URL", "verdict"], rows)


def _positions(found: Life) -> str:
    rows = [[row["position"], row["phase"], row["shard"]] for row in found.positions[:200]]
    return table(["position", "phase", "shard"], rows)


def _cluster(release: str, id_: str) -> str:
    found = explain_cluster.cluster(release, id_)
    parts = [f"<p>{html.escape(found.kept)} stays.</p>"]
    for member in found.members:
        alike = "" if member.similarity is None else f", similarity {member.similarity:.3f}"
        changes = "".join(changed(there, here) for there, here in member.changes)
        parts.append(f'<div class="case dropped"><b>{html.escape(member.id)}</b>{alike}{changes}</div>')
    if found.more:
        parts.append(f"<p>and {found.more:,} more</p>")
    return "".join(parts)
