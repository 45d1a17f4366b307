"""Two plans side by side, at the terminal and as JSON; and what is repeated too often is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import texts, write_jsonl


def recipes(folder: Path, **mixtures: dict[str, Any]) -> list[str]:
    rows = [{"text": text, "topic": "ab"[i % 4 == 0]} for i, text in enumerate(texts(80))]
    write_jsonl(folder / "raw.jsonl", rows)
    made = []
    for name, mixture in mixtures.items():
        recipe = {
            "name": "tried",
            "output": str(folder / "out"),
            "sources": [{"name": "web", "paths": [str(folder / "raw.jsonl")]}],
            "tags": {"topic": {"from": "column", "column": "topic"}},
            "phases": [{"name": "all", "epochs": 2, "mixture": {"by": "topic", "max_epochs": None, **mixture}}],
        }
        (folder / f"{name}.json").write_text(json.dumps(recipe))
        made.append(str(folder / f"{name}.json"))
    return made


def test_what_each_gives_a_group(syllabus: Callable[..., Any], tmp_path: Path) -> None:
    first, second = recipes(tmp_path, natural={"method": "proportional"}, even={"method": "uniform"})
    done = syllabus("plan", "--compare", first, second, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    alone = [json.loads(syllabus("plan", one, "--json").stdout)["phases"] for one in (first, second)]
    assert [plan["phases"] for plan in said["plans"]] == alone
    rows = {row["group"]: row for row in said["compared"]}
    assert next(iter(rows)) is None
    assert set(rows) == {None, "a", "b"}
    for place, name in enumerate(("first", "second")):
        for group in ("a", "b"):
            side, phase = rows[group][name], alone[place][0]
            assert side["target"] == phase["targets"][group]
            assert side["epochs"] == pytest.approx(side["target"] / phase["held"][group])
            assert side["unique"] + side["repeated"] == pytest.approx(side["target"])
            assert side["unique"] == pytest.approx(min(side["target"], phase["held"][group]))
        assert rows[None][name]["repeated"] == pytest.approx(sum(rows[g][name]["repeated"] for g in ("a", "b")))
    assert rows["b"]["second"]["epochs"] > rows["b"]["first"]["epochs"]
    shown = syllabus("plan", "--compare", first, second).stdout
    assert "A " in shown
    assert "█" in shown


def test_groups_that_are_repeated_too_often_are_named(syllabus: Callable[..., Any], tmp_path: Path) -> None:
    """Muennighoff et al.: past four passes another is worth little."""
    often, seldom = recipes(
        tmp_path,
        often={"method": "fixed", "weights": {"a": 0.2, "b": 0.8}},
        seldom={"method": "proportional"},
    )
    done = json.loads(syllabus("plan", often, "--json").stdout)
    [note] = [note for note in done["phases"][0]["notes"] if "Muennighoff" in note]
    assert note.startswith("'b' is repeated 5.")
    assert not any(
        "Muennighoff" in note for note in json.loads(syllabus("plan", seldom, "--json").stdout)["phases"][0]["notes"]
    )
    assert syllabus("run", often).returncode == 0
    manifest = json.loads(next((tmp_path / "out" / "tried").glob("2*/manifest.json")).read_text())
    assert note in manifest["phases"][0]["notes"]
