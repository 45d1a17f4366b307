"""``syllabus explain --source``: what became of a source's documents, stage by stage. From the manifest and the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.compute as pc
from rich.console import Console

from curation import storage
from curation.releases.home import read_manifest
from schemas.errors import UnknownDocument
from schemas.tables import STAGES

EXAMPLES = 3
"""Ids of dropped documents that are named a rule, to be explained one by one."""


@dataclass(frozen=True)
class Loss:
    """What a rule dropped of a source. share: of the documents that were read; examples: ids."""

    stage: str
    rule: str
    documents: int
    share: float
    examples: list[str]


@dataclass(frozen=True)
class SourceStory:
    """A source's documents: read, lost by rule in the order of the stages, in the release; and its share of all that is in the release."""

    source: str
    read: int
    losses: list[Loss]
    kept: int
    share: float


def of_source(release: str, name: str) -> SourceStory:
    """The story of a source. Raises UnknownDocument for a name that the recipe does not have."""
    manifest = read_manifest(release)
    sources = [source["name"] for source in manifest["recipe"]["sources"]]
    if name not in sources:
        raise UnknownDocument(f"{name!r} is no source of this release; there are {', '.join(sources)}")
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    folder = storage.join(release, "dropped")
    for stage in storage.list_folder(folder):
        for file in storage.list_folder(storage.join(folder, stage)):
            for table in storage.row_groups(storage.join(folder, stage, file), ["id", "source", "stage", "rule"]):
                mine = table.filter(pc.equal(table["source"], name))
                for rule, n in zip(*mine["rule"].value_counts().flatten(), strict=True):
                    key = (stage, rule.as_py())
                    counts[key] += n.as_py()
                    named = examples.setdefault(key, [])
                    if len(named) < EXAMPLES:
                        ids = mine.filter(pc.equal(mine["rule"], rule))["id"].slice(0, EXAMPLES - len(named))
                        named += [one for one in ids.to_pylist() if one]
    pool = {label: amount["documents"] for label, amount in manifest["groups"]["source"].items()}
    unscheduled = sum(n for (stage, _), n in counts.items() if stage == "schedule")
    kept = pool.get(name, 0) - unscheduled
    read = kept + sum(counts.values())
    order = {stage: number for number, stage in enumerate(STAGES)}
    losses = [
        Loss(stage, rule, n, n / read, examples[stage, rule])
        for (stage, rule), n in sorted(counts.items(), key=lambda one: (order.get(one[0][0], 99), -one[1], one[0][1]))
    ]
    left = manifest["funnel"][-1]["out"]
    return SourceStory(name, read, losses, kept, kept / left if left else 0.0)


def as_dict(story: SourceStory) -> dict[str, Any]:
    """The story as plain data, for ``--json``."""
    return asdict(story)


def show(story: SourceStory, console: Console) -> None:
    """Print the story for people; nothing of it is read as markup."""
    lines = [f"{story.source}: {story.read:,} documents were read"]
    for loss in story.losses:
        named = f" ({', '.join(loss.examples)})" if loss.examples else ""
        lines.append(f"  {loss.stage}, {loss.rule}: {loss.documents:,} ({loss.share:.1%}) went{named}")
    lines.append(f"{story.kept:,} are in the release, {story.share:.1%} of its documents")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
