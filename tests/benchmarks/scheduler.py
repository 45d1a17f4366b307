"""What goes through the scheduler as documents grow: bytes of the tasks' arguments and results, pickled as Dask and Ray pickle them.

    python -m tests.benchmarks.scheduler [--documents 100000 1000000]

Each size is a whole run with exact and near duplicates, of eight partitions, in a process of its own. Documents have some
fifty words, every tenth is nearly another's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PARTITIONS = 8


def counted(recipe: str) -> dict[str, int]:
    """Run a recipe; its tasks, and the bytes that they were told and gave back."""
    from flows.embedded_api import configure, embedded_api

    configure()
    with embedded_api():  # before Prefect is imported, which reads where its API is
        import cloudpickle

        from flows import cli, run

        told: list[int] = []
        futures: list[Any] = []
        submit = run.run_task.submit

        def counting(*arguments: Any) -> Any:
            told.append(len(cloudpickle.dumps(arguments)))
            futures.append(submit(*arguments))
            return futures[-1]

        run.run_task.submit = counting  # type: ignore[method-assign]
        sys.argv = ["syllabus", "run", recipe]
        if cli._command():
            raise SystemExit("the run failed")
        given = [len(cloudpickle.dumps(future.result())) for future in futures]
    return {"tasks": len(told), "told": sum(told), "given": sum(given)}


def main() -> None:
    """Print a line a size, and the ratio of the last to the first."""
    from tests.benchmarks.texts import short_documents

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--recipe", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.recipe:
        print("\n" + json.dumps(counted(asked.recipe)), flush=True)
        os._exit(0)  # at exit Prefect waits to send events to an API that has gone
    totals = []
    for documents in asked.documents:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            short_documents(folder, documents, files=PARTITIONS)
            # A partition holds files of one source: so there are as many at any size.
            files = [str(folder / f"{number:03d}.parquet") for number in range(PARTITIONS)]
            recipe = {
                "name": "bench",
                "output": str(folder / "out"),
                "sources": [{"name": f"part-{number}", "paths": [path]} for number, path in enumerate(files)],
                "engine": {"partition_bytes": "2GB"},
            }
            (folder / "recipe.yaml").write_text(json.dumps(recipe))
            environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.scheduler", "--recipe", str(folder / "recipe.yaml")],
                cwd=ROOT,
                env={**environment, "PREFECT_HOME": str(folder / "prefect")},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(done.stderr[-2000:])
            found = json.loads(done.stdout.splitlines()[-1])
        totals.append((found["told"] + found["given"]) / found["tasks"])
        print(f"{documents:>10,} documents: {found}, {totals[-1]:.0f} bytes a task", flush=True)
    print(f"a task of the last: {totals[-1] / totals[0]:.2f} of one of the first")


if __name__ == "__main__":
    main()
