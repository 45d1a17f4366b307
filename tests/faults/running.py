"""Commands as processes with faults put in, and what must hold of its output afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from curation.releases.verify import verify
from tests.conftest import ROOT

INJECTED = ROOT / "tests" / "faults" / "injected"


def run(recipe: Path, environment: dict[str, str], **faults: object) -> subprocess.CompletedProcess[str]:
    """`syllabus run` as a process, in which, and in whose workers, the faults are."""
    return command("run", "-q", str(recipe), folder=recipe.parent, environment=environment, **faults)


def command(
    *arguments: str, folder: Path, environment: dict[str, str], **faults: object
) -> subprocess.CompletedProcess[str]:
    """A command line of syllabus as a process, in ``folder``, with faults."""
    own = environment | {"PYTHONPATH": f"{INJECTED}{os.pathsep}{ROOT}", "BLOCK_BITS": "7"}
    own |= {name: str(value) for name, value in faults.items()}
    whole = [sys.executable, "-m", "flows.cli", *arguments]
    return subprocess.run(whole, cwd=folder, env=own, capture_output=True, text=True, check=False, timeout=600)


def sound(home: Path) -> None:
    """Who follows ``latest.json`` finds a whole release."""
    latest = home / "latest.json"
    if latest.exists():
        assert verify(str(home / json.loads(latest.read_text())["release"])) == []


def names_fault(code: int, said: str, number: int, where: int) -> None:
    """A run that failed ended as one that says so, in a line with the system's own words for its error."""
    assert code == 1
    assert os.strerror(number) in said, (where, said)
    assert said.count("\n") == 1, (where, said)


def left_over(home: Path) -> list[Path]:
    """What no complete release and no later run has use for."""
    unfinished = [path for path in home.glob("2*") if not (path / "manifest.json").exists()]
    return unfinished + list(home.glob("2*/**/*.tmp")) + list((home / ".cache" / "work").glob("*"))
