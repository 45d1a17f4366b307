"""What a run takes by surprise is said: on the terminal, in the manifest, in the report; and limits refuse it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Command, release_of, texts, write_jsonl

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def recipe_of_three(folder: Path, **fields: Any) -> Path:
    """A sound source; one that is one text forty times, nearly; one whose file has three malformed rows of forty; one whose
    file is the sound one's; one of two files, of which the small one has a malformed row."""
    sound = texts(40, seed=1)
    write_jsonl(folder / "raw" / "sound.jsonl", [{"text": text} for text in sound[:9]])
    (same,) = texts(1, seed=2)
    rows = [{"text": f"{HOSTILE} {same} and {i}", "kind": "form"} for i in range(40)]
    write_jsonl(folder / "raw" / "forms.jsonl", rows)
    write_jsonl(folder / "raw" / "broken.jsonl", [{"text": text} for text in texts(37, seed=3, words=60) if text])
    with (folder / "raw" / "broken.jsonl").open("a") as stream:
        stream.write('{"text": 5}\n{"text": "cut off\n[1]\n')
    (folder / "raw" / "copied.jsonl").write_bytes((folder / "raw" / "sound.jsonl").read_bytes())
    numbers = [
        {"text": f"{i} and {i * i} of {i * 7919 % 10007}: {'abcdefghij'[i % 10] * (i % 37 + 1)}"} for i in range(400)
    ]
    write_jsonl(folder / "raw" / "large-a.jsonl", numbers[:390])
    write_jsonl(folder / "raw" / "large-b.jsonl", [*numbers[390:], {"text": 7}])
    names = ("sound", "forms", "broken", "copied", "large")
    sources = [{"name": name, "paths": [str(folder / "raw" / f"{name}*.jsonl")]} for name in names]
    tags = {"kind": {"from": "column", "column": "kind"}}
    plain = {
        "name": "tried",
        "output": str(folder / "out"),
        "sources": sources,
        "tags": tags,
        "mixture": {"by": "kind"},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**plain, **fields}))
    return folder / "recipe.yaml"


@pytest.mark.server
def test_a_source_that_vanishes_and_malformed_rows_are_said(tmp_path: Path, syllabus: Command) -> None:
    done = syllabus("run", str(recipe_of_three(tmp_path)))
    assert done.returncode == 0, done.stderr
    release = release_of(tmp_path)
    warnings = json.loads((release / "manifest.json").read_text())["warnings"]
    by_place = {(w["stage"], w["source"] or w["label"], w["rule"]): w for w in warnings}
    assert set(by_place) == {
        ("read", "broken", "malformed"),
        ("minhash", "forms", "near_duplicate"),
        ("minhash", "form", "near_duplicate"),
        ("read", "copied", "same_as"),
        ("read", "large", "malformed_file"),
    }
    (copy,) = by_place["read", "copied", "same_as"]["examples"]
    assert copy["path"].endswith("copied.jsonl")
    assert copy["reason"].endswith("raw/sound.jsonl")
    small = by_place["read", "large", "malformed_file"]
    assert small["share"] == pytest.approx(1 / 11)
    assert small["examples"][0]["reason"] == "1 of 11 rows are malformed"
    assert small["examples"][1]["row"] == 10
    rows = by_place["read", "broken", "malformed"]
    assert rows["share"] == pytest.approx(3 / 40)
    assert [one["row"] for one in rows["examples"]] == [37, 38, 39]
    near = by_place["minhash", "forms", "near_duplicate"]
    assert near["share"] == pytest.approx(39 / 40)
    (cluster,) = near["examples"]
    assert by_place["minhash", "form", "near_duplicate"]["examples"] == [cluster]
    assert cluster["size"] == 40
    assert cluster["kept_id"] != cluster["member"]["id"]
    assert "minhash dropped 97.5% of what came to it of source forms, most of it by near_duplicate" in done.stdout
    assert "a cluster of 40" in done.stdout
    assert "100% of the files of source copied hold the bytes of another source's" in done.stdout
    assert "9.1% of the rows of a file of source large are malformed" in done.stdout
    assert "7.5% of the rows of source broken are malformed" in done.stdout
    assert "\x1b" not in done.stdout
    page = (release / "report.html").read_text()
    assert "minhash dropped 97.5%" in page
    assert "<script>alert" not in page

    evaluated = syllabus("evaluate-pool", str(recipe_of_three(tmp_path)))
    assert evaluated.returncode == 0, evaluated.stderr
    assert "minhash dropped 97.5% of what came to it of source forms" in evaluated.stdout
    assert "a cluster of 40" in evaluated.stdout

    refused = syllabus(
        "run", str(recipe_of_three(tmp_path, limits={"source_drop_rate": {"forms": 0.5}, "bad_rows": 0.05}))
    )
    assert refused.returncode == 1
    assert (
        "limits.source_drop_rate.forms: 0.975 is over 0.5; minhash dropped most, 39 of 40 documents" in refused.stderr
    )
    assert "limits.bad_rows.broken: 0.075 is over 0.05: 3 malformed rows" in refused.stderr
    assert release_of(tmp_path) == release


@pytest.mark.server
def test_a_run_that_reads_nothing_says_why(tmp_path: Path, syllabus: Command) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.jsonl").write_text('{"messages": []}\n')
    (tmp_path / "raw" / "b.jsonl").write_text('{"text": null}\n')
    (tmp_path / "raw" / "c.parquet").write_bytes(b"PAR1")
    sources = [{"name": "all", "paths": [str(tmp_path / "raw" / "*")]}]
    plain = {"name": "tried", "output": str(tmp_path / "out"), "sources": sources}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(plain))
    done = syllabus("run", str(tmp_path / "recipe.yaml"))
    assert done.returncode == 1
    for name in ("a.jsonl", "b.jsonl", "c.parquet"):
        assert f"{name}" in done.stderr
    assert "no document was read" in done.stderr

    (tmp_path / "raw" / "b.jsonl").write_text('{"text": 5}\n')
    done = syllabus("run", str(tmp_path / "recipe.yaml"))
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "sources[0]: source 'all' is left without a readable file" in said
    assert "b.jsonl: `text` holds a number, not text" in said
    for name in ("a.jsonl", "c.parquet"):
        assert name in said
