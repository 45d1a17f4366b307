"""`syllabus retain`: old releases go, the latest and what it needs stay and hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Command, recipe_of, release_of


@pytest.mark.server
def test_old_releases_go(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = str(recipe_of(tmp_path))
    home = tmp_path / "out" / "tried"
    for seed in range(3):
        assert syllabus("run", recipe, "--set", f"seed={seed}").returncode == 0
    names = sorted(path.name for path in home.iterdir() if path.name.startswith("2"))
    assert len(names) == 3
    left_over = home / "20300101T000000-ffffff"
    left_over.mkdir()

    dry = json.loads(syllabus("retain", recipe, "--keep-last", "1", "--dry-run", "--json").stdout)
    assert dry["removed"] == names[:1]
    assert left_over.exists()

    done = syllabus("retain", recipe, "--keep-last", "1")
    assert done.returncode == 0, done.stderr
    assert "the latest" in done.stdout
    assert sorted(path.name for path in home.iterdir() if path.name.startswith("2")) == names[1:]
    assert release_of(tmp_path).name == names[-1]
    assert syllabus("verify", str(home)).returncode == 0
    assert "nothing new" in syllabus("run", recipe, "--set", "seed=2").stdout
