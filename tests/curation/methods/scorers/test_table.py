from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from curation.methods.scorers import score
from schemas.errors import RecipeError
from schemas.scorers import Table

DOCUMENTS = pa.table({"id": ["f0", "f1", "f2"], "name": ["a", None, "c"]})


def test_joined_on_the_name_else_on_the_content_id(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    pl.DataFrame({"doc": ["f1", "a", "z"], "loss": [1, 2, None]}).write_parquet(path)
    params = Table.model_validate({"from": "table", "path": str(path), "column": "loss", "id_column": "doc"})
    np.testing.assert_array_equal(score(DOCUMENTS, params), [2.0, 1.0, np.nan])


def test_names_that_are_numbers_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("id,loss\n7,0.5\n")
    params = Table.model_validate({"from": "table", "path": str(path), "column": "loss"})
    np.testing.assert_array_equal(score(pa.table({"id": ["f"], "name": ["7"]}), params), [0.5])


def test_labels_are_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("id,loss\na,high\n")
    params = Table.model_validate({"from": "table", "path": str(path), "column": "loss"})
    with pytest.raises(RecipeError, match=r"^tags\.x\.column: .*label_table"):
        score(DOCUMENTS, params, place="tags.x")
