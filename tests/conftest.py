"""A corpus, a Prefect API for the session, and the command line as a user runs it."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from hypothesis import settings

# Kernels are compiled at their first call: no example is judged by its time.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

ROOT = Path(__file__).resolve().parent.parent
WORDS = [
    "the",
    "of",
    "and",
    "to",
    "with",
    "that",
    "have",
    "be",
    "in",
    "it",
    "on",
    "as",
    "is",
    "for",
    "river",
    "stone",
    "history",
    "market",
    "engine",
    "garden",
    "letter",
    "window",
    "music",
    "signal",
    "forest",
    "weather",
    "kitchen",
    "bridge",
    "paper",
    "winter",
    "number",
    "colour",
    "teacher",
    "village",
    "machine",
    "water",
    "story",
]

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Vector = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def vector() -> Vector:
    """A published vector by its id: input, output, source and where it is from."""
    vectors = json.loads((ROOT / "tests" / "golden" / "method_vectors.json").read_text(encoding="utf-8"))
    return lambda name: vectors[name]


def texts(n: int, seed: int = 0, words: int = 120) -> list[str]:
    """English-looking documents that pass the Gopher rules; every tenth nearly repeats the one before it."""
    draw = random.Random(seed)
    made: list[str] = []
    for i in range(n):
        if i % 10 == 9:
            made.append(made[-1] + " And then it was over.")
            continue
        lines = [" ".join(draw.choice(WORDS) for _ in range(12)) + "." for _ in range(words // 12)]
        made.append("\n".join(lines))
    return made


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two sources of three files: 300 web documents with URLs, 100 of a book."""
    raw = tmp_path / "raw"
    web = [
        {"id": f"w{i}", "text": text, "url": f"https://site{i % 7}.example.org/page/{i}", "topic": f"t{i % 3}"}
        for i, text in enumerate(texts(300, seed=1))
    ]
    write_jsonl(raw / "web" / "a.jsonl", web[:160])
    write_jsonl(raw / "web" / "b.jsonl", [*web[160:], web[0]])
    write_jsonl(raw / "books.jsonl", [{"content": text} for text in texts(100, seed=2)])
    return raw


def recipe_of(folder: Path, **fields: Any) -> Path:
    """A recipe on the corpus, as a file."""
    plain: dict[str, Any] = {
        "name": "tried",
        "output": str(folder / "out"),
        "sources": [
            {"name": "web", "paths": [str(folder / "raw" / "web" / "*.jsonl")]},
            {"name": "books", "paths": [str(folder / "raw" / "books.jsonl")], "columns": {"text": "content"}},
        ],
        "clean": {"rules": [{"gopher_repetition": {"dup_n_grams": {}, "top_n_grams": {}}}, "gopher_quality"]},
        "tags": {"domain": {"from": "url"}},
        "conditioning": {"template": "URL: {domain}\n\n"},
        "phases": [
            {"name": "conditioned", "share": 0.9},
            {"name": "cooldown", "share": 0.1, "conditioning": None},
        ],
        "shards": {"max_bytes": "64KB"},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**plain, **fields}))
    return path


def pytest_configure() -> None:
    """Where the session's Prefect API will be, before a test module imports Prefect, which then reads its settings: so that
    flows in threads find it too, and what runs a flow without asking for ``api`` fails instead of starting a server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    os.environ["COLUMNS"] = "200"  # Rich reads it when the command line is imported
    os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="syllabus-prefect-")
    os.environ["PREFECT_LOGGING_LEVEL"] = os.environ["PREFECT_LOGGING_INTERNAL_LEVEL"] = "CRITICAL"
    from flows.embedded_api import configure

    configure()


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["PREFECT_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def api() -> Iterator[dict[str, str]]:
    """The environment of commands: one embedded Prefect API for the session."""
    from flows import embedded_api

    url = os.environ.pop("PREFECT_API_URL")
    port = urlsplit(url).port
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_api, "_free_port", lambda host: port)
        with embedded_api.embedded_api():
            yield dict(os.environ)
            from prefect.events.worker import EventsWorker
            from prefect.logging.handlers import APILogWorker

            for worker in (APILogWorker, EventsWorker):  # what is still to be sent goes while the API is there
                worker.drain_all(timeout=5)
    os.environ["PREFECT_API_URL"] = url


@pytest.fixture
def syllabus(api: dict[str, str], tmp_path: Path) -> Command:
    """Runs a command line of syllabus in ``tmp_path`` and returns what came of it: in this process, where Prefect is imported
    already; ``process`` is the command line as a user has it."""
    from flows import cli

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["syllabus", *arguments])
            code = cli._command()
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return command


@pytest.fixture
def process(api: dict[str, str], tmp_path: Path) -> Command:
    """The same as a process of its own."""

    def command(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=tmp_path,
            env={**api, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return command


def release_of(folder: Path, name: str = "tried") -> Path:
    """The latest release of a recipe."""
    home = folder / "out" / name
    return home / json.loads((home / "latest.json").read_text())["release"]


def shard_bytes(release: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((release / "shards").iterdir())}
