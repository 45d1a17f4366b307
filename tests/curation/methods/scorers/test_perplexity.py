"""Perplexity under a KenLM model, by hand from a model of one-word probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curation.methods import kenlm_reader
from curation.methods.scorers import score
from schemas.errors import RecipeError
from schemas.scorers import Perplexity
from tests.conftest import ROOT
from tests.curation.rules.texts import table

ARPA = """\\data\\
ngram 1=5
ngram 2=1

\\1-grams:
-1.0\t<unk>\t0
0\t<s>\t0
-0.5\t</s>
-0.25\tcat\t0
-0.75\tdog\t0

\\2-grams:
-0.125\tcat dog

\\end\\
"""


def write_model(folder: Path) -> str:
    (folder / "tiny.arpa").write_text(ARPA)
    return str(folder / "tiny.arpa")


def test_by_hand(tmp_path: Path) -> None:
    params = Perplexity.model_validate({"from": "perplexity", "model": write_model(tmp_path)})
    found = score(table("cat dog", "cat\n\ndog bird", "", "CAT"), params)
    wanted = [10 ** ((0.25 + 0.125 + 0.5) / 3), 10 ** ((0.25 + 0.5 + 0.75 + 1.0 + 0.5) / 5), np.nan, 10 ** (1.5 / 2)]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    lower = params.model_copy(update={"lower": True})
    np.testing.assert_allclose(score(table("CAT"), lower), [10 ** (0.75 / 2)], rtol=1e-6)


def test_a_missing_model_is_named() -> None:
    params = Perplexity.model_validate({"from": "perplexity", "model": "none.arpa"})
    with pytest.raises(RecipeError, match=r"tags\.model.*'none\.arpa' is no file"):
        score(table("x"), params)


BINARIES = ROOT / "tests" / "golden" / "kenlm"
"""The model above as KenLM 0.3 writes it in its two binary formats, and two that were changed: one ends its reader, one hangs it."""


@pytest.mark.parametrize("name", ["probing.klm", "trie.klm"])
def test_a_binary_model_is_the_same(name: str, tmp_path: Path) -> None:
    documents = table("cat dog", "cat\n\ndog bird", "", "CAT", "dog cat cat dog\u2028cat")
    wanted = score(documents, Perplexity.model_validate({"from": "perplexity", "model": write_model(tmp_path)}))
    found = score(documents, Perplexity.model_validate({"from": "perplexity", "model": str(BINARIES / name)}))
    np.testing.assert_array_equal(found, wanted)


def test_a_binary_model_that_ends_its_reader_ends_nothing_else() -> None:
    params = Perplexity.model_validate({"from": "perplexity", "model": str(BINARIES / "damaged.klm")})
    for _ in range(2):
        with pytest.raises(
            RecipeError, match=r"tags\.model: .*damaged\.klm' is no KenLM model: reading it ended the reader"
        ):
            score(table("cat dog", "cat dog bird"), params)


def test_a_model_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the fuzzer: its reader ends itself, whether anyone waits for it or not."""
    monkeypatch.setattr(kenlm_reader, "ANSWER_SECONDS", 0.5)
    params = Perplexity.model_validate({"from": "perplexity", "model": str(BINARIES / "hanging.klm")})
    with pytest.raises(RecipeError, match=r"hanging\.klm' is no KenLM model: reading it takes too long"):
        score(table("cat dog"), params)


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.arpa").write_bytes(b"\\data\\\nngram 1=\xff\xfe\n")
    params = Perplexity.model_validate({"from": "perplexity", "model": str(tmp_path / "a.arpa")})
    with pytest.raises(RecipeError, match=r"tags\.model: .* is no KenLM model"):
        score(table("x"), params)
