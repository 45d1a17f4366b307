"""Perplexity under a KenLM model, by hand from a model of one-word probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curation.methods.scorers import score
from schemas.errors import RecipeError
from schemas.scorers import Perplexity
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
