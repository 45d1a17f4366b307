"""Reports over HTTP: the page of a release and of a document, to this machine alone, and no other file."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from curation.releases.report.page import SERVED
from flows import report_server
from tests.conftest import Command, recipe_of, release_of


@pytest.fixture
def port() -> Iterator[int]:
    server = report_server.start("127.0.0.1", 0)
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def get(port: int, path: str, host: str = "127.0.0.1", **query: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}", headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def fake_release(folder: Path, name: str = "20260101T000000-abcdef") -> Path:
    release = folder / name
    release.mkdir(parents=True)
    (release / "manifest.json").write_text("{}")
    (release / "report.html").write_text(f"<p>the report</p>{SERVED}")
    return release


def test_a_report_with_a_way_to_look_documents_up(tmp_path: Path, port: int) -> None:
    release = fake_release(tmp_path / 'odd "name" <b>')
    status, page = get(port, "/report", release=str(release))
    assert status == 200
    assert "the report" in page
    assert 'action="/explain"' in page
    assert "<b>" not in page


def test_nothing_else_is_served(tmp_path: Path, port: int) -> None:
    release = fake_release(tmp_path)
    (tmp_path / "report.html").write_text("secret")
    (tmp_path / "manifest.json").write_text("{}")
    unfinished = tmp_path / "20260102T000000-abcdef"
    unfinished.mkdir()
    (unfinished / "report.html").write_text("secret")
    for path, asked in (
        ("/report", str(tmp_path)),
        ("/report", f"{release}/.."),
        ("/report", str(unfinished)),
        ("/report", ""),
        ("/", str(release)),
        ("/manifest.json", str(release)),
    ):
        status, page = get(port, path, release=asked)
        assert status == 404, (path, asked)
        assert "secret" not in page


def test_another_name_for_this_machine_is_refused(tmp_path: Path, port: int) -> None:
    release = fake_release(tmp_path)
    assert get(port, "/report", host="evil.example", release=str(release))[0] == 403
    assert get(port, "/report", host=f"localhost:{port}", release=str(release))[0] == 200


@pytest.mark.server
def test_the_life_of_a_document(corpus: Path, tmp_path: Path, port: int, syllabus: Command) -> None:
    assert syllabus("run", str(recipe_of(tmp_path))).returncode == 0
    release = release_of(tmp_path)
    status, page = get(port, "/explain", release=str(release), q="w9")
    assert status == 200
    assert "dropped by minhash: near_duplicate" in page
    assert "<ins>And then it was over.</ins>" in page
    url = json.loads((corpus / "web" / "a.jsonl").read_text().splitlines()[0])["url"]
    assert "in the shards" in get(port, "/explain", release=str(release), q=url)[1]
    status, page = get(port, "/explain", release=str(release), q="<script>alert(1)</script>")
    assert status == 200
    assert "No document of this release" in page
    assert "<script>alert" not in page
