"""Rule statistics: numbers by hand, and every one that the recipe can name."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pyarrow as pa
import pytest

from curation.methods.scorers import score
from curation.methods.scorers.statistic import MEASURES
from curation.rules.apply import apply
from schemas.rules import GopherRepetition
from schemas.scorers import Statistic

TEXT = "one two three\none two three\n- the # end...\nof it all."


def of(name: str, text: str) -> float:
    params = Statistic.model_validate({"from": "statistic", "name": name})
    return float(score(pa.table({"text": pa.array([text], pa.large_string())}), params)[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("words", 11),
        ("hash_ratio", 1 / 13),
        ("bullet_line_ratio", 1 / 4),
        ("ellipsis_line_ratio", 1 / 4),
        ("stop_words", 2),
        ("dup_line_ratio", 1 / 4),
        ("dup_line_char_ratio", 13 / len(TEXT)),
        ("line_punct_ratio", 2 / 4),
        ("short_line_ratio", 1.0),
        ("char_dup_ratio", 13 / (len(TEXT) - 3)),
        ("list_ratio", 3 / 13),
    ],
)
def test_numbers_by_hand(name: str, value: float) -> None:
    assert of(name, TEXT) == pytest.approx(value)


def test_the_model_and_the_measures_agree() -> None:
    assert set(get_args(Statistic.model_fields["name"].annotation)) == set(MEASURES)
    for name in MEASURES:
        assert np.isnan(of(name, "")) or name == "words"
        assert not np.isnan(of(name, TEXT * 3))


def test_the_statistic_is_what_the_rule_drops_by() -> None:
    text = "a b c d e f g h. " * 8
    rule = GopherRepetition(top_n_grams={2: 0.1}, max_dup_line_frac=None, max_dup_para_frac=None)
    verdicts = apply(pa.table({"text": pa.array([text], pa.large_string())}), [rule])
    assert verdicts.value[0] == of("top_2_gram_ratio", text)
