"""Many small files: `syllabus run` over files of two documents, start included; then again with one file more in the middle.

    python -m tests.benchmarks.files [--files 20000 100000]

Prints seconds, the most memory of the command and its server together, the partitions, and how many of them the rerun prepared.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.texts import paragraphs

RECIPE = "name: files\nsources: [{name: a, paths: ['raw/*/*.jsonl']}]\n"


def make(folder: Path, files: int) -> None:
    draw, every = random.Random(0), paragraphs()
    for number in range(files):
        path = folder / "raw" / f"{number % 100:02}" / f"{number:06}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [" ".join(draw.choices(every, k=2))[:1000] for _ in range(2)]
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))


def run(folder: Path) -> tuple[float, int]:
    """Seconds, and the most bytes that the process tree held."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    began, most = time.monotonic(), 0
    child = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "run", "recipe.yaml"],
        cwd=folder,
        env={**own, "PREFECT_HOME": str(folder / "home"), "PYTHONPATH": os.getcwd()},
        stdout=subprocess.DEVNULL,
    )
    while child.poll() is None:
        held = 0
        for one in [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]:
            try:
                held += one.memory_info().rss
            except psutil.Error:
                continue
        most = max(most, held)
        time.sleep(0.1)
    assert child.returncode == 0
    return time.monotonic() - began, most


def main() -> None:
    """Print two lines a number of files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[20_000, 100_000])
    for files in parser.parse_args().files:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make(folder, files)
            (folder / "recipe.yaml").write_text(RECIPE)
            seconds, most = run(folder)
            prepared = folder / "releases" / "files" / ".cache" / "prepared"
            before = {path.name for path in prepared.iterdir()}
            print(f"{files:,} files: {seconds:.0f} s, {most / 1e6:,.0f} MB, {len(before)} partitions", flush=True)
            (folder / "raw" / "50" / "050050x.jsonl").write_text(json.dumps({"text": "A document more. " * 9}) + "\n")
            seconds, _ = run(folder)
            anew = {path.name for path in prepared.iterdir()} - before
            print(f"  with one more in the middle: {seconds:.0f} s, {len(anew)} partitions prepared anew", flush=True)


if __name__ == "__main__":
    main()
