"""A run out of its limits publishes nothing, and `latest.json` stays as it was."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Command, recipe_of, release_of


def test_a_limit_that_trips(syllabus: Command, corpus: Path, tmp_path: Path) -> None:
    assert syllabus("run", str(recipe_of(tmp_path))).returncode == 0
    before = release_of(tmp_path)
    tight = recipe_of(tmp_path, limits={"group_share": {"source": {"books": {"min": 0.9}}}})
    done = syllabus("run", str(tight))
    assert done.returncode == 1
    assert "limits.group_share.source.books: 0." in done.stderr
    assert "is under 0.9" in done.stderr
    assert release_of(tmp_path) == before
    assert [path.name for path in before.parent.glob("2*/manifest.json")] == ["manifest.json"]
