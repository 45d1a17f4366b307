"""`syllabus explain --cluster` and `syllabus history`, on a real run."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Command, recipe_of, release_of, texts, write_jsonl


def test_cluster_and_history(syllabus: Command, tmp_path: Path) -> None:
    one, other = texts(2, seed=8)
    near = one + " and a few <b>more</b> words at its end"
    rows = [{"id": "first", "text": one}, {"id": "again", "text": one}, {"id": "near", "text": near}, {"text": other}]
    write_jsonl(tmp_path / "raw" / "a.jsonl", rows)
    recipe = recipe_of(
        tmp_path, sources=[{"name": "a", "paths": [str(tmp_path / "raw" / "*.jsonl")]}], dedup={"history": True}
    )
    assert syllabus("run", str(recipe)).returncode == 0
    release = release_of(tmp_path)
    kept = json.loads(syllabus("explain", str(release), "first", "--json").stdout)["places"][0]["id"]
    found = json.loads(syllabus("explain", str(release), "--cluster", kept, "--json").stdout)
    assert found["kept"] == kept
    assert [(m["stage"], m["row"], m["added"]) for m in found["members"]] == [("exact", 1, 0), ("minhash", 2, 8)]
    assert found["members"][1]["changes"][0][1].endswith("<b>more</b> words at its end")
    text = syllabus("explain", str(release), "--cluster", found["members"][1]["id"]).stdout
    assert f"{kept} stays" in text
    assert "{+and a few <b>more</b> words" in text
    assert syllabus("explain", str(release), "--cluster", "f" * 32).returncode == 3

    remembered = json.loads(syllabus("history", str(recipe), "--json").stdout)
    assert [(r["release"], r["documents"]) for r in remembered] == [(release.name, 2)]
    assert syllabus("history", str(recipe), "--forget", "nothing").returncode == 2
    after = json.loads(syllabus("history", str(recipe), "--forget", release.name, "--json").stdout)
    assert after[0]["documents"] == 0
    assert syllabus("verify", str(release)).returncode == 0
