"""What of a recipe's folder may go: releases that nothing needs any more, and what only they, or crashed runs, left behind."""

from __future__ import annotations

from dataclasses import dataclass

from curation import storage
from curation.releases.home import MADE_FROM, PREPARED, RELEASE_NAME, SWARMS, Home


@dataclass(frozen=True)
class Sweep:
    """releases: complete ones to remove, oldest first; kept: why each of the others stays; leftovers: folders of unfinished
    releases and scratch; prepared: cached partitions that no release that stays was made from (none where a release does
    not say what it was made from)."""

    releases: list[str]
    kept: dict[str, str]
    leftovers: list[str]
    prepared: list[str]


def plan_sweep(home: Home, *, keep_last: int, forget_history: bool = False) -> Sweep:
    """What would go. Never the latest release nor the parent of one that stays; nor, without ``forget_history``, one that
    later runs are deduplicated against (``dedup.history``).

    No run of the recipe may be under way: its unfinished release is a leftover too.
    """
    complete = home.releases()
    manifests = {name: home.manifest(name) for name in complete}
    kept: dict[str, str] = {}
    for name in complete[-keep_last:] if keep_last else []:
        kept[name] = f"one of the last {keep_last}"
    if not forget_history:
        kept |= {
            name: "later runs are compared with it"
            for name in complete
            if manifests[name]["recipe"]["dedup"]["history"]
        }
    latest = home.latest()
    if latest is not None:
        kept[latest] = "the latest"
    for name in list(kept):
        parent = manifests[name]["parent"] if name in manifests else None
        if parent in manifests:
            kept.setdefault(parent, f"the parent of {name}")
    unfinished = [
        name for name in storage.list_folder(home.folder) if RELEASE_NAME.match(name) and name not in manifests
    ]
    swarms = Home(home.path(SWARMS))
    unfinished_swarms = set(filter(RELEASE_NAME.match, storage.list_folder(swarms.folder))) - set(swarms.releases())
    leftovers = [home.path(name) for name in unfinished]
    leftovers += [swarms.path(name) for name in sorted(unfinished_swarms)]
    leftovers += [home.cache("work", name) for name in storage.list_folder(home.cache("work"))]
    made_from = [home.partitions_of(name) for name in kept]
    used = {key for keys in made_from for key in keys or ()}
    prepared: list[str] = []
    if None not in made_from:
        names = storage.list_folder(home.cache(PREPARED))
        prepared = [home.cache(PREPARED, name) for name in names if name not in used]
    return Sweep([name for name in complete if name not in kept], dict(sorted(kept.items())), leftovers, prepared)


def sweep(home: Home, plan: Sweep) -> None:
    """Remove what the plan names. A release loses its manifest first, so that a crash leaves no half of one."""
    for name in plan.releases:
        storage.delete(home.path(name, "manifest.json"))
        storage.delete_tree(home.path(name))
        storage.delete(home.cache(MADE_FROM, f"{name}.json"))
    for folder in [*plan.leftovers, *plan.prepared]:
        storage.delete_tree(folder)
