"""What SYLLABUS_ALLOWED_ROOTS lets through: nothing by way of `..`, links, globs or other stores, in any part of a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curation import storage
from curation.allowed_roots import VARIABLE, OutsideRoots
from curation.recipes.recipe_file import validate
from curation.recipes.recipe_paths import check_allowed
from schemas.errors import RecipeError
from tests.conftest import Command, release_of


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The allowed folder; beside it a secret."""
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "inside-out").mkdir()
    (tmp_path / "secret.jsonl").write_text(json.dumps({"text": "the secret of this machine"}) + "\n")
    (folder / "a.jsonl").write_text(json.dumps({"text": "what everyone may read"}) + "\n")
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "up").symlink_to(tmp_path)
    monkeypatch.setenv(VARIABLE, f"{folder}, s3://bucket/raw")
    return folder


@pytest.mark.parametrize(
    "path",
    [
        "{}",
        "{}/a.jsonl",
        "file://{}/a.jsonl",
        "{}/new/deep/file.parquet",
        "s3://bucket/raw",
        "s3://bucket/raw/2024/a.jsonl",
    ],
)
def test_inside(path: str, inside: Path) -> None:
    storage.resolve(path.format(inside))


@pytest.mark.parametrize(
    "path",
    [
        "{}/../secret.jsonl",
        "{}/link.jsonl",
        "{}/up/secret.jsonl",
        "{}/*/../../secret.jsonl",
        "{}-out/a",
        "file://{}/../secret.jsonl",
        "FILE://{}/../secret.jsonl",
        "/etc/passwd",
        "~/.ssh/id_rsa",
        "s3://bucket/rawest/a",
        "s3://bucket/raw/../private/a",
        "s3://other/raw/a",
        "simplecache::s3://bucket/raw/a",
        "s3://bucket/raw/a::file:///etc/passwd",
        "http://127.0.0.1/a.jsonl",
    ],
)
def test_outside(path: str, inside: Path) -> None:
    with pytest.raises(OutsideRoots):
        storage.resolve(path.format(inside))


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("output", {"output": "/elsewhere"}),
        ("sources[0].paths[0]", {"sources": [{"name": "w", "paths": ["/etc/*.jsonl"]}]}),
        ("clean.language.model", {"clean": {"language": {"model": "/etc/m.ftz"}}}),
        ("clean.classifier.model", {"clean": {"classifier": {"model": "/etc/m.bin", "label": "a", "min_score": 0.5}}}),
        ("decontaminate.benchmarks[1]", {"decontaminate": {"benchmarks": ["{}/b.jsonl", "s3://other/*"]}}),
        ("tags.t.path", {"tags": {"t": {"from": "table", "path": "/etc/t.parquet", "column": "c"}}}),
        ("shards.tokenizer", {"shards": {"tokenizer": "/etc/tokenizer.json"}}),
    ],
)
def test_every_part_of_a_recipe(place: str, change: dict[str, Any], inside: Path) -> None:
    plain = {"name": "r", "output": f"{inside}/out", "sources": [{"name": "w", "paths": [f"{inside}/*.jsonl"]}]}
    change = json.loads(json.dumps(change).replace("{}", str(inside)))
    check_allowed(validate(plain))
    with pytest.raises(RecipeError, match=f"{VARIABLE} allows") as error:
        check_allowed(validate(plain | change))
    assert error.value.place == place


def test_a_run_names_what_a_link_leads_out_to(inside: Path, syllabus: Command, tmp_path: Path) -> None:
    recipe = {
        "name": "r",
        "output": f"{inside}/out",
        "clean": {"rules": []},
        "sources": [{"name": "w", "paths": [f"{inside}/*.jsonl"]}],
    }
    (inside / "r.yaml").write_text(json.dumps(recipe))
    done = syllabus("run", str(inside / "r.yaml"))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((release_of(inside, "r") / "manifest.json").read_text())
    assert [(Path(one["path"]).name, one["documents"]) for one in manifest["inputs"]] == [
        ("a.jsonl", 1),
        ("link.jsonl", 0),
    ]
    (left_out,) = manifest["errors"]["files"]
    assert left_out["reason"] == f"cannot be opened: it is outside of the places that {VARIABLE} allows"
    refused = syllabus("run", str(inside / "r.yaml"), "--set", "output=/elsewhere")
    assert refused.returncode == 2
    assert f"output: '/elsewhere' is outside of the places that {VARIABLE} allows" in refused.stderr
