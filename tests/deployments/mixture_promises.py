"""What the recipes of mixtures promise, held against their shards."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import polars as pl
import pytest


def copies_of_steps(made: Any, topic: str) -> list[float]:
    """How often what a step of a topic holds is written, lowest step first."""
    mine = made.rows.filter(pl.col("topic") == topic).group_by("step").agg(pl.col("tokens").sum())
    written = dict(mine.iter_rows())
    held = made.groups["topic/step"]
    steps = sorted(label.split("/")[1] for label in held if label.startswith(f"{topic}/"))
    return [written.get(step, 0) / held[f"{topic}/{step}"].tokens for step in steps]


def dolma_quality_curve(made: Any) -> None:
    """Topics by the square root of what they hold; copies rise with the step, the lowest fifth is out, none has more than seven."""
    held: Counter[str] = Counter()
    for label, amount in made.groups["topic/step"].items():
        held[label.split("/")[0]] += amount.tokens
    roots = {topic: tokens**0.5 for topic, tokens in held.items()}
    for topic in held:
        wanted = roots[topic] / sum(roots.values())
        rows = made.rows.filter(pl.col("topic") == topic)
        assert rows["tokens"].sum() / made.rows["tokens"].sum() == pytest.approx(wanted, abs=0.005)
        copies = copies_of_steps(made, topic)
        assert copies[:2] == [0, 0]
        assert copies[5] > 0
        assert all(after >= before - 0.1 for before, after in pairwise(copies))
        assert copies[-1] <= 7.01
        assert max(Counter(rows["id"]).values()) <= 7


def nemotron_cc(made: Any) -> None:
    """The step is that of the greater rank; steps 1 to 7 are left out, 20 stands twice, the others once."""
    steps = {step: int(step) for step in set(made.rows["step"])}
    assert min(steps.values()) >= 8
    for step, number in steps.items():
        times = set(Counter(made.rows.filter(pl.col("step") == step)["id"]).values())
        assert times == ({2} if number == 20 else {1})
    best = made.rows.unique("id")
    assert best.filter(pl.col("step") == "20")["best"].min() >= 0.95
    pages = pl.read_ndjson("examples/web.jsonl")
    top_facts = pages.sort("facts")["text"].to_list()[-20:]
    assert set(top_facts) <= set(made.rows.filter(pl.col("step") == "20")["text"])


def quadmix(made: Any) -> None:
    """Topics as they are; the best 40 % of each topic nearly alike, then a fall to a hundredth of them."""
    for topic in set(made.rows["topic"]):
        copies = copies_of_steps(made, topic)[::-1]
        assert copies[0] == pytest.approx(copies[1], rel=0.3)
        assert sum(copies[:4]) > 0.8 * sum(copies)
        assert max(copies[5:]) < 0.15 * copies[0]


def rehydration(made: Any) -> None:
    """Every page as often as FineWeb-2's table gives the number of its copies."""
    bounds = {1: 1, 2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}
    times = Counter(made.rows["id"])
    assert len(times) == 500
    for id_, copies in made.rows.select("id", "copies").unique().iter_rows():
        assert times[id_] == bounds[max(bound for bound in bounds if bound <= copies)]
    assert made.rows["copies"].max() == 1200


def moving_mixture(made: Any) -> None:
    """In each fifth of the phase news have the share that the cosine gives them there."""
    topics = made.rows.sort("position")
    natural = pl.read_ndjson("examples/web.jsonl").with_columns(size=pl.col("text").str.len_bytes())
    sums = dict(natural.group_by("topic").agg(pl.col("size").sum()).iter_rows())
    u = sums["news"] / sum(sums.values())
    v = sums["news"] ** 0.25 / sum(size**0.25 for size in sums.values())
    tokens = topics["tokens"].to_numpy()
    news = (topics["topic"] == "news").to_numpy()
    t = tokens.cumsum() / tokens.sum()
    for k in range(5):
        mine = (t > k / 5) & (t <= (k + 1) / 5)
        s = (1 - math.cos(math.pi * (k + 0.5) / 5)) / 2
        assert tokens[mine & news].sum() / tokens[mine].sum() == pytest.approx(u + (v - u) * s, abs=0.02)
