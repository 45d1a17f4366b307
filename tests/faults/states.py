"""All that a run leaves on the disk on its way: what a process that is killed at its k-th write would have left, for every k of one run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNIQUE = re.compile(r"[0-9a-f]{32}")


class States:
    """What was kept in ``kept`` by a run with STATES; each distinct one of them is told apart by files, contents and folders."""

    def __init__(self, kept: Path):
        self.kept = kept
        self.points: dict[int, dict[str, Any]] = {}
        """Of each distinct state its first point, counted from 1, and what stood there."""
        seen = set()
        for self.count, line in enumerate((kept / "states.jsonl").open(), start=1):
            state = json.loads(line)
            same = UNIQUE.sub("", json.dumps([sorted(state["files"].items()), sorted(state["folders"])]))
            if same not in seen:
                seen.add(same)
                self.points[self.count] = state

    def put_back(self, point: int, folder: Path) -> None:
        """Have the state of a point stand in ``folder``, and nothing else."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in self.points[point]["folders"]:
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, digest in self.points[point]["files"].items():
            shutil.copyfile(self.kept / "contents" / digest, folder / name)

    def part(self, number: int, parts: int) -> Iterator[int]:
        """Every so many-th point."""
        yield from list(self.points)[number::parts]
