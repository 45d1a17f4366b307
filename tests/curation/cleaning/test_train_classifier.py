"""A classifier trained from examples: figures, parts without a common text, the same bytes again, clear refusals."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from curation.cleaning.train_classifier import read_labelled, reliability, roc_auc, train
from schemas.errors import InputError, RecipeError
from schemas.training import Training
from tests.conftest import WORDS

GOOD, BAD = WORDS[: len(WORDS) // 2], WORDS[len(WORDS) // 2 :]


def examples(n: int = 300) -> list[tuple[str, str]]:
    draw = random.Random(2)
    pairs = [("hq", " ".join(draw.choices(GOOD + BAD[:5], k=30))) for _ in range(n)]
    pairs += [("lq", " ".join(draw.choices(BAD + GOOD[:5], k=30))) for _ in range(n)]
    return pairs


def settings(folder: Path, **changed: object) -> Training:
    plain = {"output": str(folder / "m" / "quality"), "labelled": ["x.txt"], "dim": 8, "buckets": 2000, "holdout": 0.3}
    return Training.model_validate({**plain, "epochs": 20, **changed})


def test_figures_card_and_the_same_bytes(tmp_path: Path) -> None:
    card = train(examples(), settings(tmp_path), seed=1, inputs={"labelled": ["x.txt"]})
    assert card["held_out"]["roc_auc"] > 0.95
    assert card["documents"]["read"] == 600
    assert sum(row["documents"] for row in card["held_out"]["reliability"]) == card["held_out"]["documents"]
    assert json.loads((tmp_path / "m" / "quality.json").read_text()) == card
    assert "ROC AUC" in (tmp_path / "m" / "quality.md").read_text()
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["quality.bin", "quality.json", "quality.md"]
    again = train(reversed(examples()), settings(tmp_path / "b"), seed=1, inputs={})
    assert again["held_out"] == card["held_out"]
    other = train(examples(), settings(tmp_path / "c"), seed=1, inputs={})
    assert other["sha256"] == card["sha256"]


def test_quantised(tmp_path: Path) -> None:
    card = train(examples(), settings(tmp_path, quantise=True), seed=1, inputs={})
    assert card["model"] == "quality.ftz"
    assert card["held_out"]["roc_auc"] > 0.9


def test_copies_stand_on_one_side(tmp_path: Path) -> None:
    pairs = examples(60)
    copies = [(label, text.upper() + " ") for label, text in pairs]
    near = [(label, text + " and one more") for label, text in pairs]
    claimed = [("lq", pairs[0][1])]
    card = train([*pairs, *copies, *near, *claimed], settings(tmp_path), seed=1, inputs={})
    counts = card["documents"]
    assert counts["read"] == 361
    assert counts["different"] == 240
    assert sum(counts["trained_on"].values()) + sum(counts["held_out"].values()) == 239
    assert sum(counts["held_out"].values()) < 0.3 * 239  # near copies of a training text are not held out


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no example has the label 'best'; the labels are hq, lq"):
        train(examples(20), settings(tmp_path, label="best"), seed=1, inputs={})
    with pytest.raises(RecipeError, match="nothing to tell apart"):
        train([("hq", "a b"), ("hq", "c d")], settings(tmp_path), seed=1, inputs={})
    with pytest.raises(RecipeError, match=r"train\.output"):
        train(examples(20), settings(tmp_path, output="s3://bucket/x"), seed=1, inputs={})
    with pytest.raises(ValidationError, match="give labelled files"):
        Training.model_validate({"good": ["a"]})


def test_labelled_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("__label__hq some text\n\n__label__lq other\n")
    (tmp_path / "b.jsonl").write_text('{"text": "x y", "label": "hq"}\n')
    found = list(read_labelled([str(tmp_path / "a.txt"), str(tmp_path / "*.jsonl")]))
    assert [(label, text.strip()) for label, text in found] == [("hq", "some text"), ("lq", "other"), ("hq", "x y")]
    (tmp_path / "c.txt").write_text("__label__hq fine\nno label\n")
    with pytest.raises(InputError, match=r"c\.txt.*line 2"):
        list(read_labelled([str(tmp_path / "c.txt")]))
    (tmp_path / "d.jsonl").write_text('{"text": "x y"}\n')
    with pytest.raises(InputError, match="no column 'label'"):
        list(read_labelled([str(tmp_path / "d.jsonl")]))
    with pytest.raises(RecipeError, match="is no file"):
        list(read_labelled([str(tmp_path / "none*.txt")]))


def test_measures_by_hand() -> None:
    score, good = np.array([0.05, 0.95, 0.91, 0.2]), np.array([False, True, False, True])
    assert roc_auc(score, good) == 0.75
    assert [(row["from"], row["share_good"], row["documents"]) for row in reliability(score, good)] == [
        (0.0, 0.0, 1),
        (0.2, 1.0, 1),
        (0.9, 0.5, 2),
    ]
