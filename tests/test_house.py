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
    "curation/arrays": {
        f"curation.{room}" for room in ("storage", "recipes", "readers", "releases", "stages", "methods")
    },
    "curation/readers": {f"curation.{room}" for room in ("recipes", "releases", "stages", "mixture", "methods")},
    "curation/rules": {f"curation.{room}" for room in ("releases", "stages", "mixture")},
    "curation/dedup": {f"curation.{room}" for room in ("releases", "stages", "mixture")},
    "curation/methods": {f"curation.{room}" for room in ("releases", "stages", "mixture")},
    "curation/releases": {"curation.stages"},
    "curation/stages": {"curation.stages"},
    "curation/training": {f"curation.{room}" for room in ("recipes", "methods", "stages", "mixture")},
}
TOGETHER = ("common", "vectors")
"""Tests of a whole folder: what all of it keep, the published numbers."""
LISTS_STAGES = ROOT / "curation" / "stages" / "__init__.py"


def imports_of(path: Path) -> list[str]:
    """Modules that a file imports; ``from a import b`` counts as a.b too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_imports_stay_in_their_rooms(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        for name in imports_of(path):
            inside = [other for other in FORBIDDEN[room] if name == other or name.startswith(f"{other}.")]
            assert not inside or path == LISTS_STAGES, f"{path.relative_to(ROOT)} imports {name}"


def test_each_test_stands_where_its_module_does() -> None:
    """``test_common`` holds what all of a folder keep; ``test_x_against_y`` holds a module to a peer."""
    files = sorted((ROOT / "tests" / "curation").rglob("test_*.py"))
    assert files
    for path in files:
        name = path.stem.removeprefix("test_").split("_against_")[0]
        mirrored = ROOT / path.parent.relative_to(ROOT / "tests")
        there = (mirrored / f"{name}.py").exists() or (mirrored / name).is_dir()
        assert there or (name in TOGETHER and mirrored.is_dir()), f"{path.relative_to(ROOT)} mirrors no module"


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
