"""A stranger's own files, of five kinds, to releases that hold, by what `syllabus init` wrote alone: commands and seconds.

    python -m tests.benchmarks.stranger

Mistakes that he makes on the way are timed too: none of them may start anything.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import ROOT, texts

ROWS = 600


def pages(folder: Path) -> None:
    """JSON Lines with columns of their own names."""
    rows = [
        {"content": text, "url": f"https://a{i}.org/{i}", "timestamp": "2026-05-01"}
        for i, text in enumerate(texts(ROWS))
    ]
    (folder / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def sheet(folder: Path) -> None:
    """CSV with a subject and a body."""
    body = "".join(f'{i},"Subject {i}","{text}"\n' for i, text in enumerate(texts(ROWS, seed=1)))
    (folder / "tickets.csv").write_text("ticket,subject,body\n" + body)


def hub(folder: Path) -> None:
    """Parquet as the Hugging Face Hub has instruction sets."""
    rows = [
        {"instruction": f"Say something about {i}.", "input": "", "output": text}
        for i, text in enumerate(texts(ROWS, seed=2))
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "train-00000-of-00001.parquet")


def chats(folder: Path) -> None:
    """Conversations of several turns."""
    rows = [
        {"messages": [{"role": "user", "content": f"What of {i}?"}, {"role": "assistant", "content": text}]}
        for i, text in enumerate(texts(ROWS, seed=3))
    ]
    (folder / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def code(folder: Path) -> None:
    """A folder of Python files."""
    draw = random.Random(4)
    for i in range(ROWS // 10):
        body = "\n".join(f"    value_{n} = compute_{draw.randrange(10**6)}(value_{n - 1})" for n in range(1, 30))
        (folder / f"module_{i}.py").write_text(f'"""Module {i}."""\n\n\ndef run_{i}(value_0):\n{body}\n')


KINDS: tuple[Callable[[Path], None], ...] = (pages, sheet, hub, chats, code)
MISTAKES = {
    "a path that is not there": ("paths: raw", "paths: rwa"),
    "an unknown field": ("name: web", "nmae: web"),
    "a column that no file has": ("columns: {text: content}", "columns: {text: contents}"),
}


def command(folder: Path, *arguments: str) -> tuple[int, float, str]:
    """A command's exit code, seconds, and what it said."""
    started = time.perf_counter()
    run = [sys.executable, "-m", "flows.cli", *arguments]
    done = subprocess.run(run, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    return done.returncode, time.perf_counter() - started, done.stderr.strip().splitlines()[-1] if done.stderr else ""


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


def main() -> None:
    """Print a line a command."""
    with tempfile.TemporaryDirectory() as temporary:
        for make in KINDS:
            folder = Path(temporary) / make.__name__
            (folder / "raw").mkdir(parents=True)
            make(folder / "raw")
            steps = [("init", "raw"), ("run", "recipe.yaml", "-q"), ("verify", "releases/raw")]
            said = []
            for step in steps:
                arguments = list(step)
                if step[0] == "verify":
                    arguments[1] = str(next((folder / "releases").iterdir()))
                code_, seconds, last = command(folder, *arguments)
                said.append(f"{step[0]} {seconds:.1f} s" + (f" (exit {code_}: {last})" if code_ else ""))
            print(f"{make.__name__}: {len(steps)} commands: {', '.join(said)}", flush=True)
        folder = Path(temporary) / "mistakes"
        (folder / "raw").mkdir(parents=True)
        pages(folder / "raw")
        plain = "name: tried\nsources:\n  - {name: web, paths: raw, columns: {text: content}}\n"
        for what, (right, wrong) in MISTAKES.items():
            (folder / "recipe.yaml").write_text(plain.replace(right, wrong))
            code_, seconds, last = command(folder, "run", "recipe.yaml")
            print(f"{what}: exit {code_} after {seconds:.2f} s: {last}", flush=True)


if __name__ == "__main__":
    main()
