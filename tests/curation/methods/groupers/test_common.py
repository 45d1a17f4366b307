"""What every grouper promises: one label (or list of labels) a row, whatever the batch; union, dict and folder agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pytest

from curation.methods import groupers
from schemas import groupers as models

FOLDER = Path(groupers.__file__).parent
N = 7
DOCUMENTS = pa.table(
    {
        "id": [f"{i:032x}" for i in range(N)],
        "name": pa.array(["n0", None, "n2", None, None, None, None]),
        "text": pa.array([f"Text {i} " * (i + 1) for i in range(N)], pa.large_string()),
        "url": pa.array([None, *(f"https://s{i}.example.org/p" for i in range(N - 1))]),
        "source": ["web"] * N,
        "quality": pa.array([0.1 * i for i in range(N)], pa.float32()),
        "column:kind": pa.array(["a", None, "b", "b", "", "c", "a"]),
        "column:list": pa.array([["x", "y"], [], None, ["x"], ["y", "y"], ["z"], ["x"]], pa.list_(pa.string())),
        "column:vector": pa.array([[float(i), 1.0] for i in range(N)], pa.list_(pa.float32())),
    }
)


def settings(folder: Path) -> dict[str, dict[str, Any]]:
    """One setting of each member."""
    (folder / "labels.csv").write_text("id,label\nn0,one\n")
    (folder / "report.jsonl").write_text('{"run_id": "r", "round": 0, "id": "n2", "correct": 0}\n')
    return {
        "column": {"column": "kind"},
        "items": {"column": "list"},
        "constant": {"value": "v"},
        "url": {},
        "label_table": {"path": str(folder / "labels.csv"), "column": "label"},
        "length": {},
        "notebook": {"path": str(folder / "report.jsonl")},
        "score_buckets": {"by": "quality", "buckets": 3},
        "quantile_steps": {"by": "quality", "steps": 2},
        "clusters": {"embedding": "vector", "clusters": 2},
        "skills": {"column": "list"},
        "triples": {"columns": ["kind", "kind"]},
        "regex": {"pattern": r"s(?P<label>\d)"},
    }


def members() -> dict[str, type]:
    return {m.model_fields["from_"].annotation.__args__[0]: m for m in get_args(models.Grouper)}


def test_union_dict_and_folder_name_the_same() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert set(members()) == files
    assert set(members().values()) == set(groupers.FUNCTIONS)
    assert {f.__name__ for f in groupers.FUNCTIONS.values()} == files
    assert set(groupers.POOL_WIDE) < set(groupers.FUNCTIONS)


def test_every_member_is_tried_here(tmp_path: Path) -> None:
    assert set(settings(tmp_path)) | {"fasttext"} >= set(members())  # fasttext needs a model: its own test has one


@pytest.mark.parametrize("name", sorted(set(members()) - {"fasttext"}))
def test_one_label_a_row_the_same_in_any_batch(name: str, tmp_path: Path) -> None:
    params = members()[name].model_validate({"from": name, **settings(tmp_path)[name]})
    state = None
    if type(params) in groupers.POOL_WIDE:
        steps = groupers.POOL_WIDE[type(params)]
        partials = [steps.partial(DOCUMENTS.slice(i, 2), params, seed=3) for i in range(0, N, 2)]
        state = steps.fit(steps.merge(partials, params), params, seed=3, place="tags.x")
    labels = groupers.group(DOCUMENTS, params, state=state)
    assert len(labels) == N
    assert labels.type in (pa.string(), pa.list_(pa.string()))
    assert labels.null_count < N
    one_by_one = [groupers.group(DOCUMENTS.slice(i, 1), params, state=state).to_pylist()[0] for i in range(N)]
    assert one_by_one == labels.to_pylist()
    assert "" not in labels.to_pylist()
    empty = groupers.group(DOCUMENTS.slice(0, 0), params, state=state)
    assert len(empty) == 0


@pytest.mark.parametrize("name", sorted(members()))
def test_a_dump_loads_again(name: str, tmp_path: Path) -> None:
    given = settings(tmp_path).get(name, {"model": "m.ftz"})
    params = members()[name].model_validate({"from": name, **given})
    assert members()[name].model_validate(params.model_dump(mode="json", by_alias=True)) == params
