"""A recipe's folder: notes that are cut, empty or of another shape are none; what is complete is found all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curation.releases.home import MADE_FROM, Home, read_manifest, resolve
from schemas.errors import InputError

DAMAGES = [b"", b"{}", b"[]", b"null", b"5", b'"x"', b'{"release": 5}', b'{"release": "../x"}', b"\xff\xfe", b'{"rel']
NAME = "20260101T000000-abcdef"


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_notes(tmp_path: Path, damage: bytes) -> None:
    home = Home(str(tmp_path))
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "manifest.json").write_text(json.dumps({"release": NAME}))
    (tmp_path / "latest.json").write_bytes(damage)
    assert home.latest() is None
    assert resolve(str(tmp_path)) == str(tmp_path / NAME)
    assert home.mend_latest() == home.latest() == NAME
    for folder, name in (("runs", "key0000.json"), (MADE_FROM, f"{NAME}.json")):
        (tmp_path / ".cache" / folder).mkdir(parents=True)
        (tmp_path / ".cache" / folder / name).write_bytes(damage)
    assert home.begin("key0000", "20260202T000000") == "20260202T000000-key000"
    assert home.partitions_of(NAME) == ([] if damage == b"[]" else None)


@pytest.mark.parametrize("damage", [one for one in DAMAGES if b"release" not in one])
def test_a_damaged_manifest_is_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(damage)
    with pytest.raises(InputError, match="this manifest is damaged"):
        read_manifest(str(tmp_path))


def test_a_latest_release_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "latest.json").write_text(json.dumps({"release": NAME}))
    assert Home(str(tmp_path)).latest() is None
    with pytest.raises(FileNotFoundError, match="neither a release"):
        resolve(str(tmp_path))


def test_what_a_finished_run_left_goes(tmp_path: Path) -> None:
    """Killed when its release was published: what it would have gone on from is of no use; an unfinished run's stays."""
    home, swarms = Home(str(tmp_path)), Home(str(tmp_path / "swarms"))
    for place, key in ((home, "a" * 64), (swarms, "b" * 64)):
        release = Path(place.path(NAME))
        release.mkdir(parents=True)
        (release / "manifest.json").write_text(json.dumps({"release": NAME, "content_key": key}))
        place.point_latest(NAME)
        Path(place.cache("runs")).mkdir(parents=True)
        Path(place.cache("runs", f"{key}.json")).write_text("{}")
    kept = [f"{'c' * 16}-1", f"swarm-{'c' * 16}-1"]
    for name in (f"{'a' * 16}-1", f"swarm-{'b' * 16}-1", *kept):
        Path(home.cache("work", name)).mkdir(parents=True)
    home.sweep_finished()
    swarms.sweep_finished(home)
    assert sorted(path.name for path in Path(home.cache("work")).iterdir()) == sorted(kept)
    for place in (home, swarms):
        assert list(Path(place.cache("runs")).iterdir()) == []
