"""A corpus, a Prefect API for the session, and the command line as a user runs it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of commands: one embedded Prefect API for the session."""
    home = tmp_path_factory.mktemp("prefect")
    before = dict(os.environ)
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_HOME"] = str(home)
    from flows.embedded_api import configure, embedded_api

    configure()
    with embedded_api() as url:
        # Prefect read its settings when some test module imported it, before there was this server.
        from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

        with temporary_settings({PREFECT_API_URL: url, PREFECT_HOME: home}):
            yield {**os.environ, "PREFECT_API_URL": url}
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def syllabus(api: dict[str, str], tmp_path: Path) -> Command:
    """Runs a command line of syllabus in ``tmp_path`` and returns what came of it."""

    def command(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=tmp_path,
            env={**api, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
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
