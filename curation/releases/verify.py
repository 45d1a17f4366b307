"""``syllabus verify``: recompute every checksum and count of a release's manifest from its files."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation import promises, storage
from curation.releases.home import read_manifest
from curation.releases.swarm_runs import verify_run, verify_runs
from schemas.errors import InputError
from schemas.tables import LEDGER, PACKED, SHARD

Counts = dict[str, Counter[str]]


def verify(release: str) -> list[str]:
    """What does not hold, each naming the file; nothing for a sound release. A swarm is held with its runs, one of them against its texts.

    Raises FileNotFoundError where there is no manifest.
    """
    try:
        manifest = read_manifest(release)
    except InputError as error:
        return [str(error)]
    if "texts" in manifest:
        return verify_run(release, manifest)
    faults: list[str] = []
    faults += _sums(manifest)
    seen: set[str] = set()
    position = 0
    realised: dict[str, list[int]] = {}
    for shard in manifest["shards"]:
        path = storage.join(release, shard["path"])
        if shard["first_position"] != position:
            faults.append(f"{shard['path']}: begins at {shard['first_position']} in the manifest, not at {position}")
        faults += _shard(path, shard, seen, realised)
        position += shard["rows"]
    faults += _strangers(release, "shards", {s["path"].removeprefix("shards/") for s in manifest["shards"]})
    faults += _evaluation(release, manifest.get("evaluation", []), seen)
    packed = manifest["recipe"].get("shards", {}).get("sequence_length") is not None
    last = manifest["funnel"][-1]
    if not packed and len(seen) != last["out"]:
        faults.append(f"shards: hold {len(seen)} different documents, the manifest's funnel ends with {last['out']}")
    for phase in manifest["phases"]:
        said = sum(amount["tokens"] for amount in phase["realised"].values())
        found = realised.get(phase["name"], [0, 0])[1]
        if not packed and said != found:
            faults.append(f"shards: phase {phase['name']} holds {found} tokens, the manifest says {said}")
    faults += _ledger(release, manifest)
    if manifest.get("swarm") is not None:
        return faults + verify_runs(release, manifest["swarm"])
    return faults + ([] if faults else _promises(release, manifest))


def _promises(release: str, manifest: dict[str, Any]) -> list[str]:
    """The recipe's promises, of files that are what the manifest says."""
    kept = promises.kept(release, manifest, promises.promises_of(manifest))
    return [
        f"promise {one.check}{f' ({one.says})' if one.says else ''}: {fault}" for one in kept for fault in one.faults
    ]


def _sums(manifest: dict[str, Any]) -> list[str]:
    """The manifest against itself."""
    faults, left = [], sum(file["documents"] for file in manifest["inputs"])
    for stage in manifest["funnel"]:
        if stage["in"] != left:
            faults.append(f"manifest.json: {left} documents reach stage {stage['stage']}, which says {stage['in']}")
        if stage["in"] != stage["out"] + sum(stage["dropped"].values()):
            faults.append(f"manifest.json: stage {stage['stage']}: in is not out and dropped together")
        left = stage["out"]
    return faults


def _shard(path: str, shard: dict[str, Any], seen: set[str], realised: dict[str, list[int]]) -> list[str]:
    name = shard["path"]
    if not storage.exists(path):
        return [f"{name}: is not there"]
    data = storage.read_bytes(path)
    if len(data) != shard["bytes"]:
        return [f"{name}: has {len(data)} bytes, the manifest says {shard['bytes']}"]
    if hashlib.sha256(data).hexdigest() != shard["sha256"]:
        return [f"{name}: its bytes were changed (sha256 differs from the manifest's)"]
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        return [f"{name}: is no readable Parquet file ({type(error).__name__})"]
    faults = []
    schema = PACKED if "doc_spans" in table.column_names else SHARD
    if table.column_names[: len(schema)] != schema.names:
        faults.append(f"{name}: its columns are {', '.join(table.column_names)}")
        return faults
    if len(table) != shard["rows"]:
        faults.append(f"{name}: has {len(table)} rows, the manifest says {shard['rows']}")
    first = shard["first_position"]
    if not np.array_equal(table["position"].to_numpy(), np.arange(first, first + len(table))):
        faults.append(f"{name}: its positions are not {first} … {first + len(table) - 1}")
    if set(table["phase"].to_pylist()) - {shard["phase"]}:
        faults.append(f"{name}: holds rows of another phase than {shard['phase']}")
    if schema is PACKED and shard.get("padded") is not None:
        spans = table["doc_spans"].combine_chunks().flatten()
        held = int(np.sum(spans.field("end").to_numpy() - spans.field("start").to_numpy()))
        padded = len(table["input_ids"].combine_chunks().flatten()) - held
        if padded != shard["padded"]:
            faults.append(f"{name}: {padded} tokens are filled up, the manifest says {shard['padded']}")
    if schema is SHARD:
        tokens = int(table["tokens"].to_numpy().sum())
        if tokens != shard["tokens"]:
            faults.append(f"{name}: holds {tokens} tokens, the manifest says {shard['tokens']}")
        seen.update(table["id"].to_pylist())
        both = realised.setdefault(shard["phase"], [0, 0])
        both[0] += len(table)
        both[1] += tokens
    return faults


def _evaluation(release: str, files: list[dict[str, Any]], trained: set[str]) -> list[str]:
    """The files that are not trained on. trained: ids in the shards (none of packed ones)."""
    faults: list[str] = []
    held: set[str] = set()
    position = 0
    for file in files:
        if file["first_position"] != position:
            faults.append(f"{file['path']}: begins at {file['first_position']} in the manifest, not at {position}")
        faults += _shard(storage.join(release, file["path"]), file, held, {})
        position += file["rows"]
    if held & trained:
        faults.append(f"evaluation: {len(held & trained)} of its documents stand in the shards too")
    return faults + _strangers(release, "evaluation", {file["path"].removeprefix("evaluation/") for file in files})


def _ledger(release: str, manifest: dict[str, Any]) -> list[str]:
    faults: list[str] = []
    counts: Counts = {}
    folder = storage.join(release, "dropped")
    for stage in storage.list_folder(folder):
        for name in storage.list_folder(storage.join(folder, stage)):
            shown = f"dropped/{stage}/{name}"
            try:
                table = pq.read_table(pa.BufferReader(storage.read_bytes(storage.join(folder, stage, name))))
            except (pa.ArrowException, OSError) as error:
                faults.append(f"{shown}: is no readable Parquet file ({type(error).__name__})")
                continue
            if table.schema.names != LEDGER.names:
                faults.append(f"{shown}: its columns are {', '.join(table.schema.names)}")
                continue
            if set(table["stage"].to_pylist()) - {stage}:
                faults.append(f"{shown}: holds rows of another stage")
            counts.setdefault(stage, Counter()).update(table["rule"].to_pylist())
    said = {stage["stage"]: stage["dropped"] for stage in manifest["funnel"]}
    for stage in sorted({*counts, *said}):
        found = dict(counts.get(stage, {}))
        if found != {rule: n for rule, n in said.get(stage, {}).items() if n}:
            faults.append(
                f"dropped/{stage}: holds {sum(found.values())} rows, not what the manifest says, rule by rule"
            )
    return faults


def _strangers(release: str, folder: str, known: set[str]) -> list[str]:
    there = set(storage.list_folder(storage.join(release, folder)))
    return [f"{folder}/{name}: is not in the manifest" for name in sorted(there - known)]
