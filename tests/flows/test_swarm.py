"""A swarm as a user makes one: runs that share their texts, a table of weights, and a mixture fitted to what comes back."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.training import LossReporter, ShardDataset
from tests.conftest import Command, recipe_of, texts, write_jsonl
from tests.every_stage import tokenizer_of
from tests.faults.running import command, left_over, sound

pytestmark = pytest.mark.server
TOPICS = ("art", "law", "sport")
OPTIMUM = {"art": 0.55, "law": 0.3, "sport": 0.15}


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    """600 documents of three topics, none alike."""
    rows = [
        {"id": f"d{i}", "text": text, "topic": TOPICS[min(i % 6, 3) % 3], "url": f"https://a.example/{i}"}
        for i, text in enumerate(texts(600, seed=3, words=40))
    ]
    write_jsonl(tmp_path / "raw" / "web.jsonl", rows)
    return tmp_path


def recipe(folder: Path, **fields: Any) -> Path:
    plain: dict[str, Any] = {
        "sources": [{"name": "web", "paths": [str(folder / "raw" / "*.jsonl")]}],
        "clean": {},
        "tags": {"topic": {"from": "column", "column": "topic"}, "domain": {"from": "url"}},
        "mixture": {"by": "topic"},
        "phases": [],
    }
    return recipe_of(folder, **(plain | fields))


def made(syllabus: Command, path: Path, runs: int = 6, tokens: int = 12_000, *more: str) -> Path:
    done = syllabus("swarm", str(path), "--runs", str(runs), "--tokens", str(tokens), "--json", *more)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return Path(json.loads(done.stdout)["folder"])


def rows_of(run: Path) -> list[dict[str, Any]]:
    return [row for batch in ShardDataset(str(run), batch_size=7) for row in batch]


def test_runs_are_as_their_weights_and_texts_stand_once(topics: Path, syllabus: Command) -> None:
    swarm = made(syllabus, recipe(topics))
    assert syllabus("verify", str(swarm)).returncode == 0
    stored = pl.read_parquet(swarm / "shards" / "*.parquet")
    assert stored["id"].n_unique() == len(stored)
    by_id = {row["id"]: row for row in stored.to_dicts()}
    table = pl.read_parquet(swarm / "swarm.parquet")
    assert table.columns == ["run", "release", "group", "weight"]
    assert table.group_by("run").agg(pl.col("weight").sum())["weight"].to_list() == pytest.approx([1.0] * 6)
    assert sorted(table["group"].unique()) == list(TOPICS)
    longest = stored["tokens"].max()
    drawn: dict[int, Counter[str]] = {}
    assert isinstance(longest, int)
    for (number, release), weights in table.group_by("run", "release", maintain_order=True):
        assert isinstance(number, int)
        run = swarm.parent / str(release)
        rows = rows_of(run)
        assert list(rows[0]) == stored.columns
        assert [row["position"] for row in rows] == list(range(len(rows)))
        seen: Counter[str] = Counter()
        tokens: Counter[str] = Counter()
        for row in rows:
            assert row["epoch"] == seen[row["id"]]
            seen[row["id"]] += 1
            same = by_id[row["id"]]
            assert all(row[name] == same[name] for name in ("text", "segments", "tokens", "topic", "url", "source"))
            tokens[row["topic"]] += row["tokens"]
        for group, weight in weights.select("group", "weight").iter_rows():
            assert abs(tokens[group] - weight * 12_000) <= longest
        manifest = json.loads((run / "manifest.json").read_text())
        realised = manifest["phases"][0]["realised"]
        assert {group: one["tokens"] for group, one in realised.items()} == dict(tokens)
        drawn[number] = seen
    # All runs draw alike: of two runs, one's documents of a topic are among the other's, or the other way about.
    for topic in TOPICS:
        sets = [{one for one in seen if by_id[one]["topic"] == topic} for seen in drawn.values()]
        assert all(a <= b or b <= a for a in sets for b in sets)
    assert {one for seen in drawn.values() for one in seen} == set(by_id)
    last = json.loads((swarm / "manifest.json").read_text())["funnel"][-1]
    assert last["out"] == len(by_id) < last["in"]


def test_groups_that_are_repeated(topics: Path, syllabus: Command) -> None:
    """Whole passes and a part: epochs count them, and the copies of a document stand apart."""
    path = recipe(topics, mixture={"by": "topic", "max_epochs": 8})
    swarm = made(syllabus, path, 12, 30_000)
    epochs = Counter(row["epoch"] for number in range(12) for row in rows_of(swarm / "runs" / f"{number:03}"))
    assert max(epochs) >= 3
    assert syllabus("verify", str(swarm)).returncode == 0


@pytest.mark.slow
def test_the_same_bytes_for_any_engine(topics: Path, syllabus: Command) -> None:
    wanted = None
    for kind, workers in (("threads", 1), ("threads", 4), ("processes", 2)):
        path = recipe(topics, output=str(topics / f"{kind}{workers}"), engine={"kind": kind, "workers": workers})
        swarm = made(syllabus, path)
        found = bytes_of(swarm)
        assert len(found) >= 7
        assert wanted is None or found == wanted
        wanted = found


@pytest.mark.slow
def test_killed_at_a_write_it_comes_to_the_same(topics: Path, api: dict[str, str]) -> None:
    asked = ("swarm", str(recipe(topics)), "--runs", "4", "--tokens", "12000", "--json")
    counted = topics / "counted"

    def whole(**faults: object) -> dict[str, bytes]:
        done = command(*asked, folder=topics, environment=api, **faults)
        assert done.returncode == 0, done.stderr
        return bytes_of(Path(json.loads(done.stdout)["folder"]))

    wanted = whole(COUNT_WRITES=counted)
    writes = int(counted.read_text())
    assert writes > 40
    for k in random.Random(5).sample(range(1, writes + 1), 2):
        shutil.rmtree(topics / "out")
        done = command(*asked, folder=topics, environment=api, DIE_AT=k)
        assert done.returncode in (-signal.SIGKILL, 0), done.stderr
        home = topics / "out" / "tried" / "swarms"
        sound(home)
        for run in home.glob("2*/runs/*"):  # what is not whole is not read
            if not (run.parent.parent / "manifest.json").exists():
                with pytest.raises(FileNotFoundError):
                    ShardDataset(str(run))
        assert whole() == wanted, k
        assert left_over(home) == []


def bytes_of(swarm: Path) -> dict[str, bytes]:
    return {str(one.relative_to(swarm)): one.read_bytes() for one in sorted(swarm.glob("**/shards/*.parquet"))}


def test_the_same_swarm_is_not_made_again(topics: Path, syllabus: Command) -> None:
    path = recipe(topics)
    first = made(syllabus, path)
    assert made(syllabus, path) == first
    assert made(syllabus, path, 7) != first
    done = syllabus("run", str(path))
    assert done.returncode == 0, done.stderr
    latest = json.loads((topics / "out" / "tried" / "latest.json").read_text())["release"]
    assert (topics / "out" / "tried" / latest / "manifest.json").exists()  # a swarm is no release of the recipe


def test_reading_goes_on_where_it_stopped(topics: Path, syllabus: Command) -> None:
    swarm = made(syllabus, recipe(topics), 2)
    whole = rows_of(swarm / "runs" / "001")
    data = ShardDataset(str(swarm / "runs" / "001"), batch_size=5)
    batches = iter(data)
    begun = [row for _ in range(4) for row in next(batches)]
    other = ShardDataset(str(swarm / "runs" / "001"), batch_size=5)
    other.load_state_dict(data.state_dict())
    assert begun + [row for batch in other for row in batch] == whole
    with pytest.raises(ValueError, match="the state is of release"):
        ShardDataset(str(swarm / "runs" / "000")).load_state_dict(data.state_dict())
    halves = [ShardDataset(str(swarm / "runs" / "001"), rank=rank, world_size=2, batch_size=3) for rank in (0, 1)]
    both = [row for pair in zip(*halves, strict=True) for batch in pair for row in batch]
    assert both == whole
    shutil.rmtree(swarm / "shards")
    with pytest.raises(FileNotFoundError):
        next(iter(ShardDataset(str(swarm / "runs" / "001"))))
    (swarm / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError):
        ShardDataset(str(swarm / "runs" / "001"))


def test_a_fit_to_what_comes_back(topics: Path, syllabus: Command) -> None:
    """A made loss whose best mixture is known: proxies report it, and the recipe's own fitted mixture finds it."""
    fitted = {
        "method": "olmix",
        "by": "topic",
        "swarm": "swarm.parquet",
        "runs": "runs.jsonl",
        "check": "check.jsonl",
        "targets": {f"loss_{topic}": 1.0 for topic in TOPICS},
        "kl": 0.0,
        "repetition": None,
        "max_epochs": None,
    }
    path = recipe(topics, mixture=fitted, phases=[{"name": "train", "tokens": 12_000}])
    swarm = made(syllabus, path, 48, 12_000)  # before there are runs to fit it to
    shutil.copy(swarm / "swarm.parquet", topics / "swarm.parquet")
    for number in range(48):
        weights = dict.fromkeys(TOPICS, 0.0)
        for row in rows_of(swarm / "runs" / f"{number:03}"):
            weights[row["topic"]] += row["tokens"] / 12_000
        name = "check" if number % 4 == 0 else "runs"
        told = LossReporter(run_id=str(number), losses=str(topics / f"{name}.jsonl"))
        told.evaluation(100, dict.fromkeys(TOPICS, 9.0))
        told.evaluation(200, {topic: law(topic, weights[topic]) for topic in TOPICS})
    planned = syllabus("plan", str(path), "--json")
    assert planned.returncode == 0, planned.stderr
    phase = json.loads(planned.stdout)["phases"][0]
    assert phase["fit"]["checked"] == 12
    assert phase["fit"]["rank_correlation"] > 0.99
    assert regret(phase["weights"]) < 0.01


def law(topic: str, weight: float) -> float:
    """A loss of a topic that falls with its weight; the sum is least at OPTIMUM, where all slopes are equal."""
    return float(1.0 + np.exp(-3 * (weight - OPTIMUM[topic])) / 3)


def regret(weights: dict[str, float]) -> float:
    """How much more than the least sum of losses, as a share of it."""
    best = min(
        sum(law(t, w) for t, w in zip(TOPICS, (a, b, 1 - a - b), strict=True)) for a in GRID for b in GRID if a + b <= 1
    )
    return sum(law(topic, weight) for topic, weight in weights.items()) / best - 1


GRID = np.linspace(0, 1, 101)


def test_what_was_altered_is_found(topics: Path, syllabus: Command) -> None:
    swarm = made(syllabus, recipe(topics), 3)
    run = swarm / "runs" / "001"

    def said(place: Path = swarm) -> str:
        done = syllabus("verify", str(place))
        assert done.returncode == 4
        return done.stderr

    shard = run / "shards" / "00000.parquet"
    kept = shard.read_bytes()
    table = pq.read_table(shard)
    pq.write_table(table.set_column(3, "row", pa.array(table["row"].to_numpy()[::-1])), shard)
    assert "runs/001/shards/00000.parquet: its bytes were changed" in said()
    assert "shards/00000.parquet: its bytes were changed" in said(run)
    shard.write_bytes(kept)
    weights = (swarm / "swarm.parquet").read_bytes()
    pq.write_table(pq.read_table(swarm / "swarm.parquet").slice(1), swarm / "swarm.parquet")
    assert "swarm.parquet: its weights are not those" in said()
    (swarm / "swarm.parquet").write_bytes(weights)
    assert syllabus("verify", str(swarm)).returncode == 0
    shutil.copytree(run, swarm / "runs" / "777")
    assert "runs/777: is not in the manifest" in said()
    shutil.rmtree(swarm / "runs" / "777")
    (run / "manifest.json").write_text((run / "manifest.json").read_text().replace('"tokens": 12', '"tokens": 13', 1))
    assert "runs/001/manifest.json: its bytes were changed" in said()
    shutil.rmtree(run)
    assert "runs/001/manifest.json: is not there" in said()


@pytest.mark.parametrize(
    ("fields", "more", "said"),
    [
        (
            {"phases": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]},
            (),
            "phases: a swarm varies the mixture of one phase; say which with --phase: a, b",
        ),
        ({}, ("--phase", "c"), "phases: no phase is named 'c'; there are all"),
        ({"phases": [{"name": "a", "order": {"method": "sort", "by": "tokens"}}]}, (), "phases[0].order: the runs"),
        ({"mixture": None}, (), "mixture: a swarm varies the weights"),
        ({"mixture": {"by": "source"}}, (), "there is one only"),
        ({"phases": [{"name": "a", "conditioning": {"method": "steps", "template": "{text}"}}]}, (), "conditioning"),
        ({}, ("--tokens", "900000"), "ask for fewer tokens a run"),
        ({"mixture": {"by": "topic", "method": "fixed", "weights": {"art": 1.0}}}, ("--draw", "x"), "no way to draw"),
    ],
)
def test_what_a_swarm_cannot_be(
    fields: dict[str, Any], more: tuple[str, ...], said: str, topics: Path, syllabus: Command
) -> None:
    done = syllabus("swarm", str(recipe(topics, **fields)), "--runs", "3", "--tokens", "9000", *more)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert not list((topics / "out").glob("tried/swarms/2*"))


def test_packed_rows_share_no_texts(topics: Path, syllabus: Command) -> None:
    pytest.importorskip("tokenizers")
    shards = {"tokenizer": tokenizer_of(topics), "sequence_length": 64}
    done = syllabus("swarm", str(recipe(topics, shards=shards)), "--runs", "3", "--tokens", "9000")
    assert done.returncode == 2
    assert "shards.sequence_length: packed rows" in done.stderr


def test_a_run_has_no_report_of_its_own(topics: Path, syllabus: Command) -> None:
    swarm = made(syllabus, recipe(topics), 2)
    for asked in (("report", str(swarm / "runs" / "000")), ("explain", str(swarm / "runs" / "000"), "d1")):
        done = syllabus(*asked)
        assert done.returncode != 0
        assert f"ask its texts, {swarm}" in done.stderr
    page = (swarm / "report.html").read_text()
    assert "2 runs" in page
