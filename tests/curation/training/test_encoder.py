"""Tokenizers: ids equal to the tokenizer's own library, on texts that nobody thought of."""

from __future__ import annotations

import base64
from pathlib import Path

import gigatoken
import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.training import encoder
from curation.training.encoder import HuggingFace, load
from schemas.errors import RecipeError
from tests.made_tokenizers import byte_level

TEXTS = st.lists(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=80)
    | st.text(alphabet="ab AB12.,'\n\t é中👩", max_size=120),
    min_size=1,
    max_size=6,
)
CORPUS = [
    f"{word} {number} it's the {word}ing of naïve 中文 {number * 7}\n"
    for number in range(200)
    for word in ("data", "mix")
]


SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|pad|>"]


def word_level(path: Path) -> str:
    """A tokenizer.json that gigatoken does not read."""
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.train_from_iterator(
        CORPUS, tokenizers.trainers.WordLevelTrainer(special_tokens=["[UNK]"], show_progress=False)
    )
    made.save(str(path))
    return str(path)


def sentencepiece_model(folder: Path, kind: str, normaliser: str) -> str:
    corpus = folder / "corpus.txt"
    corpus.write_text("".join(CORPUS))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / f"{kind}-{normaliser}"),
        normalization_rule_name=normaliser,
        remove_extra_whitespaces=normaliser != "identity",
        model_type=kind,
        vocab_size=400,
        byte_fallback=True,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return str(folder / f"{kind}-{normaliser}.model")


def ranks(path: Path) -> str:
    """A .tiktoken file: every byte, then some merges."""
    pairs = [b"he", b"the", b" t", b" the", b"in", b"ing", b" d", b"at", b"dat", b"data"]
    tokens = [bytes([byte]) for byte in range(256)] + pairs
    path.write_text("".join(f"{base64.b64encode(token).decode()} {n}\n" for n, token in enumerate(tokens)))
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tokenizers")
    return {
        "byte level": byte_level(folder / "tokenizer.json", CORPUS, SPECIAL, 600),
        "words": word_level(folder / "words.json"),
        "sentencepiece": sentencepiece_model(folder, "bpe", "identity"),
        "normalised": sentencepiece_model(folder, "bpe", "nmt_nfkc"),
        "unigram": sentencepiece_model(folder, "unigram", "nmt_nfkc"),
        "tiktoken": ranks(folder / "cl100k_base.tiktoken"),
    }


@pytest.mark.parametrize(
    ("kind", "is_fast"),
    [
        ("byte level", True),
        ("words", False),
        ("sentencepiece", True),
        ("normalised", False),  # gigatoken 0.10 drops U+0085, SentencePiece does not
        ("unigram", False),
        ("tiktoken", True),
    ],
)
def test_gigatoken_is_used_where_it_gives_the_same(files: dict[str, str], kind: str, is_fast: bool) -> None:
    assert load(files[kind]).is_fast == is_fast


@pytest.mark.parametrize("kind", ["byte level", "words", "sentencepiece", "normalised", "unigram", "tiktoken"])
@given(texts=TEXTS)
@settings(max_examples=60, deadline=None)
def test_ids_and_spans_are_the_librarys_own(files: dict[str, str], kind: str, texts: list[str]) -> None:
    made = load(files[kind])
    flat, counts = made.ids(pa.array(texts, pa.large_string()))
    wanted = made.library.ids(texts)
    assert counts.tolist() == [len(one) for one in wanted]
    assert flat.tolist() == [number for one in wanted for number in one]
    at = 0
    for text, count, (ids, spans) in zip(texts, counts.tolist(), made.library.offsets(texts), strict=True):
        assert list(ids) == flat[at : at + count].tolist()
        found = [tuple(span) for span in np.asarray(made.spans(text, flat[at : at + count])).tolist()]
        if kind in ("byte level", "tiktoken"):  # every byte is in a token
            assert found == [tuple(span) for span in spans]
            covered = {point for start, end in found for point in range(start, end)}
            assert covered == set(range(len(text)))
        at += count


def test_the_libraries_themselves_say_the_same(files: dict[str, str]) -> None:
    texts = ["the data, it's naïve 中文 👩‍👩‍👧\n\n", "<|endoftext|> and <|end_of_text|> in a text"]
    column = pa.array(texts, pa.large_string())
    own = tokenizers.Tokenizer.from_file(files["byte level"])
    assert load(files["byte level"]).ids(column)[0].tolist() == [
        n for text in texts for n in own.encode(text, add_special_tokens=False).ids
    ]
    pieces = sentencepiece.SentencePieceProcessor(model_file=files["sentencepiece"])
    assert load(files["sentencepiece"]).ids(column)[0].tolist() == [n for text in texts for n in pieces.encode(text)]
    made = load(files["tiktoken"])
    encoding = made.library.encoding  # type: ignore[attr-defined]
    assert isinstance(encoding, tiktoken.Encoding)
    assert encoding.encode("the data") == made.ids(pa.array(["the data"], pa.large_string()))[0].tolist()


def test_a_folder_means_its_tokenizer(files: dict[str, str]) -> None:
    folder = str(Path(files["byte level"]).parent)
    text = pa.array(["the data"], pa.large_string())
    assert load(folder).ids(text)[0].tolist() == load(files["byte level"]).ids(text)[0].tolist()


def test_own_tokens(files: dict[str, str]) -> None:
    found = {
        kind: [load(files[kind]).library.own(role) for role in ("begin", "end", "pad")]
        for kind in ("byte level", "sentencepiece", "tiktoken")
    }
    assert found == {"byte level": [0, 1, 2], "sentencepiece": [1, 2, None], "tiktoken": [None, 100257, None]}
    own = load(files["tiktoken"]).library
    assert own.id_of("the") == 257
    assert own.id_of("no such token") is None
    assert not own.has(10**6)


def test_it_is_made_anew_before_it_holds_too_much(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "RENEWED_AFTER", 1000)
    library = HuggingFace("x", Path(files["byte level"]).read_bytes())
    made = 0

    def make() -> gigatoken.Tokenizer:
        nonlocal made
        made += 1
        return gigatoken.Tokenizer.from_json(library.data)

    one = encoder.Encoder(library, make)
    texts = pa.array(["data mix " * 20] * 3, pa.large_string())
    first = one.ids(texts)[0]
    for _ in range(5):
        assert np.array_equal(one.ids(texts)[0], first)
    assert made > 2


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("tokenizer.json", b"{}", "no tokenizers JSON file"),
        ("x.model", b"not a model", "no SentencePiece model"),
        ("mine.tiktoken", b"", "cl100k_base"),
        ("cl100k_base.tiktoken", b"!! 1\n", "no file of ranks"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(RecipeError, match=says) as raised:
        load(str(path))
    assert name in str(raised.value)


def test_a_fast_one_that_is_made_anew_is_looked_at_again(tmp_path: Path) -> None:
    """Of a damaged file gigatoken was seen to read one and refuse the next: the tokenizer's own library, or the one that agreed, goes on."""
    path = byte_level(tmp_path / "t.json", ["some words of a text"] * 20, [])
    library = encoder.load(path).library
    good = encoder._agreeing(lambda: encoder._gigatoken("from_json", Path(path).read_bytes()), library)
    assert good is not None

    def refuses() -> None:
        raise RuntimeError("no vocab entry")

    assert encoder._agreeing(refuses, library) is None
    first = iter([good, None])
    one = encoder.Encoder(library, lambda: next(first))
    one._bytes = encoder.RENEWED_AFTER
    texts = pa.array(["some words"], pa.large_string())
    assert one.ids(texts)[0].tolist() == library.ids(["some words"])[0]
    assert one.is_fast
    assert not encoder.Encoder(library, lambda: None).is_fast
