"""The report of a large release: what its page weighs, and what making it takes.

    python -m tests.benchmarks.page [--documents 10000000] [--groups 400]

Short documents over so many groups, through a whole run with exact duplicates, mixture and curriculum; prints the page's size, compressed
and not, and the run's slowest stages. Needs 3 GB of disk for ten million documents.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import ROOT, WORDS, release_of

FILES = 20


def raw_text(folder: Path, count: int, groups: int) -> None:
    """Documents of five words and a number, each of a group."""
    draw = random.Random(0)
    for number in range(FILES):
        with (folder / f"{number}.jsonl").open("w") as file:
            for i in range(number, count, FILES):
                text = " ".join(draw.choices(WORDS, k=5))
                score = round(draw.random(), 3)
                file.write(f'{{"text": "{text} {i}", "group": "group {draw.randrange(groups)}", "score": {score}}}\n')


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000_000)
    parser.add_argument("--groups", type=int, default=400)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        raw_text(folder, asked.documents, asked.groups)
        recipe = {
            "name": "tried",
            "output": str(folder / "out"),
            "sources": [{"name": "web", "paths": [str(folder / "*.jsonl")], "columns": {"text": "text"}}],
            "dedup": {"minhash": None},
            "tags": {"group": {"from": "column", "column": "group"}, "score": {"from": "number", "column": "score"}},
            "mixture": {"by": "group", "method": "temperature", "temperature": 2.0},
            "phases": [
                {"name": "easy", "share": 0.5, "order": {"method": "sort", "by": "score"}},
                {"name": "rest", "share": 0.5},
            ],
        }
        (folder / "recipe.json").write_text(json.dumps(recipe))
        command = [sys.executable, "-m", "flows.cli", "run", "-q", str(folder / "recipe.json")]
        subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
        release = release_of(folder)
        page = (release / "report.html").read_bytes()
        timings = json.loads((release / "manifest.json").read_text())["timings"]
        slowest = sorted(timings.items(), key=lambda one: -one[1])[:8]
        sys.stdout.write(
            f"{asked.documents} documents, {asked.groups} groups: page {len(page) / 1e6:.2f} MB, "
            f"{len(gzip.compress(page)) / 1e6:.2f} MB compressed; {', '.join(f'{name} {took:.0f} s' for name, took in slowest)}\n"
        )


if __name__ == "__main__":
    main()
