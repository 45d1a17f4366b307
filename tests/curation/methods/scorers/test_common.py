"""What every scorer promises: one number a row, the same in any batch; union, dict and folder agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest

from curation.methods import scorers
from schemas import groupers
from schemas import scorers as models
from tests.curation.methods.scorers.test_perplexity import write_model

FOLDER = Path(scorers.__file__).parent
SHARED = {"__init__", "named", "ragged"}
N = 6
DOCUMENTS = pa.table(
    {
        "id": [f"{i:032x}" for i in range(N)],
        "name": pa.array(["n0", None, "n2", None, None, None]),
        "text": pa.array([f"Text {i} is here. " * (i + 1) for i in range(N)], pa.large_string()),
        "prompt": pa.array(["Why?", None] * (N // 2), pa.large_string()),
        "column:loss": pa.array([0.5, None, 2.0, 1.0, 0.0, 3.0]),
        "column:losses": pa.array([[1.0, 2.0], [], None, [3.0], [4.0, 1.0], [0.5]], pa.list_(pa.float32())),
        "column:reach": pa.array([[1.0, 0.0], [], None, [1.0], [0.0, 0.0], [1.0]], pa.list_(pa.float32())),
        "column:skills": pa.array([["x", "y"], [], None, ["x"], ["y", "y"], ["z"]], pa.list_(pa.string())),
        "column:label": pa.array(["x", "y", None, "x", "x", "y"]),
        "column:vector": pa.array([[float(i * i), 1.0] for i in range(N)], pa.list_(pa.float32())),
    }
)


def settings(folder: Path) -> dict[str, dict[str, Any]]:
    """One setting of each member."""
    (folder / "scores.csv").write_text("id,loss\nn0,1.5\n")
    (folder / "target.txt").write_text("Text 1 is here\n")
    return {
        "number": {"column": "loss"},
        "table": {"path": str(folder / "scores.csv"), "column": "loss"},
        "tokens": {},
        "count": {"column": "skills"},
        "reduce": {"column": "losses"},
        "statistic": {"name": "words"},
        "salt": {"losses": "losses", "in_reach": "reach"},
        "cyclical": {"column": "loss"},
        "combined": {"scores": ["tokens", "tokens"]},
        "difference": {"of": "tokens", "less": "tokens"},
        "compression": {},
        "ngram_overlap": {"target": str(folder / "target.txt"), "ngram": 2},
        "dsir": {"target": str(folder / "target.txt"), "min_words": 0},
        "cluster_distance": {"embedding": "vector", "clusters": 2},
        "neighbour_agreement": {"embedding": "vector", "label": "label", "k": 2},
        "auto_cot": {},
        "signal": {"name": "rps_doc_mean_word_length"},
        "perplexity": {"model": write_model(folder)},
        "rule_statistic": {"statistic": "mean_word_length"},
    }


def members() -> dict[str, type]:
    return {m.model_fields["from_"].annotation.__args__[0]: m for m in get_args(models.Scorer)}


def test_union_dict_and_folder_name_the_same() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - SHARED
    assert set(members()) == files
    assert set(members().values()) == set(scorers.FUNCTIONS)
    assert {f.__name__ for f in scorers.FUNCTIONS.values()} == files
    assert set(scorers.POOL_WIDE) < set(scorers.FUNCTIONS)


def test_no_scorer_has_the_name_of_a_grouper() -> None:
    others = {m.model_fields["from_"].annotation.__args__[0] for m in get_args(groupers.Grouper)}
    assert not others & set(members())


@pytest.mark.parametrize("name", sorted(members()))
def test_one_number_a_row_the_same_in_any_batch(name: str, tmp_path: Path) -> None:
    params = members()[name].model_validate({"from": name, **settings(tmp_path)[name]})
    state = None
    if type(params) in scorers.POOL_WIDE:
        steps = scorers.POOL_WIDE[type(params)]
        partials = [steps.partial(DOCUMENTS.slice(i, 2), params, seed=3) for i in range(0, N, 2)]
        state = steps.fit(steps.merge(partials, params), params, seed=3, place="tags.x")
    scores = scorers.score(DOCUMENTS, params, state=state)
    assert scores.shape == (N,)
    assert scores.dtype == np.float64
    assert not np.isnan(scores).all()
    assert not np.isinf(scores).any()
    one_by_one = [scorers.score(DOCUMENTS.slice(i, 1), params, state=state)[0] for i in range(N)]
    np.testing.assert_array_equal(one_by_one, scores)
    assert scorers.score(DOCUMENTS.slice(0, 0), params, state=state).shape == (0,)
