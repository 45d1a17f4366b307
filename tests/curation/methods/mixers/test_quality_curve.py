"""Dolma 3's curve: the integral is met, it never falls, the cap is kept; through a recipe too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from curation.methods.mixers import MixContext, Sizes, mix
from curation.methods.mixers.quality_curve import _integral, copies
from schemas.errors import RecipeError
from schemas.mixers import QualityCurve
from tests.conftest import release_of, texts, write_jsonl

shares = st.lists(st.floats(0.01, 1), min_size=1, max_size=30).map(lambda x: np.array(x) / sum(x))


@given(shares, st.floats(0.01, 6.9), st.floats(0, 0.5))
def test_it_meets_its_budget_never_falls_and_keeps_its_cap(of: Any, asked: float, cut: float) -> None:
    kept = of[int(cut * len(of)) :]
    if asked > 7 * kept.sum():
        return
    found = copies(kept, asked, 7.0)
    assert (found * kept).sum() == pytest.approx(asked, abs=1e-9)
    assert (np.diff(found) >= -1e-9).all()
    assert found.max() <= 7 * (1 + 1e-9)


@pytest.mark.parametrize("exponent", [0.01, 0.4, 2.0])
@pytest.mark.parametrize("slope", [0.0, 0.5, 2.0])
def test_the_integral(exponent: float, slope: float) -> None:
    for x in (0.05, 0.5, 1.0):
        wanted, _ = quad(lambda u: u**exponent * np.exp(slope * u), 0, x)
        assert _integral(np.array([x]), exponent, slope)[0] == pytest.approx(wanted, rel=1e-7)


def test_the_greatest_exponent_that_keeps_the_cap_wins() -> None:
    """Twenty equal steps at a mean of 3 copies and 7 at the top: p between its bounds, λ at the cap."""
    of = np.full(20, 0.05)
    found = copies(of, 3.0, 7.0)
    assert found[-1] == pytest.approx(7.0, rel=1e-6)
    steeper = copies(of, 1.0, 7.0)
    assert steeper[0] < 0.01  # x², the steepest there is


def sizes_of(tokens: list[int]) -> Sizes:
    labels = tuple(f"{i + 1:02}" for i in range(len(tokens)))
    return Sizes(labels, np.full(len(tokens), 10), np.array(tokens))


def curve(**fields: Any) -> QualityCurve:
    return QualityCurve.model_validate({"method": "quality_curve", "by": "step", **fields})


def test_the_lowest_are_thrown_away_whole() -> None:
    found = mix(sizes_of([100, 100, 100, 100]), curve(throwaway=0.3), MixContext(budget=300))
    assert found[0] == 0
    assert (found[1:] > 0).all()


@pytest.mark.parametrize(
    ("tokens", "fields", "budget", "place", "said"),
    [
        ([100, 100], {}, 1401, "mixture.max_epochs", "1,401 tokens are asked, and the groups that are kept can give 1,400"),
        ([100, 100], {"throwaway": 0.5}, 701, "mixture.max_epochs", "can give 700 at 7 copies"),
        ([100, 0], {}, 100, "mixture.by", "the group '02' holds nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    tokens: list[int], fields: dict[str, Any], budget: int, place: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said) as error:
        mix(sizes_of(tokens), curve(**fields), MixContext(budget=budget))
    assert error.value.place == place


def recipe(folder: Path, **phase: Any) -> Path:
    rows = [{"text": text, "grade": i % 97, "topic": ("a/b", "c")[i % 3 == 0]} for i, text in enumerate(texts(900))]
    write_jsonl(folder / "raw.jsonl", rows)
    made = {
        "name": "tried",
        "output": str(folder / "out"),
        "sources": [{"name": "web", "paths": [str(folder / "raw.jsonl")]}],
        "tags": {
            "grade": {"from": "number", "column": "grade"},
            "topic": {"from": "column", "column": "topic"},
            "step": {"from": "quantile_steps", "by": "grade", "steps": 10, "within": "topic"},
        },
        "phases": [{"name": "all", **phase}],
    }
    path = folder / "recipe.json"
    path.write_text(json.dumps(made))
    return path


def test_topics_first_then_the_curve_in_each(syllabus: Callable[..., Any], tmp_path: Path) -> None:
    """Copies of every document are those of its step, or one more; each topic has its share."""
    mixture = {
        "by": "topic",
        "method": "fixed",
        "weights": {"a/b": 0.25, "c": 0.75},
        "inside": {"by": "step", "method": "quality_curve", "throwaway": 0.1},
    }
    path = recipe(tmp_path, tokens=300_000, mixture=mixture)
    assert syllabus("run", str(path)).returncode == 0
    release = release_of(tmp_path)
    planned = json.loads((release / "manifest.json").read_text())["phases"][0]
    assert planned["by"] == "topic/step"
    assert len(planned["weights"]) == 20
    table = pq.read_table(release / "shards").to_pydict()
    rows = list(zip(table["topic"], table["step"], table["id"], table["tokens"], strict=True))
    pool = pq.read_table(release / "pool").to_pydict()
    held: Counter[tuple[str, str]] = Counter()
    for topic, step, tokens in zip(pool["topic"], pool["step"], pool["tokens"], strict=True):
        held[topic, step] += tokens
    for topic, share in (("a/b", 0.25), ("c", 0.75)):
        written = sum(tokens for of, _, _, tokens in rows if of == topic)
        assert written == pytest.approx(share * 300_000, rel=0.02)
        means = []
        for step in sorted({step for of, step in held if of == topic}):
            mine = [(id_, tokens) for of, at, id_, tokens in rows if (of, at) == (topic, step)]
            label = f"{topic.replace('/', '%2F')}/{step}"
            target = planned["weights"][label] * 300_000
            largest = max(
                tokens
                for of, at, tokens in zip(pool["topic"], pool["step"], pool["tokens"], strict=True)
                if (of, at) == (topic, step)
            )
            assert abs(sum(tokens for _, tokens in mine) - target) <= largest
            times = Counter(id_ for id_, _ in mine)
            assert (
                not times
                or max(times.values()) - min(times.values()) <= 1
                or min(times.values()) >= int(target / held[topic, step])
            )
            means.append(target / held[topic, step])
        assert means[0] == 0
        assert means == sorted(means)
        assert max(means) <= 7 + 1e-9


def test_a_curve_that_cannot_meet_its_budget_writes_nothing(syllabus: Callable[..., Any], tmp_path: Path) -> None:
    path = recipe(tmp_path, epochs=8, mixture={"by": "step", "method": "quality_curve"})
    done = syllabus("run", str(path))
    assert done.returncode == 2
    assert "phases[0].mixture.max_epochs" in done.stderr
    assert not (tmp_path / "out" / "tried" / "latest.json").exists()


def test_phases_by_share_do_not_repeat(syllabus: Callable[..., Any], tmp_path: Path) -> None:
    done = syllabus("run", str(recipe(tmp_path, share=0.5, mixture={"by": "step", "method": "quality_curve"})))
    assert done.returncode == 2
    assert "phases[0].share" in done.stderr
