"""Seconds by stage, and by step of *prepare* (added over its workers)."""

from __future__ import annotations

from typing import Any

from curation.releases.report.charts import bars

STEPS = "prepare."


def timings(manifest: dict[str, Any]) -> str:
    """Two pictures: what the run waited for, and what *prepare* spent its time on."""
    stages = [(name, s) for name, s in manifest["timings"].items() if not name.startswith(STEPS)]
    steps = [(name.removeprefix(STEPS), s) for name, s in manifest["timings"].items() if name.startswith(STEPS)]
    steps.sort(key=lambda step: -step[1])
    parts = [bars(stages, label="Seconds by stage", value="seconds", form=",.2f")] if stages else []
    if steps:
        parts.append("<p>Steps of <i>prepare</i>, added over its workers:</p>")
        parts.append(bars(steps, label="Seconds by step of prepare", value="seconds", form=",.2f"))
    return "".join(parts)
