"""Pieces of a stage: done once, done again where what they left is not whole; decisions and texts in the stages' order."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from curation import storage
from curation.releases import work
from curation.releases.work import Done, Stage, Work
from schemas.recipe import Recipe
from schemas.tables import DECIDED
from schemas.work import Input, Partition, Slice

RECIPE = Recipe.model_validate({"name": "x", "sources": [{"name": "a", "paths": ["a"]}, {"name": "b", "paths": ["b"]}]})


@pytest.fixture
def begun(tmp_path: Path) -> Work:
    inputs = [Input("a", 0, "one", "/one", 1, "", "f1", "jsonl"), Input("b", 1, "two", "/two", 1, "", "f2", "jsonl")]
    partitions = [Partition(0, (Slice(0),)), Partition(1, (Slice(1, 5, 9, 2), Slice(1, 9, None, 4)))]
    return work.begin(str(tmp_path / "work"), RECIPE, inputs, partitions, ["k1", "k2"], str(tmp_path / "prepared"))


def decided(*rows: tuple[int, int]) -> pa.Table:
    columns = {name: [None] * len(rows) for name in DECIDED.names}
    columns |= {"partition": [p for p, _ in rows], "index": [i for _, i in rows], "stage": ["s"] * len(rows)}
    return pa.table(columns, schema=DECIDED)


def test_a_folder_says_all_that_was_begun(begun: Work) -> None:
    again = work.open_work(begun.folder)
    assert again == begun
    assert again.of_source == ["a", "b"]
    assert again.paths_of(1) == ["two", "two"]


def test_a_piece_is_run_again_only_where_what_it_left_is_not_whole(begun: Work) -> None:
    runs = []

    def run(at: Work, piece: int) -> Done:
        runs.append(piece)
        path = at.path("made", piece)
        storage.put_table(path, pa.table({"x": [piece]}))
        return Done({"rows": 1}, [path])

    stage = Stage("making", "partitions", run, (), "made")
    note = Path(begun.path("done-making", 1, "json"))
    assert work.run_piece(stage, begun, 1) == work.run_piece(stage, begun, 1) == {"rows": 1}
    assert runs == [1]
    whole = note.read_bytes()
    damaged = [b"", b"{}", b"[]", b"null", whole[:-9], json.dumps({"counts": {}, "files": {"x": None}}).encode()]
    for bad in damaged:
        note.write_bytes(bad)
        assert work.run_piece(stage, begun, 1) == {"rows": 1}
    assert len(runs) == 1 + len(damaged)
    table = Path(begun.path("made", 1))
    table.write_bytes(table.read_bytes()[:-1] + b"?")
    assert work.run_piece(stage, begun, 1) == {"rows": 1}
    table.unlink()
    assert work.run_piece(stage, begun, 1) == {"rows": 1}
    assert len(runs) == 3 + len(damaged)
    assert note.read_bytes() == whole


def test_decisions_lie_beside_their_partition_in_the_order_of_the_stages(begun: Work) -> None:
    begun.decide_all("duplicates", decided((1, 4), (0, 2), (1, 0)))
    begun.decide_all("history", decided((1, 1)))
    assert begun.gone(0).tolist() == [2]
    assert begun.gone(1).tolist() == [0, 1, 4]
    assert begun.gone(1, before="history").tolist() == [0, 4]
    assert begun.gone(1, before="duplicates").tolist() == []
    both = begun.all_decided(before="decontaminate")
    assert list(zip(both["partition"].to_pylist(), both["index"].to_pylist(), strict=True)) == [
        (0, 2),
        (1, 4),
        (1, 0),
        (1, 1),
    ]
