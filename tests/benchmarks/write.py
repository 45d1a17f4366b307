"""Shards with tokens, from a pool that is prepared: each stage that tokens pass, with a tokenizer and without, in the same run.

    python -m tests.benchmarks.write [MB]

Texts are web-like (``texts.py``), the tokenizer is a byte-level BPE of 32,000 tokens. Two workers, threads. The first run with a
tokenizer makes the token ids in *tag*; another one, with another order, finds them.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.texts import documents as made_documents
from tests.conftest import ROOT
from tests.made_tokenizers import byte_level

FILES = 8
STAGES = ("tag", "gather", "write")


def seconds_of(folder: Path, name: str, **fields: Any) -> dict[str, float]:
    """Seconds of each stage of a run."""
    recipe = {
        "name": name,
        "output": str(folder / "out"),
        "sources": [{"name": "web", "paths": str(folder / "raw" / "*.jsonl")}],
        "dedup": {"minhash": None},
        "phases": [{"name": "all", "epochs": 1}],
        "engine": {"workers": 2, "partition_bytes": "32MB"},
        **fields,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(recipe))
    command = [sys.executable, "-m", "flows.cli", "run", str(path), "-q"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    manifest = max((folder / "out" / name).glob("2*/manifest.json"))
    timings: dict[str, float] = json.loads(manifest.read_text())["timings"]
    return timings


def main() -> None:
    size = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 300_000_000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "raw").mkdir()
        texts = itertools.islice(made_documents(size // 3000, low=1000, high=5000), size // 3000)
        total, some = 0, []
        files = [(folder / "raw" / f"{number}.jsonl").open("w") for number in range(FILES)]
        for number, text in enumerate(texts):
            total += len(text.encode())
            some += [text] if number < 2000 else []
            files[number % FILES].write(json.dumps({"text": text}) + "\n")
        for file in files:
            file.close()
        tokenizer = byte_level(folder / "tokenizer.json", some, [], 32_000)
        with_tokens = {"shards": {"tokenizer": tokenizer, "max_bytes": "64MB"}}
        runs = {
            "no tokens": seconds_of(folder, "plain", shards={"max_bytes": "64MB"}),
            "tokens": seconds_of(folder, "tokens", **with_tokens),
            "tokens, again": seconds_of(folder, "tokens", **with_tokens, seed=1),
        }
    for name, seconds in runs.items():
        said = ", ".join(f"{stage} {seconds[stage]:.2f} s" for stage in STAGES)
        print(f"{name}: {said}; write {total / 1e6 / seconds['write']:.0f} MB/s", flush=True)
    more = runs["tokens, again"]["write"] - runs["no tokens"]["write"]
    print(f"tokens alone in write: {total / 1e6 / more:.0f} MB/s")


if __name__ == "__main__":
    main()
