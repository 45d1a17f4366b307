"""Tokens of segments by a real tokenizer, trained here."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from curation.methods import formatters
from curation.training.tokens import count_tokens
from schemas.errors import RecipeError
from schemas.formatters import Template
from tests.conftest import texts


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    library = pytest.importorskip("tokenizers", reason="comes with `make test`")
    made = library.Tokenizer(library.models.BPE(unk_token="[UNK]"))
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = library.trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["[UNK]"],
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts(50), trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return str(path)


def test_segments_are_tokenised_apart(tokenizer: str) -> None:
    import tokenizers

    documents = pa.table(
        {
            "text": pa.array(["the river, ééé 日本", "stone"], pa.large_string()),
            "prompt": pa.nulls(2, pa.large_string()),
            "domain": pa.array(["example.org", None], pa.string()),
        }
    )
    made = formatters.render(documents, Template.model_validate({"template": "URL: {domain}\n\n"}), seed=0, phase="p")
    counted = count_tokens(made.texts, made.segments, tokenizer)
    encoder = tokenizers.Tokenizer.from_file(tokenizer)
    assert counted.input_ids is not None
    assert counted.loss_mask is not None
    prefix, text = (encoder.encode(x).ids for x in ("URL: example.org\n\n", "the river, ééé 日本"))
    assert counted.input_ids.to_pylist() == [prefix + text, encoder.encode("stone").ids]
    assert counted.loss_mask.to_pylist()[0] == [0] * len(prefix) + [1] * len(text)
    assert counted.counts.tolist() == [len(row) for row in counted.input_ids.to_pylist()]


def test_bytes_by_four() -> None:
    made = formatters.render(
        pa.table({"text": pa.array(["", "é", "abcde"], pa.large_string()), "prompt": pa.nulls(3, pa.large_string())}),
        None,
        seed=0,
        phase="p",
    )
    assert count_tokens(made.texts, made.segments, None).counts.tolist() == [0, 1, 2]


def test_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    empty = formatters.render(
        pa.table({"text": pa.array(["a"], pa.large_string()), "prompt": pa.nulls(1, pa.large_string())}),
        None,
        seed=0,
        phase="p",
    )
    with pytest.raises(RecipeError, match="tokenizers JSON"):
        count_tokens(empty.texts, empty.segments, str(tmp_path / "t.json"))
