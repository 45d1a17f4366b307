"""Plain files as sources, through recipes: text and code."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from curation.readers.formats import is_taken, kind_of, language_of
from tests.conftest import Command, release_of

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


def recipe(folder: Path, source: dict[str, Any], **fields: Any) -> str:
    plain = {"name": "tried", "output": str(folder / "out"), "sources": [{"name": "files", **source}], **fields}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(plain))
    return str(folder / "recipe.yaml")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(release_of(folder) / "shards" / "*.parquet").sort("position").to_dicts()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    files = {
        "a.py": "import a\n",
        "src/b.rs": "fn main() {}\n",
        "src/deep/c.h": "int x;\n",
        "README.md": "# About\n\nWords about it.\n",
        "notes.txt": "Some notes.\n",
        "data.bin": "\x00\x01",
        "empty.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "repo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "repo" / "packed.md.gz").write_bytes(gzip.compress(b"Packed text.\n"))
    return tmp_path


def test_code_has_its_place_and_language(repository: Path, syllabus: Command) -> None:
    path = recipe(repository, {"format": "code", "paths": [str(repository / "repo")]})
    assert syllabus("run", path).returncode == 0
    found = {row["path"]: (row["programming_language"], row["text"]) for row in rows_of(repository)}
    assert found == {
        "a.py": ("python", "import a\n"),
        "src/b.rs": ("rust", "fn main() {}\n"),
        "src/deep/c.h": ("c", "int x;\n"),
        "README.md": ("markdown", "# About\n\nWords about it.\n"),
        "packed.md.gz": ("markdown", "Packed text.\n"),
    }
    assert syllabus("verify", str(release_of(repository))).returncode == 0
    # A file that moves is another document: its place is a tag.
    (repository / "repo" / "a.py").rename(repository / "repo" / "src" / "a.py")
    assert syllabus("run", path).returncode == 0
    assert "src/a.py" in {row["path"] for row in rows_of(repository)}


def test_text_from_a_folder_and_from_globs(repository: Path, syllabus: Command) -> None:
    assert syllabus("run", recipe(repository, {"format": "text", "paths": [str(repository / "repo")]})).returncode == 0
    assert {row["path"] for row in rows_of(repository)} == {"README.md", "notes.txt", "packed.md.gz"}
    source = {"format": "text", "paths": [str(repository / "repo" / "**" / "*.rs"), str(repository / "repo" / "a.py")]}
    assert syllabus("run", recipe(repository, source)).returncode == 0
    assert {row["path"] for row in rows_of(repository)} == {"src/b.rs", "a.py"}
    by = {"tags": {"kind": {"from": "regex", "field": "path", "pattern": r"[.](?P<label>[a-z]+)$"}}}
    assert syllabus("run", recipe(repository, source, **by)).returncode == 0
    assert {row["kind"] for row in rows_of(repository)} == {"rs", "py"}


def test_what_does_not_fit(repository: Path, syllabus: Command) -> None:
    done = syllabus("run", recipe(repository, {"format": "code", "paths": [str(repository)], "kind": "conversation"}))
    assert done.returncode == 2
    assert "format: code is one text a file" in done.stderr
    done = syllabus("run", recipe(repository, {"paths": [str(repository / "repo" / "src")]}))
    assert done.returncode == 2
    assert "of plain files write format: text, or code" in done.stderr


def test_names_of_files() -> None:
    assert kind_of("x.jsonl.gz", "rows") == ("jsonl", "gzip")
    assert kind_of("x.py.zst", "code") == ("code", "zstd")
    assert language_of("a/Makefile") is None
    assert language_of("a.b/c.CPP") == "c++"
    assert is_taken("x.tex", "text")
    assert not is_taken("x.png", "text")
