"""Plain files and WARC files as sources, through recipes: text, code, crawls."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import fastwarc.warc as fastwarc
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


def warc(pages: list[tuple[str, str, bytes]], *, compressed: bool = True) -> bytes:
    """A WARC file: of each (url, content type, body) a request and a response."""
    out = io.BytesIO()
    for url, kind, body in pages:
        for record_type, content in (
            (fastwarc.WarcRecordType.request, b"GET / HTTP/1.1\r\n\r\n"),
            (
                fastwarc.WarcRecordType.response,
                b"HTTP/1.1 200 OK\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + body,
            ),
        ):
            record = fastwarc.WarcRecord()
            record.init_headers(record_type)
            record.headers["WARC-Target-URI"] = url
            record.headers["WARC-Date"] = "2026-03-01T00:00:00Z"
            record.headers["Content-Type"] = "application/http; msgtype=response"
            record.set_bytes_content(content)
            written = io.BytesIO()
            record.write(written)
            out.write(gzip.compress(written.getvalue()) if compressed else written.getvalue())
    return out.getvalue()


PAGE = "<html><head><title>x</title><script>alert(1)</script></head><body><main><h1>{0}</h1><p>{1}</p></main></body></html>"
ENGLISH = "This is a page about the garden behind the house, where the old trees stand in the morning light. " * 3
GERMAN = "Dies ist eine Seite über den Garten hinter dem Haus, in dem die alten Bäume im Morgenlicht stehen. " * 3


def test_pages_of_a_crawl(tmp_path: Path, syllabus: Command) -> None:
    pages = [
        ("https://a.example.org/1", "text/html; charset=utf-8", PAGE.format("One", ENGLISH).encode()),
        ("https://a.example.org/2", "text/html; charset=iso-8859-1", PAGE.format("Zwei", GERMAN).encode("latin-1")),
        ("https://a.example.org/3.png", "image/png", b"\x89PNG"),
        ("https://a.example.org/4", "text/html", b"<html><body></body></html>"),
    ]
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.warc.gz").write_bytes(warc(pages))
    (tmp_path / "raw" / "b.warc").write_bytes(
        warc([("https://b.example.org/", "text/html", PAGE.format("Three", ENGLISH[::-1]).encode())], compressed=False)
    )
    tags = {"of_page": {"from": "column", "column": "language"}, "domain": {"from": "url"}}
    path = recipe(tmp_path, {"paths": [str(tmp_path / "raw")]}, tags=tags)
    done = syllabus("run", path)
    assert done.returncode == 0, done.stderr
    found = {row["url"]: row for row in rows_of(tmp_path)}
    assert set(found) == {"https://a.example.org/1", "https://a.example.org/2", "https://b.example.org/"}
    first, second = found["https://a.example.org/1"], found["https://a.example.org/2"]
    assert first["text"].startswith("One\n\nThis is a page")
    assert "alert" not in first["text"]
    assert (first["of_page"], second["of_page"]) == ("en", "de")
    assert "Bäume" in second["text"]
    manifest = json.loads((release_of(tmp_path) / "manifest.json").read_text())
    assert {"fastwarc", "resiliparse"} < set(manifest["software"]["packages"])
    assert [one["documents"] for one in manifest["inputs"]] == [3, 1]
    assert manifest["funnel"][0]["dropped"] == {"empty": 1}
    told = syllabus("look", str(tmp_path / "raw"))
    assert "language" in told.stdout
    assert "languages: en 1, de 1" in told.stdout


def test_a_crawl_that_is_damaged(tmp_path: Path, syllabus: Command) -> None:
    whole = warc(
        [(f"https://a.example.org/{n}", "text/html", PAGE.format(n, f"{n} {ENGLISH}").encode()) for n in range(40)]
    )
    (tmp_path / "good.warc.gz").write_bytes(whole)
    (tmp_path / "cut.warc.gz").write_bytes(whole[: len(whole) // 2 + 7])
    (tmp_path / "none.warc").write_bytes(b"no record at all\n" * 20)
    (tmp_path / "rows.jsonl").write_text('{"text": "a text of its own"}\n')
    done = syllabus("run", recipe(tmp_path, {"paths": [str(tmp_path / "*.warc*"), str(tmp_path / "rows.jsonl")]}))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((release_of(tmp_path) / "manifest.json").read_text())
    counts = {Path(one["path"]).name: one["documents"] for one in manifest["inputs"]}
    assert counts["good.warc.gz"] == 40
    assert 18 <= counts["cut.warc.gz"] <= 21
    assert counts["none.warc"] == 0
    assert [Path(one["path"]).name for one in manifest["errors"]["files"]] == ["none.warc"] or len(
        manifest["errors"]["files"]
    ) == 2
