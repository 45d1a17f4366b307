"""Two weeks of raw text and a recipe in which every stage has work: what is killed, failed and moved in tests of reliability."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import yaml

from curation.cleaning.language import model_path
from schemas.cleaning import Language
from tests.conftest import texts, write_jsonl

WEEKS = 2


def tokenizer_of(folder: Path) -> str:
    """A tokenizer with a token for each byte-level character."""
    import tokenizers

    made = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token=None))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(["the river and the stone"], trainer)
    made.save(str(folder / "tokenizer.json"))
    return str(folder / "tokenizer.json")


def raw_text(folder: Path, documents: int = 60) -> None:
    """Of each week three files of ``documents``: near and exact copies, of the week before too, a line that all share, a passage that some do, items of a
    benchmark, vectors; one file has a bad row."""
    draw = random.Random(7)
    benchmark = texts(4, seed=99, words=36)
    write_jsonl(folder / "benchmark.jsonl", [{"text": text} for text in benchmark])
    before: list[dict[str, Any]] = []
    for week in range(WEEKS):
        for number in range(3):
            rows: list[dict[str, Any]] = []
            for i, text in enumerate(texts(documents, seed=10 * week + number)):
                if i % 4 == 1:
                    text = f"{text} And so, in {i}, in the same words as on other pages: what is to be said is said, once more."
                text = f"{text}\nThis line stands on every page of the site, and nobody reads it any more."
                if i % 20 == 3:
                    text = f"{text}\n{benchmark[i % 4]}"
                url = f"https://site{i % 7}.example.org/{week}/{number}/{i}"
                vector = [round(draw.gauss(0, 1), 4) for _ in range(8)]
                rows.append({"id": f"{week}-{number}-{i}", "text": text, "url": url, "vector": vector})
            rows += [row | {"id": f"again-{row['id']}"} for row in (before or rows)[:6]]
            before += rows
            write_jsonl(folder / f"week{week}" / f"{number}.jsonl", rows)
        with (folder / f"week{week}" / "0.jsonl").open("a") as file:
            file.write("{\n")


def recipe_of(folder: Path, output: Path, **engine: Any) -> Path:
    """The recipe, over the weeks that stand in ``folder/raw``; small partitions and shards."""
    plain: dict[str, Any] = {
        "name": "every-stage",
        "output": str(output),
        "sources": [
            {"name": "web", "paths": [str(folder / "raw" / "*" / "*.jsonl")], "columns": {"id": "id", "url": "url"}}
        ],
        "clean": {
            "rules": ["gopher_quality"],
            "classifier": {"model": model_path(Language()), "label": "en", "keep_share": 0.97},
        },
        "dedup": {
            "exact": ["document", "normalised", "url"],
            "semantic": {"embedding": "vector", "clusters": 4},
            "max_per_domain": 100,
            "keep": {"by": "tokens"},
            "write_clusters": True,
            "paragraphs": {"unit": "line", "max_repeats": 1},
            "substrings": {"min_bytes": 64},
            "history": True,
        },
        "decontaminate": {"benchmarks": [str(folder / "benchmark.jsonl")]},
        "tags": {
            "site": {"from": "url", "part": "short"},
            "cluster": {"from": "clusters", "embedding": "vector", "clusters": 4},
        },
        "mixture": {"by": "cluster", "method": "proportional"},
        "phases": [
            {"name": "conditioned", "share": 0.8, "conditioning": {"template": "URL: {site}\n\n"}},
            {"name": "cooldown", "share": 0.2},
            {"name": "held-out", "evaluation": True, "pool": {"where": {"cluster": "3"}}},
        ],
        "shards": {"max_bytes": "64KB", "tokenizer": tokenizer_of(folder), "sequence_length": 128},
        "engine": {"workers": 2, "partition_bytes": "60KB", **engine},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(plain))
    return path


def week(folder: Path, number: int) -> None:
    """Let the raw text of a week arrive."""
    shutil.copytree(folder / f"week{number}", folder / "raw" / f"week{number}")


def bytes_of(output: Path) -> dict[str, bytes]:
    """The shards of all releases by release, in order, and the ledger's rows."""
    home = output / "every-stage"
    releases = sorted(path.parent for path in home.glob("*/manifest.json"))
    found = {}
    for number, release in enumerate(releases):
        for folder in ("shards", "evaluation", "dropped", "substrings", "duplicates", "copies"):
            for path in sorted((release / folder).rglob("*.parquet")):
                found[f"{number}/{path.relative_to(release)}"] = path.read_bytes()
        manifest = json.loads((release / "manifest.json").read_text())
        found[f"{number}/funnel"] = json.dumps(manifest["funnel"]).encode()
    return found
