import pyarrow as pa

from curation.methods.groupers import group
from schemas.groupers import Constant


def test_every_document_gets_it() -> None:
    labels = group(pa.table({"text": ["a", "b"]}), Constant.model_validate({"from": "constant", "value": "x"}))
    assert labels.to_pylist() == ["x", "x"]
