"""The stages of a run, in order. Adding one is a line here, and a line in the flow that says which recipes need it."""

from __future__ import annotations

from functools import partial

from curation.releases.work import Stage
from curation.stages import (
    classifier,
    copies,
    decontaminate,
    deduplicate,
    describe,
    domain_caps,
    gather,
    history,
    ledger,
    pack,
    paragraphs,
    preference,
    prepare,
    semantic,
    substrings,
    swarm,
    whole_sources,
    write,
)

STAGES = [
    Stage("prepare", "partitions", prepare.run, (), "prepared"),
    Stage("classifier", "once", classifier.run, ("prepared",), "decided-classifier"),
    Stage("keys", "partitions", deduplicate.run_keys, ("prepared",), "keys"),
    Stage("preference", "partitions", preference.run, ("prepared",), "preference"),
    Stage("exact", "ranges", deduplicate.run_exact, ("keys", "decided"), "equal"),
    Stage("settle", "once", deduplicate.run_settle, ("equal",), "decided-exact"),
    Stage("edges", "ranges", deduplicate.run_edges, ("keys", "decided"), "candidates"),
    Stage("verify", "ranges", deduplicate.run_verify, ("candidates", "prepared"), "edges"),
    Stage("duplicates", "once", deduplicate.run, ("edges", "prepared"), "decided-duplicates"),
    Stage("semantic", "once", semantic.run, ("prepared", "decided"), "decided-semantic"),
    Stage("caps", "once", domain_caps.run, ("prepared", "decided"), "decided-caps"),
    Stage("find-paragraphs", "partitions", paragraphs.run_find, ("prepared", "decided"), "units"),
    Stage("repeated-paragraphs", "ranges", paragraphs.run_repeated, ("units",), "cuts"),
    Stage("cut-paragraphs", "partitions", paragraphs.run_cut, ("prepared", "cuts"), "documents-paragraphs"),
    Stage("index", "once", history.run_index, ("history",), "compared-with"),
    Stage("known", "ranges", history.run_known, ("keys", "decided", "compared-with"), "met"),
    Stage("compare", "ranges", history.run_compare, ("met", "prepared"), "alike"),
    Stage("history", "once", history.run, ("alike", "prepared"), "decided-history"),
    Stage("copies", "once", copies.run, ("equal", "near", "alike"), "copies"),
    Stage("find-anchors", "partitions", substrings.run_anchors, ("documents", "decided"), "anchors"),
    Stage("equal-anchors", "shelves", substrings.run_equal, ("anchors", "history"), "equal-anchors"),
    Stage(
        "surroundings",
        "partitions",
        substrings.run_surroundings,
        ("documents", "anchors", "equal-anchors"),
        "surroundings",
    ),
    Stage("repeated-substrings", "shelves", substrings.run_repeated, ("surroundings", "history"), "repeats"),
    Stage("cut-substrings", "partitions", substrings.run_cut, ("documents", "repeats"), "documents-substrings"),
    Stage("collisions", "partitions", decontaminate.run_collisions, ("documents", "decided"), "collisions"),
    Stage("frequent", "once", decontaminate.run_frequent, ("collisions",), "frequent"),
    Stage(
        "decontaminate", "partitions", decontaminate.run, ("documents", "decided", "frequent"), "decided-decontaminate"
    ),
    Stage("whole-sources", "once", whole_sources.run, ("hits", "decided"), "decided-sources"),
    Stage("partial", "partitions", describe.run_partial, ("documents", "decided"), "partial"),
    Stage("fit", "once", describe.run_fit, ("partial",), "fitted"),
    Stage("tag", "partitions", describe.run, ("documents", "decided", "fitted"), "pool"),
    Stage("gather", "partitions", gather.run_scatter, ("documents", "tags", "scheduled"), "gathered"),
    Stage("write", "shards", write.run_write, ("gathered",), "shards"),
    Stage("pack", "shards", pack.run_pack, ("gathered",), "packed"),
    Stage("place", "shards", pack.run_place, ("packed",), "shards"),
    Stage("references", "shards", swarm.run, ("placed", "drawn", "shards"), "runs"),
    Stage("ledger", "partitions", ledger.run, ("documents", "decided", "scheduled"), "dropped"),
]


def named(name: str) -> Stage:
    """A stage by its name; ``fit:level`` is *fit* of the tag ``level``."""
    plain, _, tag = name.partition(":")
    (stage,) = (one for one in STAGES if one.name == plain)
    if not tag:
        return stage
    return Stage(f"{plain}-{tag}", stage.over, partial(stage.run, tag=tag), stage.reads, stage.writes)
