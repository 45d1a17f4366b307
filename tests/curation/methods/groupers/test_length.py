import pyarrow as pa
import pytest
from pydantic import ValidationError

from curation.methods.groupers import group
from schemas.groupers import Length


def test_labels_sort_as_lengths_do() -> None:
    documents = pa.table({"text": ["", "x" * 39, "x" * 40, "x" * 5000]})
    labels = group(documents, Length.model_validate({"from": "length", "edges": [10, 1000]})).to_pylist()
    assert labels == ["0000-0009", "0010-0999", "0010-0999", "1000-"]
    assert labels == sorted(labels)


def test_words_and_characters() -> None:
    documents = pa.table({"text": ["é é é"]})
    assert group(documents, Length.model_validate({"from": "length", "edges": [4], "unit": "words"})).to_pylist() == [
        "0-3"
    ]
    assert group(documents, Length.model_validate({"from": "length", "edges": [5], "unit": "chars"})).to_pylist() == [
        "5-"
    ]
    assert group(documents, Length.model_validate({"from": "length", "edges": [8], "unit": "bytes"})).to_pylist() == [
        "8-"
    ]


def test_edges_must_ascend() -> None:
    with pytest.raises(ValidationError, match="ascend"):
        Length.model_validate({"from": "length", "edges": [10, 10]})
