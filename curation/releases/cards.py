"""What stands beside the shards for others: ``trainer.json``, a data card (``README.md``) and Croissant JSON-LD (``croissant.json``)."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import yaml

from curation import storage
from curation.releases.home import as_json
from schemas.manifest import Manifest
from schemas.plan import Plan, PlannedPhase

FORMAT_VERSION = 1
MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>&~])")
LABELS = 50
"""Groups of a phase in the card, those with most tokens."""
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)
ASCENDING = "sort"


def write_cards(folder: str, manifest: Manifest, plan: Plan) -> None:
    """Write the three beside the shards."""
    with storage.open_parquet(storage.join(folder, manifest.shards[0].path)) as file:
        columns = file.schema_arrow
    storage.put(storage.join(folder, "trainer.json"), as_json(trainer(manifest, plan)))
    storage.put(storage.join(folder, "README.md"), card(manifest).encode())
    storage.put(storage.join(folder, "croissant.json"), as_json(croissant(manifest, columns)))


def trainer(manifest: Manifest, plan: Plan) -> dict[str, Any]:
    """What training code is to know: where phases begin, that rows are in order, and where the learning rate may decay."""
    batch = manifest.recipe["trainer"]["global_batch"]
    phases: list[dict[str, Any]] = []
    for shard in manifest.shards:
        if not phases or phases[-1]["name"] != shard.phase:
            first = shard.first_position
            step = None if batch is None else -(-first // batch)
            phases.append({"name": shard.phase, "first_position": first, "rows": 0, "tokens": 0, "first_step": step})
        phases[-1]["rows"] += shard.rows
        phases[-1]["tokens"] += shard.tokens
    return {
        "format_version": FORMAT_VERSION,
        "release": manifest.release,
        "phases": phases,
        "shuffle": False,
        "global_batch": batch,
        "loss_weight_column": _weight_column(manifest),
        "learning_rate": _learning_rate(plan, [phase["name"] for phase in phases]),
        "checkpoints": _checkpoints(plan, [phase["name"] for phase in phases]),
    }


def _weight_column(manifest: Manifest) -> str | None:
    shards = manifest.recipe["shards"]
    if shards["loss_weights"] is None:
        return None
    return "loss_weight" if shards["sequence_length"] is None else "loss_weights"


def _learning_rate(plan: Plan, written: list[str]) -> dict[str, Any]:
    """Through which phase it is to stay constant, and why; decay is for what stands behind it."""
    phases = [phase for phase in plan.phases if phase.name in written]
    ascending = [phase.name for phase in phases if _ascends(phase)]
    if ascending and ascending[-1] == written[-1]:
        why = "its documents stand in ascending order of a score: the best come last, and a rate that decays before them wastes them"
        return {"constant_through": ascending[-1], "why": f"{ascending[-1]}: {why}"}
    if len(written) > 1:
        why = "what is learned of an early phase is not to depend on where the decay has got to: let it decay in the last phase"
        return {"constant_through": written[-2], "why": why}
    return {"constant_through": None, "why": "one phase in no order by score: any schedule"}


def _checkpoints(plan: Plan, written: list[str]) -> dict[str, Any]:
    """Behind which phases to save, and in which to average what was saved: in place of the decay that it is to be constant for."""
    ascending = [phase.name for phase in plan.phases if phase.name in written and _ascends(phase)]
    last = written[-1] if ascending and ascending[-1] == written[-1] else None
    why = "each border is where another mixture or order begins: what follows can be tried again from there"
    if last is not None:
        why += (
            f"; {last} ends with the best, under a constant rate: the mean of its last checkpoints stands for the decay"
        )
    return {"save_after": written, "average": last, "why": why}


def _ascends(phase: PlannedPhase) -> bool:
    order = phase.order
    method = order if isinstance(order, str) else order.method
    return method == ASCENDING and not getattr(order, "descending", False)


def card(manifest: Manifest) -> str:
    """A data card as the Hugging Face Hub reads it: a YAML head, then Markdown in which nothing from outside is markup."""
    recipe = manifest.recipe
    rows = sum(shard.rows for shard in manifest.shards)
    files = [{"split": "train", "path": "shards/*.parquet"}]
    if manifest.evaluation:
        files.append({"split": "validation", "path": "evaluation/*.parquet"})
    head = {
        "pretty_name": f"{recipe['name']} {manifest.release}",
        "tags": ["syllabus"],
        "size_categories": [next((name for most, name in SIZES if rows < most), "n>1B")],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---",
        f"# {_plain(recipe['name'])} {_plain(manifest.release)}",
        _plain(recipe.get("description") or ""),
        f"{rows:,} rows in training order: read them as they stand, do not shuffle. Tokens are {_plain(manifest.token_unit)}.",
        "    from curation.training import ShardDataset\n\n    data = ShardDataset(FOLDER)",
        "## Phases",
        _phases(manifest),
        "## From read to written",
        _table(
            ["stage", "in", "out", "dropped"],
            [
                [one.stage, f"{one.in_:,}", f"{one.out:,}", ", ".join(f"{k} {n:,}" for k, n in one.dropped.items())]
                for one in manifest.funnel
            ],
        ),
        "## Sources",
        _table(
            ["source", "paths"],
            [[source["name"], ", ".join(map(str, source["paths"]))] for source in recipe["sources"]],
        ),
        "## How it was made",
        f"By Syllabus {_plain(str(manifest.software['version']))}, seed {recipe['seed']}, on {_plain(manifest.created)}. The whole recipe "
        "stands in `manifest.json`, every dropped document with its reason in `dropped/`, and `report.html` shows both.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _phases(manifest: Manifest) -> str:
    rows = []
    for phase in manifest.phases:
        most = sorted(phase.realised.items(), key=lambda one: (-one[1].tokens, one[0]))
        total = sum(amount.tokens for _, amount in most) or 1
        said = ", ".join(f"{label} {amount.tokens / total:.1%}" for label, amount in most[:LABELS])
        more = f", and {len(most) - LABELS:,} more" if len(most) > LABELS else ""
        rows.append([phase.name, f"{sum(amount.documents for _, amount in most):,}", f"{total:,}", said + more])
    return _table(["phase", "documents", "tokens", "groups by tokens"], rows)


def _table(names: list[str], rows: list[list[str]]) -> str:
    lines = [names, ["---"] * len(names), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text from outside on one line, in which nothing is markup."""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text.replace("\n", " "))
    return MARKDOWN.sub(r"\\\1", shown)


def croissant(manifest: Manifest, columns: pa.Schema) -> dict[str, Any]:
    """MLCommons Croissant 1.0: each shard with its checksum, and the fields of their rows that are plain values or lists of them."""
    recipe = manifest.recipe
    files = [
        {
            "@type": "cr:FileObject",
            "@id": shard.path,
            "name": shard.path,
            "contentUrl": shard.path,
            "contentSize": f"{shard.bytes} B",
            "encodingFormat": "application/x-parquet",
            "sha256": shard.sha256,
        }
        for shard in manifest.shards
    ]
    shards = {
        "@type": "cr:FileSet",
        "@id": "shards",
        "name": "shards",
        "containedIn": [{"@id": one["@id"]} for one in files],
        "encodingFormat": "application/x-parquet",
        "includes": "shards/*.parquet",
    }
    fields = []
    for column in columns:
        repeated = pa.types.is_list(column.type)
        kind = _croissant_type(column.type.value_type if repeated else column.type)
        if kind is not None:
            fields.append(
                {
                    "@type": "cr:Field",
                    "@id": f"rows/{column.name}",
                    "name": column.name,
                    "dataType": kind,
                    **({"repeated": True} if repeated else {}),
                    "source": {"fileSet": {"@id": "shards"}, "extract": {"column": column.name}},
                }
            )
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": recipe["name"],
        "description": recipe.get("description") or f"An ordered training set, made by the recipe {recipe['name']}.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": manifest.release,
        "datePublished": manifest.created,
        "distribution": [*files, shards],
        "recordSet": [{"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}],
    }


def _croissant_type(of: pa.DataType) -> str | None:
    if pa.types.is_integer(of):
        return "sc:Integer"
    if pa.types.is_floating(of):
        return "sc:Float"
    return "sc:Text" if pa.types.is_string(of) or pa.types.is_large_string(of) else None


CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""Croissant's own, as its specification gives it."""
