"""Labels and scores are fasttext-wheel's: for lid.176, and for classifiers of each loss, plain and quantised."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.cleaning.fasttext import model as fasttext_model
from curation.cleaning.fasttext.model import predict, probabilities
from curation.cleaning.language import judge, model_path
from schemas.cleaning import Language
from schemas.errors import RecipeError
from tests.conftest import WORDS

fasttext.FastText.eprint = lambda *_: None
LID = model_path(Language())
PAGES = [
    "The quick brown fox jumps over the lazy dog, and nobody minds at all.",
    "Der schnelle braune Fuchs springt über den faulen Hund.",
    "Le renard brun saute par-dessus le chien paresseux; c'est l'été.",
    "El zorro marrón salta sobre el perro perezoso. ¿Y qué?",
    "これは日本語の文章です。もう一つ。",
    "Быстрая коричневая лиса перепрыгивает через ленивую собаку.",
    "الثعلب البني السريع يقفز فوق الكلب الكسول",
    "def main(argv: list[str]) -> int:\n    return len(argv)\n",
    "12345 67890 !!! ???",
    "",
    "\n",
    "\0\0",
    "a",
    "</s> hidden behind the end",
    "__label__en a label is no word",
    "x" * 5000,
]


def theirs(model: Any, texts: list[str], label: str | None = None) -> list[tuple[str | None, float]]:
    found = []
    for text in texts:
        said = model.f.predict(text.replace("\n", " ") + "\n", 1 if label is None else -1, 0.0, "strict")
        if label is not None:
            said = [(p, name) for p, name in said if name == f"__label__{label}"]
        p, name = said[0] if said else (0.0, None)
        found.append((name.removeprefix("__label__") if name else None, min(p, 1.0)))
    return found


def same(texts: list[str], path: str, model: Any) -> None:
    labels, scores = predict(pa.array(texts, pa.large_string()), path, place="x")
    wanted = theirs(model, texts)
    assert labels == [name for name, _ in wanted]
    np.testing.assert_allclose(scores, [p for _, p in wanted], atol=1e-5)


def mixed(n: int) -> list[str]:
    draw = random.Random(5)
    words = [word for page in PAGES for word in page.split()] + WORDS
    return [" ".join(draw.choices(words, k=draw.randrange(0, 400))) for _ in range(n)]


@pytest.mark.slow
def test_languages() -> None:
    same(PAGES + mixed(300), LID, fasttext.load_model(LID))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_any_text(texts: list[str]) -> None:
    same(texts, LID, _lid())


def _lid() -> Any:
    if "lid" not in LOADED:
        LOADED["lid"] = fasttext.load_model(LID)
    return LOADED["lid"]


LOADED: dict[str, Any] = {}
KINDS = {
    "softmax": {"loss": "softmax", "wordNgrams": 2, "bucket": 5000},
    "hs": {"loss": "hs", "wordNgrams": 3, "bucket": 5000, "minn": 2, "maxn": 4},
    "ova": {"loss": "ova", "dim": 10, "bucket": 3000, "minn": 1, "maxn": 3},
    "plain": {"loss": "softmax", "wordNgrams": 1, "minn": 0, "maxn": 0},
}


@pytest.mark.parametrize(
    ("kind", "quantised"), [*((kind, False) for kind in KINDS), ("softmax", True), ("hs", True), ("ova", True)]
)
def test_classifiers(kind: str, quantised: bool, tmp_path: Path) -> None:
    draw = random.Random(9)
    topics = {name: draw.sample(WORDS, 12) for name in ("a", "b", "c")}
    lines = [f"__label__{t} {' '.join(draw.choices(topics[t] + WORDS[:5], k=20))}" for t in topics for _ in range(150)]
    draw.shuffle(lines)
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    settings_ = {"dim": 12, "epoch": 8, **KINDS[kind]}
    model = fasttext.train_supervised(str(tmp_path / "train.txt"), thread=1, verbose=0, **settings_)
    if quantised:
        model.quantize(str(tmp_path / "train.txt"), qnorm=kind != "hs", cutoff=400, retrain=False)
    path = str(tmp_path / ("m.ftz" if quantised else "m.bin"))
    model.save_model(path)
    model = fasttext.load_model(path)
    texts = [line.split(" ", 1)[1] for line in lines[:80]] + PAGES
    same(texts, path, model)
    for label in topics:
        ours = probabilities(pa.array(texts, pa.large_string()), path, label, place="x")
        np.testing.assert_allclose(ours, [p for _, p in theirs(model, texts, label)], atol=1e-5)


def test_batches_threads_and_a_full_table_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = pa.array(mixed(120), pa.large_string())
    whole = predict(texts, LID, place="x")
    parts = [predict(texts.slice(i, 10), LID, place="x") for i in range(0, 120, 10)]
    assert [label for labels, _ in parts for label in labels] == whole[0]
    assert np.concatenate([scores for _, scores in parts]).tobytes() == whole[1].tobytes()
    with ThreadPoolExecutor(2) as pool:
        for labels, scores in pool.map(lambda _: predict(texts, LID, place="x"), range(4)):
            assert labels == whole[0]
            assert scores.tobytes() == whole[1].tobytes()
    monkeypatch.setattr(fasttext_model, "CACHE_BYTES", 0)
    with ThreadPoolExecutor(1) as pool:  # a thread keeps the table that it has
        for _, scores in pool.map(lambda _: predict(texts, LID, place="x"), range(2)):
            assert scores.tobytes() == whole[1].tobytes()


def test_a_sample_of_a_long_text() -> None:
    english, german = PAGES[0] + " ", PAGES[1] + " "
    text = english * 40 + german * 400 + english * 40
    texts = pa.array([text, german], pa.large_string())
    assert predict(texts, LID, place="x")[0] == ["de", "de"]
    sampled, _ = predict(texts, LID, place="x", max_bytes=300)
    assert sampled == ["en", "de"]  # two of three thirds


def test_few_letters_are_undetermined() -> None:
    texts = pa.array(["12 ab 34", PAGES[0], PAGES[4]], pa.large_string())
    judged = judge(texts, Language(keep=["en", "ja"], min_letters=5))
    assert judged.labels.to_pylist() == ["und", "en", "ja"]
    assert judged.rule.tolist()[0] == 0
    assert judged.scores[0] == 0.0


@pytest.mark.parametrize("size", [0, 4, 100, 900_000])
def test_a_broken_model_is_named(size: int, tmp_path: Path) -> None:
    (tmp_path / "cut.ftz").write_bytes(Path(LID).read_bytes()[:size])
    with pytest.raises(RecipeError, match=r"cut\.ftz' is no fastText model"):
        predict(pa.array(["x"], pa.large_string()), str(tmp_path / "cut.ftz"), place="x")


def test_mixed_texts_are_multiple() -> None:
    mixed_text = (PAGES[0] + " ") * 20 + (PAGES[1] + "\n") * 20 + (PAGES[2] + " ") * 20
    texts = pa.array([mixed_text, PAGES[1] * 5, PAGES[4] * 50, "", "a"], pa.large_string())
    plain = judge(texts, Language(min_score=0.5)).labels.to_pylist()
    assert judge(texts, Language(min_score=0.5, mixed=True)).labels.to_pylist() == ["mul", *plain[1:]]
    assert plain[1:3] == ["de", "ja"]
