"""Recurring runs: history, the best share over all partitions, decontamination, through the command line."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, tzinfo
from pathlib import Path

import polars as pl
import pytest

from flows import writing
from tests.conftest import Command, recipe_of, release_of, texts, write_jsonl


def ledger(release: Path, stage: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in (release / "dropped" / stage).glob("*.parquet")])


@pytest.mark.server
def test_a_stream_takes_only_what_is_new(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = recipe_of(tmp_path, dedup={"history": True})
    assert syllabus("run", str(recipe)).returncode == 0
    first = release_of(tmp_path)
    kept = set(pl.concat([pl.read_parquet(p) for p in (first / "shards").iterdir()])["id"])

    nothing = syllabus("run", str(recipe))
    assert nothing.returncode == 0
    assert "nothing new" in nothing.stdout

    old = [json.loads(line) for line in (corpus / "web" / "a.jsonl").read_text().splitlines()]
    near = [{"text": row["text"] + " Read again."} for row in old[:5]]
    fresh = [{"text": text} for text in texts(9, seed=77)]
    write_jsonl(corpus / "web" / "c.jsonl", [*near, old[20], *fresh])
    (corpus / "web" / "again.jsonl").write_bytes((corpus / "web" / "b.jsonl").read_bytes())
    assert syllabus("run", str(recipe)).returncode == 0
    second = release_of(tmp_path)
    manifest = json.loads((second / "manifest.json").read_text())
    assert [Path(file["path"]).name for file in manifest["inputs"]] == ["c.jsonl"]
    assert manifest["parent"] == first.name
    dropped = ledger(second, "history")
    assert sorted(dropped["rule"]) == ["near_duplicate"] * 5 + ["same_text"]
    assert set(dropped["kept_id"]) <= kept
    assert manifest["funnel"][-1]["out"] == 9

    write_jsonl(corpus / "web" / "d.jsonl", near[:3])
    assert "nothing new was kept" in syllabus("run", str(recipe)).stdout
    assert release_of(tmp_path) == second

    other = syllabus("run", str(recipe), "--set", "dedup.minhash.bands=9")
    assert other.returncode == 2
    assert "dedup.minhash" in other.stderr


@pytest.mark.server
def test_a_clock_that_goes_back_an_hour(
    corpus: Path, tmp_path: Path, syllabus: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Releases keep their order: the new one is the latest, its parent the one before, whose documents it leaves out."""
    recipe = str(recipe_of(tmp_path, dedup={"history": True}))
    assert syllabus("run", recipe).returncode == 0
    first = release_of(tmp_path)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Earlier:
            return cls.fromtimestamp(datetime.now(tz).timestamp() - 3600, tz)

    monkeypatch.setattr(writing, "datetime", Earlier)
    write_jsonl(corpus / "web" / "c.jsonl", [{"text": text} for text in [*texts(3, seed=1), *texts(9, seed=77)]])
    assert syllabus("run", recipe).returncode == 0
    second = release_of(tmp_path)
    manifest = json.loads((second / "manifest.json").read_text())
    assert datetime.fromisoformat(manifest["created"]).timestamp() < datetime.now().timestamp() - 3000
    assert second.name > first.name
    assert manifest["parent"] == first.name
    assert sorted(ledger(second, "history")["rule"]) == ["same_text"] * 3
    assert "nothing new" in syllabus("run", recipe).stdout
    assert release_of(tmp_path) == second


@pytest.mark.slow
@pytest.mark.server
def test_ranges_and_an_index_that_fails_change_nothing(
    corpus: Path, tmp_path: Path, syllabus: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two weeks with history and paragraphs: in one range, in many, and with an index that is damaged while it is read."""
    paragraphs = {"unit": "line", "min_chars": 5, "max_repeats": 1}
    recipe = recipe_of(tmp_path, dedup={"history": True, "paragraphs": paragraphs}, engine={"partition_bytes": "60KB"})
    rows = [json.loads(line) for line in (corpus / "web" / "a.jsonl").read_text().splitlines()]
    heads = [{**row, "text": f"A line that all have.\n{row['text']}"} for row in rows]

    def two_weeks() -> list[bytes]:
        (corpus / "web" / "c.jsonl").unlink(missing_ok=True)
        write_jsonl(corpus / "web" / "a.jsonl", heads)
        assert syllabus("run", str(recipe)).returncode == 0
        fresh = [{"text": f"A line that all have.\n{text}"} for text in texts(9, seed=77)]
        write_jsonl(
            corpus / "web" / "c.jsonl",
            [*({"text": row["text"] + " Read again."} for row in rows[:30]), rows[40], *fresh],
        )
        done = syllabus("run", "-q", str(recipe))
        assert (done.returncode, done.stderr) == (0, "")
        release = release_of(tmp_path)
        made = [path.read_bytes() for path in sorted((release / "shards").iterdir())]
        decided = [path.read_bytes() for path in sorted((release / "dropped").rglob("*.parquet"))]
        assert set(ledger(release, "history")["rule"]) == {"near_duplicate"}
        shutil.rmtree(tmp_path / "out")
        return [*made, *decided]

    whole = two_weeks()
    monkeypatch.setattr("curation.dedup.clusters.BLOCK_BITS", 6)
    assert two_weeks() == whole
    monkeypatch.setattr("curation.stages.history._index", lambda *_: None)
    assert two_weeks() == whole


@pytest.mark.server
def test_the_best_share_and_benchmarks(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    import fasttext

    web = [
        json.loads(line)["text"].replace("\n", " ") for line in (corpus / "web" / "a.jsonl").read_text().splitlines()
    ]
    (tmp_path / "train.txt").write_text(
        "".join(f"__label__{'hq' if i % 2 else 'lq'} {text}\n" for i, text in enumerate(web))
    )
    model = fasttext.train_supervised(str(tmp_path / "train.txt"), epoch=5, dim=8, thread=1, verbose=0)
    model.save_model(str(tmp_path / "m.bin"))
    write_jsonl(tmp_path / "bench.jsonl", [{"id": "item/1", "text": " ".join(web[1].split()[10:40])}])
    recipe = recipe_of(
        tmp_path,
        clean={"classifier": {"model": str(tmp_path / "m.bin"), "label": "hq", "keep_share": 0.5}},
        decontaminate={"benchmarks": [str(tmp_path / "bench.jsonl")]},
    )
    done = syllabus("run", str(recipe))
    assert done.returncode == 0, done.stderr
    release = release_of(tmp_path)
    low = ledger(release, "classifier")
    assert len(low) == 401 - 200
    assert (low["value"] <= low["threshold"]).all()
    shards = pl.concat([pl.read_parquet(p) for p in (release / "shards").iterdir()])
    assert shards["quality"].min() >= low["threshold"][0]
    hit = {stage["stage"]: stage["dropped"] for stage in json.loads((release / "manifest.json").read_text())["funnel"]}
    assert hit["decontaminate"].get("ngram", 0) in (0, 1)
    assert syllabus("verify", str(release)).returncode == 0
