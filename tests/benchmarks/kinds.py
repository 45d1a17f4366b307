"""What deduplication leaves of eight kinds of documents, under the defaults and under FineWeb's preset: `python -m tests.benchmarks.kinds`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import release_of, write_jsonl
from tests.kinds import KINDS, documents

N = 200
PRESET = {
    "preset": "fineweb-2024",
    "language": {"min_score": 0.0},
    "rules": [{"name": "custom", "scorer": {"from": "tokens"}, "min": 0}],
    "pii": {"phones": "mask"},
}


def kept(folder: Path, **fields: Any) -> dict[str, int]:
    """Documents of each kind in the shards."""
    for kind in KINDS:
        write_jsonl(folder / "raw" / f"{kind}.jsonl", [{"text": text} for text in documents(kind, N)])
    sources = [{"name": kind, "paths": [str(folder / "raw" / f"{kind}.jsonl")]} for kind in KINDS]
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"name": "kinds", "output": str(folder / "out"), "sources": sources, **fields}))
    subprocess.run([sys.executable, "-m", "flows.cli", "run", str(recipe)], check=True, stdout=subprocess.DEVNULL)
    groups = json.loads((release_of(folder, "kinds") / "manifest.json").read_text())["groups"]["source"]
    return {kind: groups.get(kind, {"documents": 0})["documents"] for kind in KINDS}


def main() -> None:
    tables = []
    for fields in ({}, {"clean": PRESET}):
        with tempfile.TemporaryDirectory() as folder:
            tables.append(kept(Path(folder), **fields))
    print(f"| of {N} each | defaults | `preset: fineweb-2024` |\n|---|---|---|")
    for kind in KINDS:
        print(f"| {kind.replace('_', ' ')} | {tables[0][kind]} | {tables[1][kind]} |")


if __name__ == "__main__":
    main()
