"""WARC files as sources, through recipes."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import fastwarc.warc as fastwarc
import pytest

from tests.conftest import Command, release_of
from tests.curation.readers.test_plain import recipe, rows_of

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


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
