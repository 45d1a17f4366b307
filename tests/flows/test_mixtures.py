"""What a mixture says is what is written: in the unit of its phase, within the caps that its method promises."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from curation.releases.report.mixture import mixture as mixture_section
from curation.releases.report.mixture import rows_of
from curation.releases.verify import verify
from flows import artifacts
from flows.cli import tables
from flows.curate import Outcome, with_engine
from flows.progress import silent
from schemas.recipe import Recipe
from tests.conftest import write_jsonl

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


def written(recipe: dict[str, Any]) -> tuple[Outcome, pl.DataFrame]:
    """A run of the flow, and its rows."""
    outcomes: list[Outcome] = []
    loaded = Recipe.model_validate(recipe)
    with_engine(loaded, keep=outcomes.append, progress=silent())(loaded)
    assert outcomes[0].folder is not None
    assert verify(outcomes[0].folder) == []
    return outcomes[0], pl.read_parquet(Path(outcomes[0].folder) / "shards" / "*.parquet").sort("position")


def two_sources(folder: Path, **fields: Any) -> dict[str, Any]:
    """A recipe over 100 documents of 500 tokens and 100 of 50."""
    for name, size in (("long", 2000), ("short", 200)):
        write_jsonl(folder / f"{name}.jsonl", [{"text": f"{name} {i} ".ljust(size, "x")} for i in range(100)])
    sources = [{"name": name, "paths": [str(folder / f"{name}.jsonl")]} for name in ("long", "short")]
    plain = {"name": "mixed", "output": str(folder / "out"), "sources": sources, "dedup": {"minhash": None}}
    return {**plain, **fields}


def test_records_are_mixed_by_records_and_caps_are_kept(tmp_path: Path) -> None:
    pools = {"method": "pools", "pools": {"both": ["long", "short"]}, "weights": {"both": 1.0}}
    graph = {"method": "doremi", "without_losses": "hold", "start": "proportional"}
    by_records = {
        "plain": {},
        "flat": {"method": "temperature", "temperature": 1},
        "unimax": {"method": "unimax", "epochs": 1},
        "pools": pools,
        "doremi": graph,
    }
    phases: list[dict[str, Any]] = [
        {"name": f"records-{name}", "records": 100, "mixture": mixture} for name, mixture in by_records.items()
    ]
    phases += [
        {"name": "tokens", "tokens": 11_000},
        {"name": "thrice", "epochs": 3, "mixture": {"method": "unimax", "epochs": 2}},
        {"name": "much", "records": 900, "mixture": {"method": "unimax", "epochs": 2}},
        {"name": "uneven", "tokens": 64_000, "mixture": {"method": "unimax", "epochs": 2}},
    ]
    outcome, rows = written(two_sources(tmp_path, phases=phases))
    assert outcome.manifest is not None
    by_name = {phase.name: phase for phase in outcome.manifest.phases}
    for name in by_records:
        found = Counter(rows.filter(phase=f"records-{name}")["source"])
        assert found == {"long": 50, "short": 50}, name
        assert list(by_name[f"records-{name}"].weights.values()) == pytest.approx([0.5, 0.5])
    assert Counter(rows.filter(phase="tokens")["source"]) == {"long": 20, "short": 20}
    assert list(by_name["tokens"].weights.values()) == pytest.approx([10 / 11, 1 / 11])

    for name in ("thrice", "much"):  # two passes over everything, and it says so
        phase = rows.filter(phase=name)
        assert set(Counter(phase["id"]).values()) == {2}
        assert len(phase) == 400
        assert any("stops short" in note for note in by_name[name].notes), by_name[name].notes
    uneven = rows.filter(phase="uneven")
    assert max(Counter(uneven["id"]).values()) == 2
    assert uneven.filter(source="short")["tokens"].sum() == 10_000
    assert not by_name["uneven"].notes

    record = by_name["records-plain"].model_dump()
    assert [(row.unit, row.planned, row.written) for row in rows_of(record)] == [("records", 0.5, 0.5)] * 2
    assert [row.of_tokens for row in rows_of(record)] == pytest.approx([10 / 11, 1 / 11])
    shown = next(row for row in artifacts.mixture_rows(outcome.manifest) if row["phase"] == "records-plain")
    assert (shown["realised"], shown["share of documents"], shown["share of tokens"]) == (0.5, 0.5, 0.9091)
    page = mixture_section(outcome.manifest.model_dump(mode="json", by_alias=True))
    assert "<th>unit</th>" in page
    terminal = io.StringIO()
    before, tables.out = tables.out, Console(file=terminal, width=200)
    try:
        tables.print_mixture(outcome.manifest)
    finally:
        tables.out = before
    line = next(line for line in terminal.getvalue().splitlines() if "records-plain" in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")][2:] == [
        "records",
        "0.5000",
        "0.5000",
        "50",
        "0.5000",
        "25,000",
        "0.9091",
    ]


def test_documents_without_a_score_are_named(tmp_path: Path) -> None:
    rows = [{"text": f"document {i} " + "x" * 80, "loss": None if i % 4 == 0 else float(i)} for i in range(40)]
    write_jsonl(tmp_path / "long.jsonl", rows)
    sources = [{"name": "long", "paths": [str(tmp_path / "long.jsonl")]}]
    phases: list[dict[str, Any]] = [
        {"name": "sorted", "epochs": 1, "order": {"method": "sort", "by": "loss"}},
        {"name": "easy", "epochs": 1, "pool": {"select": [{"method": "top", "by": "loss", "documents": 35}]}},
        {"name": "paced", "method": "pacing", "by": "loss", "rounds": 2, "records": 18, "shape": "linear"},
        {"name": "plain", "epochs": 1},
    ]
    tags = {"loss": {"from": "number", "column": "loss"}}
    fields = {"name": "named", "output": str(tmp_path / "out"), "dedup": {"minhash": None}}
    outcome, _ = written({**fields, "sources": sources, "tags": tags, "phases": phases})
    assert outcome.manifest is not None
    notes = {phase.name: phase.notes for phase in outcome.manifest.phases}
    lacking = "10 of 40 documents have no 'loss' (long 10): "
    assert notes["sorted"] == [f"{lacking}order.by puts them last"]
    passed = f"{lacking}pool.select[0] passes them over"
    assert notes["easy"] == [passed, "pool.select[0] asks 35 documents and finds 30"]
    assert notes["paced-1"] == [passed]
    assert notes["paced-2"] == [
        passed,
        "pool.select[0] asks 36 documents and finds 30",
    ]
    assert notes["plain"] == []
