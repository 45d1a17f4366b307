"""A stream that is ready for its second week, to be broken off in as many ways as there are, and what it must come to."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests import every_stage
from tests.faults.running import left_over, run, sound


class Ready:
    """A stream with a week in it and another that has arrived; what it comes to undisturbed, and how often it writes till then.

    documents: of a file. engine: settings of the recipe's engine.
    """

    def __init__(self, folder: Path, api: dict[str, str], documents: int = 60, **engine: Any):
        self.folder, self.api, self.engine = folder, api, engine
        every_stage.raw_text(folder, documents)
        every_stage.week(folder, 0)
        recipe = self.recipe("before")
        assert run(recipe, api).returncode == 0
        every_stage.week(folder, 1)
        shutil.copytree(folder / "before", folder / "wanted")
        counted = folder / "counted"
        done = run(self.recipe("wanted"), api, COUNT_WRITES=counted)
        assert (done.returncode, done.stderr) == (0, "")
        self.wanted = every_stage.bytes_of(folder / "wanted")
        self.writes = int(counted.read_text())
        assert self.writes > 200
        assert left_over(folder / "wanted" / "every-stage") == []

    def recipe(self, output: str) -> Path:
        """The recipe, with a folder to write to."""
        return every_stage.recipe_of(self.folder, self.folder / output, **self.engine)

    def again(self) -> Path:
        """A recipe over the stream as it was before the second week."""
        shutil.rmtree(self.folder / "found", ignore_errors=True)
        shutil.copytree(self.folder / "before", self.folder / "found")
        return self.recipe("found")

    def goes_on(self, recipe: Path, where: str) -> None:
        """What was broken off is sound to readers, and comes to the undisturbed bytes when it is run again."""
        sound(self.home)
        done = run(recipe, self.api)
        assert (done.returncode, done.stderr) == (0, ""), where
        self.is_as_undisturbed(where)

    @property
    def home(self) -> Path:
        return self.folder / "found" / "every-stage"

    def is_as_undisturbed(self, where: str) -> None:
        """The release is sound, has the bytes that it is to have, and nothing else is left."""
        sound(self.home)
        assert every_stage.bytes_of(self.folder / "found") == self.wanted, where
        assert left_over(self.home) == [], where
