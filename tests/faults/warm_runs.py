"""Command lines of syllabus one after the other in one process, so that its start is paid once: for tests that try thousands of places.

``python -m tests.faults.warm_runs`` reads an order a line, and answers each with a line.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.conftest import ROOT
from tests.faults.running import INJECTED


class WarmRuns:
    """The process, with the API's environment and with points that can be told to fail."""

    def __init__(self, folder: Path, environment: dict[str, str], **faults: object):
        self.folder = folder
        self.environment = environment | {
            "PYTHONPATH": f"{INJECTED}{os.pathsep}{ROOT}",
            "BLOCK_BITS": "7",
            "FULL_FROM": "0",
        }
        self.environment |= {name: str(value) for name, value in faults.items()}

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.warm_runs"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def run(self, recipe: Path, full_from: int = 0) -> tuple[int, str]:
        """`syllabus run`: its exit code and what it says on stderr. full_from: the disk is full from that write on."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"arguments": ["run", "-q", str(recipe)], "full_from": full_from}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the process ended with {self.process.wait()}"
        code, said = json.loads(answer)
        return code, said


def _forget() -> None:
    """What a new process would not know: results and files that are kept in memory."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("curation.releases", "curation.stages", "curation.training", "curation.decontamination")):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def main() -> None:
    """Carry out orders until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints
    import sitecustomize

    from flows import cli

    points: Any = sitecustomize.POINTS[-1]  # type: ignore[attr-defined]
    for line in sys.stdin:
        order = json.loads(line)
        _forget()
        points.count, points.full_from = 0, order["full_from"]
        said = io.StringIO()
        sys.argv = ["syllabus", *order["arguments"]]
        with redirect_stdout(io.StringIO()), redirect_stderr(said):
            code = cli._command()
        points.full_from = 0
        answers.write(json.dumps([code, said.getvalue()]) + "\n")
        answers.flush()
    os._exit(0)  # Prefect's threads are not waited for


if __name__ == "__main__":
    main()
