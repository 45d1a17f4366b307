"""A swarm's runs against its texts: every reference, count and checksum again."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.releases.home import read_manifest, texts_of
from curation.releases.shard_file import tokens_in
from schemas.errors import InputError
from schemas.tables import REFERENCES, SWARM


def refuse_run(release: str, manifest: dict[str, Any]) -> None:
    """Raises InputError for one of a swarm's runs, which holds no texts of its own to explain or report."""
    if "texts" in manifest:
        raise InputError(release, f"a run of a swarm; ask its texts, {texts_of(release)}")


def verify_runs(swarm: str, record: dict[str, Any]) -> list[str]:
    """What does not hold of a swarm's runs and its table; nothing for sound ones. record: the manifest's ``swarm``."""
    faults: list[str] = []
    tokens = _tokens(swarm)
    weights: dict[tuple[int, str], float] = {}
    for number, run in enumerate(record["runs"]):
        folder = storage.join(swarm, run["path"])
        name = f"{run['path']}/manifest.json"
        try:
            data = storage.read_bytes(storage.join(folder, "manifest.json"))
        except FileNotFoundError:
            faults.append(f"{name}: is not there")
            continue
        if hashlib.sha256(data).hexdigest() != run["sha256"]:
            faults.append(f"{name}: its bytes were changed (sha256 differs from the manifest's)")
            continue
        manifest = json.loads(data)
        faults += [f"{run['path']}/{fault}" for fault in verify_run(folder, manifest, tokens)]
        (phase,) = manifest["phases"]
        weights.update({(number, label): weight for label, weight in phase["weights"].items()})
    there = set(storage.list_folder(storage.join(swarm, "runs")))
    known = {run["path"].removeprefix("runs/") for run in record["runs"]}
    faults += [f"runs/{name}: is not in the manifest" for name in sorted(there - known)]
    return faults + (_table(swarm, weights) if not faults else [])


def _table(swarm: str, weights: dict[tuple[int, str], float]) -> list[str]:
    try:
        table = pq.read_table(pa.BufferReader(storage.read_bytes(storage.join(swarm, "swarm.parquet"))))
    except (FileNotFoundError, pa.ArrowException, OSError) as error:
        return [f"swarm.parquet: is no readable Parquet file ({type(error).__name__})"]
    if table.schema.names != SWARM.names:
        return [f"swarm.parquet: its columns are {', '.join(table.schema.names)}"]
    found = dict(
        zip(
            zip(*(table[name].to_pylist() for name in ("run", "group")), strict=True),
            table["weight"].to_pylist(),
            strict=True,
        )
    )
    return [] if found == weights else ["swarm.parquet: its weights are not those of the runs' manifests"]


def verify_run(run: str, manifest: dict[str, Any], tokens: npt.NDArray[np.int32] | None = None) -> list[str]:
    """What does not hold of one run. tokens: of the swarm's texts, by position; None: they are read."""
    tokens = _tokens(texts_of(run)) if tokens is None else tokens
    faults: list[str] = []
    position = 0
    for shard in manifest["shards"]:
        name = shard["path"]
        path = storage.join(run, name)
        if not storage.exists(path):
            faults.append(f"{name}: is not there")
            continue
        data = storage.read_bytes(path)
        if hashlib.sha256(data).hexdigest() != shard["sha256"] or len(data) != shard["bytes"]:
            faults.append(f"{name}: its bytes were changed (size or sha256 differ from the manifest's)")
            continue
        table = pq.read_table(pa.BufferReader(data))
        rows = table["row"].to_numpy() if table.schema.names == REFERENCES.names else np.zeros(0, dtype=np.int64)
        if len(rows) != shard["rows"] or shard["first_position"] != position:
            faults.append(f"{name}: holds {len(rows)} rows from {position} on, not what the manifest says")
        elif not np.array_equal(table["position"].to_numpy(), np.arange(position, position + len(rows))):
            faults.append(f"{name}: its positions are not contiguous")
        elif len(rows) and not (rows.min() >= 0 and rows.max() < len(tokens)):
            faults.append(f"{name}: points at texts that are not there")
        elif int(tokens[rows].sum()) != shard["tokens"]:
            faults.append(
                f"{name}: its texts hold {int(tokens[rows].sum())} tokens, the manifest says {shard['tokens']}"
            )
        position += len(rows)
    said = sum(amount["documents"] for phase in manifest["phases"] for amount in phase["realised"].values())
    if not faults and said != position:
        faults.append(f"manifest.json: the groups hold {said} rows, the shards {position}")
    return faults


def _tokens(swarm: str) -> npt.NDArray[np.int32]:
    return tokens_in([storage.join(swarm, shard["path"]) for shard in read_manifest(swarm)["shards"]])
