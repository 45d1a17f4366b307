"""What the commands share: their options, the two streams, and how a flow is run from a terminal."""

from __future__ import annotations

import importlib
import logging
import os
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from flows.embedded_api import configure, embedded_api

if TYPE_CHECKING:
    from flows.progress import Progress

out = Console()
err = Console(stderr=True)

RecipePath = Annotated[str, typer.Argument(help="The recipe, a YAML file.", metavar="RECIPE")]
ReleasePath = Annotated[
    str, typer.Argument(help="A release's folder, or a recipe's folder (its latest).", metavar="RELEASE")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Override a field: key.path=value; the value is YAML. Repeatable.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing but errors and where the result is.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Prefect's log on standard error besides.")]
Losses = Annotated[str | None, typer.Option(help="A loss report (JSON lines or Parquet) for online mixtures.")]


def printable(text: str) -> str:
    """Text from outside as it may stand on a terminal: no markup, and no character that does not show."""
    from rich.markup import escape

    return escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def fail(message: str, code: int) -> NoReturn:
    err.print(f"error: {message}", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(code)


def quiet(*, verbose: bool = False) -> None:
    """What fails is said once, by us: nothing of Prefect's own on the terminal, unless the user asks for it."""
    if verbose:
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
        return
    for setting in ("PREFECT_LOGGING_LEVEL", "PREFECT_LOGGING_INTERNAL_LEVEL"):
        os.environ.setdefault(setting, "CRITICAL")
    for worker in ("EventsWorker", "APILogWorker"):  # they log under names of their own
        logging.getLogger(worker).setLevel(logging.CRITICAL)


def bars(*, silent: bool) -> Progress:
    """A bar a stage on standard error, a line a stage where that is no terminal."""
    from flows import progress

    if silent:
        return progress.silent(err)
    return progress.terminal(err) if err.is_terminal else progress.lines(err)


def flow_result(module: str, name: str, *arguments: Any) -> Any:
    """What a flow returns, run on an embedded API where none is configured; its user error is raised as it is."""
    configure()
    quiet()
    with embedded_api(meanwhile=lambda: importlib.import_module(module)):
        flow = getattr(importlib.import_module(module), name)
        result = flow(*arguments, return_state=True).result(raise_on_failure=False)
    if isinstance(result, BaseException):
        raise result
    return result


def kept(module: str, recipe: Any, *arguments: Any, silent: bool, **named: Any) -> Any:
    """What the flow of a module, made ``with_engine`` of the recipe, hands over; its user error is raised as it is."""
    configure()
    quiet()
    with embedded_api(recipe.engine.address, meanwhile=lambda: importlib.import_module(module)):
        with_engine = importlib.import_module(module).with_engine
        made: list[Any] = []
        flow: Any = with_engine(recipe, *arguments, keep=made.append, progress=bars(silent=silent), **named)
        failure = flow(return_state=True).result(raise_on_failure=False)
    if isinstance(failure, BaseException):
        raise failure
    return made[0]
