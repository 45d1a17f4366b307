"""A whole run over made pages of 1, 5 and 20 GB: MB of text a second, and the most memory held, stage by stage.

    python -m tests.benchmarks.memory [--gigabytes 1 5 20] [--set engine.memory=600MB]

Four rule sets, language, personal data, MinHash and MeCo at the default settings, by `curate` on two threads. Corpora are made
once and reused where they stand (``--corpus``); outputs are removed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import alone, held_bytes, peak_bytes
from tests.benchmarks.texts import documents

FILE_BYTES = 250_000_000
RECIPE: dict[str, Any] = {
    "name": "memory",
    "clean": {
        "language": {"keep": ["en"]},
        "rules": [{"name": name} for name in ("gopher_quality", "gopher_repetition", "c4", "fineweb")],
        "pii": {"emails": "mask", "ips": "mask"},
    },
    "dedup": {"minhash": {}},
    "tags": {"site": {"from": "url", "part": "short"}},
    "conditioning": {"template": "URL: {site}\n\n"},
    "phases": [{"name": "conditioned", "share": 0.9}, {"name": "cooldown", "share": 0.1, "conditioning": None}],
}


def make(folder: Path, gigabytes: int) -> int:
    """Files of made pages, each with a URL, up to so many bytes of text; the bytes of text that stand there."""
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for number in range(round(gigabytes * 1e9 / FILE_BYTES)):
        path = folder / f"{number:03d}.jsonl"
        size = path.with_suffix(".bytes")
        if not size.exists():
            written = 0
            with path.open("w", encoding="utf-8") as out:
                for i, text in enumerate(documents(1 << 40, low=1000, high=9000, seed=number)):
                    out.write(json.dumps({"text": text, "url": f"https://site-{i % 997}.example/{number}/{i}"}) + "\n")
                    written += len(text.encode())
                    if written >= FILE_BYTES:
                        break
            size.write_text(str(written))
        total += int(size.read_text())
    return total


class Peaks:
    """Progress that notes the most that this process held in each stage, and between it and the one before."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[], None]]:
        self.note(f"before {name}")
        started = time.perf_counter()
        yield lambda: None
        self.seconds[name] = time.perf_counter() - started
        self.note(name)

    def say(self, sentence: str) -> None:
        print(sentence)

    def note(self, name: str) -> None:
        self.held[name] = max(self.held.get(name, 0), peak_bytes())
        held_bytes()


def run(folder: str, files: list[str], sets: list[str]) -> tuple[float, dict[str, int], dict[str, float]]:
    """Seconds of the run, its server's start and imports included, and by stage the most memory and the seconds."""
    started = time.perf_counter()
    os.environ |= {"PREFECT_HOME": folder, "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    from curation.recipes.recipe_file import load
    from flows.cli.run import get_ready
    from flows.embedded_api import configure, embedded_api

    plain = RECIPE | {"output": f"{folder}/out", "sources": [{"name": "web", "paths": files}]}
    Path(folder, "recipe.json").write_text(json.dumps(plain))
    recipe = load(f"{folder}/recipe.json", sets)
    configure()
    kept: list[Any] = []
    peaks = Peaks()
    with embedded_api(None, meanwhile=lambda: get_ready(recipe)):
        from flows.curate import with_engine

        with_engine(recipe, keep=kept.append, progress=peaks)(recipe)
    seconds = time.perf_counter() - started
    peaks.note("afterwards")
    assert kept[0].manifest is not None
    return seconds, peaks.held, peaks.seconds


def main() -> None:
    """Print a line a corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "syllabus-made-pages")
    asked = parser.parse_args()
    for gigabytes in asked.gigabytes:
        size = make(asked.corpus, gigabytes)
        files = [str(asked.corpus / f"{i:03d}.jsonl") for i in range(round(gigabytes * 1e9 / FILE_BYTES))]
        with tempfile.TemporaryDirectory() as folder:
            seconds, held, by_stage = alone(run, folder, files, asked.sets)
        print(f"{gigabytes} GB: {size / 1e6 / seconds:.1f} MB/s, at most {max(held.values()) / 1e6:.0f} MB", flush=True)
        print("  " + ", ".join(f"{name} {n / 1e6:.0f}" for name, n in held.items()), flush=True)
        print("  " + ", ".join(f"{name} {n:.1f} s" for name, n in by_stage.items() if n >= 0.1), flush=True)


if __name__ == "__main__":
    main()
