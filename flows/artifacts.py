"""Artifacts on the run page: tables, samples and where the report is. What comes from documents is escaped."""

from __future__ import annotations

import html
import os
import urllib.parse
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from curation import storage
from curation.releases.changes import changes
from curation.releases.report.border_cases import dropped_samples
from curation.releases.report.comparison import shown
from curation.releases.report.mixture import rows_of
from curation.releases.report.packing import packing
from curation.releases.retain import Sweep
from curation.releases.warnings import said
from curation.releases.warnings import shown as example
from flows.report_server import REPORTS_URL
from schemas.manifest import Manifest

MAX_ROWS = 200
SAMPLES = 2
"""Dropped documents shown a rule."""


def publish(manifest: Manifest, folder: str, before: dict[str, Any] | None) -> None:
    """The artifacts of a release on the current flow run; before: the manifest of the release before it."""
    key = manifest.recipe["name"]
    create_table_artifact(key=f"{key}-funnel", table=funnel_rows(manifest), description=f"Funnel of {manifest.release}")
    create_table_artifact(
        key=f"{key}-mixture", table=mixture_rows(manifest)[:MAX_ROWS], description="Mixture, planned against realised"
    )
    _warnings(manifest)
    _promises(manifest)
    if before is not None:
        create_table_artifact(
            key=f"{key}-changes",
            table=change_rows(before, manifest.model_dump(mode="json", by_alias=True)),
            description=f"What changed since {before['release']}",
        )
    _samples(manifest, folder)
    rows, shards = sum(shard.rows for shard in manifest.shards), len(manifest.shards)
    packed = packing(manifest.model_dump(mode="json", by_alias=True))
    said = f" Rows are {packed}." if packed is not None else ""
    _place(f"{key}-release", f"Release `{manifest.release}`: {rows:,} rows in {shards} shards.{said}", folder)


def evaluated(manifest: Manifest, folder: str) -> None:
    """The artifacts of an evaluation."""
    key = manifest.recipe["name"]
    create_table_artifact(key=f"{key}-funnel", table=funnel_rows(manifest), description="Funnel of the evaluation")
    _warnings(manifest)
    groups = [
        {"by": by, "group": _plain(label), "documents": amount.documents, "tokens": amount.tokens}
        for by, labels in manifest.groups.items()
        for label, amount in sorted(labels.items(), key=lambda x: -x[1].tokens)
    ]
    create_table_artifact(key=f"{key}-groups", table=groups[:MAX_ROWS], description="What the pool holds")
    _samples(manifest, folder)
    left = manifest.funnel[-1].out
    _place(f"{key}-evaluation", f"{left:,} documents would be kept; nothing was published.", folder)


def _warnings(manifest: Manifest) -> None:
    """What the run took by surprise, escaped: reasons, labels and excerpts come from outside."""
    if manifest.warnings:
        rows = [
            {"warning": _plain(said(one)), "examples": _plain("; ".join(example(e) for e in one.examples))}
            for one in manifest.warnings[:MAX_ROWS]
        ]
        create_table_artifact(
            key=f"{manifest.recipe['name']}-warnings", table=rows, description=f"{len(manifest.warnings)} warnings"
        )


def _promises(manifest: Manifest) -> None:
    """What the recipe promises, and whether it holds."""
    if manifest.promises:
        rows = [
            {"promise": _plain(one.says or one.check), "holds": one.holds, "found": _plain("; ".join(one.faults))}
            for one in manifest.promises
        ]
        broken = sum(not one.holds for one in manifest.promises)
        create_table_artifact(
            key=f"{manifest.recipe['name']}-promises",
            table=rows,
            description=f"{len(rows)} promises of the recipe, {broken} of which do not hold",
        )


def retained(name: str, plan: Sweep, *, dry_run: bool) -> None:
    """What `retain` removed, or would have."""
    gone = "would go" if dry_run else "removed"
    rows = [{"release": release, "what": gone, "why": "older than those that stay"} for release in plan.releases]
    rows += [{"release": release, "what": "stays", "why": why} for release, why in plan.kept.items()]
    create_table_artifact(
        key=f"{name}-retained",
        table=rows,
        description=f"Besides, {gone}: {len(plan.leftovers)} leftovers of unfinished runs, {len(plan.prepared)} cached partitions",
    )


def classifier(key: str, card: str) -> None:
    """The card of a trained classifier: figures and settings; it holds no document text."""
    create_markdown_artifact(key=key, markdown=card, description="The classifier's card")


def _place(key: str, said: str, folder: str) -> None:
    """Where the report is: a link where something serves it, its path always."""
    place = storage.join(storage.absolute(folder), "report.html")
    base = os.environ.get(REPORTS_URL)
    if base:
        link = f"{base}/report?{urllib.parse.urlencode({'release': storage.absolute(folder)})}"
        create_link_artifact(key=f"{key}-report", link=link, link_text="Open the report", description="The report")
    create_markdown_artifact(
        key=key,
        markdown=f"{said}\n\nThe report: `{_plain(place).replace('`', '')}`",
        description="Where the release and its report are",
    )


def _samples(manifest: Manifest, folder: str) -> None:
    rows = []
    for stage in manifest.funnel:
        found = dropped_samples(folder, stage.stage) if stage.dropped else {}
        for rule in sorted(stage.dropped, key=lambda rule: -stage.dropped[rule]):
            rows += [
                {
                    "stage": stage.stage,
                    "rule": _plain(rule),
                    "value": row["value"],
                    "threshold": row["threshold"],
                    "id": row["id"][:12],
                    "text": _plain(row["excerpt"] or ""),
                }
                for row in found.get(rule, [])[:SAMPLES]
            ]
    if rows:
        create_table_artifact(
            key=f"{manifest.recipe['name']}-dropped", table=rows[:MAX_ROWS], description="Some of what was dropped"
        )


def _plain(text: str) -> str:
    """Text that neither HTML nor Markdown takes for its own, on one line."""
    return html.escape(" ".join(text.split()))


def funnel_rows(manifest: Manifest) -> list[dict[str, Any]]:
    """A row a stage."""
    return [
        {
            "stage": stage.stage,
            "in": stage.in_,
            "dropped": stage.in_ - stage.out,
            "out": stage.out,
            "rules": ", ".join(f"{_plain(rule)}: {n}" for rule, n in stage.dropped.items()),
        }
        for stage in manifest.funnel
    ]


def mixture_rows(manifest: Manifest) -> list[dict[str, Any]]:
    """A row a phase and group."""
    rows = []
    for phase in manifest.phases:
        for row in rows_of(phase.model_dump()):
            rows.append(
                {
                    "phase": row.phase,
                    "group": _plain(row.group),
                    "unit": row.unit,
                    "planned": round(row.planned, 4),
                    "realised": round(row.written, 4),
                    "documents": row.documents,
                    "share of documents": round(row.of_documents, 4),
                    "tokens": row.tokens,
                    "share of tokens": round(row.of_tokens, 4),
                }
            )
    return rows


def change_rows(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a figure."""
    return [
        {
            "figure": _plain(one.what),
            "before": shown(one.before, one.kind),
            "now": shown(one.after, one.kind),
            "difference": shown(one.difference, one.kind, signed=True),
        }
        for one in changes(before, after)[:MAX_ROWS]
    ]
