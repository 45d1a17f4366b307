import pyarrow as pa

from curation.methods.groupers import group
from schemas.groupers import Items

PARAMS = Items.model_validate({"from": "items", "column": "steps"})


def test_order_and_repeats_are_kept() -> None:
    documents = pa.table({"column:steps": [["b", "a", "b"], [], None]})
    assert group(documents, PARAMS).to_pylist() == [["b", "a", "b"], [], None]


def test_a_text_is_a_list_of_one_and_a_missing_column_is_null() -> None:
    assert group(pa.table({"column:steps": ["one", None]}), PARAMS).to_pylist() == [["one"], None]
    assert group(pa.table({"text": ["a"]}), PARAMS).to_pylist() == [None]
