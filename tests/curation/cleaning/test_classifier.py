"""A classifier trained here: scores, the least score, the best share over partitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from curation.cleaning.classifier import score
from curation.cleaning.fasttext_model import predict
from schemas.cleaning import Classifier
from schemas.errors import RecipeError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    import fasttext

    folder = tmp_path_factory.mktemp("model")
    good, bad = "the river runs by the old stone bridge", "click buy cheap now free win"
    (folder / "train.txt").write_text(f"__label__hq {good}\n__label__lq {bad}\n" * 200)
    trained = fasttext.train_supervised(str(folder / "train.txt"), epoch=20, dim=8, thread=1, verbose=0)
    trained.save_model(str(folder / "model.bin"))
    return str(folder / "model.bin")


TEXTS = pa.array(["the old bridge\nby the river", "buy now free", ""], pa.large_string())


def test_scores_are_probabilities(model: str) -> None:
    scores = score(TEXTS, Classifier(model=model, label="hq"))
    assert scores.dtype == np.float32
    assert scores[0] > 0.9
    assert scores[1] < 0.1
    opposite = score(TEXTS, Classifier(model=model, label="lq"))
    np.testing.assert_allclose(scores[:2] + opposite[:2], 1, atol=1e-3)
    labels, _ = predict(TEXTS, model, place="x")
    assert labels[:2] == ["hq", "lq"]


def test_what_is_refused(model: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no label 'good'; it has hq, lq"):
        score(TEXTS, Classifier(model=model, label="good"))
    with pytest.raises(RecipeError, match="is no file"):
        score(TEXTS, Classifier(model=str(tmp_path / "none.bin")))
    (tmp_path / "text.bin").write_text("no model")
    with pytest.raises(RecipeError, match="is no fastText model"):
        score(TEXTS, Classifier(model=str(tmp_path / "text.bin")))
