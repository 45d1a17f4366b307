import time

import pyarrow as pa
import pytest
from pydantic import ValidationError

from curation.methods.groupers import group
from schemas.groupers import Regex


def labels(documents: pa.Table, **settings: object) -> list[str | None]:
    return group(documents, Regex.model_validate({"from": "regex", **settings})).to_pylist()


def test_the_named_group_of_the_first_match() -> None:
    documents = pa.table({"url": ["https://x.de/de/a/fr", "https://x.de/", None]})
    assert labels(documents, pattern="/(?P<label>[a-z]{2})/") == ["de", None, None]
    assert labels(documents, pattern="/(?P<label>[a-z]{2})/", otherwise="?") == ["de", "?", "?"]


def test_a_fixed_label() -> None:
    documents = pa.table({"text": ["def f():", "prose"]})
    assert labels(documents, field="text", pattern=r"(?m)^def ", label="code", otherwise="prose") == ["code", "prose"]


def test_only_the_beginning_is_searched() -> None:
    documents = pa.table({"text": ["x" * 20 + "needle"]})
    assert labels(documents, field="text", pattern="needle", label="y", max_chars=20) == [None]
    assert labels(documents, field="text", pattern="needle", label="y", max_chars=None) == ["y"]


def test_a_pattern_that_ruins_backtracking_engines_is_quick() -> None:
    documents = pa.table({"text": ["a" * 50_000 + "!"]})
    started = time.perf_counter()
    assert labels(documents, field="text", pattern="^(a+)+$", label="y", max_chars=None) == [None]
    assert time.perf_counter() - started < 2


def test_mistakes_in_the_pattern() -> None:
    with pytest.raises(ValidationError, match="no valid RE2 pattern"):
        Regex.model_validate({"from": "regex", "pattern": "(?=x)", "label": "y"})
    with pytest.raises(ValidationError, match="no group"):
        Regex.model_validate({"from": "regex", "pattern": "x"})
