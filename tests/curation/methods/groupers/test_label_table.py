from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from curation.methods.groupers import group
from schemas.errors import RecipeError
from schemas.groupers import LabelTable

DOCUMENTS = pa.table({"id": ["f0", "f1", "f2"], "name": ["a", None, "c"]})


def params(path: Path, **more: str) -> LabelTable:
    return LabelTable.model_validate({"from": "label_table", "path": str(path), "column": "topic", **more})


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_joined_on_the_name_else_on_the_content_id(tmp_path: Path, ending: str) -> None:
    frame = pl.DataFrame({"id": ["f1", "a", "f0"], "topic": ["one", "zero", "wrong"]})
    path = tmp_path / f"labels.{ending}"
    {"parquet": frame.write_parquet, "jsonl": frame.write_ndjson, "csv": frame.write_csv}[ending](path)
    assert group(DOCUMENTS, params(path)).to_pylist() == ["zero", "one", None]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"id": "a", "topic": "x"}\n')
    assert group(DOCUMENTS, params(path)).to_pylist()[0] == "x"
    path.write_text('{"id": "a", "topic": "longer"}\n')
    assert group(DOCUMENTS, params(path)).to_pylist()[0] == "longer"


def test_mistakes_name_the_place(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(RecipeError, match=r"^tags\.t\.path: .*no file"):
        group(DOCUMENTS, params(path), place="tags.t")
    path.write_text("id,topic\na,x\na,y\n")
    with pytest.raises(RecipeError, match="two different values"):
        group(DOCUMENTS, params(path))
    path.write_text("id,other\na,x\n")
    with pytest.raises(RecipeError, match=r"tags\.column: .*no column 'topic'; it has id, other"):
        group(DOCUMENTS, params(path))
    (tmp_path / "labels.xls").write_text("")
    with pytest.raises(RecipeError, match="ends in"):
        group(DOCUMENTS, params(tmp_path / "labels.xls"))
