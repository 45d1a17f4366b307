"""Progress of a run: bars on a terminal, lines elsewhere, artifacts on the page of a run; and what each stage took."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Protocol, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

SECONDS_BETWEEN = 2.0
"""The run page is told no more often than this."""
LINE_SECONDS = 10.0
"""Nor is a file or a pipe, within a stage."""


class Progress(Protocol):
    """Anything that shows stages."""

    def stage(self, name: str, total: int, size: int = 0) -> contextlib.AbstractContextManager[Callable[[int], None]]:
        """A stage of ``total`` steps over ``size`` bytes of input; the callable advances it by so many steps."""
        ...

    def say(self, sentence: str) -> None:
        """Something that whoever started the run should know now."""
        ...


class _Silent:
    def __init__(self, console: Console | None = None):
        self.console = console

    def __reduce__(self) -> tuple[type[_Silent], tuple[()]]:
        """A task in another process gets the flow with all that belongs to it: there, nothing is shown."""
        return _Silent, ()

    def say(self, sentence: str) -> None:
        if self.console is not None:
            self.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def stage(self, name: str, total: int, size: int = 0) -> Iterator[Callable[[int], None]]:
        yield lambda steps: None


class _Terminal(_Silent):
    @contextlib.contextmanager
    def stage(self, name: str, total: int, size: int = 0) -> Iterator[Callable[[int], None]]:
        assert self.console is not None
        columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bars(*columns, console=self.console) as bars:
            task = bars.add_task(name, total=total)
            yield lambda steps: bars.advance(task, steps)
            bars.update(task, completed=total)


class _Lines(_Silent):
    """A line a stage, and one every ten seconds in a long one: for files, pipes and the logs of CI."""

    @contextlib.contextmanager
    def stage(self, name: str, total: int, size: int = 0) -> Iterator[Callable[[int], None]]:
        assert self.console is not None
        began = told = time.monotonic()
        done = 0

        def advance(steps: int) -> None:
            nonlocal done, told
            done += steps
            if done < total and time.monotonic() - told >= LINE_SECONDS:
                told = time.monotonic()
                self.say(
                    f"{name}: {done:,} of {total:,}, {told - began:.0f} s{_rate(size * done / total, told - began)}"
                )

        yield advance
        seconds = time.monotonic() - began
        self.say(f"{name}: {total:,} of {total:,} in {seconds:.1f} s{_rate(size, seconds)}")


def _rate(size: float, seconds: float) -> str:
    return f", {size / 1e6 / seconds:.1f} MB/s" if size and seconds > 0 else ""


class _RunPage:
    def say(self, sentence: str) -> None:
        get_run_logger().warning(sentence)

    @contextlib.contextmanager
    def stage(self, name: str, total: int, size: int = 0) -> Iterator[Callable[[int], None]]:
        key = "stage-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        made = create_progress_artifact(progress=0.0, key=key, description=f"{name}: 0 of {total}")
        artifact = cast(UUID, made)  # not a coroutine outside of an event loop
        done, told = 0, time.monotonic()

        def advance(steps: int) -> None:
            nonlocal done, told
            done += steps
            if time.monotonic() - told >= SECONDS_BETWEEN:
                told = time.monotonic()
                update_progress_artifact(artifact, min(100.0, 100 * done / total), f"{name}: {done} of {total}")

        yield advance
        update_progress_artifact(artifact, 100.0, f"{name}: {total} of {total}")


def silent(console: Console | None = None) -> Progress:
    """No bars; sentences go to the console, if there is one."""
    return _Silent(console)


def terminal(console: Console) -> Progress:
    """One bar a stage, on the given console (standard error, so that results stay clean)."""
    return _Terminal(console)


def lines(console: Console) -> Progress:
    """One line a stage, on a console that is no terminal."""
    return _Lines(console)


def on_the_run_page() -> Progress:
    """One progress artifact a stage, on the page of the current flow run."""
    return _RunPage()


class timed:
    """Notes the block's seconds under a name."""

    def __init__(self, clock: dict[str, float], name: str):
        self.clock, self.name = clock, name

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.clock[self.name] = self.clock.get(self.name, 0.0) + time.perf_counter() - self.started
