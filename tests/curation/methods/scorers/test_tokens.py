import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.methods.scorers import score
from schemas.scorers import Tokens

TEXT = "Ünï code\n\n  two words \n"


@pytest.mark.parametrize(
    ("unit", "expected"), [("tokens", 7), ("bytes", 25), ("chars", 23), ("words", 4), ("lines", 2)]
)
def test_units(unit: str, expected: int) -> None:
    documents = pa.table({"text": [TEXT, "", None]})
    params = Tokens.model_validate({"from": "tokens", "unit": unit})
    np.testing.assert_array_equal(score(documents, params), [expected, 0, 0])


def test_the_prompt() -> None:
    documents = pa.table({"text": ["x"], "prompt": ["one two"]})
    params = Tokens.model_validate({"from": "tokens", "unit": "words", "field": "prompt"})
    np.testing.assert_array_equal(score(documents, params), [2])


@given(st.lists(st.text(st.sampled_from("ab \n\t\u00a0\u3000\u2028")), max_size=5))
def test_words_are_as_python_splits_them(texts: list[str]) -> None:
    documents = pa.table({"text": pa.array(texts, pa.large_string())})
    params = Tokens.model_validate({"from": "tokens", "unit": "words"})
    np.testing.assert_array_equal(score(documents, params), [len(t.split()) for t in texts])
