"""A classifier trained here: scores, the least score, the best share over partitions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.cleaning.classifier import score
from curation.cleaning.fasttext.model import predict
from curation.stages.classifier import drop_by_chance
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


def test_pareto_keeps_what_gpt3_keeps(tmp_path: Path) -> None:
    n = 20_000
    ids = pa.array([int(i).to_bytes(16, "big") for i in np.random.default_rng(0).integers(0, 2**62, n)], pa.binary(16))
    quality = np.random.default_rng(1).random(n).astype(np.float32)
    table = pa.table({"id": ids, "quality": pa.array(quality)})
    halves = []
    for number, part in enumerate((table.slice(0, 7000), table.slice(7000))):
        pq.write_table(part, tmp_path / f"{number}.parquet")
        halves.append(SimpleNamespace(documents_path=str(tmp_path / f"{number}.parquet"), kept=len(part)))
        pq.write_table(part.select(["id"]), tmp_path / f"{number}.sig")
        halves[-1].signatures_path = str(tmp_path / f"{number}.sig")
    gone = drop_by_chance(halves, 9.0, seed=3)
    kept = 1 - len(gone) / n
    wanted = np.mean((2.0 - quality) ** -9.0)  # P(Pareto draw from 0 > 1 - score) = (1 + 1 - score)^-alpha
    assert abs(kept - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / n)
    assert (gone["value"].to_numpy() <= gone["threshold"].to_numpy()).all()
    whole = SimpleNamespace(
        documents_path=str(tmp_path / "all.parquet"), signatures_path=str(tmp_path / "all.sig"), kept=n
    )
    pq.write_table(table, whole.documents_path)
    pq.write_table(table.select(["id"]), whole.signatures_path)
    again = drop_by_chance([whole], 9.0, seed=3)
    rows = np.array([0, 7000])[gone["partition"].to_numpy()] + gone["index"].to_numpy()
    assert again["index"].to_pylist() == rows.tolist()


def test_what_is_refused(model: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no label 'good'; it has hq, lq"):
        score(TEXTS, Classifier(model=model, label="good"))
    with pytest.raises(RecipeError, match="is no file"):
        score(TEXTS, Classifier(model=str(tmp_path / "none.bin")))
    (tmp_path / "text.bin").write_text("no model")
    with pytest.raises(RecipeError, match="is no fastText model"):
        score(TEXTS, Classifier(model=str(tmp_path / "text.bin")))
