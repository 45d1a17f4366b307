"""The correction notebook: in where wrong, out after some rounds right in a row, whatever the report leaves out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.methods.groupers import group
from schemas.errors import RecipeError
from schemas.groupers import Notebook

IDS = [f"{i:032x}" for i in range(5)]
DOCUMENTS = pa.table({"id": IDS, "name": pa.array(["a", "b", None, None, None])})


def labels(path: Path | None, **fields: Any) -> list[str]:
    params = Notebook.model_validate({"from": "notebook", "path": str(path) if path else None, **fields})
    return [str(one) for one in group(DOCUMENTS, params, place="tags.notebook").to_pylist()]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps({"run_id": "r", **row}) + "\n" for row in rows))
    return path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 4), st.booleans()), unique_by=lambda t: t[:2], min_size=1
    ),
    right=st.integers(1, 3),
)
def test_as_a_notebook_that_is_kept_round_by_round(
    told: list[tuple[int, int, bool]], right: int, tmp_path: Path
) -> None:
    """The oracle keeps the notebook itself, as a table, and turns a page a round."""
    rows = [{"round": number, "id": IDS[i], "correct": int(was)} for number, i, was in told]
    in_a_row: dict[str, int] = {}  # of those that are in
    for number in range(7):
        for row in rows:
            if row["round"] == number:
                name = str(row["id"])
                if not row["correct"]:
                    in_a_row[name] = 0
                elif name in in_a_row:
                    in_a_row[name] += 1
                    if in_a_row[name] >= right:
                        del in_a_row[name]
    path = write(tmp_path / "report.jsonl", rows)
    path.write_text(path.read_text() + "\n" * np.random.default_rng(len(rows)).integers(1, 9))  # another stamp
    assert labels(path, right=right) == ["notebook" if name in in_a_row else "rest" for name in IDS]


def test_losses_above_the_rounds_quantile(tmp_path: Path) -> None:
    rows = [{"round": 0, "id": name, "loss": loss} for name, loss in zip(IDS, (1.0, 2.0, 3.0, 4.0, 9.0), strict=True)]
    path = write(tmp_path / "r.jsonl", rows)
    assert labels(path, column="loss", quantile=0.7) == ["rest"] * 3 + ["notebook"] * 2
    assert labels(path, column="loss", quantile=0.8) == ["rest"] * 4 + ["notebook"]


def test_by_the_documents_own_name_and_the_mean_of_its_rows(tmp_path: Path) -> None:
    rows = [{"round": 0, "id": "a", "correct": c} for c in (0, 0, 1)]
    rows += [{"round": 0, "id": "b", "correct": c} for c in (0, 1)]
    assert labels(write(tmp_path / "r.jsonl", rows)) == ["notebook", "rest", "rest", "rest", "rest"]


def test_before_there_is_a_report() -> None:
    assert labels(None) == ["rest"] * 5


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"round": 0, "step": 1, "eval_index": 0, "group": "g", "loss": 1.0}], "no row tells of a document"),
        ([{"round": 0, "id": "a", "loss": 1.0}], "needs a column 'correct'"),
        ([{"round": 0, "id": "a", "correct": None}], "row 0: correct is no finite number"),
        ([{"id": "a", "correct": 1}], "no column 'round'"),
    ],
)
def test_no_report_of_documents(rows: list[dict[str, Any]], said: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=said) as raised:
        labels(write(tmp_path / "r.jsonl", rows))
    assert str(raised.value).startswith("tags.notebook.path")
