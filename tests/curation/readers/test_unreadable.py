"""A table beside a recipe that cannot be read is refused with its line or row, and nothing of what stands there."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.cleaning.train_classifier import read_labelled
from curation.methods.losses import read_losses
from curation.methods.side_table import look_up, read_frame
from curation.methods.target_texts import read_targets
from schemas.errors import InputError, RecipeError
from tests.curation.readers.test_parquet import BAD, strings

LINE = b'{"text": "a", "label": "secret %s"}\n'
FILES = {
    "utf8.jsonl": (LINE % b"x" + LINE % BAD, "line 2 is not valid UTF-8", "row 1: invalid UTF-8"),
    "cut.jsonl": (LINE % b"x" + b'{"text": "secret', "line 2 is not valid JSON", "row 1: not JSON"),
    "utf8.csv": (b"text,label\na,secret\n" + BAD + b",secret\n", "line 3 is not valid UTF-8", None),
    "none.csv": (b"", "empty, 0 bytes", None),
    "none.parquet": (b"", "empty, 0 bytes", "empty file, 0 bytes: not Parquet"),
    "cut.parquet": (b"PAR1 secret PAR1", "damaged Parquet", "cannot be read as Parquet"),
}


@pytest.mark.parametrize("name", [*FILES, "utf8.parquet", "name.parquet"])
def test_the_place_is_said(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "utf8.parquet":
        pq.write_table(pa.table({"text": strings([b"a", BAD]), "label": ["secret", "secret"]}), path)
        says, says_labelled = "row 1: invalid UTF-8 in the column 'text'", "row 1: invalid UTF-8 in `text`"
    elif name == "name.parquet":
        pq.write_table(pa.table({"text": ["a"], "lXl": ["secret"]}), path)
        path.write_bytes(path.read_bytes().replace(b"lXl", b"l\xffl"))
        says, says_labelled = "the name of a column is not valid UTF-8", "no column 'label'"
    else:
        data, says, says_labelled = FILES[name]
        path.write_bytes(data)
    for read, place in ((read_frame, "tags.x.path"), (lambda path, _: read_losses(path), "--losses")):
        with pytest.raises(RecipeError) as refused:
            read(str(path), place)
        assert refused.value.place == place
        assert name in str(refused.value)
        assert says in str(refused.value)
        assert "secret" not in str(refused.value)
    if says_labelled is not None:
        with pytest.raises(InputError) as labelled:
            list(read_labelled([str(path)]))
        assert says_labelled in str(labelled.value)
        assert "secret" not in str(labelled.value)


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [["secret"]], "label": ["x"], "text": [[{"role": "secret"}]]}), path)
    documents = pa.table({"id": ["d0"], "name": ["d0"]})
    with pytest.raises(RecipeError) as refused:
        look_up(documents, str(path), "label", "id", place="tags.x")
    assert "a.parquet: the column 'id' holds List, no strings" in str(refused.value)
    with pytest.raises(RecipeError) as refused:
        read_targets(((str(path), ""),), "text", place="clean.x")
    assert "a.parquet: the column 'text' holds List, no strings" in str(refused.value)
    assert "secret" not in str(refused.value)
