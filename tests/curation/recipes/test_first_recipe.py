"""`look` and `init` as a stranger uses them: his own files of several kinds, and what cannot be read said with its reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from curation import storage
from curation.readers.look import BUDGET, look
from curation.recipes.first_recipe import look_at, recipe_of
from schemas.recipe import Recipe
from tests.conftest import Command, release_of, texts, write_jsonl


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Five kinds: lines, CSV, Parquet with structs, prompts with answers, plain text; a picture, and a file that is not what it is named."""
    raw = tmp_path / "raw"
    written = texts(60, seed=5)
    write_jsonl(
        raw / "crawl" / "a.jsonl", [{"body": t, "link": f"https://a.example/{i}"} for i, t in enumerate(written[:20])]
    )
    write_jsonl(
        raw / "crawl" / "b.jsonl", [{"body": t, "link": f"https://b.example/{i}"} for i, t in enumerate(written[20:30])]
    )
    pl.DataFrame({"article": written[30:40], "n": range(10)}).write_csv(raw / "table.csv")
    nested = pl.DataFrame({"meta": [{"lang": "en"}] * 10, "content": written[40:50]})
    nested.write_parquet(raw / "nested.parquet")
    write_jsonl(raw / "asked.jsonl", [{"instruction": f"Say {i}.", "output": t} for i, t in enumerate(written[50:])])
    (raw / "note.txt").write_text("A note of some words, and of more than one line.\n" * 5)
    (raw / "picture.png").write_bytes(b"\x89PNG")
    (raw / "named.jsonl").write_bytes(gzip.compress(b"{}"))
    return raw


@pytest.mark.server
def test_what_init_writes_runs(mine: Path, tmp_path: Path, syllabus: Command) -> None:
    done = syllabus(
        "init", "raw/crawl", *(f"raw/{name}" for name in ("table.csv", "nested.parquet", "asked.jsonl", "note.txt"))
    )
    assert done.returncode == 0, done.stderr
    recipe = yaml.safe_load((tmp_path / "recipe.yaml").read_text())
    sources = {one["name"]: one for one in recipe["sources"]}
    assert sources["crawl"] == {
        "name": "crawl",
        "paths": ["raw/crawl/*.jsonl"],
        "columns": {"text": "body", "url": "link"},
    }
    assert sources["table"]["columns"] == {"text": "article"}
    assert sources["asked"] == {
        "name": "asked",
        "paths": ["raw/asked.jsonl"],
        "columns": {"text": "output"},
        "prompt_column": "instruction",
    }
    assert "columns" not in sources["note"]
    ran = syllabus(
        "run", "recipe.yaml", "--set", f"output={tmp_path / 'out'}", "--set", "dedup={exact: false, minhash: null}"
    )
    assert ran.returncode == 0, ran.stderr
    rows = pl.read_parquet(release_of(tmp_path, recipe["name"]) / "shards" / "*.parquet")
    assert dict(rows.group_by("source").len().iter_rows()) == {
        "crawl": 30,
        "table": 10,
        "nested": 10,
        "asked": 10,
        "note": 1,
    }
    assert rows.filter(pl.col("source") == "crawl")["url"].null_count() == 0
    again = syllabus("init", "raw/crawl")
    assert again.returncode == 2
    assert "is there already" in again.stderr


@pytest.mark.server
def test_look_says_what_is_set_aside_and_why(mine: Path, syllabus: Command) -> None:
    done = syllabus("look", "raw", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["unknown"] == {".png": 1}
    kinds = {one["folder"] + "/" + one["ending"] + (one["text"] or ""): one for one in said["kinds"]}
    assert kinds["raw/.jsonl"]["left_out"] == "not JSON Lines: gzip magic bytes"
    assert kinds["raw/.jsonloutput"]["prompt"] == "instruction"
    assert kinds["raw/.parquetcontent"]["columns"]["meta.lang"] == {"kind": "a string", "values": ["en"] * 3}
    shown = syllabus("look", "raw")
    assert "1 files of no known kind (.png) are passed over" in shown.stdout
    empty = syllabus("look", "raw/picture.png")
    assert empty.returncode == 2
    none = syllabus("init", "nowhere")
    assert none.returncode == 2
    assert "'nowhere' is no file" in none.stderr


def test_hostile_names_and_values_stay_data(tmp_path: Path) -> None:
    """Names of columns and files, and values, come from the web: nothing of them is a line of the recipe."""
    name = 'text\nseed: 7 # "{'
    folder = tmp_path / "a\nseed: 8"
    write_jsonl(folder / "x.jsonl", [{name: text} for text in texts(5)])
    seen, told = look_at([str(folder)])
    plain: dict[str, Any] = yaml.safe_load(recipe_of(told, "tried"))
    assert set(plain) == {"name", "sources", "clean", "dedup"}
    assert plain["sources"][0]["columns"] == {"text": name}
    assert seen.files == 1


def test_numbers_are_left_out_with_the_reason(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "numbers" / "n.jsonl", [{"a": 1, "b": "x"}] * 3)
    _, told = look_at([str(tmp_path)])
    assert str(told[0].reason).startswith("no column looks like a text: `a`, `b`")


def test_records_that_are_made_of_turns(tmp_path: Path) -> None:
    asked, answered = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}
    folder = tmp_path / "mine"  # all in one folder, and told apart
    write_jsonl(folder / "chat.jsonl", [{"messages": [asked, answered]}] * 3)
    write_jsonl(folder / "gpt.jsonl", [{"conversations": [{"from": "human", "value": "Hi"}], "source": "x"}] * 3)
    write_jsonl(folder / "pairs.jsonl", [{"prompt": "Hi", "chosen": "Ho", "rejected": "Hu"}] * 3)
    write_jsonl(folder / "maths.jsonl", [{"messages": [asked], "ground_truth": "4", "dataset": "gsm8k"}] * 3)
    write_jsonl(folder / "asked.jsonl", [{"instruction": "Hi", "output": "Ho"}] * 3)
    _, told = look_at([str(folder)])
    plain = yaml.safe_load(recipe_of(told, "tried"))
    Recipe.model_validate(plain)
    found = {Path(source["paths"][0]).stem: source for source in plain["sources"]}
    assert {name: (source.get("kind"), source.get("columns")) for name, source in found.items()} == {
        "chat": ("conversation", None),
        "gpt": ("conversation", {"messages": "conversations"}),
        "pairs": ("preference", None),
        "maths": ("verifiable", {"prompt": "messages", "verifier": "dataset"}),
        "asked": (None, {"text": "output"}),
    }


def test_little_is_read_of_large_files_and_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_jsonl(tmp_path / "large.jsonl", [{"text": "words " * 2000}] * 400)
    for number in range(300):
        (tmp_path / f"{number}.jsonl").write_text('{"text": "a"}\n')
    read = [0]
    blocks = storage.blocks

    def counted(url: str, start: int = 0) -> Any:
        for block in blocks(url, start):
            read[0] += len(block)
            yield block

    monkeypatch.setattr(storage, "blocks", counted)
    infos = storage.glob(str(tmp_path / "*.jsonl"))
    seen = look(infos)
    assert (seen.files, len(seen.kinds), len(seen.kinds[0].files)) == (301, 1, 301)
    assert seen.looked_into <= 10
    assert read[0] < BUDGET / 2


@pytest.mark.server
def test_a_folder_means_its_files(mine: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = {
        "name": "tried",
        "output": str(tmp_path / "out"),
        "sources": [{"name": "web", "paths": ["raw/crawl"], "columns": {"text": "body"}}],
        "dedup": {"exact": False, "minhash": None},
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    done = syllabus("run", "recipe.json")
    assert done.returncode == 0, done.stderr
    assert len(pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")) == 30
    (tmp_path / "empty").mkdir()
    done = syllabus("run", "recipe.json", "--set", "sources.0.paths=[empty]")
    assert done.returncode == 2
    assert "'empty' is a folder without a file of a known kind" in done.stderr


@pytest.mark.server
def test_code_and_texts_a_file_each(tmp_path: Path, syllabus: Command) -> None:
    written = texts(12, seed=8)
    tree = tmp_path / "raw" / "project"
    for number, text in enumerate(written[:6]):
        path = tree / ("src" if number % 2 else "") / f"m{number}.{['py', 'go'][number // 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {text}\n")
    (tree / "README.md").write_text(written[6])
    (tree / "notes.org").write_text(written[7])
    write_jsonl(tree / "rows.jsonl", [{"text": text} for text in written[8:]])
    (tree / "packed.py.gz").write_bytes(gzip.compress(b"print('packed')\n"))
    done = syllabus("init", "raw/project")
    assert done.returncode == 0, done.stderr
    sources = {
        one.get("format", "rows"): one for one in yaml.safe_load((tmp_path / "recipe.yaml").read_text())["sources"]
    }
    assert sources["code"]["paths"] == [f"raw/project/**/*.{ending}" for ending in ("go", "md", "py", "py.gz")]
    assert sources["text"]["paths"] == ["raw/project/**/*.org"]
    assert sources["rows"]["paths"] == ["raw/project/rows.jsonl"]
    assert syllabus("run", "recipe.yaml").returncode == 0
    (release,) = (tmp_path / "releases").glob("*/2*")
    manifest = json.loads((release / "manifest.json").read_text())
    assert sum(one["documents"] for one in manifest["inputs"]) == 4 + 8 + 1
    assert manifest["errors"]["count"] == {"files": 0, "rows": 0}
    assert syllabus("look", "raw/project/README.md", "--json").returncode == 0
    shown = json.loads(syllabus("look", "raw/project", "--json").stdout)
    assert [(kind["source"].get("format"), kind["files"]) for kind in shown["kinds"]] == [
        (None, 1),
        ("code", 8),
        ("text", 1),
    ]
    assert shown["unknown"] == {}
