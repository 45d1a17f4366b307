"""Every recipe that ships runs on the data that ships with it, and its release holds what the method promises."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curation.recipes import methods
from curation.recipes.recipe_file import load
from curation.releases.verify import verify
from deployments import example_data
from flows.curate import with_engine
from flows.progress import silent
from tests.conftest import ROOT
from tests.deployments.mixture_promises import (
    dolma_quality_curve,
    moving_mixture,
    nemotron_cc,
    quadmix,
    rehydration,
)
from tests.deployments.mutations import caught
from tests.deployments.record_promises import tulu3_records

RECIPES = ROOT / "deployments" / "recipes"
OTHERS = {"demo", "weekly-stream"}
"""Recipes on other data: `make demo` collects the one's, the other is to be pointed at your files."""
METHODS = sorted(path.stem for path in RECIPES.glob("*.yaml") if path.stem not in OTHERS)

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory with the data that recipes read."""
    folder = tmp_path_factory.mktemp("examples")
    example_data.collect(folder / "examples")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


class Made:
    """A release of a recipe, read back."""

    def __init__(self, manifest: Any, folder: str) -> None:
        self.folder = folder
        self.manifest = manifest.model_dump(mode="json", by_alias=True)
        self.phases = {phase.name: phase for phase in manifest.phases}
        self.rows = pl.read_parquet(f"{folder}/shards/*.parquet").sort("position")
        self.groups = manifest.groups
        self.held = manifest.promises
        self.pool = manifest.funnel[-1].in_
        self.dropped = {stage.stage: stage.dropped for stage in manifest.funnel}

    def phase(self, name: str) -> pl.DataFrame:
        return self.rows.filter(pl.col("phase") == name)

    def evaluation(self) -> pl.DataFrame:
        return pl.read_parquet(f"{self.folder}/evaluation/*.parquet").sort("position")

    def names(self) -> list[str]:
        return list(self.phases)

    def kinds(self) -> list[list[tuple[str, bool]]]:
        return [[(s["kind"], s["loss"]) for s in row] for row in self.rows["segments"].to_list()]


def run(name: str, *overrides: str, losses: str | None = None) -> Made:
    recipe = load(str(RECIPES / f"{name}.yaml"), overrides)
    outcomes: list[Any] = []
    with_engine(recipe, keep=outcomes.append, progress=silent())(recipe, losses)
    outcome = outcomes[0]
    assert outcome.manifest is not None, outcome.message
    assert verify(outcome.folder) == []
    assert [(one.check, one.says, one.faults) for one in outcome.manifest.promises if not one.holds] == []
    return Made(outcome.manifest, outcome.folder)


def close(parts: dict[str, Any], wanted: dict[str, float], within: float = 0.03) -> None:
    total = sum(parts.values())
    for label, share in wanted.items():
        assert parts.get(label, 0) / total == pytest.approx(share, abs=within), (label, parts)


def tokens(made: Made, phase: str, by: str) -> dict[str, int]:
    return dict(made.phase(phase).group_by(by).agg(pl.col("tokens").sum()).iter_rows())


def meco(made: Made) -> None:
    first, last = made.phase("conditioned"), made.phase("cooldown")
    assert not set(first["id"]) & set(last["id"])
    assert first["tokens"].sum() / made.rows["tokens"].sum() == pytest.approx(0.9, abs=0.01)
    short = [url.split("://")[1].split("/")[0] for url in first["url"]]
    assert all(t.startswith(f"URL: {s}\n\n") for t, s in zip(first["text"], short, strict=True))
    assert len(set(short)) > 40
    assert all(kinds[0] == ("metadata", False) for kinds in made.kinds()[: len(first)])
    assert all(kinds == [("content", True)] for kinds in made.kinds()[len(first) :])
    meco_otherwise(first)


def meco_otherwise(first: pl.DataFrame) -> None:
    """The paper's other settings, as the recipe's comment gives them: the same documents, written otherwise or packed."""
    hashed = run("meco", "name=hashed", "conditioning.hash=true", "promise=[]").phase("conditioned")
    assert set(hashed["id"]) & set(first["id"])
    labels = hashed["text"].str.extract(r"^URL: ([0-9a-f]{8,})\n\n", 1)
    assert labels.null_count() == 0
    assert labels.n_unique() == hashed["site"].n_unique() == hashed.select("site", labels).n_unique()
    fixed = run("meco", "name=fixed", r'conditioning={template: "URL: www.example.org\n\n"}', "promise=[]")
    assert fixed.phase("conditioned")["text"].str.starts_with("URL: www.example.org\n\n").all()
    none = run("meco", "name=none", "conditioning=null", "promise=[]")
    assert all(kinds == [("content", True)] for kinds in none.kinds())
    for method in ("complete", "concat"):
        shards = f"shards={{tokenizer: examples/tokenizer.json, sequence_length: 128, packing: {{method: {method}}}}}"
        packed = run("meco", f"name=packed-{method}", shards, "promise=[]")
        begin, end = 0, 1
        spans = packed.rows.select("input_ids", "loss_mask", "doc_spans", "phase").to_dicts()
        opened = [(row, row["doc_spans"][0]["start"]) for row in spans if method == "complete"]
        assert all(row["input_ids"][at] == begin for row, at in opened)
        cooled = [row for row in spans if row["phase"] == "cooldown"]
        assert any(row["input_ids"][one["end"] - 1] == end for row in cooled for one in row["doc_spans"])
        conditioned = next(row for row in spans if row["phase"] == "conditioned")
        assert (conditioned["input_ids"][0], conditioned["loss_mask"][0]) == (begin, 0)
        assert (cooled[0]["input_ids"][0], cooled[0]["loss_mask"][0]) == (begin, 1)
        lost = packed.manifest["packing"]["dropped_tokens"]
        assert lost > 0.1 * packed.rows.height * 128 if method == "complete" else lost == 0


def skill_it(made: Made) -> None:
    weights = made.phases["train"].weights
    assert weights["skill2"] == pytest.approx(0.346085, abs=1e-5)
    assert Counter(made.rows["skill"]) == {"skill1": 98, "skill2": 207, "skill3": 98, "skill4": 98, "skill5": 99}


def skill_it_online(made: Made) -> None:
    assert made.names() == ["round-0"]
    second = run("skill-it-online", "name=again", losses="examples/skill_losses.jsonl")
    assert second.names() == ["round-1"]
    before, after = made.phases["round-0"].weights, second.phases["round-1"].weights
    assert after["skill2"] > before["skill2"]
    assert after["skill1"] < before["skill1"]


def cyclical(made: Made) -> None:
    sizes = [len(made.phase(name)) for name in made.names()]
    assert sizes == [int(made.pool * share) for share in (0.25, 0.5, 1, 0.5, 0.25, 0.5)]
    means = [made.phase(name)["loss"].mean() for name in made.names()]
    assert means[0] < means[2]  # type: ignore[operator]
    assert all(made.phase(name)["id"].is_unique().all() for name in made.names())


def human_curriculum(made: Made) -> None:
    assert made.rows["bloom"].to_list() == sorted(made.rows["bloom"])
    start = made.rows["subject"].to_list()[:30]
    assert sum(a != b for a, b in pairwise(start)) >= 28
    assert made.rows["id"].is_unique().all()
    for method in ("blocking", "clustering", "spiral"):
        other = run("human-curriculum", f"phases.0.order.method={method}", f"name=human-{method}", "promise=[]")
        assert sorted(other.rows["id"]) == sorted(made.rows["id"])
        assert other.rows["id"].to_list() != made.rows["id"].to_list()
        if method != "clustering":
            assert other.rows["subject"].to_list() == sorted(other.rows["subject"])


def dual_stage_mixing(made: Made) -> None:
    first, second = made.phase("specialised"), made.phase("general")
    assert set(first["ability"]) == {"code", "maths"}
    everything = Counter(dict(first["ability"].value_counts().iter_rows()))
    held = dict(second["ability"].value_counts().iter_rows())
    assert held["code"] == max(1, everything["code"] // 16)
    assert held["maths"] == max(1, everything["maths"] // 16)
    assert held["general"] == made.pool - len(first)


def stability_gap(made: Made) -> None:
    assert len(made.names()) == 4
    subsets = [set(made.phase(n).filter(pl.col("topic") == "medicine")["id"]) for n in made.names()]
    replays = [set(made.phase(n).filter(pl.col("topic") != "medicine")["id"]) for n in made.names()]
    assert all(subset == subsets[0] for subset in subsets)
    assert len({frozenset(replay) for replay in replays}) == 4
    close(tokens(made, "epoch-1", "topic"), {"medicine": 0.82, "code": 0.055, "maths": 0.025}, 0.01)
    assert made.phase("epoch-1")["perplexity"].max() is not None


def tulu3_mix(made: Made) -> None:
    counts = Counter(made.rows["dataset"])
    groups = Counter(dict(made.rows.unique("id")["dataset"].value_counts().iter_rows()))
    assert counts["flan"] == 100
    assert counts["safety"] == 60 > groups["safety"]
    assert counts["maths"] == groups["maths"]
    assert all(kinds == [("prompt", False), ("answer", True)] for kinds in made.kinds())
    with Path("examples/benchmark.jsonl").open(encoding="utf-8") as file:
        items = [json.loads(line)["prompt"] for line in file]
    with Path("examples/instructions.jsonl").open(encoding="utf-8") as file:
        leaked = {asked for line in file if (asked := json.loads(line)["prompt"]) in items}
    assert len(leaked) == 10
    assert made.dropped["decontaminate"] == {"ngram": 10}
    assert not [text for text in made.rows["text"] for item in leaked if item in text]


def fomo_in_flux(made: Made) -> None:
    assert len(made.names()) == 4
    met: set[str] = set()
    for number, name in enumerate(made.names()):
        rows = made.phase(name)
        assert len(rows) == 120
        labels = set(rows["task"]) - {"pretraining"}
        new = labels - met
        assert len(new) == 2
        assert number == 0 or labels & met
        met |= labels
        share = rows.filter(pl.col("task") == "pretraining").height / 120
        assert share == pytest.approx(1 / 2 if number == 0 else 1 / 3, abs=0.02)
        written = made.phases[name].pools
        assert [written[one].documents for one in ("pretraining", "update", "buffer")] == (
            [60, 60, 0] if number == 0 else [40, 40, 40]
        )
        for batch in range(0, 120, 30):
            pools = Counter(
                "pretraining" if task == "pretraining" else "update" if task in new else "buffer"
                for task in rows["task"][batch : batch + 30]
            )
            assert pools == (
                {"pretraining": 15, "update": 15} if number == 0 else {"pretraining": 10, "update": 10, "buffer": 10}
            )
    assert len(met) == 8


def mix_cpt(made: Made) -> None:
    knowledge = [k for k, p in zip(made.kinds(), made.rows["phase"], strict=True) if p == "knowledge"]
    assert all(loss for kinds in knowledge for _, loss in kinds)
    asked = made.phase("knowledge").filter(pl.col("source") == "instructions")
    assert len(asked) > 500
    assert all(" What is " in text.split("\n\n")[0] and "It is " in text for text in asked["text"])
    assert [("prompt", True), ("answer", True)] in knowledge
    easy = made.phase("format")
    assert len(easy) == 100
    rest = made.phase("knowledge").filter(
        (pl.col("source") == "instructions") & ~pl.col("id").is_in(easy["id"].to_list())
    )
    assert easy["perplexity"].max() <= rest["perplexity"].min()  # type: ignore[operator]
    assert all(text.startswith("<|user|>") and "<|assistant|>" in text for text in easy["text"])


def hierarchical_tags(made: Made) -> None:
    assert all(kinds[0] == ("metadata", False) for kinds in made.kinds())
    for text, tag in zip(made.rows["text"], made.rows["task"], strict=True):
        assert text.split("|><|")[2] == tag
        assert text.count("<|") == 6


def cumulative_heads(made: Made) -> None:
    for number, name in enumerate(made.names()):
        assert Counter(made.phase(name)["level"]) == {f"N{k}": 120 // (number + 2) for k in range(2, number + 4)}
    single = run("cumulative-heads", "phases.0.active=single", "name=single-head", "promise=[]")
    assert [set(single.phase(n)["level"]) for n in single.names()] == [{f"N{k}"} for k in range(3, 8)]


def skill_mix(made: Made) -> None:
    for k, name in enumerate(["one-skill", "two-skills", "three-skills"], start=1):
        rows = made.phase(name)
        assert set(rows["k"]) == {float(k)}
        assert not [s for s in rows["skills"] if {"spatial", "empathy"} & set(s.split("+"))]
    assert made.names() == ["one-skill", "two-skills", "three-skills"]
    beside = made.evaluation()
    assert len(beside) > 20
    assert beside["position"].to_list() == list(range(len(beside)))
    assert beside.schema == made.rows.schema
    assert set(beside["phase"]) == {"held-out"}
    assert all(set(s.split("+")) <= {"spatial", "empathy"} for s in beside["skills"])
    assert not set(beside["id"]) & set(made.rows["id"])
    assert made.dropped["schedule"]["evaluation"] == len(beside)


def auto_cot(made: Made) -> None:
    assert 4 <= len(made.rows) <= 8
    assert made.rows["cluster"].is_unique().all()
    assert set(made.rows["simple"]) == {1.0}
    any_answer = run("auto-cot", "phases.0.pool.select.0.passes=[]", "name=any-answer", "promise=[]")
    failed = any_answer.rows.filter(pl.col("simple") == 0)
    assert len(failed) > 0
    assert set(failed["cluster"]) & set(made.rows["cluster"])
    assert not set(failed["id"]) & set(made.rows["id"])


def subset_sizing(made: Made) -> None:
    n = len(made.rows)
    slope = [3.2 * 0.45 * x**-1.45 for x in (n, n - 1)]
    assert slope[0] <= 0.00048 * 1.01
    assert slope[1] >= 0.00048 * 0.99


def in_context_statistics(made: Made) -> None:
    shares = sorted(made.phases["bursty"].weights.values(), reverse=True)
    assert [shares[0] / share for share in shares] == pytest.approx(range(1, 7))
    topics = made.rows["topic"].to_list()
    contexts = [Counter(topics[i : i + 8]) for i in range(0, 800, 8)]
    bursts = sum(sorted(context.values()) == [4, 4] for context in contexts)
    assert bursts >= 60


def correct_top2(made: Made) -> None:
    """A quarter of the prompts a round, none again in four; of each the best two of the correct answers by the least reward."""
    every = pl.read_ndjson("examples/answers.jsonl").with_columns(reward=pl.col("step_rewards").list.min())
    right = every.filter(pl.col("correct") == 1).sort("reward", descending=True)
    rounds, seen = [made], set(made.rows["question"])
    for number in range(1, 4):
        report = f"round-{number}.jsonl"
        lines = [{"run_id": "a", "round": r, "id": "answer-0-0", "correct": 1} for r in range(number)]
        Path(report).write_text("".join(json.dumps(line) + "\n" for line in lines))
        rounds.append(run("correct-top2", losses=report))
        assert rounds[-1].names() == [f"round-{number}"]
        assert not seen & set(rounds[-1].rows["question"])
        seen |= set(rounds[-1].rows["question"])
    assert seen == set(right["question"])
    assert [one.pool for one in rounds] == [750] * 4
    sizes = [len(set(one.rows["question"])) for one in rounds]
    assert max(sizes) <= 38  # of 150 prompts, less those without a correct answer
    for one in rounds:
        for question, answers in one.rows.group_by("question"):
            best = right.filter(pl.col("question") == question[0])["reward"].to_list()[:2]
            assert sorted(answers["reward"], reverse=True) == pytest.approx(best)


def correction_notebook(made: Made) -> None:
    """Without a report all is the rest; then a fifth is what was wrong and not yet right twice, until that is used up."""
    assert made.names() == ["round-0"]
    assert set(made.rows["notebook"]) == {"rest"}
    second = run("correction-notebook", "name=again", losses="examples/document_reports.jsonl")
    assert second.names() == ["round-3"]
    told: dict[str, list[int]] = {}
    for row in pl.read_ndjson("examples/document_reports.jsonl").sort("round").iter_rows(named=True):
        told.setdefault(row["id"], []).append(row["correct"])
    wanted = {name for name, rounds in told.items() if 0 in rounds and rounds[-2:] != [1, 1]}
    texts = {row["id"]: row["text"] for row in pl.read_ndjson("examples/instructions.jsonl").iter_rows(named=True)}
    inside = {texts[name] for name in wanted}
    assert len(inside) > 60
    answers = [text.rsplit("\n", 1)[-1] for text in second.rows["text"]]
    marked = second.rows["notebook"].to_list()
    assert marked.count("notebook") == 60
    for answer, mark in zip(answers, marked, strict=True):
        assert (any(answer.endswith(text) for text in inside)) == (mark == "notebook")


def hard_and_easy(made: Made) -> None:
    """As many records of a gain of at least 0.25 as of less."""
    assert Counter(made.rows["hardness"]) == {"2": 150, "1": 150}
    hard, easy = (made.rows.filter(pl.col("hardness") == level)["gain"] for level in "21")
    assert hard.min() >= 0.25 > easy.max()  # type: ignore[operator]
    assert (made.rows["gain"] - (made.rows["teacher"] - made.rows["student"])).abs().max() < 1e-6  # type: ignore[operator]
    assert max(Counter(made.rows["id"]).values()) == 1


def unimax(made: Made) -> None:
    weights = made.phases["train"].weights
    uncapped = sorted(weights.values())[-3:]
    assert uncapped == pytest.approx([uncapped[0]] * 3)
    small = sorted(weights, key=lambda label: weights[label])[:2]
    assert set(small) == {"books", "maths"}
    for label in small:
        rows = made.rows.filter(pl.col("topic") == label)
        assert set(Counter(rows["id"]).values()) == {2}


def score_order(made: Made) -> None:
    losses = made.rows["loss"].to_list()
    assert losses[:300] == sorted(losses[:300])
    assert losses != sorted(losses)
    assert len(made.rows) == made.pool


FURTHER: dict[str, Callable[[Made], None]] = {
    function.__name__.replace("_", "-"): function
    for function in [
        meco,
        skill_it,
        skill_it_online,
        cyclical,
        human_curriculum,
        dual_stage_mixing,
        stability_gap,
        dolma_quality_curve,
        nemotron_cc,
        quadmix,
        rehydration,
        moving_mixture,
        tulu3_mix,
        tulu3_records,
        fomo_in_flux,
        mix_cpt,
        hierarchical_tags,
        cumulative_heads,
        skill_mix,
        auto_cot,
        subset_sizing,
        in_context_statistics,
        correct_top2,
        correction_notebook,
        hard_and_easy,
        unimax,
        score_order,
    ]
}


"""What the promises of a recipe do not say: several releases, other settings, the source's own data."""
REPORTS = {
    "skill-it-online": "examples/skill_losses.jsonl",
    "correction-notebook": "examples/document_reports.jsonl",
    "doremi": "examples/domain_losses.jsonl",
    "doge": "examples/alignments.jsonl",
    "aioli": "examples/probes.jsonl",
}
AT_ONCE = {
    "cyclical",
    "dual-stage-mixing",
    "human-curriculum",
    "label-agreement",
    "meco",
    "skill-it-online",
    "tulu3-records",
}
"""Those that run with the fast tests; the others are marked slow."""
NEED = {"regmix": "lightgbm", "ccnet-thirds": "kenlm"}


def test_every_part_stands_in_a_recipe() -> None:
    shipped = methods.examples(RECIPES)
    assert [f"{part.idea} {part.name}" for part in methods.parts(shipped) if not part.recipes] == []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in AT_ONCE else pytest.mark.slow) for name in METHODS]
)
def test_a_release_holds_what_the_method_promises(
    name: str, examples: Path, api: dict[str, str], tmp_path: Path
) -> None:
    if name in NEED:
        pytest.importorskip(NEED[name])
    made = run(name)
    hold(name, made, "no_report", tmp_path)
    if name in REPORTS:
        hold(name, run(name, losses=REPORTS[name]), "report", tmp_path)
    if name in FURTHER:
        FURTHER[name](made)


def hold(name: str, made: Made, when: str, scratch: Path) -> None:
    """Every promise that concerns a release is in its manifest, holds, and is said to be broken where the release is changed."""
    asked = [one for one in load(str(RECIPES / f"{name}.yaml"), []).promise if one.when in ("always", when)]
    assert asked
    assert [one.check for one in made.held] == [one.check for one in asked]
    assert all(one.says.endswith(".") for one in asked)
    assert [one for one in asked if not caught(made.folder, made.manifest, one, scratch)] == []
