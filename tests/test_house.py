"""The rooms of the house: who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from curation.stages import STAGES

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "schemas": {"curation", "flows", "deployments", "prefect"},
    "curation": {"flows", "deployments", "prefect"},
}


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_imports_stay_in_their_rooms(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in FORBIDDEN[room], f"{path.name} imports {name}"


def test_no_pin_has_an_address() -> None:
    assert "://" not in (ROOT / "constraints.txt").read_text()


def test_the_table_of_stages_is_the_list() -> None:
    lines = (ROOT / "ARCHITECTURE.md").read_text().splitlines()
    first = lines.index("| stage | runs over | reads | leaves | holds |") + 2
    table = [[cell.strip() for cell in line.strip("|").split("|")][:4] for line in lines[first : first + len(STAGES)]]
    assert table == [[one.name, one.over, ", ".join(one.reads) or "files", one.writes] for one in STAGES]
    assert not lines[first + len(STAGES)].startswith("|")


def test_training_code_brings_little_along() -> None:
    """What reads shards runs on every rank of a training job."""
    heavy = {"prefect", "polars", "numba", "pydantic", "scipy"}
    asked = f"import sys; from curation.training import LossReporter, ShardDataset; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_stages_do_without_torch() -> None:
    asked = "import sys, curation.stages; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"
