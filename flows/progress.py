"""Progress of a run on a terminal; silent where there is none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress(Protocol):
    """Anything that shows stages."""

    def stage(self, name: str, total: int) -> contextlib.AbstractContextManager[Callable[[], None]]:
        """A stage of ``total`` steps; the callable advances it by one."""
        ...


class _Silent:
    @contextlib.contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[], None]]:
        yield lambda: None


class _Terminal:
    def __init__(self, console: Console):
        self.console = console

    @contextlib.contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[], None]]:
        columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bars(*columns, console=self.console) as bars:
            task = bars.add_task(name, total=total)
            yield lambda: bars.advance(task)
            bars.update(task, completed=total)


def silent() -> Progress:
    """No output: for flows under a worker."""
    return _Silent()


def terminal(console: Console) -> Progress:
    """One bar a stage, on the given console (standard error, so that results stay clean)."""
    return _Terminal(console)
