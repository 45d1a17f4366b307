"""Artifacts on the run page: the funnel and the mixture as tables, the report's place. Never document text."""

from __future__ import annotations

import html
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from schemas.manifest import Manifest


def publish(manifest: Manifest, folder: str) -> None:
    """Create the artifacts of a release on the current flow run."""
    key = manifest.recipe["name"]
    create_table_artifact(key=f"{key}-funnel", table=funnel_rows(manifest), description=f"Funnel of {manifest.release}")
    create_table_artifact(
        key=f"{key}-mixture", table=mixture_rows(manifest), description="Mixture, planned against realised"
    )
    place = html.escape(f"{folder}/report.html").replace("`", "")
    create_markdown_artifact(
        key=f"{key}-release",
        markdown=f"Release `{manifest.release}`: {sum(s.rows for s in manifest.shards):,} rows in "
        f"{len(manifest.shards)} shards.\n\nThe report: `{place}`",
        description="Where the release and its report are",
    )


def classifier(key: str, card: str) -> None:
    """The card of a trained classifier: figures and settings; it holds no document text."""
    create_markdown_artifact(key=key, markdown=card, description="The classifier's card")


def funnel_rows(manifest: Manifest) -> list[dict[str, Any]]:
    """A row a stage."""
    return [
        {
            "stage": stage.stage,
            "in": stage.in_,
            "dropped": stage.in_ - stage.out,
            "out": stage.out,
            "rules": ", ".join(f"{html.escape(rule)}: {n}" for rule, n in stage.dropped.items()),
        }
        for stage in manifest.funnel
    ]


def mixture_rows(manifest: Manifest) -> list[dict[str, Any]]:
    """A row a phase and group."""
    rows = []
    for phase in manifest.phases:
        total = sum(amount.tokens for amount in phase.realised.values()) or 1
        for label, amount in phase.realised.items():
            rows.append(
                {
                    "phase": phase.name,
                    "group": html.escape(label),
                    "planned": round(phase.weights.get(label, 0.0), 4),
                    "realised": round(amount.tokens / total, 4),
                    "documents": amount.documents,
                    "tokens": amount.tokens,
                }
            )
    return rows
