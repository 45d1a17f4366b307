import pyarrow as pa

from curation.methods.groupers import group
from schemas.groupers import Triples


def test_a_missing_attribute_gives_no_label() -> None:
    documents = pa.table(
        {"column:a": ["ct", "mr", None], "column:b": ["lung", "", "x"], "column:c": ["find", "y", "z"]}
    )
    params = Triples.model_validate({"from": "triples", "columns": ["a", "b", "c"]})
    assert group(documents, params).to_pylist() == ["ct+lung+find", None, None]
    assert params.input_columns() == {"a": "string", "b": "string", "c": "string"}
