"""Shares and budgets are of what is written, each phase in its own format, to the nearest document; none is empty."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from curation.releases.warnings import said, shown
from flows.cli import tables
from tests.conftest import write_jsonl
from tests.every_stage import tokenizer_of
from tests.flows.test_mixtures import written

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]
FORMATS: dict[str, dict[str, Any]] = {
    "template": {"template": "URL: {url}\n\n"},
    "chat": {"method": "chat", "system": "You answer questions of rivers and stones. " * 6},
}


def pool(folder: Path, n: int = 300) -> list[dict[str, Any]]:
    """Web pages with URLs of every length, questions with prompts, and a few long books."""
    draw = random.Random(3)
    web = [
        {
            "text": f"page {i} " + "a river of stones " * draw.randint(1, 40),
            "url": f"https://e.org/{'p' * draw.randint(1, 400)}{i}",
        }
        for i in range(n)
    ]
    asked = [{"prompt": f"what is {i}? " * draw.randint(1, 9), "text": f"the stone {i} " * 12} for i in range(n)]
    books = [{"text": f"book {i} " + "winter village " * draw.randint(50, 400)} for i in range(20)]
    for name, rows in (("web", web), ("asked", asked), ("books", books)):
        write_jsonl(folder / f"{name}.jsonl", rows)
    made = [{"name": name, "paths": [str(folder / f"{name}.jsonl")]} for name in ("web", "asked", "books")]
    return [{**source, **({"prompt_column": "prompt"} if source["name"] == "asked" else {})} for source in made]


@pytest.mark.parametrize(
    ("format_", "with_tokenizer", "mixture"),
    [
        ("template", False, "proportional"),
        ("template", True, "uniform"),
        ("chat", True, "proportional"),
    ],
)
def test_a_cooldown_has_its_share(format_: str, with_tokenizer: bool, mixture: str, tmp_path: Path) -> None:
    recipe = {
        "name": "shares",
        "output": str(tmp_path / "out"),
        "sources": pool(tmp_path),
        "dedup": {"exact": False, "minhash": None},
        "conditioning": FORMATS[format_],
        "mixture": {"method": mixture},
        "phases": [
            {"name": "first", "share": 0.6},
            {"name": "middle", "share": 0.3},
            {"name": "cooldown", "share": 0.1, "conditioning": None},
        ],
        "shards": {"tokenizer": tokenizer_of(tmp_path) if with_tokenizer else None},
    }
    outcome, rows = written(recipe)
    assert rows["id"].is_unique().all()
    assert len(rows) == 620
    total, largest = rows["tokens"].sum(), rows["tokens"].max()
    for name, share in (("first", 0.6), ("middle", 0.3), ("cooldown", 0.1)):
        assert abs(rows.filter(phase=name)["tokens"].sum() - share * total) <= largest, name  # type: ignore[operator]
    assert outcome.manifest is not None
    assert not [one for one in outcome.manifest.warnings if one.phase]


def test_no_phase_is_empty_and_what_is_missed_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_jsonl(tmp_path / "few.jsonl", [{"text": f"{name} river " * 100} for name in ("one", "two", "six")])
    recipe = {
        "name": "few",
        "output": str(tmp_path / "out"),
        "sources": [{"name": "few", "paths": [str(tmp_path / "few.jsonl")]}],
        "dedup": {"exact": False, "minhash": None},
        "phases": [
            {"name": "most", "share": 0.95},
            {"name": "little", "share": 0.04},
            {"name": "least", "share": 0.01},
            {"name": "budget", "tokens": 3},
        ],
    }
    outcome, rows = written(recipe)
    assert rows["phase"].to_list() == ["most", "little", "least", "budget"]
    assert rows.filter(rows["phase"] != "budget")["id"].is_unique().all()
    assert outcome.manifest is not None
    warned = {one.phase: one for one in outcome.manifest.warnings}
    assert said(warned["most"]) == "phase most misses its budget by -64.9%"
    assert shown(warned["most"].examples[0]) == "share 0.95 is 712 tokens, 250 were written"
    assert shown(warned["budget"].examples[0]) == "tokens 3 is 3 tokens, 250 were written"
    page = (Path(outcome.folder or "") / "report.html").read_text()
    assert "phase most misses its budget by -64.9%" in page
    tables.print_warnings(outcome.manifest)
    assert "warning: phase least misses its budget" in capsys.readouterr().out
