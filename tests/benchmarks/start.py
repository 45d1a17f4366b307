"""What a run takes besides its work: `syllabus run` of an almost empty recipe beside an empty flow of Prefect's.

    python -m tests.benchmarks.start [ROUNDS]

Prints the seconds of each round and the ratios of the least ones: an empty flow on Prefect's own temporary server, a run of
three documents, the same again with nothing new, a recipe that names no file. State and output stand in a temporary folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EMPTY = "from prefect import flow\n@flow\ndef empty(): pass\nempty()\n"
RECIPE = "name: tiny\nsources: [{name: a, paths: [raw.jsonl]}]\n"


def seconds(folder: Path, *arguments: str, code: int = 0) -> float:
    """How long a command of this Python takes. Raises CalledProcessError where it does not end with ``code``."""
    environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode != code:
        raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw.jsonl").write_text("".join(f'{{"text": "the text of document {n}"}}\n' for n in range(3)))
        (folder / "tiny.yaml").write_text(RECIPE)
        (folder / "wrong.yaml").write_text(RECIPE.replace("raw", "nowhere"))
        run = ("-m", "flows.cli", "run", "tiny.yaml", "--set")
        seconds(folder, "-c", EMPTY)  # makes the database, which everything after finds
        seconds(folder, *run, "name=first")
        least: dict[str, float] = {}
        for number in range(rounds):
            measured = {
                "empty flow": seconds(folder, "-c", EMPTY),
                "run": seconds(folder, *run, f"name=tiny-{number}"),
                "nothing new": seconds(folder, *run, f"name=tiny-{number}"),
                "wrong path": seconds(folder, "-m", "flows.cli", "run", "wrong.yaml", code=2),
            }
            print("  ".join(f"{what} {took:.1f} s" for what, took in measured.items()), flush=True)
            least = {what: min(took, least.get(what, took)) for what, took in measured.items()}
    for what in ("run", "nothing new", "wrong path"):
        print(f"{what}: {least[what] / least['empty flow']:.2f} of an empty flow ({least[what]:.1f} s)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
