"""The documentation: pages that follow from the code are what it says, and every block of code does what it is shown to do."""

from __future__ import annotations

import difflib
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from deployments import write_docs
from flows.cli import app
from schemas.recipe import Recipe
from tests.conftest import Command, recipe_of

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BASE = {"name": "shown", "sources": [{"name": name, "paths": ["x.jsonl"]} for name in ("web", "books", "raw")]}
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


def blocks(*kinds: str) -> list[Any]:
    """(page, code) of every block of these kinds, each a parameter with its place."""
    return [
        pytest.param(
            path, match[2], id=f"{path.relative_to(ROOT)}:{path.read_text()[: match.start()].count(chr(10)) + 1}"
        )
        for path in PAGES
        for match in BLOCK.finditer(path.read_text(encoding="utf-8"))
        if match[1] in kinds
    ]


def test_written_pages_are_what_the_code_says() -> None:
    made = write_docs.pages()
    for name, text in made.items():
        there = (ROOT / "docs" / name).read_text(encoding="utf-8")
        differs = (
            [line for line in difflib.ndiff(there.splitlines(), text.splitlines()) if line[:1] in "+-"]
            if there != text
            else []
        )
        assert there == text, f"{name}: write it anew, python -m deployments.write_docs: {differs[:4]}"
    shipped = {f"methods/{path.name}" for path in (ROOT / "docs" / "methods").glob("*.md")}
    assert shipped == {name for name in made if name.startswith("methods/")}


def test_every_part_has_one_place_in_the_reference() -> None:
    anchors = re.findall(r"\{ #([\w-]+) \}", (ROOT / "docs" / "reference.md").read_text())
    assert len(anchors) == len(set(anchors)) > 100
    wanted = set(re.findall(r"\]\(#([\w-]+)\)", (ROOT / "docs" / "reference.md").read_text()))
    assert wanted <= set(anchors)


@pytest.mark.parametrize(("page", "code"), blocks("yaml"))
def test_recipes_that_are_shown_are_recipes(page: Path, code: str) -> None:
    plain = yaml.safe_load(code)
    if "deployments" in plain:  # Prefect's own file
        return
    given = dict(plain) if "name" in plain else {**BASE, **plain}
    if "sources" not in given:
        given["sources"] = BASE["sources"]
    Recipe.model_validate(given)


@pytest.mark.parametrize(("page", "code"), blocks("bash", ""))
def test_commands_that_are_shown_are_there(page: Path, code: str) -> None:
    for line in code.replace("\\\n", " ").splitlines():
        if not line.split()[:1] or not line.split()[0].endswith("syllabus"):
            continue
        words = shlex.split(line, comments=True)
        command = COMMANDS[words[1]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known


@pytest.mark.server
@pytest.mark.usefixtures("api")
def test_code_that_is_shown_runs(
    corpus: Path, syllabus: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert syllabus("run", str(recipe_of(tmp_path))).returncode == 0
    shutil.copytree(tmp_path / "out" / "tried", tmp_path / "releases" / "weekly-web")
    monkeypatch.chdir(tmp_path)
    ids = ["a", "b"]
    seen: list[Any] = []
    given = {"train": seen.append, "ids": ids, "losses_of_batch": [1.0, 2.0], "step": 3}
    shown = blocks("python")
    assert len(shown) >= 3
    for one in shown:
        page, code = one.values
        exec(compile(code, str(page), "exec"), dict(given))
        for name in ("losses.jsonl", "documents-3.parquet"):
            Path(name).unlink(missing_ok=True)
    assert len(seen) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if "://" in target or target.startswith("#"):
            continue
        # Two pages of docs/ stand in the checkout's root, and are linked to from there.
        place, _, anchor = target.partition("#")
        found = (page.parent / place).resolve()
        assert found.exists(), f"{page.name}: {target}"
        assert not anchor or found.suffix == ".md"
