"""State files that are cut, empty or of another shape, moved and deleted outputs: made again, mended or named; the bytes stay."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Command, recipe_of, release_of, shard_bytes

DAMAGES = [b"", b'{"release": 5}']


@pytest.mark.slow
@pytest.mark.server
def test_a_moved_output_and_a_deleted_one(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = str(recipe_of(tmp_path))
    assert syllabus("run", recipe).returncode == 0
    made = shard_bytes(release_of(tmp_path))
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    moved = syllabus("run", recipe, "--set", f"output={tmp_path}/elsewhere", "--set", "seed=1")
    assert moved.returncode == 0, moved.stderr
    other = syllabus("run", recipe, "--set", f"output={tmp_path}/third")
    assert other.returncode == 0, other.stderr
    shutil.rmtree(tmp_path / "elsewhere")
    again = syllabus("run", recipe)
    assert again.returncode == 0, again.stderr
    assert shard_bytes(release_of(tmp_path)) == made


@pytest.mark.server
def test_damaged_state_is_made_again_or_mended(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = str(recipe_of(tmp_path))
    assert syllabus("run", recipe).returncode == 0
    home, first = tmp_path / "out" / "tried", release_of(tmp_path)
    made = shard_bytes(first)
    for damage in DAMAGES:
        for summary in (home / ".cache" / "prepared").glob("*/summary.json"):
            summary.write_bytes(damage or summary.read_bytes()[:-20])
        (home / ".cache" / "fingerprints.json").write_bytes(damage)
        (home / "latest.json").write_bytes(damage)
        mended = syllabus("run", recipe)
        assert mended.returncode == 0, mended.stderr
        assert "Nothing else was done" in mended.stdout
        assert release_of(tmp_path) == first
        for marker in (home / ".cache").rglob("runs/*.json"):
            marker.write_bytes(damage)
        for note in (home / ".cache" / "made-from").glob("*.json"):
            note.write_bytes(damage)
    shutil.rmtree(first)
    assert syllabus("run", recipe).returncode == 0
    assert shard_bytes(release_of(tmp_path)) == made


@pytest.mark.server
def test_a_damaged_manifest_is_named(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = str(recipe_of(tmp_path))
    assert syllabus("run", recipe).returncode == 0
    release = release_of(tmp_path)
    whole = (release / "manifest.json").read_bytes()
    for damage, command, code in ((whole[:500], "verify", 4), (b"", "report", 1), (b"{}", "explain", 1)):
        (release / "manifest.json").write_bytes(damage)
        done = syllabus(command, str(release), *(["x"] if command == "explain" else []))
        assert done.returncode == code, done.stderr
        assert "manifest.json: this manifest is damaged" in done.stderr
        assert "Traceback" not in done.stderr
    done = syllabus("run", recipe)
    assert done.returncode == 1
    assert "manifest.json: this manifest is damaged" in done.stderr
