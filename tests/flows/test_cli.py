"""The whole way through the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.conftest import ROOT, Command, recipe_of, release_of, write_jsonl


def no_release(folder: Path) -> bool:
    return not list(folder.glob("out/*/*/manifest.json")) and not list(folder.glob("out/*/latest.json"))


@pytest.mark.server
def test_a_recipe_becomes_a_release_that_holds(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = recipe_of(tmp_path)
    done = syllabus("run", str(recipe))
    assert done.returncode == 0, done.stderr
    release = release_of(tmp_path)
    assert str(release) in done.stdout
    manifest = json.loads((release / "manifest.json").read_text())
    assert [stage["stage"] for stage in manifest["funnel"]] == ["read", "rules", "exact", "minhash", "schedule"]
    assert manifest["funnel"][0]["in"] == 401
    dropped = {stage["stage"]: sum(stage["dropped"].values()) for stage in manifest["funnel"]}
    assert dropped["exact"] == 1
    assert dropped["minhash"] == 40

    # Every input row is in the shards or in the ledger, exactly once.
    shards = pl.concat([pl.read_parquet(path) for path in sorted((release / "shards").iterdir())])
    ledger = pl.concat([pl.read_parquet(path) for path in (release / "dropped").glob("*/*.parquet")])
    places = pl.concat([pl.read_parquet(path) for path in (release / "documents").iterdir()])
    gone = Counter(zip(ledger["path"], ledger["row"], strict=True))
    assert max(gone.values()) == 1
    kept = places.filter(pl.Series([(p, r) not in gone for p, r in zip(places["path"], places["row"], strict=True)]))
    assert sorted(kept["id"]) == sorted(set(shards["id"]))
    assert len(kept) + len(ledger) == 401
    assert shards["position"].to_list() == list(range(len(shards)))

    # MeCo: a prefix in the first phase, none in the second, and no loss on it.
    first, last = shards.filter(pl.col("source") == "web").row(0, named=True), shards.row(-1, named=True)
    assert first["text"].startswith("URL: example.org\n\n")
    assert [(s["kind"], s["loss"]) for s in first["segments"]] == [("metadata", False), ("content", True)]
    assert (last["phase"], last["segments"][0]["kind"]) == ("cooldown", "content")

    assert syllabus("verify", str(release)).returncode == 0
    assert syllabus("report", str(release)).returncode == 0
    timings = syllabus("report", str(release), "--timings")
    assert timings.returncode == 0
    assert {"prepare", "write", "together", "seconds"} <= set(timings.stdout.replace("│", " ").split())
    told = syllabus("explain", str(release), first["id"])
    assert told.returncode == 0
    assert "position 0" in told.stdout or f"position {first['position']}" in told.stdout
    assert "near_duplicate" in syllabus("explain", str(release), ledger.filter(stage="minhash")["id"][0]).stdout
    assert syllabus("explain", str(release), "w3", "--json").returncode == 0
    assert syllabus("explain", str(release), "--url", first["url"]).returncode == 0
    assert syllabus("explain", str(release), "nobody").returncode == 3

    planned = syllabus("plan", str(recipe), "--json")
    assert planned.returncode == 0, planned.stderr
    assert [phase["name"] for phase in json.loads(planned.stdout)["phases"]] == ["conditioned", "cooldown"]

    again = syllabus("run", str(recipe), "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["release"] is None
    assert len(list(tmp_path.glob("out/tried/*/manifest.json"))) == 1

    shard = release / "shards" / "00001.parquet"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(bytes(data))
    broken = syllabus("verify", str(release))
    assert broken.returncode == 4
    assert "shards/00001.parquet" in broken.stderr


@pytest.mark.server
def test_bad_files_are_set_aside_and_the_sound_lose_nothing(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    web = corpus / "web"
    (web / "empty.jsonl").write_text("")
    (web / "torn.jsonl").write_text('{"text": "a sound row with the words of a text"}\n{"text": "torn\n')
    (web / "null.jsonl").write_text('{"text": null}\n{"txt": "no text"}\n[1]\n')
    (web / "binary.jsonl").write_bytes(bytes(range(256)) * 10)
    (web / "copy.jsonl").write_bytes((web / "a.jsonl").read_bytes())
    done = syllabus("run", str(recipe_of(tmp_path, clean={})))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((release_of(tmp_path) / "manifest.json").read_text())
    files = {Path(file["path"]).name: file for file in manifest["inputs"]}
    assert files["a.jsonl"]["documents"] == 160
    assert files["b.jsonl"]["documents"] == 141
    assert files["books.jsonl"]["documents"] == 100
    assert (files["torn.jsonl"]["documents"], files["torn.jsonl"]["errors"]) == (1, 1)
    assert files["null.jsonl"]["documents"] == 0
    assert files["null.jsonl"]["errors"] >= 1
    assert files["binary.jsonl"]["documents"] == 0
    assert files["binary.jsonl"]["errors"] >= 1
    assert files["copy.jsonl"]["documents"] == 0
    assert Path(files["copy.jsonl"]["same_as"]).name == "a.jsonl"
    named = {Path(bad["path"]).name for kind in ("files", "rows") for bad in manifest["errors"][kind]}
    assert {"torn.jsonl", "null.jsonl", "binary.jsonl"} <= named


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"clean": {"langage": {"keep": ["en"]}}}, 2, "did you mean 'language'"),
    ({"name": "Not A Name"}, 2, "name"),
    ({"sources": [{"name": "web", "paths": ["nowhere/*.jsonl"]}]}, 2, "sources[0].paths[0]"),
    ({"sources": [{"name": "web", "paths": ["nowhere.jsonl"]}]}, 2, "nowhere.jsonl"),
    ({"tags": {"topic": {"from": "column", "column": "nope"}}, "conditioning": None}, 2, "tags.topic.column"),
    ({"phases": [{"name": "a", "share": 0.7}, {"name": "b", "share": 0.7}]}, 2, "shares add up"),
    ({"mixture": {"by": "nothing"}}, 2, "mixture.by"),
    (
        {"clean": {"rules": [{"gopher_quality": {"min_doc_words": 100_000}}]}},
        1,
        "every document was dropped (web: rules gopher_short_doc 301 of 301; books: ",
    ),
    ({"clean": {"rules": [{"gopher_quality": {"min_doc_word": 5}}]}}, 2, "did you mean 'min_doc_words'"),
]


@pytest.mark.server
@pytest.mark.parametrize(("fields", "code", "says"), WRONG)
def test_what_is_wrong_is_said(
    fields: dict[str, Any], code: int, says: str, corpus: Path, tmp_path: Path, syllabus: Command
) -> None:
    done = syllabus("run", str(recipe_of(tmp_path, **fields)))
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert no_release(tmp_path)


@pytest.mark.server
def test_recipes_that_cannot_be_read(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    assert syllabus("run", "none.yaml").returncode == 2
    (tmp_path / "twice.yaml").write_text("name: a\nname: b\nsources: []\n")
    twice = syllabus("run", "twice.yaml")
    assert twice.returncode == 2
    assert "name" in twice.stderr
    (tmp_path / "torn.yaml").write_text("name: [a\n")
    assert syllabus("run", "torn.yaml").returncode == 2


@pytest.mark.server
def test_an_empty_corpus_is_no_silent_success(tmp_path: Path, syllabus: Command) -> None:
    write_jsonl(tmp_path / "raw" / "web" / "a.jsonl", [])
    write_jsonl(tmp_path / "raw" / "books.jsonl", [])
    done = syllabus("run", str(recipe_of(tmp_path)))
    assert done.returncode in (1, 2)
    assert "read" in done.stderr
    assert no_release(tmp_path)


def test_schema_takes_the_shipped_recipes(syllabus: Command) -> None:
    done = syllabus("schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert schema["required"] == ["name", "sources"]
    for name, field in schema["properties"].items():
        named = schema["$defs"][field["$ref"].rsplit("/", 1)[1]] if "$ref" in field else field
        assert field.get("description") or named.get("description"), name


def test_overrides_are_yaml(tmp_path: Path) -> None:
    from curation.recipes.recipe_file import load

    path = recipe_of(tmp_path)
    loaded = load(str(path), ["seed=7", "dedup.minhash=null", "phases=[{name: all, epochs: 2}]"])
    assert (loaded.seed, loaded.dedup.minhash, loaded.phases[0].epochs) == (7, None, 2)
    assert yaml.safe_load(path.read_text())["phases"][0]["name"] == "conditioned"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("--set", "output={file}"), "Not a directory"),
        (("--set", "output=foo://x"), "foo:// is no store that fsspec knows"),
        (("--set", "output=az://x/y"), "account and credentials come from the environment"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line(
    corpus: Path, tmp_path: Path, syllabus: Command, change: tuple[str, str], said: str
) -> None:
    file = tmp_path / "a-file"
    file.touch()
    done = syllabus("run", str(recipe_of(tmp_path)), change[0], change[1].format(file=file))
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_nobody_foresaw_is_a_fault_of_ours_with_a_log(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from flows import cli

    def broken(prog_name: str) -> None:
        raise ZeroDivisionError("text of a document")

    monkeypatch.setattr(cli, "app", broken)
    assert cli._command() == 1
    shown = capsys.readouterr().err
    assert "this is a fault of Syllabus (ZeroDivisionError)" in shown
    assert "text of a document" not in shown
    (log,) = [Path(word.strip(",")) for word in shown.split() if "syllabus-fault-" in word]
    assert "text of a document" in log.read_text()
    log.unlink()


def test_a_path_that_names_no_file_is_said_before_the_prefect_api_is_up(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: a\nsources: [{name: a, paths: ['nowhere/*.jsonl']}]\n")
    own = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", "recipe.yaml"],
        cwd=tmp_path,
        env={**own, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    said = "sources[0].paths[0]: 'nowhere/*.jsonl' matches no file; mend the path or remove it"
    assert done.stderr == f"error: {said} [docs/reference.md#sources-source]\n"
    assert not (tmp_path / "home" / "prefect.db").exists()
