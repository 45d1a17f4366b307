"""What happened and what looks odd, in three sentences."""

from __future__ import annotations

import html
from typing import Any

from curation.releases.report.mixture import rows_of
from curation.releases.warnings import said
from schemas.manifest import RunWarning


def summary(manifest: dict[str, Any]) -> str:
    """A paragraph of HTML; labels and reasons in it are escaped."""
    sentences = [_dropped(manifest), _mixed(manifest), _odd(manifest)]
    return f"<p>{html.escape(' '.join(one for one in sentences if one))}</p>"


def _dropped(manifest: dict[str, Any]) -> str:
    read, left = manifest["funnel"][0]["in"], manifest["funnel"][-1]["out"]
    rules = [(n, stage["stage"], rule) for stage in manifest["funnel"] for rule, n in stage["dropped"].items()]
    if not rules:
        return f"All {read:,} documents that were read are in the release."
    most, stage, rule = max(rules)
    named = stage if stage == rule else f"{stage}, {rule}"
    return f"Of {read:,} documents that were read {left:,} are left; most of the others went by {named}: {most:,}."


def _mixed(manifest: dict[str, Any]) -> str:
    rows = [row for phase in manifest["phases"] for row in rows_of(phase) if row.group in phase["weights"]]
    if not rows:
        return ""
    worst = max(rows, key=lambda row: abs(row.written - row.planned))
    off = abs(worst.written - worst.planned)
    if off < 0.005:
        return "Every group has its planned share, to half a percent."
    return f"The mixture is off by at most {off:.1%}: {worst.group} in phase {worst.phase} has {worst.written:.1%}, planned were {worst.planned:.1%}."


def _odd(manifest: dict[str, Any]) -> str:
    warnings = [RunWarning.model_validate(one) for one in manifest.get("warnings", [])]
    promises = manifest.get("promises", [])
    broken = [one for one in promises if not one["holds"]]
    parts = []
    if promises:
        parts.append(
            f"{len(promises) - len(broken)} of {len(promises)} promises hold" if broken else "all its promises hold"
        )
    if broken:
        parts.append(f"the first that does not is: {(broken[0]['says'] or broken[0]['check']).rstrip('.')}")
    if warnings:
        parts.append(f"{len(warnings)} warnings, the first: {said(warnings[0])}")
    if not warnings and not broken:
        parts.append("nothing looks odd")
    text = "; ".join(parts)
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")
