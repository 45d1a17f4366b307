"""Events for Prefect's automations: a release was published, or its limits were broken. See deployments/automations.yaml."""

from __future__ import annotations

from typing import Any

from prefect.events import emit_event

from schemas.manifest import Manifest

PUBLISHED = "syllabus.release.published"
BROKEN = "syllabus.limits.broken"


def published(manifest: Manifest, folder: str) -> None:
    """A release is there: its counts, and how many warnings and broken promises it has."""
    emit_event(
        PUBLISHED,
        resource=_resource(manifest),
        payload={
            **_of(manifest, folder),
            "documents": manifest.funnel[-1].out,
            "tokens": sum(shard.tokens for shard in manifest.shards),
            "shards": len(manifest.shards),
            "warnings": len(manifest.warnings),
            "promises_broken": sum(not one.holds for one in manifest.promises),
        },
    )


def limits_broken(manifest: Manifest, folder: str, faults: list[str]) -> None:
    """A release was made and not published: which limits it broke."""
    emit_event(BROKEN, resource=_resource(manifest), payload={**_of(manifest, folder), "faults": faults})


def _resource(manifest: Manifest) -> dict[str, str]:
    name = manifest.recipe["name"]
    return {"prefect.resource.id": f"syllabus.recipe.{name}", "prefect.resource.name": name}


def _of(manifest: Manifest, folder: str) -> dict[str, Any]:
    return {"recipe": manifest.recipe["name"], "release": manifest.release, "folder": folder}
