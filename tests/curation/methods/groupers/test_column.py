import pyarrow as pa

from curation.methods.groupers import group
from schemas.groupers import Column

PARAMS = Column.model_validate({"from": "column", "column": "meta.kind"})


def test_blank_and_missing_are_no_label() -> None:
    documents = pa.table({"text": ["a", "b", "c"], "column:meta.kind": [" news ", "  ", None]})
    assert group(documents, PARAMS).to_pylist() == ["news", None, None]
    assert group(documents.select(["text"]), PARAMS).to_pylist() == [None, None, None]


def test_numbers_and_lists_that_another_tag_read_are_labels_too() -> None:
    assert group(pa.table({"column:meta.kind": [1.5, None]}), PARAMS).to_pylist() == ["1.5", None]
    assert group(pa.table({"column:meta.kind": [["b", "a"], []]}), PARAMS).to_pylist() == ["a", None]


def test_it_asks_for_its_input_column() -> None:
    assert PARAMS.input_columns() == {"meta.kind": "string"}
