"""Any scorer with bounds is a rule."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from curation.rules.apply import apply
from schemas.rules import Custom
from tests.curation.rules.texts import table


def test_both_bounds() -> None:
    rule = Custom.model_validate({"rule": "size", "scorer": {"from": "tokens", "unit": "words"}, "min": 2, "max": 3})
    verdicts = apply(table("one", "one two", "one two three four"), [rule])
    assert [None if code < 0 else verdicts.reasons[code] for code in verdicts.rule] == ["size_under", None, "size_over"]
    assert verdicts.value[[0, 2]].tolist() == [1.0, 4.0]
    assert verdicts.threshold[[0, 2]].tolist() == [2.0, 3.0]


def test_no_score_is_kept() -> None:
    rule = Custom.model_validate({"scorer": {"from": "statistic", "name": "mean_word_length"}, "min": 100})
    assert apply(table("!"), [rule]).rule.tolist() == [-1]


def test_it_sees_the_text_as_the_rule_before_left_it() -> None:
    size = {"name": "custom", "scorer": {"from": "tokens", "unit": "lines"}, "max": 1}
    from schemas.rules import C4

    text = "A line that ends as it should.\nno end mark"
    assert apply(table(text), [C4(min_sentences=None), Custom.model_validate(size)]).rule.tolist() == [-1]
    assert apply(table(text), [Custom.model_validate(size)]).rule.tolist() == [1]


def test_a_rule_without_a_bound_is_refused() -> None:
    with pytest.raises(ValidationError, match="give min, max or both"):
        Custom.model_validate({"scorer": {"from": "compression"}})
